// The start page after signing in: what runs now, what comes, what needs attention, and a form
// that starts a lesson.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { get, getAll } from "../../api/client.ts";
import type {
  Classroom,
  Community,
  Lesson,
  Recording,
  School,
  SessionAnswer,
  User,
} from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { Polling } from "../../components/polling.ts";
import { failure } from "../../components/states.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls } from "../../design/shared.ts";
import { dayOf } from "../../i18n/format.ts";
import { said } from "../../i18n/index.ts";
import { attentionOf, daysOf, type Attention } from "./agenda.ts";
import "./lesson_row.ts";
import "./start_form.ts";

const LOOK_EVERY_MS = 5000;
const AHEAD_S = 7 * 86_400;

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
        grid-template-columns: minmax(0, 1.5fr) minmax(360px, 1fr);
        align-items: start;
        gap: 24px;
      }
      section {
        display: grid;
        gap: 12px;
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
          grid-template-columns: 1fr;
        }
      }
    `,
  ];

  @property({ attribute: false }) user!: User;
  @property({ attribute: false }) may: SessionAnswer["may"] = [];
  @state() private known: Known | null = null;
  @state() private error: unknown = null;

  constructor() {
    super();
    new Polling(this, this.look, LOOK_EVERY_MS);
  }

  private readonly look = async (): Promise<void> => {
    const midnight = new Date().setHours(0, 0, 0, 0) / 1000;
    const until = Date.now() / 1000 + AHEAD_S;
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
              ? live.map((lesson) => this.row(lesson))
              : html`<p class="soft">${m.today.nothingNow}</p>`}
          </section>
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

  private row(lesson: Lesson): TemplateResult {
    return html`<tk-lesson-row
      .lesson=${lesson}
      .user=${this.user}
      @changed=${this.look}
    ></tk-lesson-row>`;
  }

  private coming(known: Known): TemplateResult {
    const days = daysOf(known.lessons.filter((lesson) => lesson.state === "planned"));
    return html`<section aria-labelledby="next">
      <h2 id="next">${this.m.today.next}</h2>
      ${days.length
        ? days.map(
            (day) =>
              html`<h3 class="day">${dayOf(day.at)}</h3>
                <div class="line">${day.lessons.map((lesson) => this.row(lesson))}</div>`,
          )
        : html`<p class="soft">${this.m.today.nothingNext}</p>`}
    </section>`;
  }

  private earlier(known: Known): TemplateResult | typeof nothing {
    const ended = known.lessons.filter((lesson) => lesson.state === "ended");
    if (ended.length === 0) return nothing;
    return html`<section aria-labelledby="earlier">
      <h2 id="earlier">${this.m.today.earlier}</h2>
      <div class="line">${ended.map((lesson) => this.row(lesson))}</div>
    </section>`;
  }

  private attention(known: Known): TemplateResult {
    const items = attentionOf({ ...known, now: Date.now() / 1000 });
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
          ${icon("warning")}<span>${today.clashes(item.lesson)}</span>
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
    }
  }
}

define("tk-today", Today);
