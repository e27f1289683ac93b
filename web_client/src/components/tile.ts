// One picture of one seat: the video, who it is, and in words why it does not move.
//
// Hooks for tests and styles: `data-seat`, `data-source`, `data-state` on the element itself.

import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { icon, lineSigns } from "../design/icons.ts";
import { base, lines } from "../design/shared.ts";
import { facts } from "../i18n/format.ts";
import { type Picture, producerOf } from "../lesson/selectors.ts";
import { type TileCondition, tileCondition } from "../lesson/tile_condition.ts";
import { PRIORITY, type TileSize } from "../lesson/wants.ts";
import type { SeatState } from "../protocol/messages.ts";
import { define } from "./element.ts";
import { MovingPicture, movingPicture } from "./moving_picture.ts";

/** Conditions in which there is no picture at all to be seen behind the words. */
const STILL = new Set<TileCondition>([
  "absent",
  "away-a-while",
  "no-picture",
  "picture-off",
  "elsewhere",
  "unshowable",
]);

/** Conditions in which nobody is there. */
const NOBODY = new Set<TileCondition>(["absent", "away-a-while"]);

export class Tile extends MovingPicture {
  static override styles = [
    base,
    movingPicture,
    css`
      :host {
        border-radius: var(--radius);
        font-size: var(--tile-text, 14px);
        aspect-ratio: 16 / 9;
        container-type: inline-size;
      }
      @container (max-width: 17em) {
        .sign .words {
          display: none;
        }
        .cover {
          padding: 0.3em 0.4em 2em;
          font-size: 0.8em;
          line-height: 1.15;
        }
        .cover svg {
          display: none; /* the words say it, and need the place */
        }
      }
      /* On a telephone not all of it fits above the name: the first words stand there whole. */
      @container (max-width: 8em) {
        .cover {
          align-content: start;
        }
      }
      video {
        object-fit: var(--tile-fit, cover);
      }
      video.mirrored {
        transform: scaleX(-1);
      }
      video.hidden {
        visibility: hidden;
      }
      .cover {
        align-content: center;
        gap: 0.4em;
        padding: 0.8em 0.8em 2.4em;
        line-height: 1.3;
      }
      .cover.solid {
        background: var(--picture-none);
      }
      .ring {
        position: absolute;
        inset: 0;
        border: 0 solid transparent;
        border-radius: inherit;
        pointer-events: none;
        transition: border-width 120ms;
      }
      .ring.speaking {
        border: var(--tile-ring, 4px) solid var(--speaking);
      }
      .plate {
        position: absolute;
        inset: auto 0 0 0;
        display: flex;
        align-items: center;
        gap: 0.5em;
        padding: 0.35em 0.6em;
        background: linear-gradient(transparent, var(--picture-shade) 45%);
      }
      .name {
        overflow: hidden;
        font-weight: 600;
        text-overflow: ellipsis;
        white-space: nowrap;
        text-shadow: 0 1px 2px var(--picture-shade);
      }
      .signs {
        display: flex;
        flex: none;
        align-items: center;
        gap: 0.35em;
        margin-inline-start: auto;
      }
      .sign {
        display: inline-flex;
        align-items: center;
        gap: 0.25em;
        padding: 0.1em 0.5em;
        border-radius: 99px;
        background: var(--picture-sign);
        font-size: 0.9em;
        white-space: nowrap;
      }
      .sign.floor {
        background: var(--speaking);
        color: var(--on-speaking);
        font-weight: 600;
      }
      .sign.hand {
        background: var(--hand);
        color: var(--on-hand);
        font-weight: 600;
      }
      .sign svg {
        width: 1.15em;
        height: 1.15em;
      }
    `,
    lines,
  ];

  @property({ attribute: false }) picture!: Picture;
  @property({ type: Number }) priority: number = PRIORITY.strip;
  /** Without name and signs: beside a card that says all of it. */
  @property({ type: Boolean }) bare = false;
  private onPage = false;
  private readonly visibility = new IntersectionObserver((entries) => {
    this.onPage = entries.some((entry) => entry.isIntersecting);
    this.report();
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.visibility.observe(this);
  }

  override disconnectedCallback(): void {
    this.visibility.disconnect();
    super.disconnectedCallback();
  }

  protected override willUpdate(): void {
    this.dataset.seat = this.picture.seatId;
    this.dataset.source = this.picture.source;
    this.dataset.state = this.condition();
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("picture") || changed.has("priority")) this.report();
    super.updated(changed);
  }

