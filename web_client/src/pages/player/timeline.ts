// The seek bar over the whole lesson, and under it a lane for each seat.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import { styleMap } from "lit/directives/style-map.js";
import { define, TongkeElement } from "../../components/element.ts";
import { base } from "../../design/shared.ts";
import { clock } from "../../i18n/format.ts";
import type { Pause, Strip } from "../../api/types.ts";
import { type Chapter, type SeatLane, type Span, speakers } from "./chapters.ts";

const STEP_S = 5;

/** Where in the strip the picture of this moment stands; null for a strip that has none. */
export function placeInStrip(strip: Strip, at: number): { left: number; top: number } | null {
  if (strip.count < 1 || strip.columns < 1 || !(strip.every_s > 0)) return null;
  const number = Math.min(strip.count - 1, Math.max(0, Math.floor(at / strip.every_s)));
  return {
    left: (number % strip.columns) * strip.width,
    top: Math.floor(number / strip.columns) * strip.height,
  };
}

export class Timeline extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        gap: 6px;
      }
      .bar {
        position: relative;
        height: 24px;
        cursor: pointer;
        touch-action: none;
      }
      .track,
      .done {
        position: absolute;
        inset: 9px 0;
        border-radius: 99px;
        background: var(--line);
      }
      .done {
        inset-inline-end: auto;
        background: var(--accent);
      }
      .knob {
        position: absolute;
        inset-block: 3px;
        width: 18px;
        border-radius: 50%;
        background: var(--accent-strong);
        transform: translateX(-9px);
      }
      .pause {
        position: absolute;
        inset-block: 9px;
        min-width: 4px;
        background: var(--warn);
      }
      .chapter {
        position: absolute;
        inset-block: 7px;
        width: 2px;
        background: var(--ground);
      }
      .chapter.page {
        width: 1px;
      }
      .pointed {
        position: absolute;
        inset-block-end: 26px;
        padding: 2px 8px;
        border-radius: 4px;
        background: var(--picture-shade);
        color: var(--on-picture);
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
        pointer-events: none;
        transform: translateX(-50%);
      }
      .preview {
        display: block;
        margin: 4px auto;
        background-color: var(--picture-none);
      }
      .lane {
        display: grid;
        grid-template-columns: 120px 1fr;
        align-items: center;
        gap: 8px;
        font-size: 13px;
        line-height: 18px;
      }
      .name {
        overflow: hidden;
        color: var(--ink-soft);
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .name.speaking {
        color: var(--speaking);
        font-weight: 600;
      }
      .signs {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 16px;
        color: var(--ink-soft);
        font-size: 13px;
        line-height: 18px;
      }
      .signs span {
        display: inline-flex;
        align-items: center;
        gap: 6px;
      }
      .signs i {
        width: 16px;
        height: 8px;
        border-radius: 99px;
        background: var(--line-strong);
      }
      .signs i.spoke {
        background: var(--speaking);
      }
      .signs i.floor {
        border-block-end: 3px solid var(--hand);
      }
      .spans {
        position: relative;
        height: 8px;
        overflow: hidden;
        border-radius: 99px;
        background: var(--surface-raised);
      }
      .spans span {
        position: absolute;
        inset-block: 0;
        background: var(--line-strong);
      }
      .spans .spoke {
        min-width: 2px;
        background: var(--speaking);
      }
      .spans .floor {
        inset-block-start: auto;
        height: 3px;
        background: var(--hand);
      }
      .spans .now {
        width: 2px;
        background: var(--ink);
      }
      .wide {
        margin-inline-start: 128px;
      }
      @media (max-width: 900px) {
        .wide {
          margin-inline-start: 0;
        }
        .bar {
          height: 36px; /* a finger's */
        }
        .track,
        .done,
        .pause {
          inset-block: 15px;
        }
        .knob {
          inset-block: 9px;
        }
        .chapter {
          inset-block: 13px;
        }
        .lane {
          grid-template-columns: 96px 1fr;
        }
      }
    `,
  ];

  @property({ type: Number }) position = 0;
  @property({ type: Number }) duration = 0;
  @property({ attribute: false }) chapters: readonly Chapter[] = [];
  @property({ attribute: false }) pauses: readonly Pause[] = [];
  @property({ attribute: false }) lanes: readonly SeatLane[] = [];
  /** Small pictures of the whole lesson, and where they are. */
  @property({ attribute: false }) strip: Strip | null = null;
  @property() stripAddress = "";
  /** What the pointer is at. */
  @state() private pointed: number | null = null;

  override render(): TemplateResult {
    const { player } = this.m;
    return html`<div
        class="bar wide"
        role="slider"
        tabindex="0"
        data-testid="seek"
        aria-label=${player.seek}
        aria-valuemin="0"
        aria-valuemax=${Math.round(this.duration)}
        aria-valuenow=${Math.round(this.position)}
        aria-valuetext="${clock(this.position)} / ${clock(this.duration)}"
        @pointerdown=${this.grab}
        @pointermove=${this.drag}
        @pointerleave=${this.leave}
        @pointerup=${this.release}
        @keydown=${this.key}
      >
        <span class="track"></span>
        <span class="done" style=${styleMap({ width: this.share(this.position) })}></span>
        ${this.pauses.map(
          (pause) =>
            html`<span
              class="pause"
              style=${styleMap({
                left: this.share(Math.min(pause.start_s, this.duration)),
                width: this.share(
                  Math.max(0, Math.min(pause.duration_s, this.duration - pause.start_s)),
                ),
              })}
            ></span>`,
        )}
        ${this.chapters.map(
          (chapter) =>
            html`<span class="chapter ${chapter.kind}" style=${styleMap({ left: this.share(chapter.at) })}></span>`,
        )}
        <span class="knob" style=${styleMap({ left: this.share(this.position) })}></span>
        ${this.pointed === null
          ? nothing
          : html`<span
              class="pointed"
              data-testid="pointed"
              aria-hidden="true"
              style=${styleMap({ left: this.share(this.pointed) })}
              >${this.preview(this.pointed)}${clock(this.pointed)}</span
            >`}
      </div>
      <div role="group" aria-label=${player.rooms}>
        ${this.allLanes()}
        <p class="signs wide" aria-hidden="true">
          <span><i></i>${player.laneSigns.present}</span>
          <span><i class="spoke"></i>${player.laneSigns.spoke}</span>
          <span><i class="floor"></i>${player.laneSigns.floor}</span>
        </p>
      </div>`;
  }

  /** Asked for only when somebody points: a thin line has other things to carry. */
  private preview(at: number): TemplateResult | typeof nothing {
    const { strip } = this;
    const place = strip && placeInStrip(strip, at);
    if (!strip || !place) return nothing;
    return html`<span
      class="preview"
      data-testid="preview"
      style=${styleMap({
        width: `${strip.width}px`,
        height: `${strip.height}px`,
        "background-image": `url("${this.stripAddress}")`,
        "background-position": `${-place.left}px ${-place.top}px`,
      })}
    ></span>`;
  }

  private allLanes(): TemplateResult[] {
    const speaking = speakers(this.lanes, this.position);
    return this.lanes.map(
      (lane) => html`<div class="lane">
        <span
          class="name ${speaking.has(lane.seatId) ? "speaking" : ""}"
          title="${lane.name} ${lane.school}"
          >${lane.name}</span
        >
        <div class="spans">
          ${guard([lane, this.duration], () => [
            this.spans(lane.present, "present"),
            this.spans(lane.spoke, "spoke"),
            this.spans(lane.floor, "floor"),
          ])}
          <span class="now" style=${styleMap({ left: this.share(this.position) })}></span>
        </div>
      </div>`,
    );
  }

  private spans(all: readonly Span[], kind: string): TemplateResult[] {
    return all.map(
      ([from, to]) =>
        html`<span
          class=${kind}
          style=${styleMap({ left: this.share(from), width: this.share(to - from) })}
        ></span>`,
    );
  }

  private share(seconds: number): string {
    return `${this.duration > 0 ? (100 * seconds) / this.duration : 0}%`;
  }

  private grab(event: PointerEvent): void {
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    this.seekTo(event);
  }

  private drag(event: PointerEvent): void {
    this.pointed = this.placeAt(event);
    if (event.buttons & 1) this.seekTo(event);
  }

  private leave(): void {
    this.pointed = null;
  }

  /** A finger that is lifted points at nothing any more. */
  private release(event: PointerEvent): void {
    if (event.pointerType !== "mouse") this.leave();
  }

  private seekTo(event: PointerEvent): void {
    this.tell(this.placeAt(event));
  }

  private placeAt(event: PointerEvent): number {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const share = (event.clientX - box.left) / Math.max(1, box.width);
    return Math.min(1, Math.max(0, share)) * this.duration;
  }

  private key(event: KeyboardEvent): void {
    const places: Partial<Record<string, number>> = {
      Home: 0,
      End: this.duration,
      PageUp: this.position + 60,
      PageDown: this.position - 60,
      ArrowUp: this.position + STEP_S,
      ArrowDown: this.position - STEP_S,
    };
    const place = places[event.key];
    if (place === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.tell(place);
  }

  private tell(position: number): void {
    this.dispatchEvent(new CustomEvent<number>("seek", { detail: position }));
  }
}

define("tk-timeline", Timeline);

declare global {
  interface HTMLElementTagNameMap {
    "tk-timeline": Timeline;
  }
}
