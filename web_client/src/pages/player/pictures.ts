// The pictures of a recording: as the class saw them, until the viewer chooses one.

import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, queryAll, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { styleMap } from "lit/directives/style-map.js";
import type { Part, Recording } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { base } from "../../design/shared.ts";
import type { Picture } from "../../lesson/selectors.ts";
import { AsSeen, partOf } from "./as_seen.ts";
import { covers } from "./clock.ts";
import type { PartView } from "./part_view.ts";
import "./part_view.ts";
import { besideLarge, type Box, inAWall } from "./places.ts";
import { small } from "./quality.ts";

type Place = "large" | "small" | "member" | "away";

/** What stands where: `large` is one picture, or all of a wall. */
interface Arranged {
  readonly wall: boolean;
  readonly large: readonly Part[];
  readonly small: readonly Part[];
}

export class Pictures extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        position: relative;
        display: block;
        min-width: 0;
        min-height: 0;
        overflow: hidden;
      }
      .view {
        position: absolute;
      }
      .view.large {
        cursor: pointer;
        touch-action: manipulation; /* two taps are a double click and no zoom */
      }
      .view.away {
        width: 1px;
        height: 1px;
        overflow: hidden;
        visibility: hidden;
      }
      tk-part {
        width: 100%;
        height: 100%;
      }
      .swap {
        position: absolute;
        inset: 0;
        width: 100%;
        padding: 0;
        border: 2px solid transparent;
        border-radius: var(--radius);
        background: transparent;
        cursor: pointer;
      }
      .swap:focus-visible {
        outline-offset: -3px; /* at the edge of what is cut off */
      }
      .swap:hover {
        border-color: var(--accent);
      }
      .nobody {
        position: absolute;
        inset: 40% 0 auto;
        color: var(--ink-soft);
        text-align: center;
      }
    `,
  ];

  @property({ attribute: false }) recording!: Recording;
  @property({ type: Number }) position = 0;
  /** What the viewer wants to see large, whatever the class saw. */
  @property({ attribute: false }) chosen: Picture | null = null;
  /** Only what is large, over all there is. */
  @property({ type: Boolean }) filled = false;
  /** Small pictures, where such were recorded, for a thin line. */
  @property({ type: Boolean }) small = false;
  @property({ type: Number }) volume = 1;
  @property({ attribute: false }) speaking: ReadonlySet<string> = new Set();
  @queryAll("tk-part") readonly views!: NodeListOf<PartView>;
  @state() private width = 640;
  @state() private height = 360;
  private asSeen: AsSeen | null = null;
  /** The last click has chosen a picture: where it is one of two, the second one chooses nothing. */
  private hasChosen = false;
  private readonly sizes = new ResizeObserver(([entry]) => {
    if (!entry) return;
    this.width = entry.contentRect.width;
    this.height = entry.contentRect.height;
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.sizes.observe(this);
  }

  override disconnectedCallback(): void {
    this.sizes.disconnect();
    super.disconnectedCallback();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("recording")) this.asSeen = new AsSeen(this.recording);
  }

  /** The picture after the large one, of all there are now. */
  next(): Picture | null {
    const shown = this.shown();
    const [large] = this.arranged(shown).large;
    const after = shown[(shown.findIndex((part) => part === large) + 1) % Math.max(1, shown.length)];
    return after ? pictureOf(after) : null;
  }

  /** Parts with a picture at this moment. */
  private shown(): Part[] {
    return this.recording.parts.filter((part) => part.has_video && covers(part, this.position));
  }

  private arranged(shown: readonly Part[]): Arranged {
    const find = (picture: Picture | null | undefined): Part | null =>
      partOf(shown, picture ?? undefined, this.position);
    const stage = this.asSeen?.stage(this.position);
    const wanted = find(this.chosen);
    const seen = (stage?.large ?? []).map(find).filter((part) => part !== null);
    const wall = !wanted && stage?.shape === "wall" && seen.length > 1;
    if (wall) return { wall, large: seen, small: [] };
    const large = wanted ?? seen[0] ?? shown[0] ?? null;
    return { wall, large: large ? [large] : [], small: shown.filter((part) => part !== large) };
  }

  /** Each part's place, by its id. */
  private places(arranged: Arranged): Map<string, { place: Place; box: Box }> {
    const { wall, large, small } = arranged;
    const { width, height } = this;
    const places = new Map<string, { place: Place; box: Box }>();
    const put = (parts: readonly Part[], place: Place, boxes: readonly Box[]): void => {
      for (const [at, part] of parts.entries()) {
        const box = boxes[at];
        if (box) places.set(part.part_id, { place, box });
      }
    };
    if (wall) put(large, "member", inAWall(large.length, width, height));
    else {
      const beside = this.filled ? [] : small;
      const boxes = besideLarge(beside.length, width, height);
      put(large, "large", [boxes.large]);
      put(beside, "small", boxes.small);
    }
    return places;
  }

  /** The button goes away with the picture's growing: the one that shrinks has the next. */
  private choose(event: MouseEvent, part: Part, large: Part | undefined): void {
    if (event.detail > 1) return; // what has come under the pointer by the first click
    this.hasChosen = true;
    this.chosen = pictureOf(part);
    this.dispatchEvent(new CustomEvent<Picture>("choose", { detail: this.chosen }));
    this.focusOn(`[data-swap="${CSS.escape(large?.part_id ?? "")}"]`, ".swap");
  }

  override render(): TemplateResult {
    const { recording } = this;
    const arranged = this.arranged(this.shown());
    const places = this.places(arranged);
    const [large] = arranged.large;
    // All parts stay in place in the page: moving a media element would stop it.
    return html`${repeat(
      recording.parts,
      (part) => part.part_id,
      (part) => {
        const found = places.get(part.part_id);
        const place = found?.place ?? "away";
        return html`<div
          class="view ${place}"
          data-place=${place}
          style=${styleMap(styleOf(found?.box))}
          @dblclick=${() => this.tell("fill")}
        >
          <tk-part
            data-testid="part-${part.part_id}"
            data-seat=${part.seat_id}
            .recordingId=${recording.id}
            .recorded=${this.small ? small(part) : part}
            .volume=${this.volume}
            .large=${place === "large" || place === "member"}
            .speaking=${this.speaking.has(part.seat_id)}
            @click=${place === "large" ? this.toggle : nothing}
          ></tk-part>
          ${place === "small" || place === "member"
            ? html`<button
                class="swap"
                data-swap=${part.part_id}
                aria-label=${this.m.player.swap(part.name)}
                @click=${(event: MouseEvent) =>
                  this.choose(event, part, arranged.wall ? undefined : large)}
              ></button>`
            : nothing}
        </div>`;
      },
    )}
    ${large ? nothing : html`<p class="nobody">${this.m.player.nobodyHere}</p>`}`;
  }

  private readonly toggle = (event: MouseEvent): void => {
    if (event.detail > 1 && this.hasChosen) return;
    this.hasChosen = false;
    this.tell("toggle");
  };

  private tell(what: "toggle" | "fill"): void {
    this.dispatchEvent(new CustomEvent(what));
  }
}

function pictureOf(part: Part): Picture {
  return { seatId: part.seat_id, source: part.source };
}

function styleOf(box: Box | undefined): Record<string, string> {
  if (!box) return {};
  const px = (length: number): string => `${Math.floor(length)}px`;
  return {
    left: px(box.left),
    top: px(box.top),
    width: px(box.width),
    height: px(box.height),
  };
}

define("tk-pictures", Pictures);

declare global {
  interface HTMLElementTagNameMap {
    "tk-pictures": Pictures;
  }
}
