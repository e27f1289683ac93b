// Watching a lesson without being seen or heard: the program or the wall, what is written, and one's
// own notes with times.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import type { Chat } from "../components/chat.ts";
import "../components/chat.ts";
import "../components/chat_line.ts";
import { define } from "../components/element.ts";
import { later } from "../components/later.ts";
import { LessonPage, personTokens, replaced } from "../components/lesson_page.ts";
import { putOut, refusalWords } from "../components/put_out.ts";
import { recordingSign } from "../components/recording_sign.ts";
import "../components/program.ts";
import "../components/sound.ts";
import "../components/stage.ts";
import { Title } from "../components/title.ts";
import { icon, type IconName } from "../design/icons.ts";
import { base, cards, controls, fields } from "../design/shared.ts";
import { clock } from "../i18n/format.ts";
import { hasProgram, programPicture } from "../lesson/program.ts";
import { serverNow } from "../lesson/selectors.ts";
import { LessonSession } from "../lesson/session.ts";
import { roomStage, type Stage } from "../lesson/stage.ts";
import type { View } from "../lesson/state.ts";

/**
 * What the rooms see, the program that the server makes of all, all side by side; or the program as
 * it is put out for many, a moment later.
 */
type Shown = "rooms" | "program" | "wall" | "broadcast";

/** No more observers are let in: the broadcast is for as many as like. */
const FULL = "lesson-full";

const SHOWN_ICONS: Record<Shown, IconName> = {
  rooms: "layoutSpeaker",
  program: "screen",
  wall: "layoutWall",
  broadcast: "live",
};

interface Note {
  readonly at: number;
  readonly text: string;
}

export class Observe extends LessonPage {
  static override styles = [
    base,
    controls,
    fields,
    cards,
    css`
      :host {
        display: flex;
        flex-direction: column;
        height: 100vh;
        overflow: hidden;
      }
      tk-state {
        flex: 1;
      }
      header {
        display: flex;
        align-items: center;
        gap: 12px;
        min-height: 56px;
        padding: 0 12px;
        background: var(--surface);
      }
      h1 {
        overflow: hidden;
        font-size: var(--text-large);
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .choices,
      .group {
        display: flex;
        gap: 4px;
      }
      .choices {
        gap: 12px;
        margin-inline-start: auto;
      }
      .middle {
        display: grid;
        flex: 1;
        grid-template: minmax(0, 1fr) / minmax(0, 1fr) 340px;
        gap: 8px;
        min-height: 0;
        padding: 8px;
      }
      .stage,
      .beside {
        display: flex;
        flex-direction: column;
        gap: 8px;
        min-width: 0;
        min-height: 0;
      }
      tk-stage {
        flex: 1;
      }
      tk-chat-line {
        font-size: max(var(--text-large), 1.8vw);
        text-align: center;
      }
      tk-chat {
        flex: 1;
        border-radius: var(--radius);
        background: var(--surface);
      }
      aside {
        display: grid;
        flex: 1;
        grid-template-rows: auto 1fr auto auto;
        gap: 8px;
        min-height: 0;
        padding: 12px;
        border-radius: var(--radius);
        background: var(--surface);
      }
      ol {
        display: grid;
        align-content: start;
        gap: 6px;
        margin: 0;
        padding: 0;
        overflow-y: auto;
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: 56px 1fr auto;
        align-items: start;
        gap: 4px;
        overflow-wrap: anywhere;
      }
      li.none {
        display: block;
      }
      li button {
        min-height: 28px;
        padding: 0 6px;
      }
      form {
        display: flex;
        gap: 8px;
      }
      @media (max-width: 900px) {
        header {
          flex-wrap: wrap;
          padding-block: 8px;
        }
        .choices {
          margin-inline-start: 0;
        }
        .middle {
          grid-template: minmax(0, 1fr) minmax(0, 1fr) / minmax(0, 1fr);
        }
      }
      /* A phone: the views and the chat in one row, the word below its sign. */
      @media (max-width: 600px) {
        .choices {
          display: flex;
          flex: 1 0 100%;
          gap: 4px;
        }
        .choices .group {
          flex: 4 1 auto;
        }
        .choices button {
          flex: 1 1 auto;
          flex-direction: column;
          gap: 2px;
          min-width: 0;
          min-height: 52px;
          padding: 4px;
          font-size: var(--text-small);
        }
      }
    `,
  ];

  @property() lessonId = "";
  @state() private shows: Shown = "rooms";
  @state() private hasNoBroadcast = false;
  @state() private notes: readonly Note[] = [];
  @query("input") private field!: HTMLInputElement;

