// One lesson in the day's line: when, what, with whom, and the one thing to do with it.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { post, remove, wordsOf } from "../../api/client.ts";
import type { Lesson, Recording, User } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { onEscape } from "../../components/form.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls } from "../../design/shared.ts";
import { facts, list, timeOfDay } from "../../i18n/format.ts";
import { said } from "../../i18n/index.ts";
import { go } from "../../router.ts";
import { clashWords } from "../planning/clash_words.ts";

/** What is asked again before it is done. */
type Deed = "cancel" | "take-over" | "end";

export class LessonRow extends TongkeElement {
  static override styles = [
    base,
    controls,
    cards,
    css`
      article {
        display: grid;
        grid-template-columns: 64px minmax(200px, 1fr) auto;
        align-items: center;
        gap: 16px;
        padding: 16px 20px;
      }
      article.live {
        border-color: var(--accent);
        border-width: 2px;
      }
      time {
        font-size: var(--text-large);
        font-variant-numeric: tabular-nums;
        font-weight: 600;
      }
      h3 {
        overflow-wrap: anywhere;
      }
      @media (max-width: 600px) {
        article {
          grid-template-columns: auto minmax(0, 1fr);
          gap: 12px;
          padding: 16px 12px;
        }
        .actions {
          grid-column: 1 / -1;
        }
      }
      .notice {
        display: flex;
        gap: 6px;
        color: var(--warn);
      }
      .notice svg {
        flex: none;
        margin-top: 2px;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: end;
        gap: 8px;
      }
    `,
  ];

  @property({ attribute: false }) lesson!: Lesson;
  @property({ attribute: false }) user!: User;
  /** What was recorded of it, where there is anything. */
  @property({ attribute: false }) recording: Recording | null = null;
  @state() private asking: Deed | null = null;
  @state() private error = "";

  /** To what can be done with it. */
  override focus(): void {
    this.focusOn('[data-testid="edit"]', ".actions a, .actions button");
  }

  override render(): TemplateResult {
    const { lesson, m } = this;
    const rooms = lesson.seats
      .filter((seat) => seat.role === "room" && !seat.gone)
      .map((seat) => seat.name);
    const live = lesson.state === "live";
    return html`<article class="card ${live ? "live" : ""}" data-lesson=${lesson.id}>
      <time>${timeOfDay(lesson.started_at ?? lesson.starts_at)}</time>
      <div>
        <h3>${this.recorded()?.title ?? lesson.title}</h3>
        <p class="soft small">
          ${facts([lesson.subject, lesson.grade, lesson.teacher.display_name])}
        </p>
        <p class="soft small">${m.today.with(list(rooms))}</p>
        ${this.notices().map(
          (notice) => html`<p class="notice small">${icon("warning", 16)}<span>${notice}</span></p>`,
        )}
        ${this.error ? html`<p role="alert" class="small">${this.error}</p>` : nothing}
      </div>
      <div class="actions">${this.actions(live)}</div>
    </article>`;
  }

  /** What stands between a planned lesson and its beginning. */
  private notices(): string[] {
    const { lesson, m } = this;
    if (lesson.state !== "planned") return [];
    const gone = lesson.seats.filter((seat) => seat.gone).map((seat) => `${seat.school} ${seat.name}`);
    const missing = [
      ...(lesson.teacher.id === null ? [m.today.withoutTeacher] : []),
      ...(gone.length ? [m.today.roomsGone(list(gone))] : []),
    ];
    const { waits } = lesson;
    if (waits && waits.code !== "no-teacher") {
      return [...missing, said(waits)];
    }
    return [...missing, ...clashWords(m, lesson.clashes, this.user.id)];
  }

