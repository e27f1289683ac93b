// Start a lesson now, or put one into the timetable.

import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { get, post } from "../../api/client.ts";
import type { Clash, Classroom, Community, Lesson, NewLesson, School, User } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import { Form } from "../../components/form.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls, fields } from "../../design/shared.ts";
import { type Mode, MODE_VALUES } from "../../protocol/messages.ts";
import { go } from "../../router.ts";
import { clashWords } from "./agenda.ts";

const LAST_ROOM = "tongke.lead-classroom"; // a teacher mostly teaches in the same room

export class StartForm extends Form {
  static override styles = [
    base,
    controls,
    fields,
    cards,
    css`
      form {
        display: grid;
        gap: 16px;
        margin-bottom: 32px;
      }
      .two {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 12px;
      }
      .modes {
        display: grid;
        grid-template-columns: repeat(3, 1fr);
        gap: 8px;
      }
      .modes label {
        display: flex;
        align-items: center;
        gap: 8px;
        min-height: 44px;
        padding: 6px 10px;
        border: 1px solid var(--line-strong);
        border-radius: var(--radius);
        line-height: 1.25;
      }
      .modes .chosen {
        border-color: var(--accent);
        background: var(--accent-ground);
      }
      summary {
        color: var(--accent);
        cursor: pointer;
      }
      .more {
        display: grid;
        gap: 16px;
        padding-top: 16px;
      }
      .online {
        color: var(--accent);
        white-space: nowrap;
      }
      .main {
        min-height: 52px;
        font-size: var(--text-large);
      }
      .clashes {
        display: flex;
        gap: 8px;
        padding: 10px 14px;
        border-radius: var(--radius);
        background: var(--warn-ground);
        color: var(--warn);
      }
      .clashes svg {
        flex: none;
        margin-top: 2px;
      }
      .done {
        color: var(--accent-strong);
      }
    `,
  ];

  @property({ attribute: false }) user!: User;
  @property({ attribute: false }) communities: Community[] = [];
  @property({ attribute: false }) classrooms: Classroom[] = [];
  @property({ attribute: false }) schools: School[] = [];
  @state() private planned = false;
  @state() private clashes: Clash[] = [];
  private asked = ""; // the clashes that are shown, or on their way, are the answer to this

