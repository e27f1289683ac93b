// Microphone, cameras and loudspeaker of this computer: which, how loud, and what is wrong with them.
// The same before a lesson and within it, on every page that sends.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, query } from "lit/decorators.js";
import { base } from "../design/shared.ts";
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
    `,
  ];

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

  override render(): TemplateResult {
    const { view, m } = this;
    const sources = view.profile?.sources.map((one) => one.source) ?? USUAL;
    const cameras = sources.filter((source) => source !== "room" && source !== "screen");
    const microphone = view.own.get("room");
    return html`${sources.includes("room") ? this.select("room", m.teach.microphone, true) : nothing}
      ${microphone ? html`<tk-level-meter .track=${microphone}></tk-level-meter>` : nothing}
      ${cameras.map((source, place) => this.camera(source, place === 0))} ${this.speaker()}`;
  }

  /** A person's further cameras are offered when there are any: a board, the teacher's own pupils. */
  private camera(source: Source, first: boolean): TemplateResult | typeof nothing {
    const { teach, sources } = this.m;
    if (this.session.devices.takesAll) return this.select(source, sources[source], first);
    if (first) return this.select(source, teach.camera, true);
    if (this.view.choices.cameras.length < 2) return nothing;
    return this.select(source, teach.furtherCamera(sources[source]), false);
  }

  private speaker(): TemplateResult {
    // A browser that cannot choose one, or tells of none, plays where the system plays.
    const known = this.view.choices.speakers.some((one) => one.deviceId && one.label);
    const chosen = "setSinkId" in HTMLMediaElement.prototype && known;
    return html`${chosen ? this.select("speaker", this.m.teach.speaker, false) : nothing}
      <tk-speaker-test .speaker=${this.view.choices.speaker}></tk-speaker-test>`;
  }

  private select(use: DeviceUse, label: string, main: boolean): TemplateResult {
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
