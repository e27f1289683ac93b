// The room's page: one large screen, seen from eight metres, touched by nobody.
//
// Owns the credential kept on this PC, the question "which lesson now?" asked every few seconds,
// and the way into and out of lessons. What stands on the screen in a lesson is `room_lesson.ts`'s.

import { html, nothing, type TemplateResult } from "lit";
import { query, state } from "lit/decorators.js";
import { ApiError, get } from "../../api/client.ts";
import type { Lesson, RoomAnswer } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import { later } from "../../components/later.ts";
import { LessonPage, replaced } from "../../components/lesson_page.ts";
import { refusalWords } from "../../components/put_out.ts";
import "../../components/states.ts";
import "../../components/readiness_signs.ts";
import { Title } from "../../components/title.ts";
import { icon } from "../../design/icons.ts";
import { base, controls } from "../../design/shared.ts";
import { dayOf, timeOfDay } from "../../i18n/format.ts";
import { currentLanguage, switchLanguage } from "../../i18n/index.ts";
import { roomCaption } from "../../lesson/captions.ts";
import { hasProgram } from "../../lesson/program.ts";
import { roomPictures } from "../../lesson/room_pictures.ts";
import { mySeat } from "../../lesson/selectors.ts";
import { LessonSession } from "../../lesson/session.ts";
import type { Refusal, View } from "../../lesson/state.ts";
import { fromFragment } from "../../router.ts";
import { captionWords } from "./caption_words.ts";
import "./pc_steps.ts";
import { Readying } from "./readying.ts";
import "./room_lesson.ts";
import { roomStyles } from "./styles.ts";

const CREDENTIAL = "tongke.room.credential";
const AWAY_POLL_S = 2; // the server restarts within seconds: the room asks again soon
const REFUSED_POLL_S = 30;
/** The room agent's own page, where one runs on this PC. */
const CHECK = "http://127.0.0.1:7889/check";
const ENDED_SHOWN_MS = 20_000;
const NEXT_ASKED_MS = 1_000; // the server opens a lesson right after it has freed its rooms
/** Space bar, and what presenter remotes send for next, back, start and blank. */
const HAND_KEYS = new Set([" ", "Enter", "PageDown", "PageUp", "ArrowRight", "ArrowLeft", "b", "."]);

type Standing = "asking" | "waiting" | "away" | "refused" | "no-credential";

export class Room extends LessonPage {
  static override styles = [base, controls, roomStyles];

  @state() private standing: Standing = "asking";
  @state() private answer: RoomAnswer | null = null;
  @state() private removed: Refusal | null = null;
  @state() private settings = false;
  @state() private forgetting = false;
  @query("dialog") private readonly dialog!: HTMLDialogElement;
  private credential = "";
  /** What was kept before the address brought another one: a kiosk's start brings its own each time. */
  private keptBefore = "";
  private lessonId = "";
  private lastToken = "";
  private rttMs = 0;
  private readonly readying = new Readying(() => this.requestUpdate());
  private pollTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly onKey = (event: KeyboardEvent): void => this.key(event);
  private readonly onOnline = (): void => void this.poll();

  constructor() {
    super();
    new Title(this, () => this.pageTitle());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("keydown", this.onKey);
    addEventListener("online", this.onOnline);
    this.takeCredential();
    void this.poll();
    later(() => import("./behind_gear.ts"));
  }

  override disconnectedCallback(): void {
    removeEventListener("keydown", this.onKey);
    removeEventListener("online", this.onOnline);
    clearTimeout(this.pollTimer);
    this.readying.stop();
    super.disconnectedCallback();
  }

  /** The address carries the credential once; afterwards it lives on this PC alone. */
  private takeCredential(): void {
    const given = fromFragment(location.hash, "credential");
    if (given) {
      this.keptBefore = localStorage.getItem(CREDENTIAL) ?? "";
      localStorage.setItem(CREDENTIAL, given);
      history.replaceState(null, "", location.pathname);
    }
    this.credential = localStorage.getItem(CREDENTIAL) ?? "";
    if (!this.credential) this.standing = "no-credential";
  }

