// The start page after signing in: what runs now, what comes, what needs attention, and a form
// that starts a lesson.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { get, getAll, post } from "../../api/client.ts";
import type {
  Classroom,
  Community,
  Lesson,
  Recording,
  School,
  SessionAnswer,
  User,
} from "../../api/types.ts";
import { draftAbout } from "../../components/drafts.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { Polling } from "../../components/polling.ts";
import { failure, failureTitle } from "../../components/states.ts";
import { Title } from "../../components/title.ts";
import type { Undo } from "../../components/undo.ts";
import "../../components/undo.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls } from "../../design/shared.ts";
import { dayOf } from "../../i18n/format.ts";
import { said } from "../../i18n/index.ts";
import "../planning/change_form.ts";
import { clashWords } from "../planning/clash_words.ts";
import { attentionOf, daysOf, type Attention } from "./agenda.ts";
import "./lesson_row.ts";
import "./start_form.ts";

const LOOK_EVERY_MS = 5000;
const AHEAD_S = 7 * 86_400;
const FAR_AHEAD_S = 400 * 86_400;

interface Known {
  lessons: Lesson[];
  classrooms: Classroom[];
  communities: Community[];
  schools: School[];
  recordings: Recording[];
}

export class Today extends TongkeElement {
  static override styles = [
    base,
    controls,
    cards,
    css`
      :host {
        display: block;
        width: min(1280px, 100%);
        margin: 0 auto;
        padding: 24px;
      }
      .columns {
        display: grid;
        grid-template-columns: minmax(0, 1.5fr) minmax(340px, 1fr);
        align-items: start;
        gap: 24px;
      }
      section {
        display: grid;
        gap: 12px;
        margin-bottom: 32px;
      }
      tk-undo::part(offer) {
        margin-bottom: 32px;
      }
      .day {
        color: var(--ink-soft);
        font-size: var(--text-small);
        font-weight: 600;
      }
      .line {
        display: grid;
        gap: 8px;
        padding-inline-start: 16px;
        border-inline-start: 2px solid var(--line);
      }
      .attention {
        display: grid;
        gap: 8px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .attention li {
        display: flex;
        align-items: center;
        gap: 8px;
        padding: 10px 14px;
        border-radius: var(--radius);
        background: var(--warn-ground);
        color: var(--warn);
      }
      .attention li.well {
        background: var(--accent-ground);
        color: var(--accent-strong);
      }
      .attention svg {
        flex: none;
      }
      .attention a {
        margin-inline-start: auto;
        white-space: nowrap;
      }
      @media (max-width: 1000px) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
      }
      @media (max-width: 600px) {
        :host {
          padding: 16px 12px;
        }
        .line {
          padding-inline-start: 8px;
        }
      }
    `,
  ];

  @property({ attribute: false }) user!: User;
  @property({ attribute: false }) may: SessionAnswer["may"] = [];
  @state() private known: Known | null = null;
  @state() private error: unknown = null;
  /** The lesson that is being changed. */
  @state() private editing: string | null = draftAbout("tk-change-form");
  /** All that is planned is shown, not the coming week alone. */
  @state() private far = this.editing !== null;
  @query("tk-undo") private readonly undo!: Undo;

  constructor() {
    super();
    new Polling(this, this.look, LOOK_EVERY_MS);
    new Title(this, () => this.pageTitle());
  }

  private pageTitle(): string[] {
    const { today, app } = this.m;
    if (this.error !== null) return [failureTitle(app, this.error)];
    const live = this.known?.lessons.find((lesson) => lesson.state === "live");
    return live ? [today.now, live.title, app.today] : [app.today];
  }

  private readonly look = async (): Promise<void> => {
    const midnight = new Date().setHours(0, 0, 0, 0) / 1000;
    const until = Date.now() / 1000 + (this.far ? FAR_AHEAD_S : AHEAD_S);
    try {
      const [lessons, classrooms, communities, schools, recordings] = await Promise.all([
        getAll<Lesson>(`/api/lessons?from=${midnight}&to=${until}`),
        get<Classroom[]>("/api/classrooms"),
        get<Community[]>("/api/communities"),
        get<School[]>("/api/schools"),
        getAll<Recording>(`/api/recordings?from=${midnight}`).catch(() => []),
      ]);
      lessons.sort((a, b) => a.starts_at - b.starts_at); // each page is, the whole is not
      this.known = { lessons, classrooms, communities, schools, recordings };
      this.error = null;
    } catch (error) {
      if (!this.known) this.error = error; // else the last known day stays until the server is back
    }
  };

  override render(): TemplateResult {
    if (this.error !== null) return failure(this.m.app, this.error, () => void this.look());
    if (!this.known) return html`<tk-skeleton rows="4"></tk-skeleton>`;
    const { known, m } = this;
    const live = known.lessons.filter((lesson) => lesson.state === "live");
    return html`<h1 class="visually-hidden">${m.today.title}</h1>
      <div class="columns">
        <div>
          <section aria-labelledby="now">
            <h2 id="now">${m.today.now}</h2>
            ${live.length
              ? this.rows(live)
              : html`<p class="soft">${m.today.nothingNow}</p>`}
          </section>
          <tk-undo></tk-undo>
          ${this.attention(known)} ${this.coming(known)} ${this.earlier(known)}
        </div>
        <div>
          ${known.communities.length
            ? html`<tk-start-form
                .user=${this.user}
                .communities=${known.communities}
                .classrooms=${known.classrooms}
                .schools=${known.schools}
                @planned=${this.look}
              ></tk-start-form>`
            : nothing}
        </div>
      </div>`;
  }

