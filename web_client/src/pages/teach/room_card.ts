// One room beside the stage: who it is, how it is in words, and what the lead can do. Its picture
// stands on the stage, once.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { define, TongkeElement } from "../../components/element.ts";
import { icon, type IconName, lineSigns } from "../../design/icons.ts";
import { base, controls, lines } from "../../design/shared.ts";
import { clock } from "../../i18n/format.ts";
import { facePicture, serverNow, videoSources } from "../../lesson/selectors.ts";
import type { LessonSession } from "../../lesson/session.ts";
import type { View } from "../../lesson/state.ts";
import type { SeatState, Source } from "../../protocol/messages.ts";
import type { Density } from "./density.ts";

export class RoomCard extends TongkeElement {
  static override styles = [
    base,
    controls,
    lines,
    css`
      :host {
        display: block;
      }
      article {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 6px 12px;
        padding: 8px 12px;
        border: 2px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
      }
      article.speaking {
        border-color: var(--speaking);
      }
      article.hand {
        border-color: var(--warn);
      }
      article.floor {
        border-color: var(--accent);
      }
      .who {
        display: flex;
        align-items: baseline;
        gap: 8px;
        min-width: 0;
      }
      h3,
      .school {
        min-width: 0;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      h3 {
        flex: 0 1 auto;
      }
      .school {
        flex: 1 1 0;
      }
      .signs {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px;
        min-width: 0;
        min-height: 26px;
      }
      .sign {
        display: inline-flex;
        align-items: center;
        gap: 4px;
        padding: 2px 8px;
        border-radius: 99px;
        background: var(--surface-raised);
        color: var(--ink-soft);
        font-size: var(--text-small);
        white-space: nowrap;
      }
      .sign svg {
        flex: none;
      }
      .sign.warn {
        background: var(--warn-ground);
        color: var(--warn);
      }
      .sign.good {
        background: var(--accent-ground);
        color: var(--accent-strong);
      }
      .signs .slim {
        min-height: 26px;
        padding: 0 8px;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
      }
      .actions button {
        flex: 1 1 auto;
        min-height: 36px;
        padding: 0 8px;
        font-size: var(--text-small);
      }
      .actions .more {
        flex: 0 0 auto;
        min-width: 36px;
      }
      /* Name and signs in one row, all words below. */
      :host([density="low"]) article {
        grid-template-columns: minmax(5em, 1fr) auto;
        gap: 4px 8px;
        padding: 6px 10px;
      }
      :host([density="low"]) .signs {
        justify-content: end;
      }
      :host([density="low"]) .actions {
        grid-column: 1 / -1;
      }
      /* What can be done beside the name, in words alone: nobody guesses at a sign. The signs below
         have the whole width: a hand that goes up moves no other card. */
      :host([density="flat"]) article {
        grid-template-columns: minmax(5em, 1fr) auto;
        align-items: center;
        gap: 2px 8px;
        padding: 2px 8px;
      }
      :host([density="flat"]) .actions {
        justify-content: end;
        gap: 4px;
        grid-area: 1 / 2;
      }
      :host([density="flat"]) .actions button {
        flex: 0 0 auto;
        min-height: 32px;
        padding: 0 6px;
      }
      :host([density="flat"]) .signs {
        grid-column: 1 / -1;
      }
      :host([density="low"]) .school,
      :host([density="flat"]) .school,
      :host([density="flat"]) .actions button:not(.more) svg {
        display: none;
      }
      /* A hand that touches: nothing here is smaller than a finger. */
      @media (max-width: 900px) {
        .actions button,
        .signs .slim,
        .pictures button {
          min-height: 44px;
          font-size: var(--text);
        }
        .actions .more {
          min-width: 48px;
        }
      }
      @media (max-width: 600px) {
        .actions button {
          padding: 0 6px;
          font-size: var(--text-small);
        }
        .actions button:not(.more) svg {
          display: none; /* the words say it: all four stand in one row */
        }
      }
      tk-seat-devices {
        grid-column: 1 / -1;
      }
      .pictures {
        display: inline-flex;
        gap: 4px;
      }
      .pictures button {
        min-height: 26px;
        padding: 0 8px;
        font-size: var(--text-small);
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  @property({ attribute: false }) seat!: SeatState;
  /** Milliseconds; changes every second so that waiting times run. */
  @property({ type: Number }) now = 0;
  /** How much of it there is room for. */
  @property({ reflect: true }) density: Density = "whole";
  /** Which of its pictures the lead looks at, if one was chosen. */
  @property() chosen: Source | null = null;
  /** The lead is heard: what is done here takes effect. */
  @property({ type: Boolean }) heard = false;
  @state() private showsDevices = false;

  override render(): TemplateResult {
    const { view, seat } = this;
    const floor = view.lesson?.floor === seat.seat_id;
    const speaks = view.speaking.has(seat.seat_id) && seat.may_speak;
    return html`<article
      class="${floor ? "floor" : ""} ${seat.hand ? "hand" : ""} ${speaks ? "speaking" : ""}"
      aria-label=${seat.name}
    >
      <div class="who">
        <h3 title=${seat.name}>${seat.name}</h3>
        <span class="school soft small">${seat.school}</span>
      </div>
      <div class="signs">${this.signs(floor)} ${this.pictures()}</div>
      ${this.heard ? html`${this.actions(floor)} ${this.devices()}` : nothing}
    </article>`;
  }

  private pictures(): TemplateResult | typeof nothing {
    const sources = videoSources(this.seat).map((one) => one.source);
    if (sources.length < 2) return nothing;
    const shown = this.shown();
    return html`<span class="pictures" role="group" aria-label=${this.m.teach.pictures}>
      ${sources.map(
        (source) =>
          html`<button
            aria-pressed=${source === shown ? "true" : "false"}
            @click=${() => this.choose(source)}
          >
            ${this.m.sources[source]}
          </button>`,
      )}
    </span>`;
  }

  /** Which of its pictures stands on the stage for the lead. */
  private shown(): Source {
    const known = videoSources(this.seat).some((one) => one.source === this.chosen);
    return this.chosen && known ? this.chosen : facePicture(this.seat).source;
  }

  /** Fires `choose-picture`; whoever is in everybody's sight shows it to everybody. */
  private choose(source: Source): void {
    this.dispatchEvent(new CustomEvent("choose-picture", { detail: source }));
    if (this.view.lesson?.spotlight?.seat_id === this.seat.seat_id) {
      this.session.spotlight(this.seat.seat_id, source);
    }
  }

  private signs(floor: boolean): TemplateResult {
    const { seat, m } = this;
    const sign = (name: IconName, words: string, tone = ""): TemplateResult =>
      html`<span class="sign ${tone}">${icon(name, 16)}${words}</span>`;
    const waited = seat.hand ? serverNow(this.view, this.now) - seat.hand.raised_at : 0;
    return html`
      ${seat.hand
        ? html`${sign("hand", `${m.tile.hand(seat.hand.place)} · ${m.teach.waiting(clock(waited))}`, "warn")}
            <button
              class="slim quiet"
              data-testid="lower-hand-${seat.seat_id}"
              ?disabled=${!this.heard || this.view.phase !== "live"}
              @click=${() => this.session.lowerHand(seat.seat_id)}
            >
              ${m.teach.lowerHand}
            </button>`
        : nothing}
      ${seat.present ? nothing : sign(...this.absence())}
      ${this.heard ? nothing : this.readiness().map((one) => sign(...one))}
      ${floor ? sign("speak", m.tile.floor, "good") : nothing}
      ${seat.muted_by_lead ? sign("microphoneOff", m.tile.muted, "warn") : nothing}
      ${this.putOut()}
      ${seat.present && this.view.phase === "live"
        ? sign(lineSigns[seat.link], m.link[seat.link], `line ${seat.link}`)
        : nothing}
    `;
  }

  /** Before the lesson: whether its camera and its microphone are there, and something comes. */
  private readiness(): [IconName, string, string][] {
    const { seat, m } = this;
    if (!seat.present) return [];
    const comes = (kind: "audio" | "video"): boolean =>
      seat.sources.some((one) => one.kind === kind && one.live && !one.muted);
    return [
      comes("video")
        ? ["camera", m.teach.camera, "good"]
        : ["cameraOff", m.teach.noCamera, "warn"],
      comes("audio")
        ? ["microphone", m.teach.microphone, "good"]
        : ["microphoneOff", m.teach.noSound, "warn"],
    ];
  }

  /** It is not here: not yet, or not for the moment. */
  private absence(): [IconName, string, string] {
    const { tile } = this.m;
    return this.seat.away_since === null
      ? ["room", tile.absent, ""]
      : ["linkLost", tile.away, "warn"];
  }

  /** Which devices are at this seat, to put one out. */
  private devices(): TemplateResult | typeof nothing {
    const { seat, view } = this;
    if (!this.showsDevices || seat.devices.length === 0) return nothing;
    return html`<tk-seat-devices
      .devices=${seat.devices}
      .own=${view.me?.deviceId ?? ""}
      ?disabled=${view.phase !== "live"}
      @remove-device=${this.putOutDevice}
    ></tk-seat-devices>`;
  }

  private readonly putOutDevice = (event: CustomEvent<string>): void => {
    this.showsDevices = false;
    this.focusOn(".actions button:not(:disabled)");
    this.session.removeDevice(event.detail);
  };

  /** Who was put out of this seat, and the way back in. */
  private putOut(): TemplateResult[] {
    const { view, seat, m } = this;
    const out = (view.lesson?.removed ?? []).filter((one) => one.seat_id === seat.seat_id);
    return out.map(
      (one) =>
        html`<span class="sign warn">${icon("putOut", 16)}${m.devices.wasPutOut(one.bearer)}</span>
          <button
            class="slim quiet"
            data-testid="readmit-${seat.seat_id}"
            ?disabled=${!this.heard || view.phase !== "live"}
            @click=${() => this.session.readmit(seat.seat_id)}
          >
            ${m.devices.letIn}
          </button>`,
    );
  }

  private actions(floor: boolean): TemplateResult {
    const { seat, session, m } = this;
    const id = seat.seat_id;
    const lit = this.view.lesson?.spotlight?.seat_id === id;
    const off = this.view.phase !== "live";
    const floorWords = floor ? m.teach.takeFloor : m.teach.giveFloor;
    const lightWords = lit ? m.teach.spotlightOff : m.teach.spotlight;
    const muteWords = seat.muted_by_lead ? m.teach.unmute : m.teach.mute;
    return html`<div class="actions" role="group" aria-label=${m.teach.roomActions(seat.name)}>
      <button
        class="floor ${seat.hand && !floor ? "main" : ""}"
        data-testid="${floor ? "take" : "give"}-floor-${id}"
        aria-pressed=${floor ? "true" : "false"}
        aria-label=${floorWords}
        title=${floorWords}
        ?disabled=${off || (!seat.present && !floor)}
        @click=${() => (floor ? session.takeFloor() : session.giveFloor(id))}
      >
        ${icon("speak", 18)}<span class="words">${floorWords}</span>
      </button>
      <button
        data-testid="spotlight-${id}"
        aria-pressed=${lit ? "true" : "false"}
        aria-label=${lightWords}
        title=${lightWords}
        ?disabled=${off || (!seat.present && !lit)}
        @click=${() => (lit ? session.spotlight(null) : session.spotlight(id, this.chosen))}
      >
        ${icon("spotlight", 18)}<span class="words">${lightWords}</span>
      </button>
      <button
        data-testid="mute-${id}"
        aria-pressed=${seat.muted_by_lead ? "true" : "false"}
        aria-label=${muteWords}
        title=${muteWords}
        ?disabled=${off}
        @click=${() => session.muteSeat(id, !seat.muted_by_lead)}
      >
        ${icon(seat.muted_by_lead ? "microphone" : "microphoneOff", 18)}
        <span class="words">${muteWords}</span>
      </button>
      <button
        class="more"
        data-testid="devices-${id}"
        aria-expanded=${this.showsDevices ? "true" : "false"}
        aria-label=${m.teach.devicesOf(seat.name)}
        title=${m.teach.devicesOf(seat.name)}
        ?disabled=${seat.devices.length === 0}
        @click=${() => (this.showsDevices = !this.showsDevices)}
      >
        ${icon("putOut", 18)}
      </button>
    </div>`;
  }
}

define("tk-room-card", RoomCard);

declare global {
  interface HTMLElementTagNameMap {
    "tk-room-card": RoomCard;
  }
}