  private actions(live: boolean): TemplateResult {
    const { lesson, user, m } = this;
    const mine = lesson.teacher.id === user.id;
    const teach = `/teach/${lesson.id}`;
    if (lesson.state === "ended") {
      return html`<span class="badge"
          >${lesson.started_at === null ? m.today.missed : m.today.ended}</span
        >
        ${this.toRecording()}`;
    }
    if (this.asking) return this.question(this.asking);
    const may = (right: Lesson["may"][number]): boolean => lesson.may.includes(right);
    return html`
      ${live ? html`<span class="badge live">${icon("live", 14)}${m.today.now}</span>` : nothing}
      ${mine
        ? html`<a class="button ${live ? "main" : ""}" href=${teach}
            >${live ? m.today.enter : m.today.open}</a
          >`
        : nothing}
      ${live && !mine
        ? html`<a class="button" href="/observe/${lesson.id}">${m.today.observe}</a>`
        : nothing}
      ${may("take-over")
        ? html`<button data-testid="take-over" @click=${() => this.ask("take-over")}>
            ${m.today.takeOver}
          </button>`
        : nothing}
      ${may("end") && !mine
        ? html`<button class="alarm" data-testid="end" @click=${() => this.ask("end")}>
            ${icon("end")}${m.today.endLesson}
          </button>`
        : nothing}
      ${!live && may("change")
        ? html`<button
            data-testid="edit"
            aria-label=${m.planning.changeOf(lesson.title)}
            @click=${() => this.dispatchEvent(new CustomEvent("edit"))}
          >
            ${icon("edit")}${m.admin.edit}
          </button>`
        : nothing}
      ${!live && may("change")
        ? html`<button
            class="quiet"
            data-testid="cancel"
            aria-label=${m.planning.cancelOf(lesson.title)}
            title=${m.today.cancelLesson}
            @click=${() => this.ask("cancel")}
          >
            ${icon("trash")}
          </button>`
        : nothing}
    `;
  }

  /** Of a lesson that is over: its name is the recording's from then on. */
  private recorded(): Recording | null {
    return this.lesson.state === "ended" ? this.recording : null;
  }

  private toRecording(): TemplateResult | typeof nothing {
    const recording = this.recorded();
    const { lesson, library } = this.m;
    if (recording === null) return nothing;
    if (recording.state !== "ready") {
      return html`<span class="badge warn">${library.states[recording.state]}</span>`;
    }
    return html`<a class="button" data-testid="recording" href="/library/${recording.id}"
      >${icon("play")}${lesson.seeRecording}</a
    >`;
  }

  private question(deed: Deed): TemplateResult {
    const { app, today } = this.m;
    const [sure, yes] = {
      cancel: [today.cancelSure, today.yesCancel],
      "take-over": [today.takeOverSure, today.yesTakeOver],
      end: [today.endSure, today.yesEnd],
    }[deed];
    return html`<span
      class="actions"
      role="alertdialog"
      aria-label=${sure}
      @keydown=${onEscape(() => this.ask(null))}
    >
      <span>${sure}</span>
      <button
        class=${deed === "take-over" ? "main" : "alarm"}
        data-testid="yes"
        @click=${() => this.act(deed)}
      >
        ${yes}
      </button>
      <button class="no" @click=${() => this.ask(null)}>${app.cancel}</button>
    </span>`;
  }

  private ask(deed: Deed | null): void {
    const before = this.asking;
    this.asking = deed;
    this.focusOn(deed ? ".no" : `[data-testid="${before}"]`);
  }

  private async act(deed: Deed): Promise<void> {
    const { lesson } = this;
    const path = `/api/lessons/${lesson.id}`;
    this.asking = null;
    try {
      if (deed === "cancel") await remove(path);
      else await post(`${path}/${deed}`);
      this.error = "";
      this.dispatchEvent(new CustomEvent(deed === "cancel" ? "cancelled" : "changed"));
      if (deed === "take-over" && lesson.state === "live") go(`/teach/${lesson.id}`);
    } catch (error) {
      this.error = wordsOf(error, this.m.app.offline);
      this.focusOn(`[data-testid="${deed}"]`);
    }
  }
}

define("tk-lesson-row", LessonRow);
