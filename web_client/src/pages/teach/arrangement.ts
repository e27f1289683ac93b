// Who stands where, beside the pictures and never over them: the boxes of the layout, each with the
// picture in it and a choice of others; the program as the rooms see it, where one is made, and how
// much its director does by itself.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, query, queryAll } from "lit/decorators.js";
import { styleMap } from "lit/directives/style-map.js";
import { define, TongkeElement } from "../../components/element.ts";
import { onEscape } from "../../components/form.ts";
import "../../components/program.ts";
import { base, controls } from "../../design/shared.ts";
import { type Box, LAYOUT_BOXES } from "../../lesson/layouts.ts";
import { hasProgram, lessonProgram } from "../../lesson/program.ts";
import { contentPicture, type Picture, videoSources } from "../../lesson/selectors.ts";
import type { LessonSession } from "../../lesson/session.ts";
import { roomStage, same } from "../../lesson/stage.ts";
import type { View } from "../../lesson/state.ts";
import { DIRECTING_VALUES, type Directing } from "../../protocol/messages.ts";
import { panelHead, panelStyles } from "./panel.ts";

const CANVAS_WIDTH = 1920;
const CANVAS_HEIGHT = 1080;

/** Fires `close-arrangement`. */
export class Arrangement extends TongkeElement {
  static override styles = [
    base,
    controls,
    panelStyles,
    css`
      .body {
        display: flex;
        flex-wrap: wrap;
        align-items: flex-start;
        gap: 12px;
      }
      .canvas,
      figure {
        flex: 1 1 240px;
        max-width: 400px;
        margin: 0;
      }
      .canvas,
      tk-program {
        position: relative;
        aspect-ratio: 16 / 9;
        border-radius: var(--radius);
        background: var(--picture);
        overflow: hidden;
      }
      select {
        position: absolute;
        box-sizing: border-box;
        min-width: 0;
        min-height: 0;
        padding: 0 4px;
        border: 1px solid var(--line-strong);
        border-radius: 0;
        appearance: none; /* its arrow takes half of a small place */
        background: var(--surface-raised);
        color: var(--ink);
        font-size: var(--text-small);
        text-align: center;
        text-overflow: ellipsis;
      }
      .choices {
        display: grid;
        flex: 1 1 220px;
        align-content: start;
        gap: 8px;
      }
      fieldset {
        display: grid;
        gap: 4px;
        margin: 0;
        padding: 0;
        border: 0;
      }
      label {
        display: flex;
        align-items: center;
        gap: 6px;
        min-height: 32px;
      }
      p {
        margin: 0;
        color: var(--ink-soft);
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  @query("select, button") private readonly first!: HTMLElement;

  @queryAll("select") private readonly fields!: NodeListOf<HTMLSelectElement>;

  override focus(): void {
    void this.updateComplete.then(() => this.first.focus());
  }

  /** Each place shows what stands there, whatever was chosen in it and did not come about. */
  protected override updated(): void {
    for (const field of this.fields) field.value = field.dataset.shown ?? "";
  }

  override render(): TemplateResult {
    const { view, session } = this;
    const { arrangement } = this.m;
    const places = view.lesson?.places ?? [];
    return html`${panelHead(this.m, arrangement.title, this.close)}
      <div class="body" @keydown=${onEscape(this.close)}>
        <div class="canvas" role="group" aria-label=${arrangement.places}>${this.places()}</div>
        ${lessonProgram(view)
          ? html`<figure>
              <tk-program looks .view=${view} .session=${session}></tk-program>
              <figcaption class="small soft">${arrangement.seen}</figcaption>
            </figure>`
          : nothing}
        <div class="choices">
          <p class="small">${arrangement.hint}</p>
          ${places.length
            ? html`<button
                data-testid="places-reset"
                ?disabled=${view.phase !== "live"}
                @click=${() => session.setPlaces([])}
              >
                ${arrangement.reset}
              </button>`
            : nothing}
          ${hasProgram(view) ? this.directing() : nothing}
        </div>
      </div>`;
  }

  /** The layout's boxes, in each what stands there. */
  private places(): TemplateResult[] {
    const { view } = this;
    const { large, strip } = roomStage({ ...view, me: null });
    const shown = [...large, ...strip];
    const shapes = LAYOUT_BOXES[view.lesson?.layout ?? "speaker"];
    const boxes: readonly Box[] = shapes[Math.min(shown.length, shapes.length) - 1] ?? [];
    const all = this.pictures(shown);
    return boxes.map((box, place) => this.place(box, place, shown, all));
  }

  private place(
    box: Box,
    place: number,
    shown: readonly Picture[],
    all: readonly Picture[],
  ): TemplateResult {
    const [left, top, width, height] = box;
    const here = shown[place];
    const style = {
      left: `${(left / CANVAS_WIDTH) * 100}%`,
      top: `${(top / CANVAS_HEIGHT) * 100}%`,
      width: `${(width / CANVAS_WIDTH) * 100}%`,
      height: `${(height / CANVAS_HEIGHT) * 100}%`,
    };
    return html`<select
      data-testid="place-${place}"
      data-shown=${all.findIndex((one) => same(one, here ?? null))}
      aria-label=${this.m.arrangement.place(place + 1)}
      title=${here ? this.nameOf(here) : ""}
      style=${styleMap(style)}
      ?disabled=${this.view.phase !== "live" || (place === 0 && this.isScreenFirst())}
      @change=${(event: Event) => this.choose(event, place, shown, all)}
    >
      ${all.map(
        (picture, number) =>
          html`<option value=${number}>${this.nameOf(picture)}</option>`,
      )}
    </select>`;
  }

  /** In these layouts what is shared stands first, whatever is chosen. */
  private isScreenFirst(): boolean {
    const { view } = this;
    const layout = view.lesson?.layout;
    return (layout === "screen" || layout === "lead-and-screen") && contentPicture(view) !== null;
  }

  /** It comes here, and what stood here goes to where it was. */
  private choose(
    event: Event,
    place: number,
    shown: readonly Picture[],
    all: readonly Picture[],
  ): void {
    const chosen = all[Number((event.target as HTMLSelectElement).value)];
    const before = shown[place];
    if (!chosen || !before) return;
    const order = shown.map((one, at) => {
      if (at === place) return chosen;
      return same(one, chosen) ? before : one;
    });
    // The order says it all: a spotlight would stand before it.
    if (this.view.lesson?.spotlight) this.session.spotlight(null);
    this.session.setPlaces(this.isScreenFirst() ? order.slice(1) : order);
  }

  /** Every picture of the lesson, those that are shown first. */
  private pictures(shown: readonly Picture[]): Picture[] {
    const others = [...this.view.seats.values()].flatMap((seat) =>
      videoSources(seat).map(({ source }) => ({ seatId: seat.seat_id, source })),
    );
    return [...shown, ...others.filter((one) => !shown.some((other) => same(one, other)))];
  }

  private nameOf({ seatId, source }: Picture): string {
    const name = this.view.seats.get(seatId)?.name ?? "";
    return this.m.tile.pictureOf(name, this.m.sources[source]);
  }

  private directing(): TemplateResult {
    const { arrangement } = this.m;
    return html`<fieldset>
      <legend class="small">${arrangement.directing}</legend>
      ${DIRECTING_VALUES.map((one) => this.director(one))}
    </fieldset>`;
  }

  private director(one: Directing): TemplateResult {
    return html`<label>
      <input
        type="radio"
        name="directing"
        data-testid="directing-${one}"
        .checked=${this.view.lesson?.directing === one}
        ?disabled=${this.view.phase !== "live"}
        @change=${() => this.session.setDirecting(one)}
      />
      ${this.m.arrangement.directings[one]}
    </label>`;
  }

  private readonly close = (): void => {
    this.dispatchEvent(new CustomEvent("close-arrangement"));
  };
}

define("tk-arrangement", Arrangement);

declare global {
  interface HTMLElementTagNameMap {
    "tk-arrangement": Arrangement;
  }
}
