// The states every page has besides its content: loading, empty, failed, refused.

import { css, html, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { ApiError } from "../api/client.ts";
import { icon, type IconName } from "../design/icons.ts";
import { base, controls } from "../design/shared.ts";
import type { Messages } from "../i18n/index.ts";
import { define, TongkeElement } from "./element.ts";

/** A calm block with one thing to say and perhaps one thing to do (in its slot). */
export class StateView extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: grid;
        place-items: center;
        align-content: center;
        gap: 12px;
        padding: 40px 24px;
        text-align: center;
      }
      .sign {
        display: grid;
        place-items: center;
        width: 64px;
        height: 64px;
        border-radius: 50%;
        background: var(--surface-raised);
        color: var(--accent);
      }
      :host([tone="alarm"]) .sign {
        background: var(--alarm-ground);
        color: var(--alarm);
      }
      h1 {
        font-size: var(--text-large);
      }
      p {
        max-width: 60ch;
        color: var(--ink-soft);
      }
      ::slotted(*) {
        margin-top: 8px;
      }
    `,
  ];

  @property() heading = "";
  @property() text = "";
  @property() code = "";
  @property() symbol: IconName = "check";
  @property({ reflect: true }) tone: "calm" | "alarm" = "calm";

  /** It is all that its page says: then it is the page's heading too. */
  private alone(): boolean {
    const page = this.getRootNode();
    return !(page instanceof ShadowRoot && page.querySelector("h1"));
  }

  override render(): TemplateResult {
    return html`<span class="sign">${icon(this.symbol, 32)}</span>
      ${this.alone() ? html`<h1>${this.heading}</h1>` : html`<h2>${this.heading}</h2>`}
      ${this.text ? html`<p>${this.text}</p>` : nothing}
      ${this.code ? html`<p class="small">${this.m.app.code(this.code)}</p>` : nothing}
      <slot></slot>`;
  }
}

/** Grey shapes where content is about to be. */
export class Skeleton extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        gap: 12px;
      }
      div {
        height: var(--skeleton-height, 72px);
        border-radius: var(--radius);
        background: linear-gradient(90deg, var(--surface-raised) 30%, var(--line) 50%, var(--surface-raised) 70%);
        background-size: 300% 100%;
        animation: pass 1.6s linear infinite;
      }
      @keyframes pass {
        from {
          background-position: 100% 0;
        }
        to {
          background-position: 0 0;
        }
      }
    `,
  ];

  @property({ type: Number }) rows = 3;

  override render(): TemplateResult {
    return html`<span class="visually-hidden" role="status">${this.m.app.loading}</span>
      ${Array.from({ length: this.rows }, () => html`<div aria-hidden="true"></div>`)}`;
  }
}

/**
 * A live page before its code, its person and its lesson are known: the bar on top, which says what
 * goes on, and the grey stage below it.
 */
export class Opening extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-direction: column;
        height: 100%;
      }
      header {
        display: flex;
        align-items: center;
        gap: 12px;
        min-height: 56px;
        padding: 0 16px;
        border-bottom: 1px solid var(--line);
        background: var(--surface);
        color: var(--ink-soft);
      }
      header svg {
        color: var(--accent);
      }
      .stage {
        flex: 1;
        margin: 16px;
        border-radius: var(--radius);
        background: var(--surface-raised);
      }
    `,
  ];

  override render(): TemplateResult {
    const { app } = this.m;
    return html`<header>${icon("room", 26)}<p role="status">${app.loading}</p></header>
      <div class="stage" aria-hidden="true"></div>`;
  }
}

/** What happened, in a line. */
export function failureTitle(words: Messages["app"], error: unknown): string {
  return error instanceof ApiError ? words.failed : words.offlineTitle;
}

/** What happened, what to do, and a code for the IT person. */
export function failure(
  words: Messages["app"],
  error: unknown,
  retry: () => void,
): TemplateResult {
  const refused = error instanceof ApiError ? error : null;
  return html`<tk-state
    tone="alarm"
    symbol="warning"
    role="alert"
    heading=${failureTitle(words, error)}
    text=${refused ? refused.words : words.offline}
    code=${refused?.code ?? "unreachable"}
  >
    <tk-button @click=${retry}>${words.retry}</tk-button>
    <a href="/">${words.toToday}</a>
  </tk-state>`;
}

/** A plain button for places outside a component's own styles. */
export class Button extends TongkeElement {
  static override shadowRootOptions = { ...TongkeElement.shadowRootOptions, delegatesFocus: true };
  static override styles = [base, controls];

  @property({ type: Boolean }) main = false;

  override render(): TemplateResult {
    return html`<button class=${this.main ? "main" : ""}><slot></slot></button>`;
  }
}

define("tk-state", StateView);
define("tk-skeleton", Skeleton);
define("tk-opening", Opening);
define("tk-button", Button);
