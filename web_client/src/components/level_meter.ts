// A microphone's level as a bar, and in words whether it is good.

import { css, html, type PropertyValues, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import { icon } from "../design/icons.ts";
import { base } from "../design/shared.ts";
import { judge, type LevelWord, watchLevel } from "../lesson/level.ts";
import { define, TongkeElement } from "./element.ts";

const REMEMBERED_LEVELS = 80; // four seconds: a person speaks a sentence
const FLOOR_DB = -60;

export class LevelMeter extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        gap: 6px;
      }
      .bar {
        position: relative;
        height: 10px;
        overflow: hidden;
        border-radius: 99px;
        background: var(--surface-raised);
      }
      .fill {
        position: absolute;
        inset: 0;
        background: var(--accent);
        transform: scaleX(0);
        transform-origin: left;
      }
      .word {
        display: flex;
        align-items: center;
        gap: 6px;
        color: var(--ink-soft);
      }
      :host([short]) {
        gap: 2px;
        width: 96px;
      }
      :host([short]) .bar {
        height: 6px;
      }
      :host([short]) .word {
        justify-content: center;
        height: 20px;
        font-size: var(--text-small);
        white-space: nowrap;
      }
      .word.clear {
        color: var(--accent-strong);
      }
      .word.loud,
      .word.quiet {
        color: var(--warn);
      }
    `,
  ];

  /** A few words in a line of their own, where there is no room for advice. */
  @property({ type: Boolean, reflect: true }) short = false;
  @property({ attribute: false }) track: MediaStreamTrack | null = null;
  @state() private word: LevelWord = "waiting";
  @query(".fill") private fill!: HTMLElement;
  private levels: { rmsDb: number; peakDb: number }[] = [];
  private stop: (() => void) | undefined;

  override disconnectedCallback(): void {
    this.stop?.();
    this.stop = undefined;
    super.disconnectedCallback();
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has("track")) return;
    this.stop?.();
    this.levels = [];
    this.stop = this.track
      ? watchLevel(this.track, (level) => {
          this.levels = [...this.levels, level].slice(-REMEMBERED_LEVELS);
          const share = Math.min(1, Math.max(0, 1 - level.rmsDb / FLOOR_DB));
          this.fill.style.transform = `scaleX(${share})`;
          this.word = judge(this.levels);
        })
      : undefined;
  }

  override render(): TemplateResult {
    const { teach } = this.m;
    if (this.short) return this.shortly(this.word === "waiting" ? "" : teach.levels[this.word]);
    const words = {
      waiting: teach.soundWaiting,
      quiet: teach.soundQuiet,
      clear: teach.soundClear,
      loud: teach.soundLoud,
    };
    return html`<div class="bar" aria-hidden="true"><div class="fill"></div></div>
      <div class="word ${this.word}" role="status">
        ${icon(this.word === "clear" ? "check" : "microphone", 18)}${words[this.word]}
      </div>`;
  }

  private shortly(words: string): TemplateResult {
    return html`<div class="bar" aria-hidden="true"><div class="fill"></div></div>
      <div class="word ${this.word}">${words}</div>`;
  }
}

define("tk-level-meter", LevelMeter);

declare global {
  interface HTMLElementTagNameMap {
    "tk-level-meter": LevelMeter;
  }
}
