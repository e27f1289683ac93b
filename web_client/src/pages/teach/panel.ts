// What opens below the pictures, and never over them: its frame and its head.

import { css, html, type TemplateResult } from "lit";
import { onEscape } from "../../components/form.ts";
import { icon } from "../../design/icons.ts";
import type { Messages } from "../../i18n/index.ts";

export const panelStyles = css`
  :host {
    display: grid;
    align-content: start;
    gap: 4px;
    padding: 4px 12px 8px;
    border-radius: var(--radius);
    background: var(--surface);
    overflow-y: auto;
  }
  header {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 8px;
  }
  h2 {
    font-size: var(--text-large);
  }
`;

/** Its title, and the button that closes it; Escape does so too. */
export function panelHead(m: Messages, title: string, close: () => void): TemplateResult {
  return html`<header @keydown=${onEscape(close)}>
    <h2>${title}</h2>
    <button class="slim" data-testid="close-panel" @click=${close}>
      ${icon("close", 18)}${m.app.close}
    </button>
  </header>`;
}
