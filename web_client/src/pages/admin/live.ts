// The lessons going on now, seat by seat; on request with all that is measured in them.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get, post, remove, wordsOf } from "../../api/client.ts";
import type { LiveAnswer } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { Polling } from "../../components/polling.ts";
import "../../components/elsewhere.ts";
import "../../components/seat_devices.ts";
import { failure } from "../../components/states.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls, lines } from "../../design/shared.ts";
import { facts, timeOfDay } from "../../i18n/format.ts";
import type { RemovedBearer, SeatState } from "../../protocol/messages.ts";
import "./live_measures.ts";
import "./live_node.ts";
import { stacked } from "./stacked.ts";

const LOOK_EVERY_MS = 2000;

export class AdminLive extends TongkeElement {
  static override styles = [
    base,
    controls,
    cards,
    lines,
    stacked,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 16px;
      }
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 12px;
      }
      article.card {
        padding: 16px 0 0;
      }
      .title {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 12px;
        padding: 0 16px 12px;
      }
      .title .actions {
        display: flex;
        gap: 8px;
        margin-inline-start: auto;
      }
      td.sends {
        min-width: 7em;
      }
      .removed {
        display: flex;
        align-items: center;
        gap: 8px;
        padding: 8px 16px;
        background: var(--warn-ground);
        color: var(--warn);
      }
      tk-elsewhere {
        padding: 8px 4px;
        border-top: 1px solid var(--line);
      }
      tr:last-child td {
        border-bottom: 0;
      }
    `,
  ];

  @state() private answer: LiveAnswer | null = null;
  @state() private error: unknown = null;
  @state() private refused = "";
  /** The lesson whose measures are shown; null: of a lone lesson they are, "": of none. */
  @state() private measured: string | null = null;

  constructor() {
    super();
    new Polling(this, this.load, LOOK_EVERY_MS);
  }

  private readonly load = async (): Promise<void> => {
    try {
      this.answer = await get<LiveAnswer>("/api/admin/live");
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  };

  override render(): TemplateResult {
    const { admin, app } = this.m;
    if (this.error !== null) return failure(app, this.error, () => void this.load());
    const { answer } = this;
    if (!answer) return html`<tk-skeleton rows="3"></tk-skeleton>`;
    return html`<header>
        <h1>${admin.sections.live}</h1>
        <span class="badge"
          >${admin.live.lessons(answer.lessons.length, answer.lessons_admitted)}</span
        >
        <span class="badge">${admin.live.classrooms(answer.classrooms_online)}</span>
      </header>
      ${this.refused ? html`<p class="wrong" role="alert">${this.refused}</p>` : nothing}
      ${answer.lessons.length === 0
        ? html`<div class="card">
            <tk-state symbol="live" heading=${admin.live.none}></tk-state>
          </div>`
        : answer.lessons.map((one) => this.lesson(one, this.shown(answer) === one.lesson.id))}
      <tk-live-node></tk-live-node>`;
  }

  /** Which lesson's measures are open: the one that was asked for, else that of a lone lesson. */
  private shown({ lessons }: LiveAnswer): string {
    const only = lessons.length === 1 ? lessons[0]?.lesson.id : undefined;
    return this.measured ?? only ?? "";
  }

  private lesson(
    { lesson, seats, removed }: LiveAnswer["lessons"][number],
    measured: boolean,
  ): TemplateResult {
    const { admin, measures, modes, today } = this.m;
    return html`<article class="card">
      <div class="title">
        <h2>${lesson.title}</h2>
        <span class="badge">${modes[lesson.mode]}</span>
        <span class="soft">
          ${admin.live.since(
            lesson.teacher.display_name,
            timeOfDay(lesson.started_at ?? lesson.starts_at),
          )}
        </span>
        <span class="actions">
          <button
            data-lesson=${lesson.id}
            aria-expanded=${measured ? "true" : "false"}
            @click=${() => (this.measured = measured ? "" : lesson.id)}
          >
            ${measured ? measures.hide : measures.show}
          </button>
          <a class="button" href="/observe/${lesson.id}">${today.observe}</a>
        </span>
      </div>
      <div class="scrolls"><table class="stacks">
        <thead>
          <tr>
            ${[
              admin.live.seat,
              admin.school,
              admin.role,
              admin.state,
              admin.live.line,
              admin.live.sources,
              admin.live.devices,
            ].map((heading) => html`<th scope="col">${heading}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${seats.map((seat) => this.seat(lesson.id, seat))}
        </tbody>
      </table></div>
      ${removed.map((one) => this.removed(lesson.id, one))}
      <tk-elsewhere .lessonId=${lesson.id}></tk-elsewhere>
      ${measured ? html`<tk-live-measures .lesson=${lesson.id}></tk-live-measures>` : nothing}
    </article>`;
  }

  private removed(lesson: string, one: RemovedBearer): TemplateResult {
    const { devices } = this.m;
    const path = `/api/admin/live/${lesson}/seats/${encodeURIComponent(one.seat_id)}/readmit`;
    return html`<p class="removed">
      ${icon("putOut", 16)}<span>${devices.wasPutOut(one.bearer)}</span>
      <button
        class="slim"
        data-testid="readmit-${one.seat_id}"
        @click=${() => this.act(lesson, post(path))}
      >
        ${devices.letIn}
      </button>
    </p>`;
  }

  private putOut(lesson: string, device: string): void {
    void this.act(lesson, remove(`/api/admin/live/${lesson}/devices/${encodeURIComponent(device)}`));
  }

  /** What was pressed goes with what it was for: the keyboard stays at the lesson. */
  private async act(lesson: string, call: Promise<unknown>): Promise<void> {
    this.focusOn(`[data-lesson="${CSS.escape(lesson)}"]`);
    try {
      await call;
      this.refused = "";
    } catch (error) {
      this.refused = wordsOf(error, this.m.app.offline);
    }
    await this.load();
  }

  private seat(id: string, seat: SeatState): TemplateResult {
    const { admin, roles, link, sources } = this.m;
    const away = seat.away_since !== null;
    const state = seat.present
      ? html`<span class="badge good">${icon("check", 14)}${admin.live.present}</span>`
      : html`<span class="badge ${away ? "warn" : ""}"
          >${away ? admin.live.away : admin.live.absent}</span
        >`;
    return html`<tr>
      <td><strong>${seat.name}</strong></td>
      <td data-label=${admin.school}>${seat.school}</td>
      <td class="short" data-label=${admin.role}>${roles[seat.role]}</td>
      <td data-label=${admin.state}>${state}</td>
      <td data-label=${admin.live.line}
        >${seat.present
          ? html`<span class="badge line ${seat.link}">${link[seat.link]}</span>`
          : nothing}</td
      >
      <td class="sends" data-label=${admin.live.sources}
        >${seat.sources.length > 0
          ? facts(seat.sources.map((one) => sources[one.source]))
          : nothing}</td
      >
      <td data-label=${admin.live.devices}
        >${seat.devices.length > 0
          ? html`<tk-seat-devices
              .devices=${seat.devices}
              @remove-device=${(event: CustomEvent<string>) => this.putOut(id, event.detail)}
            ></tk-seat-devices>`
          : nothing}</td
      >
    </tr>`;
  }
}

define("tk-admin-live", AdminLive);
