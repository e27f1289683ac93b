// One part of a recording: a media element that is told by the player where to be.

import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import type { Part } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { base } from "../../design/shared.ts";
import { covers, follow } from "./clock.ts";
import { isProgram } from "./in_one.ts";
import type { Share, Wish } from "./line.ts";
import { mediaAddress } from "./media.ts";
import { type Need, PieceSource, playsPieces } from "./piece_source.ts";

const ENOUGH_DATA = 3; // HAVE_FUTURE_DATA
/** What is to come soon is loaded beforehand; what is further away takes no line and no memory. */
const NEAR_S = 20;
const SEEK_EVERY_MS = 700; // an element that is still seeking is not sought again
/** What could not be loaded is tried again: a server is back within seconds, a line within minutes. */
const AGAIN_MS = 2000;
const AGAIN_AT_MOST_MS = 30_000;
/** With less ahead than this it is given less to load, on a line that does not carry all. */
const STARVED_S = 1;
/** A line that has become better is believed after so long. */
const BETTER_AFTER_MS = 15_000;

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
  /** It is what one looks at. */
  @property({ type: Boolean }) large = false;
  @state() private source = "";
  /** The line carries its sound only. */
  @state() private soundAlone = false;
  @state() private failed = false;
  @query("video") private video!: HTMLVideoElement | null;
  private soughtAt = 0;
  /** After a failure: when it is tried again, and how long to wait after the next. */
  private againAt = 0;
  private pause = AGAIN_MS;
  private trying = false;
  private pieces: PieceSource | null = null;
  private changedAt = 0;
  private share: Share = "all";
  /** The last picture, where only the sound goes on. */
  private still = "";

  /** Be where the lesson is. `moving` is false while the player waits or is paused. */
  follow(position: number, rate: number, moving: boolean): void {
    const { recorded: part, video } = this;
    if (!isNear(part, position)) this.letGo();
    else if (!playsPieces(part)) this.source ||= this.wholeFile();
    if (!video || !this.source) return;
    const now = performance.now();
    if (this.failed && !this.pieces && !this.trying) {
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

  /** Played as it comes; where the browser knows HLS itself, by its playlist. */
  private wholeFile(): string {
    const { recorded: part } = this;
    const hls = part.playlist && this.video?.canPlayType("application/vnd.apple.mpegurl");
    return mediaAddress(this.recordingId, hls ? part.playlist : part.file);
  }

  /** What it would load of the line, if it is played piece by piece and its time is near. */
  wish(position: number): Wish | null {
    const { recorded: part } = this;
    if (!playsPieces(part) || !isNear(part, position)) return null;
    return {
      id: part.part_id,
      large: this.large,
      hasSound: part.has_audio,
      rates: this.pieces?.rates ?? null,
    };
  }

  /** What it is given of the line; null: it needs nothing now. */
  need(position: number, share: Share): Need | null {
    const { recorded: part, video } = this;
    this.share = share;
    if (share === "wait" || !video) return null;
    const at = position - part.start_s;
    const now = performance.now();
    if (!this.pieces) this.begin(share === "sound", now);
    else if (this.changes(share, at, now)) this.begin(share === "sound", now);
    if (this.failed && now < this.againAt) return null;
    if (this.failed && video.error) this.begin(share === "sound", now); // it takes nothing any more
    return this.pieces?.need(at, this.large, video.buffered, now) ?? null;
  }

  private changes(share: Share, at: number, now: number): boolean {
    const { pieces, video } = this;
    if (!pieces || !video || pieces.soundAlone === (share === "sound")) return false;
    if (share === "all") return this.large || now - this.changedAt > BETTER_AFTER_MS;
    return pieces.rates !== null && aheadOf(video.buffered, at) < STARVED_S;
  }

  private begin(soundAlone: boolean, now: number): void {
    const { pieces: before, recorded: part } = this;
    if (soundAlone) this.still = stillOf(this.video) || this.still;
    before?.close();
    const file = mediaAddress(this.recordingId, part.file);
    const told = (failed: boolean): void => (failed ? this.onError() : this.forgetFailure());
    this.pieces = new PieceSource(file, part, soundAlone, told, before?.head ?? null);
    this.source = this.pieces.address;
    this.soundAlone = soundAlone;
    this.changedAt = now;
  }

  private letGo(): void {
    if (!this.source) return;
    this.pieces?.close();
    this.pieces = null;
    this.soundAlone = false;
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
    if (this.share === "wait") return true; // its turn on the line comes, and it is not heard
    if (position > this.recorded.start_s + this.recorded.duration_s - 0.5) return true; // its last words
    return hasEnough(this.video);
  }

  override disconnectedCallback(): void {
    this.pieces?.close();
    this.pieces = null;
    this.source = "";
    super.disconnectedCallback();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    // The same moments in another file: what is loaded and buffered is of the one before.
    if (changed.get("recorded") && changed.get("recorded")?.file !== this.recorded.file) {
      this.still = stillOf(this.video) || this.still;
      this.letGo();
    }
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("volume") && this.video) {
      this.video.volume = this.volume;
      this.video.muted = this.volume === 0;
    }
  }

  override render(): TemplateResult {
    const { recorded: part } = this;
    const { sources, tile } = this.m;
    const name = isProgram(part) ? sources.program : tile.pictureOf(part.name, sources[part.source]);
    return html`<video
        aria-label=${name}
        playsinline
        preload="auto"
        disablepictureinpicture
        src=${this.source || nothing}
        poster=${this.soundAlone && this.still ? this.still : nothing}
        @error=${this.onError}
      ></video>
      <span class="plate">${name}${this.soundAlone ? ` · ${this.m.player.soundAlone}` : ""}</span>
      ${this.failed
        ? html`<span class="failed">${this.m.player.partFailed(part.name)}</span>`
        : nothing}`;
  }
}

function hasEnough(video: HTMLVideoElement): boolean {
  return video.readyState >= ENOUGH_DATA && !video.seeking;
}

function aheadOf(buffered: TimeRanges, at: number): number {
  for (let number = 0; number < buffered.length; number++) {
    if (buffered.start(number) - 0.1 <= at && at < buffered.end(number)) {
      return buffered.end(number) - at;
    }
  }
  return 0;
}

/** The picture that stands there, as an address; empty if none does. */
function stillOf(video: HTMLVideoElement | null): string {
  if (!video?.videoWidth) return "";
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return canvas.toDataURL("image/jpeg", 0.8);
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