  /** The page looks every few seconds and hands over what it found: then this looks as well. */
  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("classrooms")) this.asked = "";
    void this.lookForClashes();
  }

  /** Which other lessons need these rooms at that time: told before the lesson is planned. */
  private async lookForClashes(): Promise<void> {
    const startsAt = this.startsAt();
    const rooms = [this.text("lead_classroom_id"), ...this.list("room_classroom_ids")];
    const query = new URLSearchParams(rooms.filter(Boolean).map((id) => ["classroom", id]));
    if (startsAt !== null) query.set("starts_at", String(startsAt));
    const asked = query.toString();
    if (asked === this.asked) return;
    this.asked = asked;
    const known = query.has("classroom") && !Number.isNaN(startsAt);
    const found = known
      ? await get<Clash[]>(`/api/lessons/clashes?${asked}`).catch(() => [])
      : [];
    if (this.asked === asked) this.clashes = found; // else another answer is on its way
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const mine = this.communities.find((one) => one.lead_school_id === this.user.school_id);
    this.values = {
      title: "",
      subject: "",
      grade: "",
      mode: "blended",
      when: "now",
      starts_at: "",
      record: true,
      ...this.roomsOf(mine ?? this.communities[0]),
    };
  }

  /** Who takes part by default: the lead's usual room, and all rooms of the partners. */
  private roomsOf(community: Community | undefined): Record<string, string | string[]> {
    const lead = this.leadRooms(community);
    const last = localStorage.getItem(LAST_ROOM);
    return {
      community_id: community?.id ?? "",
      lead_classroom_id: lead.find((room) => room.id === last)?.id ?? lead[0]?.id ?? "",
      room_classroom_ids: this.partnerRooms(community).map((room) => room.id),
    };
  }

  private community(): Community | undefined {
    return this.communities.find((one) => one.id === this.text("community_id"));
  }

  private leadRooms(community: Community | undefined): Classroom[] {
    return this.classrooms.filter((room) => room.school_id === community?.lead_school_id);
  }

  private partnerRooms(community: Community | undefined): Classroom[] {
    return this.classrooms.filter((room) => community?.partner_school_ids.includes(room.school_id));
  }

  protected override set(name: string, value: string | boolean | string[]): void {
    super.set(name, value);
    this.planned = false;
    if (name === "community_id") {
      this.values = { ...this.values, ...this.roomsOf(this.community()) };
    }
  }

  private startsAt(): number | null {
    if (this.text("when") === "now") return null;
    return new Date(this.text("starts_at")).getTime() / 1000;
  }

  protected override wrong(): Partial<Record<string, string>> {
    const { app, today } = this.m;
    const startsAt = this.startsAt();
    return {
      ...(this.text("title").trim() ? {} : { title: app.required }),
      ...(this.text("lead_classroom_id") ? {} : { lead_classroom_id: app.required }),
      ...(this.list("room_classroom_ids").length
        ? {}
        : { room_classroom_ids: today.noRoomChosen }),
      ...(Number.isNaN(startsAt) ? { starts_at: app.required } : {}),
      ...(startsAt !== null && startsAt < Date.now() / 1000 ? { starts_at: today.inThePast } : {}),
    };
  }

  protected override async save(): Promise<void> {
    const lesson: NewLesson = {
      title: this.text("title").trim(),
      subject: this.text("subject").trim(),
      grade: this.text("grade").trim(),
      mode: this.text("mode") as Mode,
      community_id: this.text("community_id"),
      lead_classroom_id: this.text("lead_classroom_id"),
      room_classroom_ids: this.list("room_classroom_ids"),
      starts_at: this.startsAt(),
      record: this.values.record === true,
    };
    localStorage.setItem(LAST_ROOM, lesson.lead_classroom_id);
    const made = await post<Lesson>("/api/lessons", lesson);
    if (lesson.starts_at === null) {
      go(`/teach/${made.id}`);
      return;
    }
    this.reset({ ...this.values, title: "", starts_at: "" });
    this.planned = true;
    this.dispatchEvent(new CustomEvent("planned"));
  }

  override render(): TemplateResult {
    const { today } = this.m;
    const now = this.text("when") === "now";
    const community = this.community();
    return html`<form class="card" novalidate @submit=${this.submit}>
      <h2>${today.startNow}</h2>
      ${this.field("title", today.lessonTitle, { placeholder: today.titlePlaceholder })}
      ${this.modes()}
      ${this.checks(
        "room_classroom_ids",
        today.rooms,
        this.partnerRooms(community).map((room) => ({
          value: room.id,
          words: this.roomName(room),
          detail: html`<span class="small ${room.online ? "online" : "soft"}"
            >${room.online ? today.roomOnline : today.roomOff}</span
          >`,
        })),
      )}
      ${this.clashLines()} ${this.failureLine()}
      ${this.planned
        ? html`<p class="done" role="status">${icon("check", 18)} ${today.planned}</p>`
        : nothing}
      <button class="main" data-testid="start" aria-disabled=${this.busy ? "true" : "false"}>
        ${now ? html`${icon("play")}${today.start}` : html`${icon("today")}${today.plan}`}
      </button>
      ${this.more(now, community)}
    </form>`;
  }

  private clashLines(): TemplateResult | typeof nothing {
    const { m, clashes } = this;
    if (clashes.length === 0) return nothing;
    return html`<div class="clashes small" role="status" data-testid="clashes">
      ${icon("warning", 16)}
      <div>
        ${clashWords(m, clashes).map((words) => html`<p>${words}</p>`)}
        <p>${m.today.clashHint}</p>
      </div>
    </div>`;
  }

  /** What a teacher in a hurry leaves as it is. */
  private more(now: boolean, community: Community | undefined): TemplateResult {
    const { today } = this.m;
    return html`<details ?open=${!now}>
      <summary data-testid="more">${today.more}</summary>
      <div class="more">
        ${this.when(now)}
        <div class="two">
          ${this.field("subject", today.subject, { optional: true })}
          ${this.field("grade", today.grade, { optional: true })}
        </div>
        ${this.communities.length > 1
          ? this.select(
              "community_id",
              today.community,
              this.communities.map((one) => ({ value: one.id, words: one.name })),
            )
          : nothing}
        ${this.select(
          "lead_classroom_id",
          today.leadRoom,
          this.leadRooms(community).map((room) => ({ value: room.id, words: this.roomName(room) })),
        )}
        <label class="check">
          <input
            type="checkbox"
            .checked=${this.values.record === true}
            @change=${(event: Event) =>
              this.set("record", (event.target as HTMLInputElement).checked)}
          />
          ${today.record}
        </label>
      </div>
    </details>`;
  }

  private roomName(room: Classroom): string {
    const school = this.schools.find((one) => one.id === room.school_id);
    return school ? `${school.name} · ${room.name}` : room.name;
  }

  private modes(): TemplateResult {
    const { today, modes, modeHints } = this.m;
    const chosen = this.text("mode") as Mode;
    return html`<fieldset>
      <legend>${today.mode}</legend>
      <div class="modes">
        ${MODE_VALUES.map(
          (mode) =>
            html`<label class=${mode === chosen ? "chosen" : ""}>
              <input
                type="radio"
                name="mode"
                data-testid="mode-${mode}"
                .checked=${mode === chosen}
                @change=${() => this.set("mode", mode)}
              />
              ${modes[mode]}
            </label>`,
        )}
      </div>
      <span class="hint">${modeHints[chosen]}</span>
    </fieldset>`;
  }

  private when(now: boolean): TemplateResult {
    const { today } = this.m;
    const choice = (value: string, words: string): TemplateResult =>
      html`<label class="check">
        <input
          type="radio"
          name="when"
          data-testid="when-${value}"
          .checked=${this.text("when") === value}
          @change=${() => this.set("when", value)}
        />
        ${words}
      </label>`;
    return html`<fieldset>
        <legend>${today.when}</legend>
        <div class="row">${choice("now", today.whenNow)}${choice("later", today.whenLater)}</div>
      </fieldset>
      ${now ? nothing : this.field("starts_at", today.startsAt, { type: "datetime-local" })}`;
  }
}

define("tk-start-form", StartForm);
