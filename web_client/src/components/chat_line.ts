// What was written last, large, for some twenty seconds: it is read where nobody opens the chat.

import { css, html, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { base } from "../design/shared.ts";
import { freshLines } from "../lesson/selectors.ts";
import type { View } from "../lesson/state.ts";
import { define, TongkeElement } from "./element.ts";

export class ChatLine extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        display: block;
        min-width: 0;
      }
      p {
        display: -webkit-box;
        overflow: hidden;
        color: var(--ink);
        line-height: 1.2;
        overflow-wrap: anywhere;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 2;
      }
      p:not(:only-child) {
        -webkit-line-clamp: 1;
      }
      .who {
        margin-inline-end: 0.5em;
        color: var(--accent-strong);
        font-weight: 600;
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  /** Milliseconds; changes every second so that a line goes by itself. */
  @property({ type: Number }) now = 0;

  override render(): TemplateResult {
    return html`<div aria-live="polite">
      ${freshLines(this.view, this.now).map(
        (line) =>
          html`<p data-testid="chat-line">
            <bdi class="who">${line.name}</bdi><bdi>${line.text}</bdi>
          </p>`,
      )}
    </div>`;
  }
}

define("tk-chat-line", ChatLine);

declare global {
  interface HTMLElementTagNameMap {
    "tk-chat-line": ChatLine;
  }
}