  constructor() {
    super();
    new Title(this, () => [this.standing(), this.view.lesson?.title ?? ""]);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.notes = this.remembered();
    const session = new LessonSession({
      lessonId: this.lessonId,
      device: "browser",
      token: personTokens(this.lessonId, "observer"),
      listens: true,
    });
    this.useSession(session);
    session.open();
    addEventListener("pagehide", this.onHide);
    addEventListener("pageshow", this.onShow);
  }

  override disconnectedCallback(): void {
    removeEventListener("pagehide", this.onHide);
    removeEventListener("pageshow", this.onShow);
    super.disconnectedCallback();
  }

  /** The window is closed or leads elsewhere: nobody waits a minute for who only looked on. */
  private readonly onHide = (): void => this.session?.close(true);

  /** The browser has kept the page and shows it again: its session is over. */
  private readonly onShow = (event: PageTransitionEvent): void => {
    if (event.persisted) location.reload();
  };

  /** Who is not let in for want of room watches the broadcast, until they choose otherwise. */
  protected override viewChanged(before: View, now: View): void {
    const full = now.phase === "refused" && now.refusal?.code === FULL;
    if (full && before.refusal !== now.refusal && !this.hasNoBroadcast) this.choose("broadcast");
  }

  private readonly noBroadcast = (): void => {
    this.hasNoBroadcast = true;
    this.choose("rooms");
  };

  private get notesName(): string {
    return `tongke.notes.${this.lessonId}`;
  }

  private remembered(): Note[] {
    try {
      const found: unknown = JSON.parse(localStorage.getItem(this.notesName) ?? "[]");
      return Array.isArray(found) ? (found as Note[]) : [];
    } catch {
      return [];
    }
  }

  private keep(notes: readonly Note[]): void {
    this.notes = notes;
    localStorage.setItem(this.notesName, JSON.stringify(notes));
  }

  private elapsed(): number {
    return serverNow(this.view, this.now) - (this.view.lesson?.started_at ?? 0);
  }

  private add(event: SubmitEvent): void {
    event.preventDefault();
    const text = this.field.value.trim();
    if (!text) return;
    this.keep([...this.notes, { at: this.elapsed(), text }]);
    this.field.value = "";
  }

