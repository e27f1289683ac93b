// The lesson's broadcast: its program as HLS, a second or two behind, with a minute to go back in. Who
// watches so costs the server's media nothing, so that it is for as many as like.
//
// Fires `no-broadcast` where this server has none. Hooks for tests: `data-state`.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import { ApiError, post } from "../api/client.ts";
import type { Watch } from "../api/types.ts";
import { icon } from "../design/icons.ts";
import { base, controls } from "../design/shared.ts";
import { clock } from "../i18n/format.ts";
import { type LiveSource, playLive } from "../lesson/live_source.ts";
import { define, TongkeElement } from "./element.ts";
import { Ticking } from "./polling.ts";

const LOOK_EVERY_MS = 500;
const AGAIN_MS = 3000;
const STEP_S = 10;
/** Who is nearer is live: a player keeps a second in hand, and two after it stood still. */
const LIVE_S = 4;
/** This server makes no programs. */
const NONE = "no-program";

export class Broadcast extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: flex;
        flex: 1;
        flex-direction: column;
        gap: 8px;
        min-width: 0;
        min-height: 0;
      }
      .picture {
        position: relative;
        flex: 1;
        min-height: 0;
        background: var(--picture);
        color: var(--on-picture);
      }
      video {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        object-fit: contain;
      }
      .cover {
        position: absolute;
        inset: 0;
        display: grid;
        place-items: center;
        padding: 16px;
        background: var(--picture-veil);
        color: var(--on-picture-soft);
        text-align: center;
      }
      .controls {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px;
      }
      .back {
        flex: 1 1 160px;
        min-width: 0;
        accent-color: var(--accent);
      }
      .where {
        min-width: 7em;
        font-variant-numeric: tabular-nums;
        text-align: end;
      }
      @media (max-width: 600px) {
        .back {
          flex-basis: 100%;
          order: -1;
        }
        .where {
          flex: 1 0 100%;
          order: -1; /* below the bar, alone: the buttons stand in one row */
        }
      }
    `,
  ];

  @property() lessonId = "";
  @state() private begun = false;
  /** What hinders it, in words; it is tried again. */
  @state() private fault = "";
  @state() private paused = false;
  @state() private silent = false;
  @state() private behind = 0;
  @state() private window = 0;
  @query("video") private video!: HTMLVideoElement;
  /** They went back, or stopped it, themselves: then they stay where they are. */
  private stays = false;
  private source: LiveSource | null = null;
  private again: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    new Ticking(this, () => this.look(), LOOK_EVERY_MS);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.updateComplete.then(() => this.begin());
  }

  override disconnectedCallback(): void {
    this.stop();
    super.disconnectedCallback();
  }

  private readonly begin = async (): Promise<void> => {
    try {
      const path = `/api/lessons/${encodeURIComponent(this.lessonId)}/watch`;
      const { hls } = await post<Watch>(path);
      if (this.isGone()) return;
      // By the address of this page, whatever the public one is.
      const source = await playLive(this.video, new URL(hls).pathname, () => this.lost(""));
      if (this.isGone()) source.close();
      else this.source = source;
    } catch (error) {
      if (error instanceof ApiError && error.code === NONE) {
        this.dispatchEvent(new CustomEvent("no-broadcast"));
        return;
      }
      this.lost(error instanceof ApiError ? error.words : "");
    }
  };

  /** It does not go on by itself: an address is asked for anew, which says why where there is none. */
  private lost(why: string): void {
    if (!this.isConnected) return;
    this.stop();
    this.fault = why || (this.begun ? this.m.broadcast.failed : "");
    this.begun = false;
    this.again = setTimeout(() => void this.begin(), AGAIN_MS);
  }

  private isGone(): boolean {
    return !this.isConnected;
  }

  private stop(): void {
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
  }

  private look(): void {
    const behind = this.source?.behind() ?? null;
    if (behind === null) return;
    this.behind = behind;
    this.window = this.source?.window() ?? 0;
    if (!this.paused && this.video.paused) void this.play();
    // A player that stood still for long comes up no more by playing faster.
    if (!this.stays && behind >= LIVE_S) this.source?.goTo(0);
  }

  private async play(): Promise<void> {
    this.video.muted = this.silent;
    try {
      await this.video.play();
    } catch (error) {
      // The browser wants a touch before it sounds: the picture goes on, and a button says so.
      if (error instanceof DOMException && error.name === "NotAllowedError") this.silent = true;
    }
  }

  private readonly started = (): void => {
    this.begun = true;
    this.fault = "";
  };

  private readonly toggle = (): void => {
    this.paused = !this.paused;
    if (this.paused) {
      this.stays = true;
      this.video.pause();
    } else void this.play();
  };

  private goTo(behindS: number): void {
    this.stays = behindS >= LIVE_S;
    this.source?.goTo(this.stays ? Math.min(behindS, this.window) : 0);
    this.behind = Math.max(0, behindS);
    if (!this.stays && this.paused) this.toggle();
  }

  override render(): TemplateResult {
    const { broadcast, observe } = this.m;
    this.dataset.state = this.begun ? "playing" : "starting";
    const words = this.fault || (this.begun ? "" : broadcast.starting);
    return html`<div class="picture">
        <video
          aria-label=${observe.broadcast}
          playsinline
          disablepictureinpicture
          .muted=${this.silent}
          @playing=${this.started}
        ></video>
        ${words ? html`<div class="cover" role="status"><span>${words}</span></div>` : nothing}
      </div>
      ${this.controls()}`;
  }

  private controls(): TemplateResult {
    const { broadcast, observe, player } = this.m;
    const live = this.behind < LIVE_S && !this.paused;
    const most = Math.max(this.window, STEP_S);
    const where = live ? broadcast.live : broadcast.behind(clock(this.behind));
    return html`<div class="controls" role="group" aria-label=${observe.broadcast}>
      <button data-testid="broadcast-play" ?disabled=${!this.begun} @click=${this.toggle}>
        ${icon(this.paused ? "play" : "pause")}${this.paused ? player.play : player.pause}
      </button>
      <button
        aria-label=${player.back10}
        data-testid="broadcast-back"
        ?disabled=${!this.begun}
        @click=${() => this.goTo(this.behind + STEP_S)}
      >
        −10
      </button>
      <input
        class="back"
        type="range"
        min=${-Math.floor(most)}
        max="0"
        step="1"
        aria-label=${broadcast.position}
        aria-valuetext=${where}
        ?disabled=${!this.begun}
        .value=${String(-Math.round(live ? 0 : this.behind))}
        @change=${(event: Event) => this.goTo(-Number((event.target as HTMLInputElement).value))}
      />
      <span class="where ${live ? "" : "soft"}" data-testid="broadcast-where">${where}</span>
      <button data-testid="broadcast-live" ?disabled=${live || !this.begun} @click=${() => this.goTo(0)}>
        ${icon("live")}${broadcast.toLive}
      </button>
      <button
        aria-label=${this.silent ? nothing : player.muteSound}
        title=${player.muteSound}
        @click=${this.sound}
      >
        ${icon("sound")}${this.silent ? broadcast.soundOn : nothing}
      </button>
    </div>`;
  }

  private readonly sound = (): void => {
    this.silent = !this.silent;
    this.video.muted = this.silent;
  };
}

define("tk-broadcast", Broadcast);

declare global {
  interface HTMLElementTagNameMap {
    "tk-broadcast": Broadcast;
  }
}
