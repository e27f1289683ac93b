// Which camera or microphone serves a source, or which loudspeaker plays, and what is wrong in words.

import { css, html, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { icon } from "../design/icons.ts";
import { base, controls, fields } from "../design/shared.ts";
import { type Messages, messages } from "../i18n/index.ts";
import { namedDevices, trackName } from "../lesson/device_names.ts";
import { type DeviceUse, NO_DEVICE } from "../lesson/remembered_devices.ts";
import type { Devices } from "../lesson/devices.ts";
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
  /** A lesson's session, or what a room has between lessons. */
  @property({ attribute: false }) session!: { readonly devices: Devices };
  @property() use: DeviceUse = "room";
  @property() label = "";
  /** Whether this source stands for "the camera" or "the microphone", whose state is told. */
  @property({ type: Boolean }) main = false;

  override render(): TemplateResult {
    const { app } = this.m;
    const phase = this.phase();
    const broken = this.main && !["on", "starting", "off"].includes(phase);
    return html`<label>
        ${this.label}
        <select
          data-testid="device-${this.use}"
          @change=${this.choose}
        >
          ${this.options().map(([value, words]) => this.option(value, words))}
        </select>
      </label>
      ${broken
        ? html`<span class="problem" role="alert"
              >${icon("warning")}<span>${deviceProblem(phase)}</span></span
            >
            <button
              class="slim"
              data-testid="retry-${this.use}"
              @click=${this.retry}
            >
              ${app.retry}
            </button>`
        : nothing}`;
  }

  private phase(): DevicePhase {
    if (this.use === "speaker") return "on";
    return this.use === "room" ? this.view.microphone : this.view.camera;
  }

  private listed(): readonly MediaDeviceInfo[] {
    const { microphones, cameras, speakers } = this.view.choices;
    if (this.use === "speaker") return speakers;
    return this.use === "room" ? microphones : cameras;
  }

  /** What can be chosen: values and words. */
  private options(): [value: string, words: string][] {
    const { teach } = this.m;
    const { devices } = this.session;
    const track = this.view.own.get(this.use as Source);
    const used = track ? trackName(track) : "";
    // Whoever is badly heard must see which microphone it is.
    const automatic = devices.chosen(this.use) === "" && used ? teach.defaultIs(used) : "";
    const any = this.isOptional() ? teach.noDevice : automatic || teach.defaultDevice;
    const found: [string, string][] = [["", any], ...namedDevices(this.listed())];
    const absent = devices.absent(this.use);
    if (absent) found.push([devices.chosen(this.use), teach.unplugged(absent)]);
    if (!this.isOptional() && this.use !== "speaker") found.push([NO_DEVICE, teach.noDevice]);
    return found;
  }

  /** A further camera that is used only when somebody chooses one. */
  private isOptional(): boolean {
    return !this.main && this.use !== "speaker" && !this.session.devices.takesAll;
  }

  private option(value: string, words: string): TemplateResult {
    const chosen = this.session.devices.chosen(this.use) === value;
    return html`<option value=${value} .selected=${chosen}>${words}</option>`;
  }

  private async retry(): Promise<void> {
    await this.session.devices.retry();
    await this.updateComplete;
    if (document.activeElement === document.body) this.focus(); // the button went with its reason
  }

  private choose(event: Event): void {
    const { value } = event.target as HTMLSelectElement;
    void this.session.devices.choose(this.use, value);
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
    unanswered: m.teach.unanswered,
  };
  return words[phase];
}

define("tk-device-select", DeviceSelect);

declare global {
  interface HTMLElementTagNameMap {
    "tk-device-select": DeviceSelect;
  }
}