  /** The figures on this screen have been entered: it has a credential now. */
  private readonly paired = ({ detail: credential }: CustomEvent<string>): void => {
    this.useCredential(credential);
  };

  private useCredential(credential: string): void {
    localStorage.setItem(CREDENTIAL, credential);
    this.credential = credential;
    this.keptBefore = "";
    this.standing = "asking";
    void this.poll();
  }

  // --- which lesson now? ----------------------------------------------------------------------

  private async poll(): Promise<void> {
    clearTimeout(this.pollTimer);
    if (!this.credential || !this.isConnected) return;
    let waitS = AWAY_POLL_S;
    try {
      const answer = await this.ask();
      waitS = Math.max(1, answer.poll_after_s);
      this.standing = "waiting";
      this.removed = answer.removed
        ? { code: answer.removed.code, zh: answer.removed.message_zh, en: answer.removed.message_en }
        : null;
      const coming = answer.lesson && answer.token && answer.lesson.id !== this.endedLesson();
      if (coming && this.endedLesson()) this.leave(); // the next one does not wait for its farewell
      if (answer.lesson && coming && !this.session) this.enter(answer.lesson);
      else if (!this.session) void this.keepReady(answer);
    } catch (error) {
      const refused = error instanceof ApiError && [401, 403].includes(error.status);
      if (refused && this.keptBefore && this.keptBefore !== this.credential) {
        this.useCredential(this.keptBefore); // the address is older than what this PC has been given since
        return;
      }
      this.standing = refused ? "refused" : "away";
      if (refused) waitS = REFUSED_POLL_S;
    }
    this.pollTimer = setTimeout(() => void this.poll(), waitS * 1000);
  }

  /** While it waits it looks at its own devices, and the server is told how they are. */
  private async keepReady(answer: RoomAnswer): Promise<void> {
    try {
      await this.readying.keep(this.credential, answer.classroom.profile, this.rttMs);
    } catch {
      // The server is away: the next answer tries again.
    }
    this.requestUpdate();
  }

  private async ask(): Promise<RoomAnswer> {
    const askedAtMs = performance.now();
    const answer = await get<RoomAnswer>("/api/room", { bearer: this.credential });
    this.rttMs = performance.now() - askedAtMs;
    this.answer = answer;
    this.lastToken = answer.token ?? "";
    return answer;
  }

  private endedLesson(): string {
    return this.view.phase === "ended" ? this.lessonId : "";
  }

  private enter(lesson: Lesson): void {
    this.lessonId = lesson.id;
    this.readying.stop(); // the lesson opens the devices itself
    const session = new LessonSession({
      lessonId: lesson.id,
      device: "room_pc",
      token: (renew) => this.token(renew),
      listens: true,
      pictures: roomPictures(),
    });
    this.useSession(session);
    session.send();
    session.open();
  }

  private async token(renew: boolean): Promise<string> {
    if (!renew && this.lastToken) {
      const token = this.lastToken;
      this.lastToken = ""; // the next attempt asks anew: the lesson may be over meanwhile
      return token;
    }
    const answer = await this.ask();
    if (answer.lesson?.id !== this.lessonId || !answer.token) {
      this.leave(); // there is no such lesson for this room any more
      throw new Error("the lesson is over");
    }
    return answer.token;
  }

  private leave(): void {
    this.dropSession(true);
    this.lessonId = "";
    this.requestUpdate();
  }

