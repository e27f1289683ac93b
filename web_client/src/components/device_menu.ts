// Microphone, cameras and loudspeaker of this computer: which, how loud, and what is wrong with them.
// The same before a lesson and within it, on every page that sends.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, query } from "lit/decorators.js";
import { base } from "../design/shared.ts";
import { camerasOf, useName } from "../lesson/device_names.ts";
import type { DeviceUse } from "../lesson/remembered_devices.ts";
import type { Devices } from "../lesson/devices.ts";
import type { View } from "../lesson/state.ts";
import type { Source } from "../protocol/messages.ts";
import "./device_select.ts";
import type { DeviceSelect } from "./device_select.ts";
import { define, TongkeElement } from "./element.ts";
import "./level_meter.ts";
import "./speaker_test.ts";

/** What a person sends before the server has said it. */
const USUAL: readonly Source[] = ["room", "teacher"];

export class DeviceMenu extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        align-content: start;
        gap: 16px;
        min-width: 0;
      }
      :host([beside]) {
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 220px), 1fr));
        align-items: start;
        gap: 8px 16px;
      }
      .device {
        display: grid;
        align-content: start;
        gap: 8px;
        min-width: 0;
      }
    `,
  ];

  /** Its devices stand beside each other as far as there is room. */
  @property({ type: Boolean, reflect: true }) beside = false;
  @property({ attribute: false }) view!: View;
  /** A lesson's session, or what a room has between lessons. */
  @property({ attribute: false }) session!: { readonly devices: Devices };
  @query("tk-device-select") private readonly first!: DeviceSelect | null; // a seat may send nothing

  override focus(): void {
    void this.updateComplete.then(async () => {
      await this.first?.updateComplete;
      this.first?.focus();
    });
  }

  private get sources(): readonly Source[] {
    return this.view.profile?.sources.map((one) => one.source) ?? USUAL;
  }

  override render(): TemplateResult {
    const { sources } = this;
    const cameras = camerasOf(sources);
    return html`${sources.includes("room") ? this.microphone() : nothing}
    ${cameras.map((source) => this.camera(source, source === cameras[0]))} ${this.speaker()}`;
  }

  /** A seat's sound is carried by one of its devices: this one's is not opened beside another's. */
  private microphone(): TemplateResult {
    const { view, m } = this;
    if (view.me?.carriesSound === false) {
      return html`<p class="soft" data-testid="sound-elsewhere">${m.teach.soundElsewhere}</p>`;
    }
    const track = view.own.get("room");
    return html`<div class="device">
      ${this.select("room", true)}
      ${track ? html`<tk-level-meter .track=${track}></tk-level-meter>` : nothing}
    </div>`;
  }

  /** A person's further cameras are offered when there are any: a board, the teacher's own pupils. */
  private camera(source: Source, first: boolean): TemplateResult | typeof nothing {
    const offered = first || this.session.devices.takesAll || this.view.choices.cameras.length > 1;
    return offered ? this.select(source, first) : nothing;
  }

  private speaker(): TemplateResult {
    // A browser that cannot choose one, or tells of none, plays where the system plays.
    const known = this.view.choices.speakers.some((one) => one.deviceId && one.label);
    const chosen = "setSinkId" in HTMLMediaElement.prototype && known;
    return html`<div class="device">
      ${chosen ? this.select("speaker", false) : nothing}
      <tk-speaker-test .speaker=${this.view.choices.speaker}></tk-speaker-test>
    </div>`;
  }

  private select(use: DeviceUse, main: boolean): TemplateResult {
    const [first] = camerasOf(this.sources);
    const label = useName(use, { first, ofRoom: this.session.devices.takesAll }, this.m);
    return html`<tk-device-select
      .view=${this.view}
      .session=${this.session}
      .use=${use}
      .label=${label}
      .main=${main}
    ></tk-device-select>`;
  }
}

define("tk-device-menu", DeviceMenu);

declare global {
  interface HTMLElementTagNameMap {
    "tk-device-menu": DeviceMenu;
  }
}
