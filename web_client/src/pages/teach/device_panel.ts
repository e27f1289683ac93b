// The teacher's own devices during the lesson, beside the pictures and never over them.

import { css, html, type TemplateResult } from "lit";
import { property, query } from "lit/decorators.js";
import "../../components/device_menu.ts";
import type { DeviceMenu } from "../../components/device_menu.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { onEscape } from "../../components/form.ts";
import { icon } from "../../design/icons.ts";
import { base, controls } from "../../design/shared.ts";
import type { LessonSession } from "../../lesson/session.ts";
import type { View } from "../../lesson/state.ts";

/** Fires `close-devices`. */
export class DevicePanel extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
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
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  @query("tk-device-menu") private readonly menu!: DeviceMenu;

  override focus(): void {
    void this.updateComplete.then(() => this.menu.focus());
  }

  override render(): TemplateResult {
    const { m } = this;
    return html`<header>
        <h2>${m.teach.devices}</h2>
        <button
          class="slim"
          data-testid="close-devices"
          @click=${this.close}
          @keydown=${onEscape(() => this.close())}
        >
          ${icon("close", 18)}${m.app.close}
        </button>
      </header>
      <tk-device-menu
        beside
        .view=${this.view}
        .session=${this.session}
        @keydown=${onEscape(() => this.close())}
      ></tk-device-menu>`;
  }

  private close(): void {
    this.dispatchEvent(new CustomEvent("close-devices"));
  }
}

define("tk-device-panel", DevicePanel);

declare global {
  interface HTMLElementTagNameMap {
    "tk-device-panel": DevicePanel;
  }
}
