// A room in a lesson: the stage, a strip of the others, one line in large type, one large button,
// and for a while what was written.
//
// 1920 × 1080 divides without waste: the stage 1536 × 864, a strip of tiles 384 × 216 beside it,
// and 216 pixels below for the caption and the button.

import { css, html, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { define, TongkeElement } from "../../components/element.ts";
import "../../components/chat_line.ts";
import "../../components/program.ts";
import "../../components/sound.ts";
import "../../components/stage.ts";
import "../../components/tile.ts";
import { icon, type IconName } from "../../design/icons.ts";
import { base } from "../../design/shared.ts";
import { type Caption, roomCaption } from "../../lesson/captions.ts";
import { programPicture } from "../../lesson/program.ts";
import { mySeat, type Picture } from "../../lesson/selectors.ts";
import type { LessonSession } from "../../lesson/session.ts";
import { roomStage, type Stage } from "../../lesson/stage.ts";
import type { View } from "../../lesson/state.ts";
import { captionWords } from "./caption_words.ts";

export class RoomLesson extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        --strip: 20vw;
        --bar: 20vh;
        display: grid;
        grid-template: minmax(0, 1fr) var(--bar) / minmax(0, 1fr) auto;
        height: 100vh;
        overflow: hidden;
        background: var(--picture);
        font-size: max(28px, 1.46vw);
      }
      tk-stage {
        --tile-text: max(28px, 1.6vw);
        --tile-ring: 8px;
        grid-area: 1 / 1;
      }
      tk-program {
        grid-area: 1 / 1 / 2 / 3;
      }
      .strip {
        --tile-text: max(20px, 1.15vw);
        --tile-ring: 6px;
        display: flex;
        flex-direction: column;
        grid-area: 1 / 2;
        gap: 4px;
        width: var(--strip);
        padding-inline-start: 4px;
        overflow: hidden;
      }
      .strip tk-tile {
        flex: 0 1 auto;
        min-height: 0;
        border-radius: 4px;
      }
      .bar {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 32px;
        grid-area: 2 / 1 / 3 / 3;
        padding: 0 40px;
        background: var(--surface);
      }
      .words {
        display: grid;
        gap: 8px;
        min-width: 0;
      }
      tk-chat-line {
        font-size: max(28px, 1.8vw);
      }
      .caption {
        display: flex;
        align-items: center;
        gap: 24px;
        min-width: 0;
        color: var(--ink);
        font-size: max(36px, 2.7vw);
        font-weight: 600;
        line-height: 1.2;
      }
      .caption svg {
        flex: none;
        width: 1.4em;
        height: 1.4em;
      }
      .good {
        color: var(--accent);
      }
      .warn {
        color: var(--warn);
      }
      .hand {
        display: flex;
        flex: none;
        align-items: center;
        gap: 24px;
        min-width: 24vw;
        min-height: 68%;
        padding: 0 40px;
        border: 0;
        border-radius: 20px;
        background: var(--accent);
        color: var(--on-accent);
        font: inherit;
        text-align: start;
        cursor: pointer;
      }
      .hand.up {
        background: var(--hand);
        color: var(--on-hand);
      }
      .hand:disabled {
        background: var(--surface-raised);
        color: var(--ink-soft);
      }
      .hand svg {
        width: 72px;
        height: 72px;
      }
      .hand strong {
        display: block;
        font-size: max(36px, 2.5vw);
        line-height: 1.2;
      }
      .hand .hint {
        display: block; /* a line of its own size, not of the page's */
        font-size: max(20px, 1.15vw);
        line-height: 1.3;
      }
      .recording {
        position: absolute;
        inset-block-start: 8px;
        inset-inline-start: 64px; /* beside the gear */
        display: flex;
        align-items: center;
        gap: 8px;
        padding: 4px 14px;
        border-radius: 99px;
        background: var(--picture-sign);
        color: var(--alarm);
        font-size: max(20px, 1.15vw);
      }
      .sound {
        position: static;
        padding: 12px 32px;
        border-radius: 20px;
        background: var(--hand);
        color: var(--on-hand);
      }
      /* A phone or an upright screen: one below the other, and nothing beside anything. */
      @media (max-width: 900px) {
        :host {
          grid-template: minmax(0, 1fr) auto auto / minmax(0, 1fr);
          height: 100dvh;
        }
        tk-stage {
          --tile-text: 18px;
        }
        .strip {
          --tile-text: 14px;
          flex-direction: row;
          grid-area: 2 / 1;
          width: 100%;
          padding: 4px 0 0;
        }
        .strip tk-tile {
          flex: 0 1 33%;
        }
        .bar {
          flex-direction: column;
          align-items: stretch;
          gap: 12px;
          grid-area: 3 / 1;
          padding: 12px 16px 16px;
        }
        .caption {
          gap: 12px;
          font-size: 24px;
        }
        tk-chat-line {
          font-size: 20px;
        }
        .hand {
          justify-content: center;
          gap: 16px;
          min-height: 72px;
        }
        .hand svg {
          width: 40px;
          height: 40px;
        }
        .hand strong {
          font-size: 24px;
        }
        .hand .hint {
          font-size: 16px;
        }
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  /** Milliseconds; changes every second. */
  @property({ type: Number }) now = 0;

  override render(): TemplateResult {
    const { view, session } = this;
    return html`${programPicture(view)
        ? html`<tk-program .view=${view} .session=${session}></tk-program>`
        : this.pictures(roomStage(view))}
      <div class="bar">
        <div class="words">
          <tk-chat-line .view=${view} .now=${this.now}></tk-chat-line>
          <p class="caption ${roomCaption(view).tone}" role="status" data-testid="caption">
            ${this.caption()}
          </p>
        </div>
        ${this.button()}
      </div>
      ${view.lesson?.recording
        ? html`<p class="recording" data-testid="recording">
            ${icon("record", 24)}${this.m.lesson.recording}
          </p>`
        : nothing}
      <tk-sound .view=${view} .session=${session}></tk-sound>`;
  }

  private pictures(stage: Stage): TemplateResult {
    return html`<tk-stage
        .view=${this.view}
        .session=${this.session}
        .stage=${stage}
        .empty=${this.m.lesson.connecting}
      ></tk-stage>
      ${stage.strip.length
        ? html`<div class="strip" role="group" aria-label=${this.m.room.others}>
            ${repeat(
              stage.strip,
              (picture) => `${picture.seatId}/${picture.source}`,
              (picture) => this.tile(picture),
            )}
          </div>`
        : nothing}`;
  }

  private tile(picture: Picture): TemplateResult {
    return html`<tk-tile
      data-place="strip"
      .view=${this.view}
      .session=${this.session}
      .picture=${picture}
    ></tk-tile>`;
  }

  private caption(): TemplateResult {
    if (this.view.soundBlocked) {
      return html`<span class="sound">${this.m.room.soundBlocked}</span>`;
    }
    const caption = roomCaption(this.view);
    return html`${icon(CAPTION_ICONS[caption.kind], 48)}<span>${captionWords(caption, this.m)}</span>`;
  }

  private button(): TemplateResult {
    const { view, m } = this;
    const seat = mySeat(view);
    const floor = seat !== null && view.lesson?.floor === seat.seat_id;
    const words = floor ? m.room.giveBack : seat?.hand ? m.room.lowerHand : m.room.raiseHand;
    return html`<button
      class="hand ${seat?.hand ? "up" : ""}"
      data-testid="raise-hand"
      aria-pressed=${seat?.hand ? "true" : "false"}
      ?disabled=${view.phase !== "live"}
      @click=${() => this.dispatchEvent(new CustomEvent("hand"))}
    >
      ${icon(floor ? "check" : "hand", 72)}
      <span><strong>${words}</strong><span class="hint">${m.room.pressSpace}</span></span>
    </button>`;
  }
}

const CAPTION_ICONS: Record<Caption["kind"], IconName> = {
  connecting: "live",
  reconnecting: "linkLost",
  "media-lost": "linkLost",
  ended: "check",
  "floor-mine": "speak",
  "floor-elsewhere": "speak",
  "floor-muted": "microphoneOff",
  "microphone-closed": "microphoneOff",
  "muted-by-lead": "microphoneOff",
  "spotlight-mine": "spotlight",
  "hand-up": "hand",
  "no-microphone": "microphoneOff",
  "own-picture-paused": "linkWeak",
  "picture-paused": "linkWeak",
  "program-for-line": "linkWeak",
  "waiting-for": "live",
  "lead-away": "live",
  "floor-other": "speak",
  "no-camera": "cameraOff",
  "sound-elsewhere": "speak",
  "open-microphone": "microphone",
  listening: "live",
};

define("tk-room-lesson", RoomLesson);

declare global {
  interface HTMLElementTagNameMap {
    "tk-room-lesson": RoomLesson;
  }
}
