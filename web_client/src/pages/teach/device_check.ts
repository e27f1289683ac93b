// Before the lesson: the own picture, the microphone's level, which devices, and one button.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, query } from "lit/decorators.js";
import "../../components/device_menu.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base, controls } from "../../design/shared.ts";
import type { LessonSession } from "../../lesson/session.ts";
import type { View } from "../../lesson/state.ts";
import type { SourceProfile } from "../../protocol/messages.ts";

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
        background: var(--picture);
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
        color: var(--on-picture-soft);
        text-align: center;
      }
      .settings {
        display: grid;
        align-content: start;
        gap: 16px;
        min-width: 0;
      }
      @media (max-width: 700px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
          padding: 8px;
        }
      }
      .go {
        display: grid;
        gap: 8px;
      }
      .go .main {
        min-height: 56px;
        padding-block: 8px;
        font-size: var(--text-large);
        white-space: normal;
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
          : html`<p class="why">
              ${icon("cameraOff", 40)}<br />
              ${view.camera === "starting" ? m.tile.starting : m.teach.noPicture}
            </p>`}
      </div>
      <div class="settings">
        <tk-device-menu .view=${view} .session=${this.session}></tk-device-menu>
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
}

define("tk-device-check", DeviceCheck);

declare global {
  interface HTMLElementTagNameMap {
    "tk-device-check": DeviceCheck;
  }
}
