// The seek bar over the whole lesson, and under it a lane for each seat.

import { css, html, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { styleMap } from "lit/directives/style-map.js";
import { define, TongkeElement } from "../../components/element.ts";
import { base } from "../../design/shared.ts";
import { clock } from "../../i18n/format.ts";
import type { Pause } from "../../api/types.ts";
import type { Chapter, SeatLane } from "./chapters.ts";

const STEP_S = 5;

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
      .lane {
        display: grid;
        grid-template-columns: 120px 1fr;
        align-items: center;
        gap: 8px;
        font-size: 13px;
      }
      .name {
        overflow: hidden;
        color: var(--ink-soft);
        text-overflow: ellipsis;
        white-space: nowrap;
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
      .spans .floor {
        background: var(--accent);
      }
      .spans .now {
        width: 2px;
        background: var(--ink);
      }
      .wide {
        margin-inline-start: 128px;
      }
    `,
  ];

  @property({ type: Number }) position = 0;
  @property({ type: Number }) duration = 0;
  @property({ attribute: false }) chapters: readonly Chapter[] = [];
  @property({ attribute: false }) pauses: readonly Pause[] = [];
  @property({ attribute: false }) lanes: readonly SeatLane[] = [];

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
            html`<span class="chapter" style=${styleMap({ left: this.share(chapter.at) })}></span>`,
        )}
        <span class="knob" style=${styleMap({ left: this.share(this.position) })}></span>
      </div>
      <div role="group" aria-label=${player.rooms}>
        ${this.lanes.map((lane) => this.lane(lane))}
      </div>`;
  }

  private lane(lane: SeatLane): TemplateResult {
    const spans = (all: SeatLane["present"], kind: string): TemplateResult[] =>
      all.map(
        ([from, to]) =>
          html`<span
            class=${kind}
            style=${styleMap({ left: this.share(from), width: this.share(to - from) })}
          ></span>`,
      );
    return html`<div class="lane">
      <span class="name" title=${lane.school}>${lane.name}</span>
      <div class="spans">
        ${spans(lane.present, "present")}${spans(lane.floor, "floor")}
        <span class="now" style=${styleMap({ left: this.share(this.position) })}></span>
      </div>
    </div>`;
  }

  private share(seconds: number): string {
    return `${this.duration > 0 ? (100 * seconds) / this.duration : 0}%`;
  }

  private grab(event: PointerEvent): void {
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    this.seekTo(event);
  }

  private drag(event: PointerEvent): void {
    if (event.buttons & 1) this.seekTo(event);
  }

  private seekTo(event: PointerEvent): void {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const share = (event.clientX - box.left) / Math.max(1, box.width);
    this.tell(Math.min(1, Math.max(0, share)) * this.duration);
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
