// Before the lesson: the own picture, the microphone's level, which devices, and one button.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import "../../components/device_menu.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { onEscape } from "../../components/form.ts";
import { icon } from "../../design/icons.ts";
import { base, controls } from "../../design/shared.ts";
import { dayOf, timeOfDay } from "../../i18n/format.ts";
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
  from_network: false,
}));

export class DeviceCheck extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1.35fr) minmax(280px, 1fr);
        align-content: start; /* where "safe" is not known */
        align-content: safe center; /* what is higher than the screen begins at its top */
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
      @media (max-height: 700px) and (min-width: 701px) {
        :host {
          gap: 12px 24px;
          padding: 12px 24px;
        }
        .settings {
          gap: 8px;
        }
        .planned {
          font-size: var(--text);
        }
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
      .planned {
        display: flex;
        align-items: center;
        gap: 8px;
        font-size: var(--text-large);
        font-weight: 600;
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
  /** The lesson is open already, the rooms come in: entering does not open it. */
  @property({ type: Boolean }) running = false;
  @property({ type: Boolean }) busy = false;
  /** When a planned lesson is to begin; null: nothing is waited for. */
  @property({ attribute: false }) startsAt: number | null = null;
  @property({ type: Number }) now = 0;
  @state() private asking = false;
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
    const main = this.goesOn()
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
          ${this.isEarly()
            ? this.wait()
            : html`<button
                class="main"
                data-testid="device-start"
                ?disabled=${this.busy}
                @click=${this.start}
              >
                ${main}${icon("forward")}
              </button>`}
        </div>
      </div>`;
  }

  /** The teacher was in it before: entering comes back. A lesson that was just opened begins here. */
  private goesOn(): boolean {
    return this.running && (this.view.lesson?.begun ?? true);
  }

  private isEarly(): boolean {
    return !this.running && this.startsAt !== null && this.now / 1000 < this.startsAt;
  }

  /** Preparing starts nothing: before its time the lesson begins only for who says so twice. */
  private wait(): TemplateResult {
    const { teach } = this.m;
    const at = this.startsAt ?? 0;
    const today = new Date(this.now).toDateString() === new Date(at * 1000).toDateString();
    const time = today ? timeOfDay(at) : `${dayOf(at)} ${timeOfDay(at)}`;
    return html`<p class="planned" data-testid="planned-at">${icon("today")}${teach.plannedAt(time)}</p>
      <p class="soft">${teach.beginsByItself}</p>
      ${this.asking
        ? html`<div
            class="go"
            role="alertdialog"
            aria-label=${teach.startEarlySure}
            @keydown=${onEscape(() => this.ask(false))}
          >
            <span>${teach.startEarlySure}</span>
            <button data-testid="start-early-yes" ?disabled=${this.busy} @click=${this.start}>
              ${teach.startEarlyYes}
            </button>
            <button class="no" @click=${() => this.ask(false)}>${teach.startEarlyNo}</button>
          </div>`
        : html`<button class="quiet" data-testid="start-early" @click=${() => this.ask(true)}>
            ${teach.startEarly}
          </button>`}`;
  }

  private ask(asking: boolean): void {
    this.asking = asking;
    this.focusOn(asking ? ".no" : "[data-testid=start-early]");
  }

  private readonly start = (): void => {
    this.dispatchEvent(new CustomEvent("device-start"));
  };
}

define("tk-device-check", DeviceCheck);

declare global {
  interface HTMLElementTagNameMap {
    "tk-device-check": DeviceCheck;
  }
}
