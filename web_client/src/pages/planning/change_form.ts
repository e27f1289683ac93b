// Change a lesson that stands in the timetable. What is sent is what is other than it was: a lesson
// whose room is gone can still get another title, and two who change different things both do.

import { html, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { patch } from "../../api/client.ts";
import type { Classroom, Lesson, LessonChange } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import { onEscape } from "../../components/form.ts";
import { LessonForm, type PlanValues } from "./lesson_form.ts";
import { momentField, momentOf } from "./weeks.ts";

export class ChangeForm extends LessonForm {
  @property({ attribute: false }) lesson!: Lesson;
  private planBefore: PlanValues | null = null;
  private startsBefore = "";

  override connectedCallback(): void {
    super.connectedCallback();
    const { lesson } = this;
    const room = (role: string): string[] =>
      lesson.seats.filter((seat) => seat.role === role).flatMap((seat) => seat.classroom_id ?? []);
    this.startsBefore = momentField(lesson.starts_at);
    this.values = {
      title: lesson.title,
      subject: lesson.subject,
      grade: lesson.grade,
      mode: lesson.mode,
      community_id: lesson.community_id ?? "",
      lead_classroom_id: room("lead")[0] ?? "",
      room_classroom_ids: room("room"),
      starts_at: this.startsBefore,
      record: lesson.record,
    };
    this.planBefore = this.plan();
    this.takeUpDraft();
  }

  protected override draftOf(): string {
    return this.lesson.id;
  }

  protected override lessonId(): string {
    return this.lesson.id;
  }

  override focus(): void {
    this.focusOn("input");
  }

  protected override set(name: string, value: string | boolean | string[]): void {
    super.set(name, value);
    if (name !== "community_id") return;
    const community = this.community();
    this.values = {
      ...this.values,
      lead_classroom_id: this.leadRooms(community)[0]?.id ?? "",
      room_classroom_ids: this.partnerRooms(community).map((room) => room.id),
    };
  }

  /** To the minute, as the field has it: a lesson of 9:00:20 that is not moved stays so. */
  protected override starts(): readonly number[] {
    const field = this.text("starts_at");
    return [field === this.startsBefore ? this.lesson.starts_at : momentOf(field)];
  }

  protected override wrong(): Partial<Record<string, string>> {
    const [at = NaN] = this.starts();
    const moved = at !== this.lesson.starts_at;
    return {
      ...this.wrongPlan(),
      ...(moved && at < Date.now() / 1000 ? { starts_at: this.m.today.inThePast } : {}),
    };
  }

  protected override async save(): Promise<void> {
    const changes: LessonChange = {};
    const plan = this.plan();
    for (const name of Object.keys(plan) as (keyof PlanValues)[]) {
      const same = JSON.stringify(plan[name]) === JSON.stringify(this.planBefore?.[name]);
      if (!same) Object.assign(changes, { [name]: plan[name] });
    }
    const [at = NaN] = this.starts();
    if (at !== this.lesson.starts_at) changes.starts_at = at;
    await patch(`/api/lessons/${this.lesson.id}`, changes);
    this.dispatchEvent(new CustomEvent("done"));
  }

  /** Those of the community, and those that take part though they are of none of it. */
  private withPresent(rooms: readonly Classroom[], ids: readonly string[]): Classroom[] {
    const others = this.classrooms.filter((room) => ids.includes(room.id) && !rooms.includes(room));
    return [...rooms, ...others];
  }

  override render(): TemplateResult {
    const { app, planning, today } = this.m;
    const community = this.community();
    const kept = this.text("community_id") === this.planBefore?.community_id ? this.planBefore : null;
    const rooms = this.withPresent(this.partnerRooms(community), kept?.room_classroom_ids ?? []);
    const lead = this.withPresent(
      this.leadRooms(community),
      kept ? [kept.lead_classroom_id] : [],
    );
    return html`<form
      class="card"
      novalidate
      aria-label=${planning.changeOf(this.lesson.title)}
      @submit=${this.submit}
      @keydown=${onEscape(() => this.leave())}
    >
      <h2>${planning.change}</h2>
      ${this.titleField()} ${this.field("starts_at", today.startsAt, { type: "datetime-local" })}
      ${this.modes()} ${this.roomChecks(rooms)} ${this.details(lead)} ${this.clashLines()}
      ${this.failureLine()}
      <div class="row">
        <button class="main" data-testid="save" aria-disabled=${this.busy ? "true" : "false"}>
          ${this.busy ? app.saving : app.save}
        </button>
        <button type="button" data-testid="leave-as-is" @click=${() => this.leave()}>
          ${app.cancel}
        </button>
      </div>
    </form>`;
  }

  private leave(): void {
    this.dispatchEvent(new CustomEvent("done"));
  }
}

define("tk-change-form", ChangeForm);
