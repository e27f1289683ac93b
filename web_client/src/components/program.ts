// The lesson's program: one picture of all, as the server makes it. Names and signs are in it.
//
// Hooks for tests and styles: `data-state`.

import { css, html, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { base } from "../design/shared.ts";
import { lessonProgram } from "../lesson/program.ts";
import { PRIORITY, PROGRAM, PROGRAM_ASIDE, type TileSize } from "../lesson/wants.ts";
import { define } from "./element.ts";
import { MovingPicture, movingPicture } from "./moving_picture.ts";

type Condition = "moving" | "starting" | "paused" | "stalled";

export class ProgramView extends MovingPicture {
  static override styles = [
    base,
    movingPicture,
    css`
      :host {
        flex: 1;
      }
      video {
        object-fit: contain;
      }
    `,
  ];

  /** Small, for who only looks at what others see. */
  @property({ type: Boolean }) looks = false;

  protected override willUpdate(): void {
    this.dataset.state = this.condition();
  }

  protected override track(): MediaStreamTrack | null {
    const picture = lessonProgram(this.view);
    return (picture && this.view.tracks.get(picture.producer_id)) ?? null;
  }

  protected override wanted(): Pick<TileSize, "picture" | "priority"> {
    return this.looks
      ? { picture: PROGRAM_ASIDE, priority: PRIORITY.strip }
      : { picture: PROGRAM, priority: PRIORITY.large };
  }

  private condition(): Condition {
    const id = lessonProgram(this.view)?.producer_id ?? "";
    const stream = this.view.streams.get(id);
    if (stream?.layer === -1 && stream.reason === "bandwidth") return "paused";
    if (!this.hasFrames || !this.view.tracks.has(id)) return "starting";
    return this.view.stalled.has(id) ? "stalled" : "moving";
  }

  override render(): TemplateResult {
    const { tile, program } = this.m;
    const condition = this.condition();
    const words = {
      starting: program.starting,
      paused: tile.paused,
      stalled: tile.stalled,
      moving: "",
    }[condition];
    return html`${this.moving(program.name)}
      ${words ? html`<div class="cover"><span>${words}</span></div>` : nothing}`;
  }
}

define("tk-program", ProgramView);

declare global {
  interface HTMLElementTagNameMap {
    "tk-program": ProgramView;
  }
}
