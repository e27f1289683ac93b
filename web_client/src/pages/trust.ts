// The page for a PC that is to trust this server. Open to everybody: the PC is nobody yet.

import { css, html, type TemplateResult } from "lit";
import { define, TongkeElement } from "../components/element.ts";
import "../components/trust_steps.ts";
import { base, cards } from "../design/shared.ts";

export class TrustPage extends TongkeElement {
  static override styles = [
    base,
    cards,
    css`
      :host {
        display: grid;
        align-content: start;
        justify-items: center;
        padding: 64px 24px 24px;
      }
      .card {
        display: grid;
        gap: 16px;
        width: min(860px, 100%);
        padding: 24px;
      }
    `,
  ];

  override render(): TemplateResult {
    return html`<section class="card">
      <h1>${this.m.trust.title}</h1>
      <tk-trust-steps></tk-trust-steps>
    </section>`;
  }
}

define("tk-trust", TrustPage);

declare global {
  interface HTMLElementTagNameMap {
    "tk-trust": TrustPage;
  }
}
