// One lesson in the day's line: when, what, with whom, and the one thing to do with it.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { remove, wordsOf } from "../../api/client.ts";
import type { Lesson, User } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls } from "../../design/shared.ts";
import { facts, list, timeOfDay } from "../../i18n/format.ts";

export class LessonRow extends TongkeElement {
  static override styles = [
    base,
    controls,
    cards,
    css`
      article {
        display: grid;
        grid-template-columns: 64px minmax(0, 1fr) auto;
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
  @state() private asking = false;
  @state() private error = "";

  override render(): TemplateResult {
    const { lesson, m } = this;
    const rooms = lesson.seats.filter((seat) => seat.role === "room").map((seat) => seat.name);
    const live = lesson.state === "live";
    return html`<article class="card ${live ? "live" : ""}" data-lesson=${lesson.id}>
      <time>${timeOfDay(lesson.started_at ?? lesson.starts_at)}</time>
      <div>
        <h3>${lesson.title}</h3>
        <p class="soft small">
          ${facts([lesson.subject, lesson.grade, lesson.teacher.display_name])}
        </p>
        <p class="soft small">${m.today.with(list(rooms))}</p>
        ${this.error ? html`<p role="alert" class="small">${this.error}</p>` : nothing}
      </div>
      <div class="actions">${this.actions(live)}</div>
    </article>`;
  }

  private actions(live: boolean): TemplateResult {
    const { lesson, user, m } = this;
    const mine = lesson.teacher.id === user.id;
    const teach = `/teach/${lesson.id}`;
    if (lesson.state === "ended") {
      return html`<span class="badge"
        >${lesson.started_at === null ? m.today.missed : m.today.ended}</span
      >`;
    }
    if (this.asking) {
      return html`<span>${m.today.cancelSure}</span>
        <button class="alarm" @click=${this.cancel}>${m.today.yesCancel}</button>
        <button @click=${() => (this.asking = false)}>${m.app.cancel}</button>`;
    }
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
      ${!live && (mine || user.role === "administrator")
        ? html`<button class="quiet" aria-label=${m.today.cancelLesson} @click=${this.ask}>
            ${icon("trash")}
          </button>`
        : nothing}
    `;
  }

  private ask(): void {
    this.asking = true;
  }

  private async cancel(): Promise<void> {
    this.asking = false;
    try {
      await remove(`/api/lessons/${this.lesson.id}`);
      this.dispatchEvent(new CustomEvent("changed"));
    } catch (error) {
      this.error = wordsOf(error, this.m.app.offline);
    }
  }
}

define("tk-lesson-row", LessonRow);
