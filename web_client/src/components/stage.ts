// The large part of a live page: one picture, perhaps with small ones below it, or a wall of all.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { styleMap } from "lit/directives/style-map.js";
import { base } from "../design/shared.ts";
import type { Picture } from "../lesson/selectors.ts";
import type { LessonSession } from "../lesson/session.ts";
import { type Stage, tileWidth } from "../lesson/stage.ts";
import type { View } from "../lesson/state.ts";
import { PRIORITY } from "../lesson/wants.ts";
import { define, TongkeElement } from "./element.ts";
import "./tile.ts";

const GAP_PX = 8;
const STRIP_TILE_PX = 213; // 120 high
const LEAST_SHARE = 0.55; // of a place of the wall, for a small picture that stands in it

export class StageView extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        position: relative;
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        place-items: center;
        align-content: center;
        gap: 8px;
        min-width: 0;
        min-height: 0;
        overflow: hidden;
      }
      .large {
        --tile-fit: contain;
        max-width: 100%;
        max-height: 100%;
      }
      .below {
        display: flex;
        align-items: center;
        justify-content: safe center;
        gap: 8px;
        max-width: 100%;
        overflow-x: auto; /* on a telephone they are more than fit */
      }
      .below tk-tile {
        flex: none;
      }
      .wall {
        display: flex;
        flex-wrap: wrap;
        justify-content: center;
        align-content: center;
        gap: 8px;
        width: 100%;
      }
      .last {
        display: grid;
        place-items: center;
        align-content: center;
        gap: 8px;
        aspect-ratio: 16 / 9;
        overflow: hidden;
        container-type: inline-size;
      }
      /* On a telephone the picture needs the place; the words are read out all the same. */
      @container (max-width: 200px) {
        .last .note {
          position: absolute;
          width: 1px;
          height: 1px;
          overflow: hidden;
          clip-path: inset(50%);
        }
      }
      .note {
        max-width: 22em;
        color: var(--ink-soft);
        line-height: 1.3;
        text-align: center;
        text-wrap: balance;
      }
      .below .note {
        text-align: start;
      }
      .empty {
        padding: 24px;
        color: var(--ink-soft);
        text-align: center;
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  @property({ attribute: false }) stage!: Stage;
  /** Draw the strip below the large picture; else the page draws it elsewhere. */
  @property({ type: Boolean }) below = false;
  /** What to say of the small pictures, beside them. */
  @property() note = "";
  /** What to say when there is no picture to show. */
  @property() empty = "";
  @state() private width = 640;
  @state() private height = 360;
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

  override render(): TemplateResult {
    const { large, shape, strip } = this.stage;
    const small = this.below ? strip : [];
    if (shape === "wall" && small[0] && this.hasRoomInWall(large.length, small.length)) {
      return this.wall(large, this.height, small[0]);
    }
    const height = this.height - (small.length ? this.stripHeight(small.length) + GAP_PX : 0);
    const body =
      large.length === 0
        ? html`<p class="empty">${this.empty}</p>`
        : shape === "wall"
          ? this.wall(large, height)
          : large.map((picture) => this.single(picture, height));
    return html`${body}${small.length ? this.strip(small) : nothing}`;
  }

  private single(picture: Picture, height: number): TemplateResult {
    const width = Math.min(this.width, (height * 16) / 9);
    return this.tile(picture, PRIORITY.large, "large", width);
  }

  /** A wall with a free place takes the small picture into it: then nothing is lost to a strip. */
  private hasRoomInWall(count: number, small: number): boolean {
    if (count === 0 || small !== 1) return false;
    const among = tileWidth(count + 1, this.width, this.height, GAP_PX);
    const height = this.height - this.stripHeight(1) - GAP_PX;
    return among >= tileWidth(count, this.width, height, GAP_PX);
  }

  private wall(pictures: readonly Picture[], height: number, last?: Picture): TemplateResult {
    const width = tileWidth(pictures.length + (last ? 1 : 0), this.width, height, GAP_PX) - 1;
    return html`<div class="wall" style=${styleMap({ height: `${Math.floor(height)}px` })}>
      ${repeat(
        pictures,
        (picture) => `${picture.seatId}/${picture.source}`,
        (picture) => this.tile(picture, PRIORITY.large, "member", width),
      )}
      ${last
        ? html`<div class="last" style=${styleMap({ width: `${Math.floor(width)}px` })}>
            ${this.tile(last, PRIORITY.strip, "strip", width * LEAST_SHARE)}
            ${this.noteWords()}
          </div>`
        : nothing}
    </div>`;
  }

  private strip(pictures: readonly Picture[]): TemplateResult {
    const width = this.stripWidth(pictures.length);
    return html`<div class="below">
      ${repeat(
        pictures,
        (picture) => `${picture.seatId}/${picture.source}`,
        (picture) => this.tile(picture, PRIORITY.strip, "strip", width),
      )}
      ${this.noteWords()}
    </div>`;
  }

  private noteWords(): TemplateResult | typeof nothing {
    return this.note ? html`<p class="note small">${this.note}</p>` : nothing;
  }

  private stripWidth(count: number): number {
    return Math.min(STRIP_TILE_PX, (this.width - GAP_PX * (count - 1)) / count);
  }

  private stripHeight(count: number): number {
    return (this.stripWidth(count) * 9) / 16;
  }

  private tile(picture: Picture, priority: number, kind: string, width?: number): TemplateResult {
    return html`<tk-tile
      class=${kind}
      data-place=${kind}
      style=${styleMap(width ? { width: `${Math.floor(width)}px` } : {})}
      .view=${this.view}
      .session=${this.session}
      .picture=${picture}
      .priority=${priority}
    ></tk-tile>`;
  }
}

define("tk-stage", StageView);

declare global {
  interface HTMLElementTagNameMap {
    "tk-stage": StageView;
  }
}
