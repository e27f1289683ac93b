// The keys of a page, listed where somebody presses "?", or a button that asks for them (`askForKeys`).

import { css, html, nothing, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import { icon } from "../design/icons.ts";
import { base, controls } from "../design/shared.ts";
import { define, TongkeElement } from "./element.ts";

const ASKED = "tongke-keys";

/** A page's own button: show the list. */
export function askForKeys(): void {
  dispatchEvent(new Event(ASKED));
}

export type KeyLine = readonly [keys: string, words: string];

/** Whether a key is written into a field, or belongs to the browser. */
export function isTyped(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  const field = target instanceof HTMLElement && target.matches("input, textarea, select");
  return field || event.ctrlKey || event.metaKey || event.altKey;
}

export class KeyHelp extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      dialog {
        width: min(480px, calc(100vw - 24px));
        padding: 24px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        color: var(--ink);
        box-shadow: var(--shadow);
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 16px;
        margin-bottom: 16px;
      }
      dl {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 8px 16px;
        margin: 0;
      }
      dd {
        margin: 0;
      }
      kbd {
        padding: 2px 8px;
        border: 1px solid var(--line-strong);
        border-radius: 4px;
        font-family: inherit;
        white-space: nowrap;
      }
    `,
  ];

  @property({ attribute: false }) lines: readonly KeyLine[] = [];
  @state() private open = false;
  @query("dialog") private readonly dialog!: HTMLDialogElement;
  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key !== "?" || event.defaultPrevented || isTyped(event)) return;
    if (this.lines.length === 0) return;
    event.preventDefault();
    if (this.open) this.dialog.close();
    else this.show();
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("keydown", this.onKey);
    addEventListener(ASKED, this.show);
  }

  override disconnectedCallback(): void {
    removeEventListener("keydown", this.onKey);
    removeEventListener(ASKED, this.show);
    super.disconnectedCallback();
  }

  /** The browser keeps the keyboard within, closes on Escape, and gives the focus back. */
  private readonly show = (): void => {
    if (this.open || this.lines.length === 0) return;
    this.open = true;
    this.dialog.showModal();
    this.focusOn("button");
  };

  override render(): TemplateResult {
    const { app, keys } = this.m;
    return html`<dialog aria-labelledby="keys" @close=${() => (this.open = false)}>
      ${this.open
        ? html`<header>
              <h2 id="keys">${keys.title}</h2>
              <button class="slim" data-testid="close-keys" @click=${() => this.dialog.close()}>
                ${icon("close", 18)}${app.close}
              </button>
            </header>
            <dl>
              ${this.lines.map(
                ([signs, words]) =>
                  html`<dt><kbd>${signs}</kbd></dt>
                    <dd>${words}</dd>`,
              )}
            </dl>`
        : nothing}
    </dialog>`;
  }
}

define("tk-key-help", KeyHelp);