  protected override viewChanged(before: View, now: View): void {
    if (now.phase === before.phase) return;
    const out = now.phase === "refused" && now.refusal?.code !== "lesson-locked";
    if (out && ["no-such-lesson", "lesson-ended", "no-such-seat"].includes(now.refusal?.code ?? "")) {
      this.leave();
    }
    if (now.phase === "removed") {
      this.removed = now.refusal; // said until the server says that it may come in again
      this.leave();
      void this.poll();
    }
    if (now.phase === "ended") {
      const ended = this.session;
      // The next may begin in the same moment, and have ended this one: nobody waits for the usual time.
      clearTimeout(this.pollTimer);
      this.pollTimer = setTimeout(() => void this.poll(), NEXT_ASKED_MS);
      setTimeout(() => {
        if (this.session === ended) this.leave();
      }, ENDED_SHOWN_MS);
    }
  }

  // --- hands and keys -------------------------------------------------------------------------

  private key(event: KeyboardEvent): void {
    const target = event.composedPath()[0];
    const onControl = target instanceof HTMLElement && /^(BUTTON|A|SUMMARY)$/.test(target.tagName);
    // Arrows, letters and pages choose a device there, or scroll through what was written.
    if (target instanceof HTMLElement && target.matches("select, [aria-live]")) return;
    if (!HAND_KEYS.has(event.key) || event.repeat || !this.session) return;
    if (this.view.phase === "replaced") location.reload();
    if (onControl && (event.key === " " || event.key === "Enter")) return; // the button's own click
    event.preventDefault();
    // The first key only turns the sound on: nobody raises a hand by starting the sound.
    if (!this.view.soundBlocked) this.hand();
  }

  private readonly hand = (): void => {
    const seat = mySeat(this.view);
    if (!seat || this.view.phase !== "live") return;
    if (this.view.lesson?.floor === seat.seat_id) this.session?.takeFloor();
    else if (seat.hand) this.session?.lowerHand();
    else this.session?.raiseHand();
  };

  private forget(): void {
    if (!this.forgetting) {
      this.forgetting = true;
      return;
    }
    localStorage.removeItem(CREDENTIAL);
    this.credential = "";
    this.standing = "no-credential";
    this.answer = null;
    this.readying.stop();
    this.dialog.close();
    this.leave();
  }

  // --- drawing --------------------------------------------------------------------------------

  /** The window's title: what the screen says, and of which lesson or room. */
  private pageTitle(): string[] {
    const { view, m } = this;
    if (view.phase === "replaced") return [m.lesson.replacedTitle];
    if (this.inLesson()) return [captionWords(roomCaption(view), m), view.lesson?.title ?? ""];
    return [this.words(), this.answer?.classroom.name ?? ""];
  }

  private inLesson(): boolean {
    return this.session !== null && this.view.me !== null && this.view.phase !== "ended";
  }

  override render(): TemplateResult {
    if (this.view.phase === "replaced") return replaced(this.m.lesson, this.session);
    const { lesson } = this.view;
    return html`<h1 class="visually-hidden">
        ${lesson?.title ?? this.answer?.classroom.name ?? this.words()}
      </h1>
      ${this.inLesson() && this.session
        ? html`<tk-room-lesson
            .view=${this.view}
            .session=${this.session}
            .now=${this.now}
            @hand=${this.hand}
          ></tk-room-lesson>`
        : this.waiting()}
      ${this.gear()}`;
  }

  private waiting(): TemplateResult {
    const { answer } = this;
    return html`<div class="waiting">
      ${answer
        ? html`<p class="place">${answer.classroom.school} · ${answer.classroom.name}</p>`
        : nothing}
      ${this.credential ? html`<p class="clock">${timeOfDay(this.now / 1000)}</p>` : nothing}
      <div class="say" role="status">${this.words()}</div>
      ${this.standing === "waiting" && !this.session && !this.removed
        ? html`<p class="hint">${this.next(answer?.next ?? null)}</p>`
        : nothing}
      ${this.standing === "no-credential" || this.standing === "refused" ? this.pairing() : nothing}
      ${this.readying.check && this.standing === "waiting"
        ? html`<tk-readiness-signs .readiness=${this.readying.check.readiness}></tk-readiness-signs>`
        : nothing}
      ${this.standing === "waiting" && !this.session ? html`<tk-pc-steps></tk-pc-steps>` : nothing}
    </div>`;
  }

