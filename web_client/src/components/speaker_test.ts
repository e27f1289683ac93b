// Plays three tones at the chosen loudspeaker, and says what should be heard.

import { css, html, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { icon } from "../design/icons.ts";
import { base, controls } from "../design/shared.ts";
import { chime, CHIME_S } from "../lesson/chime.ts";
import { define, TongkeElement } from "./element.ts";

type Outcome = "" | "playing" | "played" | "failed";

export class SpeakerTest extends TongkeElement {
  static override shadowRootOptions = { ...TongkeElement.shadowRootOptions, delegatesFocus: true };
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px;
      }
      .failed {
        color: var(--warn);
      }
    `,
  ];

  /** The loudspeaker's id; "" for the system's own choice. */
  @property() speaker = "";
  @state() private outcome: Outcome = "";
  private audio: HTMLAudioElement | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  override disconnectedCallback(): void {
    this.stop();
    super.disconnectedCallback();
  }

  private stop(): void {
    clearTimeout(this.timer);
    if (!this.audio) return;
    this.audio.pause();
    URL.revokeObjectURL(this.audio.src);
    this.audio = null;
  }

  private readonly play = async (): Promise<void> => {
    this.stop();
    const audio = new Audio(URL.createObjectURL(new Blob([chime()], { type: "audio/wav" })));
    this.audio = audio;
    this.outcome = "playing";
    try {
      if (this.speaker && "setSinkId" in audio) await audio.setSinkId(this.speaker);
      await audio.play();
      this.timer = setTimeout(() => this.over("played"), CHIME_S * 1000);
    } catch {
      if (this.audio === audio) this.over("failed"); // no loudspeaker, or it was unplugged
    }
  };

  private over(outcome: Outcome): void {
    this.stop();
    this.outcome = outcome;
  }

  override render(): TemplateResult {
    const { speakerTest } = this.m;
    const words = {
      "": "",
      playing: speakerTest.playing,
      played: speakerTest.played,
      failed: speakerTest.failed,
    };
    return html`<button data-testid="test-speaker" @click=${this.play}>
        ${icon("sound", 18)}${speakerTest.test}
      </button>
      <span class=${this.outcome} role="status">${words[this.outcome]}</span>`;
  }
}

define("tk-speaker-test", SpeakerTest);

declare global {
  interface HTMLElementTagNameMap {
    "tk-speaker-test": SpeakerTest;
  }
}
