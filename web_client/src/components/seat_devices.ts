// The devices of a seat, each with the way to put it out. What is done then is the page's.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { icon } from "../design/icons.ts";
import { base, controls } from "../design/shared.ts";
import type { DeviceState } from "../protocol/messages.ts";
import { define, TongkeElement } from "./element.ts";
import { onEscape } from "./form.ts";

/** Fires `remove-device` with the id of the device that shall be put out. */
export class SeatDevices extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: block;
      }
      ul {
        display: grid;
        gap: 4px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 8px;
      }
      .who {
        min-width: 0;
        overflow-wrap: anywhere;
      }
      .ask {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 8px;
        margin-inline-start: auto;
      }
      button {
        min-height: 32px;
        padding: 0 8px;
        font-size: var(--text-small);
        white-space: nowrap;
      }
      li > button {
        margin-inline-start: auto;
      }
    `,
  ];

  @property({ attribute: false }) devices: readonly DeviceState[] = [];
  /** The device this page is on: it cannot put itself out. */
  @property() own = "";
  @property({ type: Boolean }) disabled = false;
  @state() private asked = "";

  override render(): TemplateResult {
    return html`<ul>
      ${this.devices.map(
        (device) =>
          html`<li>
            <span class="who">${this.words(device)}</span>${this.action(device)}
          </li>`,
      )}
    </ul>`;
  }

  private words(device: DeviceState): TemplateResult {
    const { m } = this;
    return html`${device.bearer}
      <span class="soft small">${m.devices.kinds[device.kind]}</span>
      ${device.connected ? nothing : html`<span class="soft small">${m.devices.away}</span>`}`;
  }

  private action(device: DeviceState): TemplateResult {
    const { m } = this;
    const id = device.device_id;
    if (id === this.own) return html`<span class="soft small">${m.devices.thisOne}</span>`;
    if (this.asked !== id) {
      return html`<button
        class="quiet"
        data-testid="remove-${id}"
        aria-label=${m.devices.remove(device.bearer)}
        ?disabled=${this.disabled}
        @click=${() => this.ask(id)}
      >
        ${icon("putOut", 16)}${m.devices.putOut}
      </button>`;
    }
    return html`<span
      class="ask"
      role="alertdialog"
      aria-label=${m.devices.removeSure(device.bearer)}
      @keydown=${onEscape(() => this.ask(""))}
    >
      <span class="small">${m.devices.removeHint}</span>
      <button
        class="alarm"
        data-testid="remove-yes-${id}"
        ?disabled=${this.disabled}
        @click=${() => this.putOut(id)}
      >
        ${m.devices.removeYes}
      </button>
      <button class="no" @click=${() => this.ask("")}>${m.app.cancel}</button>
    </span>`;
  }

  private ask(id: string): void {
    const before = this.asked;
    this.asked = id;
    this.focusOn(id ? ".ask .no" : `[data-testid="remove-${before}"]`);
  }

  private putOut(id: string): void {
    this.asked = "";
    this.dispatchEvent(new CustomEvent("remove-device", { detail: id, bubbles: true }));
  }
}

define("tk-seat-devices", SeatDevices);
