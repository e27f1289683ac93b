// Before the lesson: the own picture, the microphone's level, which devices, and one button.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, query } from "lit/decorators.js";
import { define, TongkeElement } from "../../components/element.ts";
import "../../components/level_meter.ts";
import { icon } from "../../design/icons.ts";
import { base, controls, fields } from "../../design/shared.ts";
import { NO_DEVICE } from "../../lesson/devices.ts";
import type { LessonSession } from "../../lesson/session.ts";
import type { DevicePhase, View } from "../../lesson/state.ts";
import type { Source, SourceProfile } from "../../protocol/messages.ts";

/** What the check opens before the lesson's own profile is known. */
const PREVIEW: SourceProfile[] = (["room", "teacher"] as const).map((source) => ({
  source,
  width: source === "room" ? 0 : 1280,
  height: source === "room" ? 0 : 720,
  frame_rate: source === "room" ? 0 : 25,
  codec: source === "room" ? "opus" : "H264",
  encodings: [],
  max_bitrate_bps: 0,
  sound: null,
}));

export class DeviceCheck extends TongkeElement {
  static override styles = [
    base,
    controls,
    fields,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1.35fr) minmax(280px, 1fr);
        align-content: center;
        gap: 24px;
        padding: 24px;
        overflow-y: auto;
      }
      h2 {
        grid-column: 1 / -1;
        font-size: var(--text-title);
      }
      .picture {
        position: relative;
        display: grid;
        place-items: center;
        overflow: hidden;
        border-radius: var(--radius);
        background: #05080a;
        aspect-ratio: 16 / 9;
      }
      video {
        width: 100%;
        height: 100%;
        object-fit: cover;
        transform: scaleX(-1);
      }
      .why {
        position: absolute;
        padding: 24px;
        color: #c6d2da;
        text-align: center;
      }
      .settings {
        display: grid;
        align-content: start;
        gap: 16px;
      }
      .problem {
        display: flex;
        gap: 8px;
        padding: 8px 12px;
        border-radius: var(--radius);
        background: var(--warn-ground);
        color: var(--warn);
        font-weight: 400;
      }
      .problem svg {
        flex: none;
      }
      .go {
        display: grid;
        gap: 8px;
      }
      .go .main {
        min-height: 56px;
        font-size: var(--text-large);
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  /** The lesson runs already: entering does not start it. */
  @property({ type: Boolean }) running = false;
  @property({ type: Boolean }) busy = false;
  @query("video") private video!: HTMLVideoElement;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.session.devices.capture(PREVIEW);
  }

  protected override updated(): void {
    const track = this.view.own.get("teacher") ?? null;
    const shown = this.video.srcObject instanceof MediaStream ? this.video.srcObject : null;
    if (shown?.getVideoTracks()[0] === (track ?? undefined)) return;
    this.video.srcObject = track ? new MediaStream([track]) : null;
    if (track) void this.video.play().catch(() => undefined);
  }

  override render(): TemplateResult {
    const { view, m } = this;
    const bare = view.camera !== "on" && view.microphone !== "on";
    const main = this.running
      ? bare
        ? m.teach.deviceJoinBare
        : m.teach.deviceJoin
      : bare
        ? m.teach.deviceStartBare
        : m.teach.deviceStart;
    return html`<h2>${m.teach.checkTitle}</h2>
      <div class="picture">
        <video autoplay playsinline .muted=${true} aria-label=${m.teach.camera}></video>
        ${view.own.has("teacher")
          ? nothing
          : html`<p class="why">${icon("cameraOff", 40)}<br />${this.why(view.camera)}</p>`}
      </div>
      <div class="settings">
        ${this.chooser("teacher", m.teach.camera, view.choices.cameras, view.camera)}
        ${this.chooser("room", m.teach.microphone, view.choices.microphones, view.microphone)}
        ${view.own.has("room")
          ? html`<tk-level-meter .track=${view.own.get("room") ?? null}></tk-level-meter>`
          : nothing}
        <div class="go">
          <button
            class="main"
            data-testid="device-start"
            ?disabled=${this.busy}
            @click=${() => this.dispatchEvent(new CustomEvent("device-start"))}
          >
            ${main}${icon("forward")}
          </button>
        </div>
      </div>`;
  }

  private chooser(
    source: Source,
    label: string,
    devices: readonly MediaDeviceInfo[],
    phase: DevicePhase,
  ): TemplateResult {
    const { teach } = this.m;
    const chosen = this.session.devices.chosen(source);
    const option = (value: string, words: string): TemplateResult =>
      html`<option value=${value} ?selected=${value === chosen}>${words}</option>`;
    const broken = !["on", "starting", "off"].includes(phase);
    return html`<label>
      ${label}
      <select
        data-testid="device-${source}"
        @change=${(event: Event) =>
          void this.session.devices.choose(source, (event.target as HTMLSelectElement).value)}
      >
        ${option("", teach.defaultDevice)}
        ${devices
          .filter((device) => device.deviceId && device.label)
          .map((device) => option(device.deviceId, device.label))}
        ${option(NO_DEVICE, teach.noDevice)}
      </select>
      ${broken
        ? html`<span class="problem" role="alert"
              >${icon("warning")}<span>${this.why(phase)}</span></span
            >
            <button class="slim" @click=${() => void this.session.devices.reopen()}>
              ${this.m.app.retry}
            </button>`
        : nothing}
    </label>`;
  }

  private why(phase: DevicePhase): string {
    const { teach, tile } = this.m;
    if (!isSecureContext) return teach.insecure;
    const words: Record<DevicePhase, string> = {
      on: tile.starting,
      starting: tile.starting,
      off: tile.cameraOff,
      denied: teach.denied,
      missing: teach.missing,
      busy: teach.busy,
      lost: teach.lostDevice,
    };
    return words[phase];
  }
}

define("tk-device-check", DeviceCheck);

declare global {
  interface HTMLElementTagNameMap {
    "tk-device-check": DeviceCheck;
  }
}
