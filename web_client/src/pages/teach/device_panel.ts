// The teacher's own devices during the lesson, beside the pictures and never over them.

import { html, type TemplateResult } from "lit";
import { property, query } from "lit/decorators.js";
import "../../components/device_menu.ts";
import type { DeviceMenu } from "../../components/device_menu.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { onEscape } from "../../components/form.ts";
import { base, controls } from "../../design/shared.ts";
import type { LessonSession } from "../../lesson/session.ts";
import type { View } from "../../lesson/state.ts";
import { panelHead, panelStyles } from "./panel.ts";

/** Fires `close-devices`. */
export class DevicePanel extends TongkeElement {
  static override styles = [
    base,
    controls,
    panelStyles,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  @query("tk-device-menu") private readonly menu!: DeviceMenu;

  override focus(): void {
    void this.updateComplete.then(() => this.menu.focus());
  }

  override render(): TemplateResult {
    const { m } = this;
    return html`${panelHead(m, m.teach.devices, this.close)}
      <tk-device-menu
        beside
        .view=${this.view}
        .session=${this.session}
        @keydown=${onEscape(this.close)}
      ></tk-device-menu>`;
  }

  private readonly close = (): void => {
    this.dispatchEvent(new CustomEvent("close-devices"));
  };
}

define("tk-device-panel", DevicePanel);

declare global {
  interface HTMLElementTagNameMap {
    "tk-device-panel": DevicePanel;
  }
}