  /** Each by its name: what is asked in a row is not asked of the next one when that moves up. */
  private rows(lessons: readonly Lesson[]): unknown {
    return repeat(
      lessons,
      (lesson) => lesson.id,
      (lesson) => (this.editing === lesson.id ? this.changing(lesson) : this.row(lesson)),
    );
  }

  private row(lesson: Lesson): TemplateResult {
    return html`<tk-lesson-row
      data-id=${lesson.id}
      .lesson=${lesson}
      .recording=${this.known?.recordings.find((one) => one.lesson_id === lesson.id) ?? null}
      .user=${this.user}
      @changed=${this.look}
      @cancelled=${() => void this.cancelled(lesson)}
      @edit=${() => this.edit(lesson.id)}
    ></tk-lesson-row>`;
  }

  private changing(lesson: Lesson): TemplateResult {
    const { known } = this;
    return html`<tk-change-form
      .lesson=${lesson}
      .user=${this.user}
      .communities=${known?.communities ?? []}
      .classrooms=${known?.classrooms ?? []}
      .schools=${known?.schools ?? []}
      @done=${() => void this.edited(lesson.id)}
    ></tk-change-form>`;
  }

  private edit(id: string): void {
    this.editing = id;
    this.focusOn("tk-change-form");
  }

  private async edited(id: string): Promise<void> {
    this.editing = null;
    this.focusOn(rowOf(id));
    await this.look();
    this.focusOn(rowOf(id)); // at another time it stands at another place
  }

  private async cancelled(lesson: Lesson): Promise<void> {
    const { planning } = this.m;
    this.undo.offer(planning.cancelled(lesson.title), async () => {
      await post(`/api/lessons/${lesson.id}/restore`);
      await this.look();
      this.focusOn(rowOf(lesson.id));
      return planning.restored(lesson.title);
    });
    this.undo.focus();
    await this.look();
  }

  private readonly lookFar = async (): Promise<void> => {
    this.far = true;
    await this.look();
    this.focusOn("#next");
  };

  private coming(known: Known): TemplateResult {
    const { planning, today } = this.m;
    const days = daysOf(known.lessons.filter((lesson) => lesson.state === "planned"));
    return html`<section aria-labelledby="next">
      <h2 id="next" tabindex="-1">${today.next}</h2>
      ${days.length
        ? repeat(
            days,
            (day) => new Date(day.at * 1000).toDateString(),
            (day) =>
              html`<h3 class="day">${dayOf(day.at)}</h3>
                <div class="line">${this.rows(day.lessons)}</div>`,
          )
        : html`<p class="soft">${this.far ? planning.nothingPlanned : today.nothingNext}</p>`}
      ${this.far
        ? nothing
        : html`<div>
            <button class="slim" data-testid="far" @click=${this.lookFar}>${planning.far}</button>
          </div>`}
    </section>`;
  }

  private earlier(known: Known): TemplateResult | typeof nothing {
    const ended = known.lessons.filter((lesson) => lesson.state === "ended");
    if (ended.length === 0) return nothing;
    return html`<section aria-labelledby="earlier">
      <h2 id="earlier">${this.m.today.earlier}</h2>
      <div class="line">${this.rows(ended)}</div>
    </section>`;
  }

  private attention(known: Known): TemplateResult {
    const administers = this.may.includes("administer");
    const items = attentionOf({ ...known, now: Date.now() / 1000, administers });
    return html`<section aria-labelledby="attention">
      <h2 id="attention">${this.m.today.attention}</h2>
      <ul class="attention">
        ${items.length
          ? items.map((item) => this.attentionItem(item))
          : html`<li class="well">${icon("check")}${this.m.today.allWell}</li>`}
      </ul>
    </section>`;
  }

  private attentionItem(item: Attention): TemplateResult {
    const { today } = this.m;
    const administers = this.may.includes("administer");
    switch (item.kind) {
      case "no-schools":
      case "no-community":
        return html`<li>
          ${icon("warning")}
          <span>${item.kind === "no-schools" ? today.noSchools : today.noCommunity}</span>
          ${administers
            ? html`<a href=${item.kind === "no-schools" ? "/admin/schools" : "/admin/communities"}
                >${today.toAdmin}</a
              >`
            : nothing}
        </li>`;
      case "no-teacher":
        return html`<li>
          ${icon("warning")}<span>${today.noTeacher(item.lesson)}</span>
        </li>`;
      case "clash":
        return html`<li>
          ${icon("warning")}
          <span
            >${today.clashes(item.lesson, clashWords(this.m, item.clashes, this.user.id))}</span
          >
        </li>`;
      case "waits":
        return html`<li>
          ${icon("warning")}
          <span>${today.waits(item.lesson, said(item))}</span>
        </li>`;
      case "room-offline":
        return html`<li>
          ${icon("linkLost")}<span>${today.roomOffline(item.room, item.lesson)}</span>
        </li>`;
      case "recording-failed":
        return html`<li>
          ${icon("warning")}<span>${today.recordingFailed(item.title)}</span>
        </li>`;
      case "recording-paused":
        return html`<li>
          ${icon("warning")}<span>${today.recordingPaused(item.title)}</span>
        </li>`;
      case "quota":
        return html`<li>
          ${icon("warning")}<span>${today.quota[item.state](item.community)}</span>
          <a href="/admin/keeping">${today.toAdmin}</a>
        </li>`;
    }
  }
}

function rowOf(id: string): string {
  return `tk-lesson-row[data-id="${CSS.escape(id)}"]`;
}

define("tk-today", Today);
