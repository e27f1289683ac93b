// Which camera or microphone serves a source, and what is wrong with it in words.

import { css, html, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { icon } from "../design/icons.ts";
import { base, controls, fields } from "../design/shared.ts";
import { type Messages, messages } from "../i18n/index.ts";
import { NO_DEVICE } from "../lesson/devices.ts";
import type { LessonSession } from "../lesson/session.ts";
import type { DevicePhase, View } from "../lesson/state.ts";
import type { Source } from "../protocol/messages.ts";
import { define, TongkeElement } from "./element.ts";

export class DeviceSelect extends TongkeElement {
  static override shadowRootOptions = { ...TongkeElement.shadowRootOptions, delegatesFocus: true };
  static override styles = [
    base,
    controls,
    fields,
    css`
      :host {
        display: grid;
        gap: 4px;
        min-width: 0;
      }
      .problem {
        display: flex;
        gap: 8px;
        padding: 8px 12px;
        border-radius: var(--radius);
        background: var(--warn-ground);
        color: var(--warn);
      }
      .problem svg {
        flex: none;
        margin-top: 2px;
      }
      button {
        justify-self: start;
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  @property() source: Source = "room";
  @property() label = "";
  /** Whether this source stands for "the camera" or "the microphone", whose state is told. */
  @property({ type: Boolean }) main = false;

  override render(): TemplateResult {
    const { teach, app } = this.m;
    const { choices } = this.view;
    const devices = this.source === "room" ? choices.microphones : choices.cameras;
    const phase = this.source === "room" ? this.view.microphone : this.view.camera;
    const broken = this.main && !["on", "starting", "off"].includes(phase);
    return html`<label>
        ${this.label}
        <select data-testid="device-${this.source}" @change=${this.choose}>
          ${this.option("", this.isOptional() ? teach.noDevice : teach.defaultDevice)}
          ${devices
            .filter((device) => device.deviceId && device.label)
            .map((device) => this.option(device.deviceId, device.label))}
          ${this.isOptional() ? nothing : this.option(NO_DEVICE, teach.noDevice)}
        </select>
      </label>
      ${broken
        ? html`<span class="problem" role="alert"
              >${icon("warning")}<span>${deviceProblem(phase)}</span></span
            >
            <button class="slim" @click=${() => void this.session.devices.reopen()}>
              ${app.retry}
            </button>`
        : nothing}`;
  }

  /** A further camera that is used only when somebody chooses one. */
  private isOptional(): boolean {
    return !this.main && !this.session.devices.takesAll;
  }

  private option(value: string, words: string): TemplateResult {
    const chosen = this.session.devices.chosen(this.source) === value;
    return html`<option value=${value} ?selected=${chosen}>${words}</option>`;
  }

  private choose(event: Event): void {
    const { value } = event.target as HTMLSelectElement;
    void this.session.devices.choose(this.source, value);
  }
}

/** Why a device does not work and what to do; "" when it does. */
export function deviceProblem(phase: DevicePhase, m: Messages = messages()): string {
  if (phase === "on" || phase === "starting" || phase === "off") return "";
  if (!isSecureContext) return m.teach.insecure;
  const words = {
    denied: m.teach.denied,
    missing: m.teach.missing,
    busy: m.teach.busy,
    lost: m.teach.lostDevice,
  };
  return words[phase];
}

define("tk-device-select", DeviceSelect);

declare global {
  interface HTMLElementTagNameMap {
    "tk-device-select": DeviceSelect;
  }
}
