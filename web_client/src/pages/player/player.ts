// The player: one picture large, the others small, all in step; chapters and chat beside.

import { html, nothing, type TemplateResult } from "lit";
import { property, queryAll, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { ApiError, get, post } from "../../api/client.ts";
import type { Part, Recording } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { Ticking } from "../../components/polling.ts";
import { failure, failureTitle } from "../../components/states.ts";
import { Title } from "../../components/title.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls } from "../../design/shared.ts";
import { clock, faultWords, percent } from "../../i18n/format.ts";
import { chaptersOf, type Chapter, type SeatLane, seatLanes } from "./chapters.ts";
import { afterGap, covers, MasterClock } from "./clock.ts";
import "./details.ts";
import { type KeyAction, keyAction } from "./keys.ts";
import type { PartView } from "./part_view.ts";
import "./part_view.ts";
import { playerStyles } from "./styles.ts";
import "./timeline.ts";

const TICK_MS = 100; // corrects parts and moves the knob; pictures run by themselves
const UNFINISHED_MS = 2000;
const FAILED_MS = 10_000; // it is tried again by itself
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

export class Player extends TongkeElement {
  static override styles = [base, controls, cards, playerStyles];

  @property() recordingId = "";
  @state() private recording: Recording | null = null;
  @state() private error: unknown = null;
  @state() private position = 0;
  @state() private playing = false;
  @state() private waiting = false;
  @state() private rate = 1;
  @state() private volume = 1;
  @state() private silent = false;
  @state() private largeSeat = "";
  @state() private help = false;
  @state() private said = "";
  @queryAll("tk-part") private views!: NodeListOf<PartView>;
  private master = new MasterClock(0);
  private chapters: readonly Chapter[] = [];
  private lanes: readonly SeatLane[] = [];
  private reloadTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly onKey = (event: KeyboardEvent): void => this.key(event);

  constructor() {
    super();
    new Ticking(this, () => this.tick(), TICK_MS);
    new Title(this, () => this.pageTitle());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("keydown", this.onKey);
    void this.load();
  }

  override disconnectedCallback(): void {
    removeEventListener("keydown", this.onKey);
    clearTimeout(this.reloadTimer);
    super.disconnectedCallback();
  }

  private readonly load = async (): Promise<void> => {
    this.error = null;
    try {
      const recording = await get<Recording>(
        `/api/recordings/${encodeURIComponent(this.recordingId)}`,
      );
      this.recording = recording;
      if (recording.state === "ready") this.prepare(recording);
      else {
        const wait = recording.state === "failed" ? FAILED_MS : UNFINISHED_MS;
        clearTimeout(this.reloadTimer);
        this.reloadTimer = setTimeout(() => void this.load(), wait);
      }
    } catch (error) {
      this.error = error;
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
    const views = [...this.views];
    const late = this.playing && views.some((view) => !view.ready(position));
    if (late) this.master.pause(this.time);
    else if (this.playing) this.master.play(this.time);
    for (const view of views) view.follow(position, this.rate, this.playing && !late);
    this.waiting = late;
    if (Math.abs(this.position - position) > 0.05) this.position = position;
  }

  private play(): void {
    if (this.master.now(this.time) >= this.master.duration) this.master.seek(0, this.time);
    this.playing = true;
    this.tick();
  }

  private pause(): void {
    this.playing = false;
    this.master.pause(this.time);
    this.tick();
  }

  private seek(position: number): void {
    this.master.seek(position, this.time);
    this.position = this.master.now(this.time);
    this.tick();
  }

  private setRate(rate: number): void {
    this.rate = rate;
    this.master.setRate(rate, this.time);
  }

  // --- what is shown ---------------------------------------------------------------------------

  /** Parts with a picture at this moment; the large one first when it is among them. */
  private shown(): Part[] {
    return (this.recording?.parts ?? []).filter(
      (part) => part.has_video && covers(part, this.position),
    );
  }

  private largePart(shown: readonly Part[]): Part | null {
    const key = (part: Part): string => `${part.seat_id}/${part.source}`;
    const rank = (part: Part): number =>
      part.source === "screen" ? 0 : part.source === "teacher" ? 1 : 2;
    return (
      shown.find((part) => key(part) === this.largeSeat) ??
      [...shown].sort((a, b) => rank(a) - rank(b))[0] ??
      null
    );
  }

  private choose(part: Part): void {
    this.largeSeat = `${part.seat_id}/${part.source}`;
    this.said = this.m.tile.pictureOf(part.name, this.m.sources[part.source]);
  }

  /** The button goes away with the picture's growing: the one that shrinks has the next. */
  private swap(part: Part, large: Part | null): void {
    this.choose(part);
    this.focusOn(`[data-swap="${CSS.escape(large?.part_id ?? "")}"]`, ".swap", "[data-testid=play]");
  }

  private nextView(): void {
    const shown = this.shown();
    const large = this.largePart(shown);
    const next = shown[(shown.findIndex((part) => part === large) + 1) % Math.max(1, shown.length)];
    if (next) this.choose(next);
  }

  private key(event: KeyboardEvent): void {
    const target = event.composedPath()[0];
    if (target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = target instanceof HTMLElement && /^(BUTTON|A)$/.test(target.tagName);
    if (onButton && (event.key === " " || event.key === "Enter")) return;
    const action = keyAction(event.key);
    if (event.key === "Escape" && this.help) this.toggleHelp();
    if (!action) return;
    event.preventDefault();
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

  private toggleHelp(): void {
    this.help = !this.help;
    if (!this.help) this.focusOn("[data-testid=help]");
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
        this.fullscreen();
        break;
      case "next-view":
        this.nextView();
        break;
      case "help":
        this.toggleHelp();
    }
  }

  private toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  private fullscreen(): void {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void this.requestFullscreen().catch(() => undefined);
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
    if (recording.state !== "ready" || recording.parts.length === 0) return this.notYet(recording);
    return html`<header>
        <a class="button" href="/library" aria-label=${m.app.library}>${icon("back")}</a>
        <h1>${recording.title}</h1>
        ${recording.incomplete
          ? html`<span class="badge warn" data-testid="incomplete"
              >${icon("warning", 14)}${m.player.incomplete}</span
            >`
          : nothing}
      </header>
      <div class="pictures">${this.pictures(recording)}</div>
      <footer>
        <tk-timeline
          .position=${this.position}
          .duration=${recording.duration_s}
          .chapters=${this.chapters}
          .pauses=${recording.pauses}
          .lanes=${this.lanes}
          @seek=${(event: CustomEvent<number>) => this.seek(event.detail)}
        ></tk-timeline>
        ${this.controls(recording)}
        <p class="visually-hidden" role="status" data-testid="said">${this.said}</p>
      </footer>
      <tk-player-details
        .recording=${recording}
        .chapters=${this.chapters}
        .position=${this.position}
        .help=${this.help}
        @seek=${(event: CustomEvent<number>) => this.seek(event.detail)}
      ></tk-player-details>`;
  }

  private pictures(recording: Recording): TemplateResult {
    const shown = this.shown();
    const large = this.largePart(shown);
    const volume = this.silent ? 0 : this.volume;
    // All parts stay in place in the page: moving a media element would stop it.
    return html`${repeat(
      recording.parts,
      (part) => part.part_id,
      (part) => {
        const place = part === large ? "large" : shown.includes(part) ? "small" : "away";
        return html`<div class="view ${place}" data-place=${place}>
          <tk-part
            data-testid="part-${part.part_id}"
            data-seat=${part.seat_id}
            .recordingId=${recording.id}
            .recorded=${part}
            .volume=${volume}
          ></tk-part>
          ${place === "small"
            ? html`<button
                class="swap"
                data-swap=${part.part_id}
                aria-label=${this.m.player.swap(part.name)}
                @click=${() => this.swap(part, large)}
              ></button>`
            : nothing}
        </div>`;
      },
    )}
    ${large ? nothing : html`<p class="nobody">${this.m.player.nobodyHere}</p>`}
    ${this.waiting
      ? html`<p class="waiting" role="status">${this.m.player.buffering}</p>`
      : nothing}`;
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
        @input=${(event: Event) => (this.volume = Number((event.target as HTMLInputElement).value))}
      />
      <span class="space"></span>
      <button
        data-testid="help"
        aria-pressed=${this.help ? "true" : "false"}
        @click=${this.toggleHelp}
      >
        ${icon("help")}${player.help}
      </button>
      <button @click=${this.fullscreen}>${icon("fullScreen")}${player.fullscreen}</button>
    </div>`;
  }

  /** What is said while the lesson goes on. */
  private goesOn(interrupted: Recording["interrupted"]): string {
    const { player, lesson } = this.m;
    if (!interrupted) return player.stillRecording;
    if (!interrupted.over && interrupted.code !== "switched-off") return player.pausedRecording;
    return player.interruptedRecording(faultWords(lesson.recordingFaults, interrupted.code));
  }

  private notYet(recording: Recording): TemplateResult {
    const { player, app } = this.m;
    const failed = recording.state === "failed";
    const words = {
      recording: this.goesOn(recording.interrupted),
      finishing: player.finishing,
      failed: player.failedRecording,
      ready: player.noParts,
    };
    return html`<tk-state
      tone=${failed ? "alarm" : "calm"}
      symbol=${failed || recording.incomplete ? "warning" : "record"}
      heading=${recording.title}
      text=${words[recording.state]}
    >
      ${failed && recording.may.includes("change")
        ? html`<tk-button main data-testid="finish-again" @click=${this.finishAgain}
            >${player.tryAgain}</tk-button
          >`
        : nothing}
      ${recording.incomplete && recording.may.includes("see-faults")
        ? html`<p class="small soft" lang="en">${player.forIt(recording.incomplete)}</p>`
        : nothing}
      <a href="/library">${app.library}</a>
    </tk-state>`;
  }
}

define("tk-player", Player);
