// The bar below the lesson: own microphone, camera, devices and screen, the layout, hands, chat.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, query } from "lit/decorators.js";
import "../../components/level_meter.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon, type IconName } from "../../design/icons.ts";
import { base, controls } from "../../design/shared.ts";
import { hands, isSent } from "../../lesson/selectors.ts";
import type { LessonSession } from "../../lesson/session.ts";
import type { View } from "../../lesson/state.ts";
import { type Layout, LAYOUT_VALUES, type Source } from "../../protocol/messages.ts";

const LAYOUT_ICONS: Record<Layout, IconName> = {
  speaker: "layoutSpeaker",
  wall: "layoutWall",
  screen: "layoutScreen",
  "lead-and-screen": "layoutLeadAndScreen",
  spotlight: "layoutSpotlight",
  dialogue: "layoutDialogue",
  four: "layoutFour",
};

export class ControlBar extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: flex;
        align-items: center;
        gap: 8px;
        min-height: 64px;
        padding: 0 12px;
        background: var(--surface);
      }
      button {
        min-height: 44px;
        padding: 0 12px;
      }
      button.closed {
        border-color: var(--alarm);
        color: var(--alarm);
      }
      button.waits {
        border-color: var(--warn);
        color: var(--warn);
      }
      .group {
        display: flex;
      }
      .group button {
        border-radius: 0;
      }
      .group button:first-child {
        border-start-start-radius: var(--radius);
        border-end-start-radius: var(--radius);
      }
      .group button:last-child {
        border-start-end-radius: var(--radius);
        border-end-end-radius: var(--radius);
      }
      .group button + button {
        margin-inline-start: -1px;
      }
      /* Seven are too many words in a row: what is chosen says its own, the others on asking. */
      .group button:not([aria-pressed="true"]) .word {
        display: none;
      }
      .hands {
        display: flex;
        flex: 1;
        align-items: center;
        justify-content: center;
        gap: 6px;
        min-width: 0;
        overflow: hidden;
      }
      .hands button {
        overflow: hidden;
        border-color: var(--warn);
        color: var(--warn);
      }
      .hands svg {
        flex: none;
      }
      .hands span {
        min-width: 0;
        overflow: hidden;
        text-overflow: ellipsis;
      }
      /* A laptop's width, and English words: who raised a hand is to be read all the same. */
      @media (max-width: 1500px) {
        button {
          gap: 6px;
          padding: 0 10px;
        }
        .group button {
          padding: 0 9px;
        }
        tk-level-meter.yields {
          display: none;
        }
      }
      @media (max-width: 1180px) {
        :host {
          flex-wrap: wrap;
          padding: 8px;
        }
        .hands {
          flex: 1 1 100%;
          flex-wrap: wrap;
          order: -1;
        }
        .hands.none {
          display: none;
        }
        .group {
          flex: 1 1 auto;
        }
        button {
          flex: 1 1 auto;
        }
      }
      /* A phone: big buttons, four in a row, the word below its sign. */
      @media (max-width: 600px) {
        :host {
          display: grid;
          grid-template-columns: repeat(4, minmax(0, 1fr));
          gap: 6px;
          padding: 6px;
        }
        button {
          flex-direction: column;
          gap: 2px;
          min-height: 56px;
          padding: 4px 2px;
          font-size: var(--text-small);
          text-align: center;
          white-space: normal;
          overflow-wrap: anywhere;
        }
        .hands {
          grid-column: 1 / -1;
        }
        .group {
          grid-column: 1 / -1;
          order: 2;
        }
        [data-testid="share-screen"] {
          grid-column: 1 / -1;
          flex-direction: row;
          order: 3;
          min-height: 44px;
        }
        tk-level-meter {
          display: none; /* the devices tell it */
        }
        .group button,
        .hands button {
          flex-direction: row;
          min-height: 44px;
        }
      }
      .count {
        min-width: 22px;
        padding: 0 6px;
        border-radius: 99px;
        background: var(--alarm);
        color: var(--on-alarm);
        font-size: var(--text-small);
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  /** The panel of own devices is open. */
  @property({ type: Boolean }) devices = false;
  /** The panel of who stands where is open. */
  @property({ type: Boolean }) arranging = false;
  @query("[data-testid=arrange]") private readonly arrangeButton!: HTMLButtonElement;
  @query("[data-testid=devices]") private readonly devicesButton!: HTMLButtonElement;
  @query("[data-testid=chat]") private readonly chatButton!: HTMLButtonElement;

  /** To where the panel of own devices was opened from. */
  override focus(): void {
    this.devicesButton.focus();
  }

  /** To where the panel of who stands where was opened from. */
  focusArrangement(): void {
    this.arrangeButton.focus();
  }

  /** To where the chat was opened from. */
  focusChat(): void {
    this.chatButton.focus();
  }

  override render(): TemplateResult {
    const { view, m, session } = this;
    const off = view.phase !== "live";
    return html`${this.device("room", ["microphone", "microphoneOff"], [m.teach.micOn, m.teach.micOff])}
      ${this.level()} ${this.device("teacher", ["camera", "cameraOff"], [m.teach.camOn, m.teach.camOff])}
      <button
        data-testid="devices"
        aria-pressed=${this.devices ? "true" : "false"}
        title=${m.teach.devicesHint}
        @click=${this.toggleDevices}
      >
        ${icon("gear")}${m.teach.devices}
      </button>
      ${this.screenButton()}
      <div class="group" role="group" aria-label=${m.teach.layout}>
        ${LAYOUT_VALUES.map(
          (layout) =>
            html`<button
              data-testid="layout-${layout}"
              aria-pressed=${view.lesson?.layout === layout ? "true" : "false"}
              aria-label=${m.teach.layouts[layout]}
              title=${m.teach.layouts[layout]}
              ?disabled=${off}
              @click=${() => session.setLayout(layout)}
            >
              ${icon(LAYOUT_ICONS[layout])}<span class="word">${m.teach.layouts[layout]}</span>
            </button>`,
        )}
        <button
          data-testid="arrange"
          aria-pressed=${this.arranging ? "true" : "false"}
          aria-label=${m.arrangement.open}
          title=${m.arrangement.open}
          @click=${() => this.dispatchEvent(new CustomEvent("toggle-arrangement"))}
        >
          ${icon("swap")}
        </button>
      </div>
      <div
        class="hands ${hands(view).length ? "" : "none"}"
        role="group"
        aria-label=${m.teach.hands}
      >
        ${this.hands()}
      </div>
      <button
        data-testid="chat"
        aria-pressed=${view.chatOpen ? "true" : "false"}
        @click=${() => this.dispatchEvent(new CustomEvent("toggle-chat"))}
      >
        ${icon("chat")}${m.lesson.chat}
        ${view.unread > 0
          ? html`<span class="count" aria-label=${m.lesson.unread(view.unread)}
              >${view.unread}</span
            >`
          : nothing}
      </button>`;
  }

  private device(
    source: "room" | "teacher",
    icons: [IconName, IconName],
    words: [string, string],
  ): TemplateResult {
    const { view } = this;
    if (source === "room" && view.me?.carriesSound === false) return this.soundElsewhere(icons[1]);
    const closed = view.closed.has(source) || !view.own.has(source);
    if (!closed && !isSent(view, source)) return this.waits(source, icons[0]);
    return html`<button
      class=${closed ? "closed" : ""}
      data-testid="own-${source}"
      aria-pressed=${closed ? "false" : "true"}
      title=${this.m.teach.keys}
      @click=${() => this.pressed(source)}
    >
      ${icon(closed ? icons[1] : icons[0])}${closed ? words[1] : words[0]}
    </button>`;
  }

  /** How the teacher sounds, while they speak and are heard. */
  private level(): TemplateResult | typeof nothing {
    const { view } = this;
    if (this.devices) return nothing; // it is told there, at length
    const track = view.own.get("room");
    if (!track || view.closed.has("room") || !isSent(view, "room")) return nothing;
    const yields = hands(view).length ? "yields" : "";
    return html`<tk-level-meter class=${yields} short .track=${track}></tk-level-meter>`;
  }

  /** It is open here and does not reach anybody yet, or not for the moment. */
  private waits(source: "room" | "teacher", sign: IconName): TemplateResult {
    const { teach } = this.m;
    return html`<button
      class="waits"
      data-testid="own-${source}"
      aria-pressed="false"
      title=${teach.keys}
      @click=${() => this.pressed(source)}
    >
      ${icon(sign)}${source === "room" ? teach.micWaits : teach.camWaits}
    </button>`;
  }

  /** Nothing is sent from here, whatever this microphone does. */
  private soundElsewhere(sign: IconName): TemplateResult {
    return html`<button data-testid="own-room" aria-pressed="false" disabled>
      ${icon(sign)}${this.m.teach.soundElsewhere}
    </button>`;
  }

  /** Open or close it; where there is nothing to open, see why. */
  private pressed(source: Source): void {
    if (this.view.own.has(source)) this.session.setClosed(source, !this.view.closed.has(source));
    else if (!this.devices) this.toggleDevices();
  }

  private readonly toggleDevices = (): void => {
    this.dispatchEvent(new CustomEvent("toggle-devices"));
  };

  private screenButton(): TemplateResult {
    const sharing = this.view.own.has("screen");
    const allowed = this.view.profile?.sources.some((one) => one.source === "screen") ?? false;
    if (!allowed || !canShare()) return html``;
    return html`<button
      data-testid="share-screen"
      aria-pressed=${sharing ? "true" : "false"}
      ?disabled=${this.view.phase !== "live" && !sharing}
      @click=${() => this.dispatchEvent(new CustomEvent("toggle-screen"))}
    >
      ${icon("screen")}${sharing ? this.m.teach.stopSharing : this.m.teach.shareScreen}
    </button>`;
  }

  private hands(): TemplateResult {
    const raised = hands(this.view);
    return html`${raised.map(
      (seat) =>
        html`<button
          data-testid="hand-${seat.seat_id}"
          aria-label="${this.m.tile.hand(seat.hand?.place ?? 0)} ${seat.name}: ${this.m.teach
            .giveFloor}"
          ?disabled=${this.view.phase !== "live"}
          @click=${() => this.session.giveFloor(seat.seat_id)}
        >
          ${icon("hand")}<span>${seat.hand?.place} ${seat.name}</span>
        </button>`,
    )}`;
  }
}

/** Phones cannot. */
function canShare(): boolean {
  return "getDisplayMedia" in ((navigator as Partial<Navigator>).mediaDevices ?? {});
}

define("tk-control-bar", ControlBar);

declare global {
  interface HTMLElementTagNameMap {
    "tk-control-bar": ControlBar;
  }
}