  protected override track(): MediaStreamTrack | null {
    const { view, picture } = this;
    if (picture.seatId === view.me?.seatId) return view.own.get(picture.source) ?? null;
    const producer = producerOf(view, picture);
    return (producer && view.tracks.get(producer.producer_id)) ?? null;
  }

  protected override wanted(): Pick<TileSize, "picture" | "priority"> | null {
    return this.onPage ? { picture: this.picture, priority: this.priority } : null;
  }

  private condition(): TileCondition {
    return tileCondition(this.view, this.picture, this.hasFrames);
  }

  override render(): TemplateResult {
    const { view, picture } = this;
    const seat = view.seats.get(picture.seatId);
    const condition = this.condition();
    const mine = picture.seatId === view.me?.seatId;
    const name = this.m.tile.pictureOf(seat?.name ?? "", this.m.sources[picture.source]);
    const gone = STILL.has(condition);
    const mirrored = mine && view.me.role === "lead" && picture.source === "teacher";
    const classes = `${gone ? "hidden" : ""} ${mirrored ? "mirrored" : ""}`;
    return html`${this.moving(name, classes)}
      ${this.cover(condition, gone)}
      <div class="ring ${view.speaking.has(picture.seatId) && seat?.may_speak ? "speaking" : ""}"></div>
      ${this.bare ? nothing : this.plate(mine)}`;
  }

  private cover(condition: TileCondition, solid: boolean): TemplateResult | typeof nothing {
    if (condition === "moving") return nothing;
    const words = {
      absent: this.m.tile.absent,
      away: this.m.tile.away,
      "away-a-while": this.m.tile.awayAWhile,
      "no-picture": this.m.tile.noPicture,
      "picture-off": this.m.tile.pictureOff,
      elsewhere: this.m.tile.elsewhere,
      unshowable: this.m.tile.unshowable,
      starting: this.m.tile.starting,
      paused: this.m.tile.paused,
      stalled: this.m.tile.stalled,
    };
    return html`<div class="cover ${solid ? "solid" : ""}">
      ${solid ? icon(NOBODY.has(condition) ? "room" : "cameraOff", 28) : nothing}
      <span>${words[condition]}</span>
    </div>`;
  }

  /** A screen or board is named beside its seat; a face needs no such word. */
  private contentName(): string {
    const { source } = this.picture;
    return source === "screen" || source === "board" ? this.m.sources[source] : "";
  }

  /** Its line is lost; whoever leads is away for a while, whatever the reason. */
  private isCut(seat: SeatState): boolean {
    return seat.away_since !== null && seat.role !== "lead";
  }

  private plate(mine: boolean): TemplateResult {
    const { view, picture } = this;
    const seat = view.seats.get(picture.seatId);
    if (!seat) return html``;
    const floor = view.lesson?.floor === seat.seat_id;
    const { tile, link } = this.m;
    return html`<div class="plate">
      <span class="name">${facts([seat.name, mine ? tile.me : "", this.contentName()])}</span>
      <span class="signs">
        ${floor ? html`<span class="sign floor"
              >${icon("speak")}<span class="words">${tile.floor}</span></span
            >` : nothing}
        ${seat.hand
          ? html`<span class="sign hand">${icon("hand")}${tile.hand(seat.hand.place)}</span>`
          : nothing}
        ${seat.muted_by_lead
          ? html`<span class="sign" aria-label=${tile.muted}>${icon("microphoneOff")}</span>`
          : nothing}
        ${(seat.present || this.isCut(seat)) && seat.link !== "good"
          ? html`<span class="sign line ${seat.link}"
              >${icon(lineSigns[seat.link])}<span class="words">${link[seat.link]}</span></span
            >`
          : nothing}
      </span>
    </div>`;
  }
}

define("tk-tile", Tile);

declare global {
  interface HTMLElementTagNameMap {
    "tk-tile": Tile;
  }
}
