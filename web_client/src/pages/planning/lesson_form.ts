// What is said of a lesson when it is planned and when it is changed: its words, rooms and time, and
// what collides with it. Whether it is made or changed, the forms say that are made of this.

import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { get } from "../../api/client.ts";
import type { Clash, Classroom, Community, School, User } from "../../api/types.ts";
import { type Choice, Form } from "../../components/form.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls, fields } from "../../design/shared.ts";
import { type Mode, MODE_VALUES } from "../../protocol/messages.ts";
import { clashHint, clashWords } from "./clash_words.ts";

export abstract class LessonForm extends Form {
  static override styles = [
    base,
    controls,
    fields,
    cards,
    css`
      form {
        display: grid;
        gap: 16px;
      }
      .two {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 12px;
      }
      .modes {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
      .modes label {
        display: flex;
        flex: 1 1 auto;
        align-items: center;
        gap: 8px;
        min-height: 44px;
        padding: 6px 10px;
        border: 1px solid var(--line-strong);
        border-radius: var(--radius);
        line-height: 1.25;
        white-space: nowrap;
      }
      .modes .chosen {
        border-color: var(--accent);
        background: var(--accent-ground);
      }
      .modes input {
        flex: none;
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
      .state {
        white-space: nowrap;
      }
      .online {
        color: var(--accent);
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
      @media (max-width: 600px) {
        .card {
          padding: 16px 12px;
        }
        .two {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  @property({ attribute: false }) user!: User;
  @property({ attribute: false }) communities: Community[] = [];
  @property({ attribute: false }) classrooms: Classroom[] = [];
  @property({ attribute: false }) schools: School[] = [];
  @state() protected clashes: readonly Clash[] = [];
  private asked = ""; // the clashes that are shown, or on their way, are the answer to this

  /** When it is to begin, each time; null: now. What is not said yet is NaN. */
  protected abstract starts(): readonly number[] | null;

  /** The lesson that is changed; none while one is made. */
  protected lessonId(): string | null {
    return null;
  }

  /** The page looks every few seconds and hands over what it found: then this looks as well. */
  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("classrooms")) this.asked = "";
    void this.lookForClashes();
  }

  /** Which other lessons need these rooms, or the teacher, then: told before it is planned. */
  private async lookForClashes(): Promise<void> {
    const starts = this.starts();
    const rooms = [this.text("lead_classroom_id"), ...this.list("room_classroom_ids")];
    const query = new URLSearchParams(rooms.filter(Boolean).map((id) => ["classroom", id]));
    for (const at of starts ?? []) query.append("starts_at", String(at));
    const but = this.lessonId();
    if (but !== null) query.set("but", but);
    const asked = query.toString();
    if (asked === this.asked) return;
    this.asked = asked;
    const known = query.has("classroom") && starts?.length !== 0 && !starts?.some(Number.isNaN);
    const found = known
      ? await get<Clash[]>(`/api/lessons/clashes?${asked}`).catch(() => [])
      : [];
    if (this.asked === asked) this.clashes = found; // else another answer is on its way
  }

  // --- places ---------------------------------------------------------------------------------

  protected community(): Community | undefined {
    return this.communities.find((one) => one.id === this.text("community_id"));
  }

  protected leadRooms(community: Community | undefined): Classroom[] {
    return this.classrooms.filter((room) => room.school_id === community?.lead_school_id);
  }

  protected partnerRooms(community: Community | undefined): Classroom[] {
    return this.classrooms.filter((room) => community?.partner_school_ids.includes(room.school_id));
  }

  protected roomName(room: Classroom): string {
    const school = this.schools.find((one) => one.id === room.school_id);
    return school ? `${school.name} · ${room.name}` : room.name;
  }

  // --- drawing --------------------------------------------------------------------------------

  protected titleField(): TemplateResult {
    const { today } = this.m;
    return this.field("title", today.lessonTitle, { placeholder: today.titlePlaceholder });
  }

  protected roomChecks(rooms: readonly Classroom[]): TemplateResult {
    const { today } = this.m;
    return this.checks(
      "room_classroom_ids",
      today.rooms,
      rooms.map((room) => ({
        value: room.id,
        words: this.roomName(room),
        detail: html`<span class="small state ${room.online ? "online" : "soft"}"
          >${room.online ? today.roomOnline : today.roomOff}</span
        >`,
      })),
    );
  }

  protected clashLines(clashes = this.clashes): TemplateResult | typeof nothing {
    const { m, user } = this;
    if (clashes.length === 0) return nothing;
    return html`<div class="clashes small" role="status" data-testid="clashes">
      ${icon("warning", 16)}
      <div>
        ${clashWords(m, clashes, user.id).map((words) => html`<p>${words}</p>`)}
        <p>${clashHint(m, clashes, user.id)}</p>
      </div>
    </div>`;
  }

  protected modes(): TemplateResult {
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

  /** What a teacher in a hurry leaves as it is. */
  protected details(leadRooms: readonly Classroom[]): TemplateResult {
    const { today } = this.m;
    const choices = (rooms: readonly Classroom[]): Choice[] =>
      rooms.map((room) => ({ value: room.id, words: this.roomName(room) }));
    return html`<div class="two">
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
      ${this.select("lead_classroom_id", today.leadRoom, choices(leadRooms))}
      <label class="check">
        <input
          type="checkbox"
          .checked=${this.values.record === true}
          @change=${(event: Event) =>
            this.set("record", (event.target as HTMLInputElement).checked)}
        />
        ${today.record}
      </label>`;
  }

  /** What is wrong with what both forms ask for. */
  protected wrongPlan(): Partial<Record<string, string>> {
    const { app, today } = this.m;
    const starts = this.starts() ?? [];
    return {
      ...(this.text("title").trim() ? {} : { title: app.required }),
      ...(this.text("lead_classroom_id") ? {} : { lead_classroom_id: app.required }),
      ...(this.list("room_classroom_ids").length
        ? {}
        : { room_classroom_ids: today.noRoomChosen }),
      ...(starts.some(Number.isNaN) ? { starts_at: app.required } : {}),
    };
  }

  /** What is sent to the server, but for the time. */
  protected plan(): PlanValues {
    return {
      title: this.text("title").trim(),
      subject: this.text("subject").trim(),
      grade: this.text("grade").trim(),
      mode: this.text("mode") as Mode,
      community_id: this.text("community_id"),
      lead_classroom_id: this.text("lead_classroom_id"),
      room_classroom_ids: this.list("room_classroom_ids"),
      record: this.values.record === true,
    };
  }
}

export interface PlanValues {
  title: string;
  subject: string;
  grade: string;
  mode: Mode;
  community_id: string;
  lead_classroom_id: string;
  room_classroom_ids: string[];
  record: boolean;
}