  private saveFile(): void {
    const lines = this.notes.map((note) => `${clock(note.at)}\t${note.text}`);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\n")], { type: "text/plain" }));
    link.download = `${this.view.lesson?.title ?? this.lessonId}.txt`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  /** How the lesson stands, for the window's title. */
  private standing(): string {
    const { lesson, link, observe } = this.m;
    switch (this.view.phase) {
      case "ended":
        return lesson.endedTitle;
      case "removed":
        return lesson.putOutTitle;
      case "refused":
        return lesson.refusedTitle;
      case "replaced":
        return lesson.replacedTitle;
      case "reconnecting":
        return link.lost;
      case "live":
        return observe.title;
      case "idle":
      case "connecting":
        return lesson.connecting;
    }
  }

  override render(): TemplateResult {
    const { view, session, m } = this;
    if (!session || view.phase === "ended") return this.over(m.lesson.endedTitle, "");
    if (view.phase === "removed") return putOut(m, view.refusal);
    const outside = view.phase === "refused";
    if (outside && !(this.shows === "broadcast" && view.refusal?.code === FULL)) {
      return this.over(m.lesson.refusedTitle, refusalWords(view.refusal), view.refusal?.code);
    }
    if (view.phase === "replaced") return replaced(m.lesson, session);
    return html`<header>
        <a class="button" href="/" aria-label=${m.observe.leave}>${icon("back")}</a>
        <h1>${view.lesson?.title ?? (outside ? m.observe.broadcast : m.lesson.connecting)}</h1>
        ${view.lesson ? html`<span>${clock(this.elapsed())}</span>` : nothing}
        ${view.lesson ? recordingSign(view.lesson) : nothing}
        <span class="badge">${icon("microphoneOff", 14)}${m.observe.silent}</span>
        ${view.phase === "reconnecting"
          ? html`<span class="badge warn" role="status">${m.lesson.reconnecting}</span>`
          : nothing}
        ${outside
          ? html`<span class="badge" role="status">${m.broadcast.full}</span>`
          : nothing}
        ${view.soundBlocked
          ? html`<button>${icon("sound")}${m.lesson.soundBlocked}</button>`
          : nothing}
        ${this.programWords()
          ? html`<span class="badge" role="status">${this.programWords()}</span>`
          : nothing}
        ${outside ? nothing : this.choices(view)}
      </header>
      <div class="middle">
        <div class="stage">
          ${this.pictures(view, session)}
          <tk-chat-line .view=${view} .now=${this.now}></tk-chat-line>
        </div>
        <div class="beside">
          ${view.chatOpen
            ? html`<tk-chat
                reading
                role="group"
                aria-label=${m.lesson.chat}
                .view=${view}
                .session=${session}
              ></tk-chat>`
            : nothing}
          ${this.noteBook()}
        </div>
      </div>
      ${this.shows === "broadcast"
        ? nothing
        : html`<tk-sound .view=${view} .session=${session}></tk-sound>`}`;
  }

  /** What was written so far; an observer reads it only. */
  private toggleChat(): void {
    const open = !this.view.chatOpen;
    this.session?.store.dispatch({ type: "chat-open", open });
    if (open) {
      void this.updateComplete.then(() => this.renderRoot.querySelector<Chat>("tk-chat")?.focus());
    }
  }

  private choices(view: View): TemplateResult {
    const { lesson, observe } = this.m;
    const put = view.lesson !== null && view.lesson.program !== "none" && !this.hasNoBroadcast;
    return html`<div class="choices">
      <div class="group" role="group" aria-label=${observe.view}>
        ${this.viewButton("rooms", observe.rooms)}
        ${hasProgram(view) ? this.viewButton("program", observe.program) : nothing}
        ${this.viewButton("wall", observe.wall)}
        ${put ? this.viewButton("broadcast", observe.broadcast) : nothing}
      </div>
      <button
        data-testid="chat"
        aria-pressed=${view.chatOpen ? "true" : "false"}
        @click=${this.toggleChat}
      >
        ${icon("chat")}${lesson.chat}
      </button>
    </div>`;
  }

  private viewButton(shown: Shown, words: string): TemplateResult {
    return html`<button
      data-testid="show-${shown}"
      aria-pressed=${this.shows === shown ? "true" : "false"}
      @click=${() => this.choose(shown)}
    >
      ${icon(SHOWN_ICONS[shown])}${words}
    </button>`;
  }

  private choose(shown: Shown): void {
    this.shows = shown;
    if (shown === "broadcast") later(() => import("../components/broadcast.ts"));
    this.session?.receive(shown !== "broadcast");
    this.session?.takeProgram(shown === "program" ? "chosen" : null);
  }

  /** What hinders the program that was asked for. */
  private programWords(): string {
    if (!this.view.takesProgram) return "";
    switch (this.view.lesson?.program) {
      case "starting":
        return this.m.program.starting;
      case "full":
        return this.m.program.full;
      case "failed":
        return this.m.program.failed;
      case "none":
      case "idle":
      case "running":
      case undefined:
        return "";
    }
  }

  private pictures(view: View, session: LessonSession): TemplateResult {
    if (this.shows === "broadcast") {
      return html`<tk-broadcast
        .lessonId=${this.lessonId}
        @no-broadcast=${this.noBroadcast}
      ></tk-broadcast>`;
    }
    if (programPicture(view)) {
      return html`<tk-program .view=${view} .session=${session}></tk-program>`;
    }
    const program = roomStage(view);
    const all = [...program.large, ...program.strip];
    const stage: Stage = this.shows === "wall" ? { shape: "wall", large: all, strip: [] } : program;
    return html`<tk-stage
      below
      .view=${view}
      .session=${session}
      .stage=${stage}
      .empty=${this.m.lesson.connecting}
    ></tk-stage>`;
  }

  private noteBook(): TemplateResult {
    const { observe } = this.m;
    return html`<aside aria-label=${observe.notes}>
      <h2>${observe.notes}</h2>
      <ol>
        ${this.notes.length === 0 ? html`<li class="soft none">${observe.noNotes}</li>` : nothing}
        ${this.notes.map(
          (note) =>
            html`<li>
              <time class="soft">${clock(note.at)}</time><span>${note.text}</span>
              <button
                class="quiet"
                aria-label=${observe.deleteNote}
                @click=${() => this.keep(this.notes.filter((one) => one !== note))}
              >
                ${icon("trash", 16)}
              </button>
            </li>`,
        )}
      </ol>
      <form @submit=${this.add}>
        <input
          maxlength="2000"
          autocomplete="off"
          aria-label=${observe.notePlaceholder}
          placeholder=${observe.notePlaceholder}
        />
        <button>${icon("note")}${observe.addNote}</button>
      </form>
      <button ?disabled=${this.notes.length === 0} @click=${this.saveFile}>
        ${observe.saveNotes}
      </button>
    </aside>`;
  }

  private over(heading: string, text: string, code = ""): TemplateResult {
    return html`<tk-state heading=${heading} text=${text} code=${code}>
      <a href="/">${this.m.app.toToday}</a>
      <a href="/library">${this.m.lesson.toLibrary}</a>
    </tk-state>`;
  }
}

define("tk-observe", Observe);
