// The player: the pictures in step, as the class saw them or as the viewer chooses; chapters and
// chat beside.

import { html, nothing, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import { ApiError, get, post, Unreachable } from "../../api/client.ts";
import type { Recording } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { askForKeys } from "../../components/key_help.ts";
import { Ticking } from "../../components/polling.ts";
import { failure, failureTitle } from "../../components/states.ts";
import { Title } from "../../components/title.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls } from "../../design/shared.ts";
import { clock, percent } from "../../i18n/format.ts";
import { recordingWords } from "../../i18n/recordings.ts";
import type { Picture } from "../../lesson/selectors.ts";
import { chaptersOf, type Chapter, type SeatLane, seatLanes, seatNames, speakers } from "./chapters.ts";
import { afterGap, MasterClock } from "./clock.ts";
import "./details.ts";
import "./head.ts";
import { hasProgram, InOne } from "./in_one.ts";
import { type KeyAction, keyAction, REPEATED, takesKey } from "./keys.ts";
import { Line, shares } from "./line.ts";
import { mediaAddress } from "./media.ts";
import { momentIn } from "./moment.ts";
import { notYet } from "./not_yet.ts";
import type { PartView } from "./part_view.ts";
import { programAlone } from "./program_alone.ts";
import type { Pictures } from "./pictures.ts";
import "./pictures.ts";
import { hasSmall, QUALITIES, type Quality, ThinLine } from "./quality.ts";
import { playerStyles } from "./styles.ts";
import "./timeline.ts";
import { keepPlace, placeOf } from "./watched.ts";

const TICK_MS = 100; // corrects parts and moves the knob; pictures run by themselves
const UNFINISHED_MS = 2000;
const FAILED_MS = 10_000; // it is tried again by itself
const KEPT_EVERY_MS = 5000; // where one is, for the next time
const AWAKE_MS = 3000; // the controls over a filled screen, after the pointer has moved
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

export class Player extends TongkeElement {
  static override styles = [base, controls, cards, playerStyles];

  @property() recordingId = "";
  /** Who watches: each goes on where they stopped. */
  @property() person = "";
  /** The picture fills the screen; or the window, where no page may have the screen. */
  @property({ type: Boolean, reflect: true }) filled = false;
  /** The pointer has just moved. */
  @property({ type: Boolean, reflect: true }) awake = false;
  @state() private recording: Recording | null = null;
  @state() private error: unknown = null;
  @state() private position = 0;
  @state() private playing = false;
  @state() private waiting = false;
  @state() private rate = 1;
  @state() private volume = 1;
  @state() private silent = false;
  @state() private quality: Quality = "auto";
  /** Pictures are small, by choice or because the line is thin. */
  @state() private small = false;
  private readonly thinLine = new ThinLine();
  /** What the viewer wants to see large; null: what the class saw. */
  @state() private chosen: Picture | null = null;
  /** All in one picture, as long as there is one. */
  @state() private asProgram = false;
  @state() private said = "";
  /** Where they stopped last time, until they go on. */
  @state() private resumed: number | null = null;
  @query("tk-pictures") private pictures!: Pictures | null;
  private master = new MasterClock(0);
  private readonly line = new Line();
  private watched = false;
  private looking = false;
  private chapters: readonly Chapter[] = [];
  private lanes: readonly SeatLane[] = [];
  private inOne: InOne | null = null;
  private reloadTimer: ReturnType<typeof setTimeout> | undefined;
  private awakeTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly onKey = (event: KeyboardEvent): void => this.key(event);
  private readonly keep = (): void => this.keepPlace();
  private readonly screenChanged = (): void => {
    if (!document.fullscreenElement) this.filled = false;
    else if (!this.filled) void document.exitFullscreen(); // given up before it was granted
  };

  constructor() {
    super();
    new Ticking(this, () => this.tick(), TICK_MS);
    new Ticking(this, () => this.keepPlace(), KEPT_EVERY_MS);
    new Title(this, () => this.pageTitle());
    this.addEventListener("pointermove", () => this.wake());
    this.addEventListener("pointerdown", () => this.wake());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("keydown", this.onKey);
    addEventListener("pagehide", this.keep);
    document.addEventListener("fullscreenchange", this.screenChanged);
    void this.load();
  }

  override disconnectedCallback(): void {
    this.keepPlace();
    removeEventListener("keydown", this.onKey);
    removeEventListener("pagehide", this.keep);
    document.removeEventListener("fullscreenchange", this.screenChanged);
    for (const timer of [this.reloadTimer, this.awakeTimer]) clearTimeout(timer);
    super.disconnectedCallback();
  }

  private readonly load = async (): Promise<void> => {
    this.error = null;
    try {
      const recording = await get<Recording>(
        `/api/recordings/${encodeURIComponent(this.recordingId)}`,
      );
      this.recording = programAlone(recording);
      if (recording.state === "ready") this.prepare(recording);
      else {
        const wait = recording.state === "failed" ? FAILED_MS : UNFINISHED_MS;
        clearTimeout(this.reloadTimer);
        this.reloadTimer = setTimeout(() => void this.load(), wait);
      }
    } catch (error) {
      const waits = this.recording !== null && this.recording.state !== "ready";
      if (!waits || !(error instanceof Unreachable)) this.error = error;
      else this.reloadTimer = setTimeout(() => void this.load(), FAILED_MS); // a line that is weak
    }
  };

  /** A part cannot be had: where the recording is gone, or the session over, that is told instead. */
  private readonly lookWhy = async (): Promise<void> => {
    if (this.looking) return;
    this.looking = true;
    try {
      await get(`/api/recordings/${encodeURIComponent(this.recordingId)}`);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) return;
      this.pause();
      this.error = error;
    } finally {
      this.looking = false;
    }
  };

  private readonly finishAgain = async (): Promise<void> => {
    try {
      await post(`/api/recordings/${encodeURIComponent(this.recordingId)}/finish`);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409)) {
        this.error = error;
        return;
      }
    }
    await this.load(); // also when it is no longer failed: it was tried meanwhile
  };

  private prepare(recording: Recording): void {
    this.master = new MasterClock(recording.duration_s);
    this.chapters = chaptersOf(recording);
    this.lanes = seatLanes(recording);
    this.inOne = new InOne(recording);
    const asked = momentIn(location.search);
    this.resumed = asked === null ? placeOf(this.person, recording.id) : null;
    this.master.seek(asked ?? this.resumed ?? 0, this.time);
    this.position = this.master.now(this.time);
  }

  private keepPlace(): void {
    if (!this.watched) return;
    keepPlace(this.person, this.recordingId, this.master.now(this.time), this.master.duration);
  }

  private get time(): number {
    return performance.now() / 1000;
  }

  /** Where the lesson is; every part is told; the clock waits for those that cannot play yet. */
  private tick(): void {
    if (this.recording?.state !== "ready") return;
    let position = this.master.now(this.time);
    const gap = this.playing ? afterGap(this.recording.parts, position) : null;
    if (gap !== null) {
      position = gap;
      this.master.seek(gap, this.time);
    }
    if (this.playing && position >= this.master.duration) this.pause();
    const views = [...(this.pictures?.views ?? [])];
    this.share(views, position);
    const late = this.playing && views.some((view) => !view.ready(position));
    if (late) this.master.pause(this.time);
    else if (this.playing) this.master.play(this.time);
    for (const view of views) view.follow(position, this.rate, this.playing && !late);
    this.waiting = late;
    if (Math.abs(this.position - position) > 0.05) this.position = position;
  }

  /** The line goes to what is heard and seen next. */
  private share(views: readonly PartView[], position: number): void {
    const wishes = views.map((view) => view.wish(position)).filter((wish) => wish !== null);
    if (wishes.length === 0) return;
    const thin = this.thinLine.look(wishes, this.line.rate, this.time);
    this.small = this.quality === "auto" ? thin : this.quality === "small";
    const given = shares(wishes, this.line.rate);
    const needs = views.map((view) => {
      const share = given.get(view.recorded.part_id);
      return share ? view.need(position, share) : null;
    });
    this.line.serve(needs.filter((need) => need !== null));
  }

  private play(): void {
    if (this.master.now(this.time) >= this.master.duration) this.master.seek(0, this.time);
    this.playing = true;
    this.watched = true;
    this.resumed = null;
    this.tick();
  }

  private pause(): void {
    this.playing = false;
    this.master.pause(this.time);
    this.keepPlace();
    this.tick();
  }

  private seek(position: number): void {
    this.resumed = null;
    this.master.seek(position, this.time);
    this.position = this.master.now(this.time);
    this.tick();
  }

  /** Who moves it wants to hear how loud it is. */
  private setVolume(event: Event): void {
    this.silent = false;
    this.volume = Number((event.target as HTMLInputElement).value);
  }

  private setRate(rate: number): void {
    this.rate = rate;
    this.master.setRate(rate, this.time);
  }

  // --- what is shown ---------------------------------------------------------------------------

  private choose(picture: Picture | null): void {
    this.chosen = picture;
    if (!picture || !this.recording) return;
    const name = seatNames(this.recording).get(picture.seatId) ?? "";
    this.said = this.m.tile.pictureOf(name, this.m.sources[picture.source]);
  }

  private followClass(): void {
    this.asProgram = false;
    this.choose(null);
    this.said = this.m.player.asSeenOn;
  }

  private showProgram(asProgram: boolean): void {
    if (!this.recording || !hasProgram(this.recording)) return;
    this.asProgram = asProgram;
    this.chosen = null;
    this.said = asProgram ? this.m.player.inOne : this.m.player.separate;
  }

  private shownOf(recording: Recording): Recording {
    return this.asProgram && this.inOne ? this.inOne.at(this.position) : recording;
  }

  private fill(): void {
    this.filled = !this.filled;
    if (this.filled && document.fullscreenEnabled) {
      void this.requestFullscreen().catch(() => undefined); // then it fills the window
    }
    if (!this.filled && document.fullscreenElement) void document.exitFullscreen();
  }

  private wake(): void {
    this.awake = true;
    clearTimeout(this.awakeTimer);
    this.awakeTimer = setTimeout(() => (this.awake = false), AWAKE_MS);
  }

  private key(event: KeyboardEvent): void {
    const target = event.composedPath()[0];
    if (target instanceof HTMLElement && takesKey(target, event.key)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.composedPath().some((node) => node instanceof HTMLDialogElement)) return;
    const onButton = target instanceof HTMLElement && /^(BUTTON|A)$/.test(target.tagName);
    if (onButton && (event.key === " " || event.key === "Enter")) return;
    const action = keyAction(event.key);
    if (event.key === "Escape" && this.filled) this.fill();
    if (!action) return;
    event.preventDefault();
    if (event.repeat && !REPEATED.has(action.do)) return; // a key that is held
    this.act(action);
    this.tell(action);
  }

  /** In words, for those who do not see what a key has done. */
  private tell(action: KeyAction): void {
    const { player } = this.m;
    if (action.do === "by" || action.do === "to") this.said = clock(this.position);
    if (action.do === "speed") this.said = `${player.speed} ${this.rate}×`;
    if (action.do === "volume") this.said = `${player.volume} ${percent(this.volume)}`;
    if (action.do === "mute") this.said = this.silent ? player.soundIsOff : player.soundIsOn;
    if (action.do === "toggle") this.said = this.playing ? player.plays : player.paused;
  }

  private act(action: KeyAction): void {
    switch (action.do) {
      case "toggle":
        this.toggle();
        break;
      case "by":
        this.seek(this.position + action.seconds);
        break;
      case "to":
        this.seek(this.master.duration * action.share);
        break;
      case "volume":
        this.silent = false;
        this.volume = Math.min(1, Math.max(0, this.volume + action.change));
        break;
      case "speed": {
        const place = SPEEDS.indexOf(this.rate) + action.steps;
        this.setRate(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, place))] ?? 1);
        break;
      }
      case "mute":
        this.silent = !this.silent;
        break;
      case "fullscreen":
        this.fill();
        break;
      case "next-view":
        if (this.asProgram) this.showProgram(false);
        else this.choose(this.pictures?.next() ?? null);
        break;
      case "program":
        this.showProgram(!this.asProgram);
        break;
      case "as-seen":
        this.followClass();
    }
  }

  private toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  private pageTitle(): string[] {
    const { m, recording } = this;
    if (this.error !== null) return [failureTitle(m.app, this.error)];
    if (!recording) return [m.app.loading];
    if (recording.state !== "ready") return [m.library.states[recording.state], recording.title];
    return [this.playing ? m.player.plays : "", recording.title];
  }

  override render(): TemplateResult {
    const { m, recording } = this;
    if (this.error !== null) return failure(m.app, this.error, () => void this.load());
    if (!recording) return html`<tk-skeleton rows="3"></tk-skeleton>`;
    if (recording.state !== "ready" || recording.parts.length === 0) {
      return notYet(m, recording, () => void this.finishAgain());
    }
    return html`<tk-player-head
        .recording=${recording}
        .position=${this.position}
        .following=${this.chosen === null}
        .asProgram=${this.asProgram}
        @show-program=${(event: CustomEvent<boolean>) => this.showProgram(event.detail)}
        @as-seen=${this.followClass}
      ></tk-player-head>
      <div class="stage">
        <tk-pictures
          .recording=${this.shownOf(recording)}
          .position=${this.position}
          .chosen=${this.chosen}
          .filled=${this.filled}
          .small=${this.small}
          .volume=${this.silent ? 0 : this.volume}
          .speaking=${speakers(this.lanes, this.position)}
          @choose=${(event: CustomEvent<Picture>) => this.choose(event.detail)}
          @toggle=${this.toggle}
          @fill=${this.fill}
          @part-failed=${this.lookWhy}
        ></tk-pictures>
        ${this.notes()}
      </div>
      <footer>
        <tk-timeline
          .position=${this.position}
          .duration=${recording.duration_s}
          .chapters=${this.chapters}
          .pauses=${recording.pauses}
          .lanes=${this.lanes}
          .strip=${recording.strip}
          .stripAddress=${recording.strip ? mediaAddress(recording.id, recording.strip.file) : ""}
          @seek=${(event: CustomEvent<number>) => this.seek(event.detail)}
        ></tk-timeline>
        ${this.controls(recording)}
        <p class="visually-hidden" role="status" data-testid="said">${this.said}</p>
      </footer>
      <tk-player-details
        .recording=${recording}
        .chapters=${this.chapters}
        .position=${this.position}
        @seek=${(event: CustomEvent<number>) => this.seek(event.detail)}
      ></tk-player-details>`;
  }

  /** Over the pictures, for a while. */
  private notes(): TemplateResult {
    const { player } = this.m;
    return html`${this.waiting
      ? html`<p class="note" role="status">${player.buffering}</p>`
      : nothing}
    ${this.resumed === null
      ? nothing
      : html`<p class="note resumed" role="status">
          ${player.resumed(clock(this.resumed))}
          <button class="slim" data-testid="from-start" @click=${() => this.seek(0)}>
            ${player.fromStart}
          </button>
        </p>`}`;
  }

  private qualities(): TemplateResult {
    const { quality } = recordingWords();
    return html`<label class="speed">
      ${quality.name}
      <select
        data-testid="quality"
        title=${quality.hint}
        @change=${(event: Event) => {
          this.quality = (event.target as HTMLSelectElement).value as Quality;
        }}
      >
        ${QUALITIES.map(
          (one) =>
            html`<option value=${one} .selected=${one === this.quality}>${quality[one]}</option>`,
        )}
      </select>
    </label>`;
  }

  private controls(recording: Recording): TemplateResult {
    const { player } = this.m;
    return html`<div class="controls">
      <button
        class="main"
        data-testid="play"
        @click=${this.toggle}
      >
        ${icon(this.playing ? "pause" : "play")}${this.playing ? player.pause : player.play}
      </button>
      <button aria-label=${player.back10} @click=${() => this.seek(this.position - 10)}>−10</button>
      <button aria-label=${player.forward10} @click=${() => this.seek(this.position + 10)}>
        +10
      </button>
      <span class="time" data-testid="time"
        >${clock(this.position)} / ${clock(recording.duration_s)}</span
      >
      <label class="speed">
        ${player.speed}
        <select
          @change=${(event: Event) =>
            this.setRate(Number((event.target as HTMLSelectElement).value))}
        >
          ${SPEEDS.map(
            (speed) =>
              html`<option value=${speed} .selected=${speed === this.rate}>${speed}×</option>`,
          )}
        </select>
      </label>
      ${hasSmall(recording) ? this.qualities() : nothing}
      <button
        aria-label=${player.muteSound}
        aria-pressed=${this.silent ? "true" : "false"}
        @click=${() => (this.silent = !this.silent)}
      >
        ${icon("sound")}
      </button>
      <input
        type="range"
        min="0"
        max="1"
        step="0.05"
        aria-label=${player.volume}
        .value=${String(this.volume)}
        @input=${this.setVolume}
      />
      <span class="space"></span>
      <button data-testid="help" aria-haspopup="dialog" @click=${askForKeys}>
        ${icon("help")}${player.help}
      </button>
      <button data-testid="fill" aria-pressed=${this.filled ? "true" : "false"} @click=${this.fill}>
        ${icon("fullScreen")}${player.fullscreen}
      </button>
    </div>`;
  }
}

define("tk-player", Player);
