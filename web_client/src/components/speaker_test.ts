// Two notes at the loudspeaker that is chosen, so that one knows before the lesson whether it is heard.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { icon } from "../design/icons.ts";
import { base, controls } from "../design/shared.ts";
import { playNotes } from "../lesson/notes.ts";
import { define, TongkeElement } from "./element.ts";

export class SpeakerTest extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: grid;
        justify-items: start;
        gap: 4px;
      }
    `,
  ];

  /** The chosen loudspeaker's id; "" for the system's own choice. */
  @property() speaker = "";
  @state() private standing: "" | "plays" | "played" | "failed" = "";

  override render(): TemplateResult {
    const { teach } = this.m;
    const words = { plays: teach.testPlays, played: teach.testHeard, failed: teach.testFailed };
    return html`<button
        class="slim"
        data-testid="test-speaker"
        aria-disabled=${this.standing === "plays" ? "true" : "false"}
        @click=${this.play}
      >
        ${icon("speak", 18)}${teach.testSpeaker}
      </button>
      <span class="small soft" role="status"
        >${this.standing ? words[this.standing] : nothing}</span
      >`;
  }

  private async play(): Promise<void> {
    if (this.standing === "plays") return;
    this.standing = "plays";
    try {
      await playNotes(this.speaker);
      this.standing = "played";
    } catch {
      this.standing = "failed"; // no sound here at all, or the loudspeaker has gone
    }
  }
}

define("tk-speaker-test", SpeakerTest);

declare global {
  interface HTMLElementTagNameMap {
    "tk-speaker-test": SpeakerTest;
  }
}
