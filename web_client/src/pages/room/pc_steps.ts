// What this PC still lacks to be a room that nobody touches: step by step, nothing when all is there.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { define, TongkeElement } from "../../components/element.ts";
import { Ticking } from "../../components/polling.ts";
import { base } from "../../design/shared.ts";
import { lookAtPc, missingOf, type PcFacts } from "../../lesson/pc_check.ts";

const LOOK_AGAIN_MS = 30_000; // somebody is just putting it right

export class PcSteps extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        display: block;
        color: var(--ink-soft);
        font-size: max(20px, 1.2vw);
        line-height: 1.4;
        text-align: start;
      }
      ol {
        display: grid;
        gap: 8px;
        max-width: 46em;
        margin: 8px 0 0;
        padding-inline-start: 1.4em;
      }
      strong {
        color: var(--warn);
      }
      code {
        overflow-wrap: anywhere;
      }
    `,
  ];

  @state() private facts: PcFacts | null = null;

  constructor() {
    super();
    new Ticking(this, () => void this.look(), LOOK_AGAIN_MS);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.look();
  }

  private async look(): Promise<void> {
    this.facts = await lookAtPc();
  }

  override render(): TemplateResult | typeof nothing {
    const missing = this.facts ? missingOf(this.facts) : [];
    if (missing.length === 0) return nothing;
    const { pcSteps } = this.m;
    return html`${pcSteps.title}
      <ol>
        ${missing.map(
          (one) =>
            html`<li data-missing=${one}>
              <strong>${pcSteps[one].lacks}</strong> ${pcSteps[one].mend(location.origin)}
            </li>`,
        )}
      </ol>`;
  }
}

define("tk-pc-steps", PcSteps);

declare global {
  interface HTMLElementTagNameMap {
    "tk-pc-steps": PcSteps;
  }
}
