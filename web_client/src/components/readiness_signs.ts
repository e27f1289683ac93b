// How a waiting room's camera, sound and line are: three signs, in words; large at the foot of its own
// screen, small in its teacher's list.

import { css, html, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import type { Readiness } from "../api/types.ts";
import { define, TongkeElement } from "./element.ts";
import { icon, type IconName } from "../design/icons.ts";
import { base } from "../design/shared.ts";

export class ReadinessSigns extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        justify-content: center;
        gap: 12px 40px;
        font-size: max(24px, 1.5vw);
      }
      :host([small]) {
        justify-content: flex-start;
        gap: 2px 12px;
        font-size: var(--text-small);
      }
      span {
        display: inline-flex;
        align-items: center;
        gap: 0.4em;
        color: var(--ink-soft);
      }
      svg {
        flex: none;
      }
      .ready {
        color: var(--accent);
      }
      .wrong {
        color: var(--warn);
      }
    `,
  ];

  @property({ type: Boolean, reflect: true }) small = false;
  @property({ attribute: false }) readiness!: Readiness;

  override render(): TemplateResult {
    const { readiness: words } = this.m;
    const { camera, sound, line } = this.readiness;
    return html`${this.sign("camera", "cameraOff", camera, words.camera, words.cameraIs[camera])}
    ${this.sign("microphone", "microphoneOff", sound, words.sound, words.soundIs[sound])}
    ${this.sign("linkGood", "linkWeak", line, words.line, words.lineIs[line])}`;
  }

  private sign(
    good: IconName,
    bad: IconName,
    state: string,
    what: string,
    how: string,
  ): TemplateResult {
    const quiet = state === "checking" || state === "off";
    const tone = state === "ready" ? "ready" : quiet ? "" : "wrong";
    return html`<span class=${tone}>${icon(tone === "wrong" ? bad : good, this.small ? 16 : 32)}${what}${how}</span>`;
  }
}

define("tk-readiness-signs", ReadinessSigns);

declare global {
  interface HTMLElementTagNameMap {
    "tk-readiness-signs": ReadinessSigns;
  }
}
