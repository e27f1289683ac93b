// One part of a recording: a media element that is told by the player where to be.

import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import type { Part } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { base } from "../../design/shared.ts";
import { covers, follow } from "./clock.ts";
import { mediaAddress } from "./media.ts";

const ENOUGH_DATA = 3; // HAVE_FUTURE_DATA
/** What is to come soon is loaded beforehand; what is further away takes no line and no memory. */
const NEAR_S = 20;
const SEEK_EVERY_MS = 700; // an element that is still seeking is not sought again
/** What could not be loaded is tried again: a server is back within seconds, a line within minutes. */
const AGAIN_MS = 2000;
const AGAIN_AT_MOST_MS = 30_000;

export class PartView extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        position: relative;
        display: block;
        overflow: hidden;
        border-radius: var(--radius);
        background: var(--picture);
        color: var(--on-picture);
      }
      video {
        width: 100%;
        height: 100%;
        object-fit: contain;
      }
      .plate {
        position: absolute;
        inset: auto 0 0 0;
        overflow: hidden;
        padding: 4px 10px;
        background: linear-gradient(transparent, var(--picture-shade) 45%);
        font-size: var(--text-small);
        text-overflow: ellipsis;
        text-shadow: 0 1px 2px var(--picture-shade);
        white-space: nowrap;
      }
      :host([speaking])::after {
        position: absolute;
        border: 3px solid var(--speaking);
        border-radius: inherit;
        content: "";
        inset: 0;
        pointer-events: none;
      }
      .failed {
        position: absolute;
        inset: 0;
        display: grid;
        place-items: center;
        padding: 12px;
        color: var(--on-picture-soft);
        text-align: center;
      }
    `,
  ];

  @property({ attribute: false }) recordingId = "";
  @property({ attribute: false }) recorded!: Part;
  @property({ type: Number }) volume = 1;
  /** Whose picture it is speaks. */
  @property({ type: Boolean, reflect: true }) speaking = false;
  @state() private source = "";
  @state() private failed = false;
  @query("video") private video!: HTMLVideoElement | null;
  private soughtAt = 0;
  /** After a failure: when it is tried again, and how long to wait after the next. */
  private againAt = 0;
  private pause = AGAIN_MS;
  private trying = false;

  /** Be where the lesson is. `moving` is false while the player waits or is paused. */
  follow(position: number, rate: number, moving: boolean): void {
    const { recorded: part, video } = this;
    if (!isNear(part, position)) this.letGo();
    else this.source ||= mediaAddress(this.recordingId, part.file);
    if (!video || !this.source) return;
    const now = performance.now();
    if (this.failed && !this.trying) {
      if (now < this.againAt) return;
      this.trying = true;
      video.load();
    }
    const step = follow(part, position, video.currentTime, rate);
    if (step.do === "rest") {
      if (!video.paused) video.pause();
      return;
    }
    if (step.do === "jump" && (!video.seeking || now - this.soughtAt > SEEK_EVERY_MS)) {
      this.soughtAt = now;
      video.currentTime = step.to;
    }
    if (step.do === "run") {
      if (this.failed && hasEnough(video)) this.forgetFailure();
      if (Math.abs(video.playbackRate - step.rate) > 0.005) video.playbackRate = step.rate;
    }
    if (moving && video.paused) void video.play().catch(() => undefined);
    if (!moving && !video.paused) video.pause();
  }

  private letGo(): void {
    if (!this.source) return;
    this.source = "";
    this.forgetFailure();
    // Only at this does the browser let go of what it holds.
    void this.updateComplete.then(() => this.video?.load());
  }

  private readonly onError = (): void => {
    if (this.source === "") return;
    this.failed = true;
    this.trying = false;
    this.againAt = performance.now() + this.pause;
    this.pause = Math.min(AGAIN_AT_MOST_MS, this.pause * 2);
    this.dispatchEvent(new CustomEvent("part-failed", { bubbles: true, composed: true }));
  };

  private forgetFailure(): void {
    this.failed = false;
    this.trying = false;
    this.pause = AGAIN_MS;
  }

  /** Whether it could play at this position if asked: the player waits for those that cannot. */
  ready(position: number): boolean {
    if (this.failed || !covers(this.recorded, position) || !this.video) return true;
    if (position > this.recorded.start_s + this.recorded.duration_s - 0.5) return true; // its last words
    return hasEnough(this.video);
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("volume") && this.video) {
      this.video.volume = this.volume;
      this.video.muted = this.volume === 0;
    }
  }

  override render(): TemplateResult {
    const { recorded: part } = this;
    const name = this.m.tile.pictureOf(part.name, this.m.sources[part.source]);
    return html`<video
        aria-label=${name}
        playsinline
        preload="auto"
        disablepictureinpicture
        src=${this.source || nothing}
        @error=${this.onError}
      ></video>
      <span class="plate">${name}</span>
      ${this.failed
        ? html`<span class="failed">${this.m.player.partFailed(part.name)}</span>`
        : nothing}`;
  }
}

function hasEnough(video: HTMLVideoElement): boolean {
  return video.readyState >= ENOUGH_DATA && !video.seeking;
}

function isNear({ start_s: start, duration_s: duration }: Part, position: number): boolean {
  return position > start - NEAR_S && position < start + duration + NEAR_S;
}

define("tk-part", PartView);

declare global {
  interface HTMLElementTagNameMap {
    "tk-part": PartView;
  }
}
