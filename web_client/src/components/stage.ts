// The large part of a live page: one picture, perhaps with small ones below it, or a wall of all.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { styleMap } from "lit/directives/style-map.js";
import { base } from "../design/shared.ts";
import type { Picture } from "../lesson/selectors.ts";
import type { LessonSession } from "../lesson/session.ts";
import { bestColumns, type Stage } from "../lesson/stage.ts";
import type { View } from "../lesson/state.ts";
import { PRIORITY } from "../lesson/wants.ts";
import { define, TongkeElement } from "./element.ts";
import "./tile.ts";

const GAP_PX = 8;
const STRIP_PX = 120;

export class StageView extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        position: relative;
        display: grid;
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
        justify-content: center;
        gap: 8px;
        height: 120px;
      }
      .below tk-tile {
        flex: none;
        height: 100%;
      }
      .wall {
        display: flex;
        flex-wrap: wrap;
        justify-content: center;
        align-content: center;
        gap: 8px;
        width: 100%;
        height: 100%;
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
    const body =
      large.length === 0
        ? html`<p class="empty">${this.empty}</p>`
        : shape === "wall"
          ? this.wall(large)
          : large.map((picture) => this.single(picture, small.length > 0));
    return html`${body}${small.length
      ? html`<div class="below">
          ${small.map((picture) => this.tile(picture, PRIORITY.strip, "strip"))}
        </div>`
      : nothing}`;
  }

  private single(picture: Picture, withStrip: boolean): TemplateResult {
    const height = this.height - (withStrip ? STRIP_PX + GAP_PX : 0);
    const width = Math.min(this.width, (height * 16) / 9);
    return this.tile(picture, PRIORITY.large, "large", width);
  }

  private wall(pictures: readonly Picture[]): TemplateResult {
    const columns = bestColumns(pictures.length, this.width, this.height);
    const rows = Math.ceil(pictures.length / columns);
    const width = Math.min(
      (this.width - GAP_PX * (columns - 1)) / columns,
      (((this.height - GAP_PX * (rows - 1)) / rows) * 16) / 9,
    );
    return html`<div class="wall">
      ${repeat(
        pictures,
        (picture) => `${picture.seatId}/${picture.source}`,
        (picture) => this.tile(picture, PRIORITY.large, "member", width - 1),
      )}
    </div>`;
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