  /** Loaded by a room that needs it alone. */
  private pairing(): TemplateResult {
    void import("./pairing.ts");
    return html`<tk-room-pairing @paired=${this.paired}></tk-room-pairing>`;
  }

  private words(): string {
    const { m } = this;
    if (this.session && this.view.phase === "refused") return refusalWords(this.view.refusal);
    if (this.removed && this.standing === "waiting") return refusalWords(this.removed);
    if (this.session) return this.view.phase === "ended" ? m.room.ended : m.lesson.connecting;
    const words: Record<Standing, string> = {
      asking: m.app.loading,
      waiting: m.room.noLesson,
      away: m.room.serverAway,
      refused: m.room.refusedTitle,
      "no-credential": m.room.noCredentialTitle,
    };
    return words[this.standing];
  }

  private next(lesson: Lesson | null): string {
    if (!lesson) return this.m.room.nothingPlanned;
    const today = new Date(this.now).toDateString();
    const same = new Date(lesson.starts_at * 1000).toDateString() === today;
    const time = timeOfDay(lesson.starts_at);
    return this.m.room.nextAt(lesson.title, same ? time : `${dayOf(lesson.starts_at)} ${time}`);
  }

  private gear(): TemplateResult {
    const { m } = this;
    return html`<button
        class="gear"
        data-testid="settings"
        aria-label=${m.room.settings}
        aria-haspopup="dialog"
        @click=${this.openSettings}
      >
        ${icon("gear", 28)}
      </button>
      <dialog
        class="settings"
        aria-label=${m.room.settings}
        @close=${() => (this.settings = false)}
      >
        ${this.settings ? this.choices() : nothing}
      </dialog>`;
  }

  /** The browser keeps the keyboard within, closes on Escape, and gives the gear the focus back. */
  private async openSettings(): Promise<void> {
    this.settings = true;
    this.forgetting = false;
    this.dialog.showModal(); // before its content is drawn: the chat scrolls to its end when seen
    await this.updateComplete;
    this.dialog.querySelector<HTMLElement>("tk-device-menu, button")?.focus();
  }

  private choices(): TemplateResult {
    const { m } = this;
    const next = currentLanguage() === "en" ? "zh-CN" : "en";
    const { session, view, readying } = this;
    const inLesson = session && view.profile ? { view, session } : null;
    const waiting = readying.check && { view: readying.check.view, session: readying.check };
    const at = inLesson ?? waiting;
    return html`${at
        ? html`<tk-device-menu .view=${at.view} .session=${at.session}></tk-device-menu>`
        : html`<tk-speaker-test speaker=""></tk-speaker-test>`}
      ${inLesson && hasProgram(view)
        ? html`<tk-pictures-select .session=${session}></tk-pictures-select>`
        : nothing}
      ${inLesson
        ? html`<h2>${m.lesson.chat}</h2>
            <tk-chat reading .view=${view} .session=${session}></tk-chat>`
        : nothing}
      <button
        lang=${next}
        data-testid="language"
        @click=${() => void switchLanguage(next)}
      >
        ${m.app.otherLanguage}
      </button>
      ${this.credential ? this.forAdministrators() : nothing}
      <button class="close" @click=${() => this.dialog.close()}>${icon("close")}${m.app.close}</button>`;
  }

  /** What ends the room's own coming is not met by who looks for its microphone. */
  private forAdministrators(): TemplateResult {
    const { checks, room } = this.m;
    return html`<details>
      <summary data-testid="for-administrators">${room.forAdministrators}</summary>
      <p>
        <a href=${CHECK} target="_blank" data-testid="check-room">${checks.room}</a>
        <span class="soft">${checks.roomHint}</span>
      </p>
      <button class="alarm" data-testid="forget" @click=${this.forget}>
        ${icon("trash")}${this.forgetting ? room.forgetSure : room.forget}
      </button>
    </details>`;
  }
}

define("tk-room", Room);
