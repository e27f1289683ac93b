// What was just done, and the way back for a while.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { wordsOf } from "../api/client.ts";
import { base, controls } from "../design/shared.ts";
import { define, TongkeElement } from "./element.ts";

const SHOWN_MS = 20_000;

interface Offer {
  readonly words: string;
  /** Takes it back; returns what is said then. */
  readonly back: (() => Promise<string>) | null;
  readonly failed: boolean;
}

export class Undo extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: block;
      }
      .offer {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 12px;
        padding: 10px 16px;
        border-radius: var(--radius);
        background: var(--accent-ground);
        color: var(--accent-strong);
      }
      .offer.failed {
        background: var(--alarm-ground);
        color: var(--alarm);
      }
    `,
  ];

  @state() private offered: Offer | null = null;
  private underWay: (() => Promise<string>) | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  override disconnectedCallback(): void {
    clearTimeout(this.timer);
    super.disconnectedCallback();
  }

  /** Say what was done. `back` takes it back and returns the words for that. */
  offer(words: string, back: () => Promise<string>): void {
    this.say({ words, back, failed: false });
  }

  clear(): void {
    clearTimeout(this.timer);
    this.offered = null;
  }

  override focus(): void {
    this.focusOn("button");
  }

  private say(offered: Offer): void {
    this.offered = offered;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const inHand = this.renderRoot.querySelector("button:focus") !== null;
      if (inHand && this.offered) this.say(this.offered);
      else this.offered = null;
    }, SHOWN_MS);
  }

  private async takeBack(back: () => Promise<string>): Promise<void> {
    if (this.underWay === back) return; // a hand that clicks twice
    this.underWay = back;
    try {
      this.say({ words: await back(), back: null, failed: false });
    } catch (error) {
      this.say({ words: wordsOf(error, this.m.app.offline), back, failed: true });
    } finally {
      this.underWay = null;
    }
  }

  override render(): TemplateResult {
    const { offered } = this;
    const { back } = offered ?? { back: null };
    // The place is there before its words are: only then is what appears in it read out.
    return html`<div role="status">
      ${offered
        ? html`<div part="offer" class="offer ${offered.failed ? "failed" : ""}">
            ${offered.words}
            ${back
              ? html`<button
                  type="button"
                  class="slim"
                  data-testid="undo"
                  @click=${() => void this.takeBack(back)}
                >
                  ${this.m.app.undo}
                </button>`
              : nothing}
          </div>`
        : nothing}
    </div>`;
  }
}

define("tk-undo", Undo);

declare global {
  interface HTMLElementTagNameMap {
    "tk-undo": Undo;
  }
}
