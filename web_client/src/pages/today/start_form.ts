// Start a lesson now, or put it into the timetable, once or every week.

import { css, html, nothing, type TemplateResult } from "lit";
import { query } from "lit/decorators.js";
import { post, remove } from "../../api/client.ts";
import type { Community, Lesson, NewLesson, NewSeries } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import type { Undo } from "../../components/undo.ts";
import "../../components/undo.ts";
import { icon } from "../../design/icons.ts";
import { dayOf } from "../../i18n/format.ts";
import { go } from "../../router.ts";
import { LessonForm } from "../planning/lesson_form.ts";
import { dayField, momentOf, MOST_WEEKS, nearest, weekly, weeksUntil } from "../planning/weeks.ts";

const LAST_ROOM = "tongke.lead-classroom"; // a teacher mostly teaches in the same room
const USUAL_WEEKS = 8;

export class StartForm extends LessonForm {
  static override styles = [
    ...LessonForm.styles,
    css`
      form {
        margin-bottom: 32px;
      }
      /* Mostly it says nothing: with four rooms the button below it still stands on a laptop's page. */
      tk-undo {
        margin-block: -8px;
      }
      .dates {
        display: grid;
        max-height: 264px;
        padding-inline-start: 4px;
        overflow-y: auto;
      }
      .dates .taken {
        color: var(--warn);
      }
    `,
  ];

  @query("tk-undo") private readonly undo!: Undo;

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
      weekly: false,
      weeks: String(USUAL_WEEKS),
      until: "",
      left_out: [],
      record: true,
      ...this.roomsOf(mine ?? this.communities[0]),
    };
    this.takeUpDraft();
  }

  protected override draftOf(): string {
    return "";
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

  protected override set(name: string, value: string | boolean | string[]): void {
    super.set(name, value);
    this.undo.clear();
    const also: Record<string, string | string[]> = {};
    if (name === "community_id") Object.assign(also, this.roomsOf(this.community()));
    const first = momentOf(this.text("starts_at"));
    if (name === "until" && first && this.text("until")) {
      also.weeks = String(weeksUntil(first, this.text("until")));
    } else if ((name === "weeks" || name === "starts_at") && first) {
      also.until = dayField(this.weeks().at(-1) ?? first);
    }
    if (name === "starts_at") also.left_out = [];
    this.values = { ...this.values, ...also };
  }

  // --- when -----------------------------------------------------------------------------------

  private isNow(): boolean {
    return this.text("when") === "now";
  }

  private isWeekly(): boolean {
    return !this.isNow() && this.values.weekly === true;
  }

  /** All weeks' times, those that are left out too. */
  private weeks(): number[] {
    const first = momentOf(this.text("starts_at"));
    const count = Math.trunc(Number(this.text("weeks")));
    return Number.isNaN(first) ? [] : weekly(first, Math.min(MOST_WEEKS, Math.max(1, count || 1)));
  }

  protected override starts(): readonly number[] | null {
    if (this.isNow()) return null;
    const first = momentOf(this.text("starts_at"));
    if (!this.isWeekly() || Number.isNaN(first)) return [first];
    const out = this.list("left_out");
    return this.weeks().filter((at) => !out.includes(String(at)));
  }

  protected override wrong(): Partial<Record<string, string>> {
    const { planning, today } = this.m;
    const starts = this.starts() ?? [];
    const count = Number(this.text("weeks"));
    const counted = Number.isInteger(count) && count >= 2 && count <= MOST_WEEKS;
    return {
      ...this.wrongPlan(),
      ...(starts.some((at) => at < Date.now() / 1000) ? { starts_at: today.inThePast } : {}),
      ...(this.isWeekly() && !counted ? { weeks: planning.weeksBetween(2, MOST_WEEKS) } : {}),
      ...(this.isWeekly() && starts.length === 0 ? { weeks: planning.noDay } : {}),
    };
  }

  protected override async save(): Promise<void> {
    const { planning, today } = this.m;
    const plan = this.plan();
    const starts = this.starts();
    localStorage.setItem(LAST_ROOM, plan.lead_classroom_id);
    if (this.isWeekly() && starts) {
      const series: NewSeries = { ...plan, starts: [...starts] };
      const made = await post<Lesson[]>("/api/lessons/series", series);
      const days = made.map((one) => dayOf(one.starts_at));
      this.isPlanned(made, planning.series(made.length, days[0] ?? "", days.at(-1) ?? ""));
      return;
    }
    const lesson: NewLesson = { ...plan, starts_at: starts?.[0] ?? null };
    const made = await post<Lesson>("/api/lessons", lesson);
    if (lesson.starts_at === null) go(`/teach/${made.id}`);
    else this.isPlanned([made], today.planned);
  }

  private isPlanned(made: readonly Lesson[], words: string): void {
    this.reset({ ...this.values, title: "", starts_at: "", until: "", left_out: [] });
    const left = [...made];
    this.undo.offer(words, async () => {
      for (let [next] = left; next; [next] = left) {
        await remove(`/api/lessons/${next.id}`);
        left.shift(); // who tries again after a failure goes on there
      }
      this.dispatchEvent(new CustomEvent("planned"));
      return this.m.planning.takenOut;
    });
    this.dispatchEvent(new CustomEvent("planned"));
  }

  // --- drawing --------------------------------------------------------------------------------

  override render(): TemplateResult {
    const { today } = this.m;
    const now = this.isNow();
    const community = this.community();
    return html`<form class="card" novalidate @submit=${this.submit}>
      <h2>${today.startNow}</h2>
      ${this.titleField()} ${this.modes()} ${this.roomChecks(this.partnerRooms(community))}
      ${now ? this.begin(now) : nothing}
      <details ?open=${!now}>
        <summary data-testid="more">${today.more}</summary>
        <div class="more">${this.when(now)} ${this.details(this.leadRooms(community))}</div>
      </details>
      ${now ? nothing : this.begin(now)}
    </form>`;
  }

  /** The button, and what came of it. It stands below the last that has to be filled in: at once
   * nothing more has to, for later the time has to. */
  private begin(now: boolean): TemplateResult {
    const { today } = this.m;
    return html`${this.isWeekly() ? nothing : this.clashLines()} ${this.failureLine()}
      <tk-undo></tk-undo>
      <button class="main" data-testid="start" aria-disabled=${this.busy ? "true" : "false"}>
        ${now ? html`${icon("play")}${today.start}` : html`${icon("today")}${today.plan}`}
      </button>`;
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
      ${now
        ? nothing
        : html`${this.field("starts_at", today.startsAt, { type: "datetime-local" })}
          ${this.repeat()}`}`;
  }

  private repeat(): TemplateResult {
    const { planning } = this.m;
    const weekly = this.isWeekly();
    return html`<label class="check">
        <input
          type="checkbox"
          data-testid="weekly"
          .checked=${weekly}
          @change=${(event: Event) =>
            this.set("weekly", (event.target as HTMLInputElement).checked)}
        />
        ${planning.weekly}
      </label>
      ${weekly
        ? html`<div class="two">
              ${this.field("weeks", planning.weeks, { type: "number", longest: 2 })}
              ${this.field("until", planning.until, { type: "date" })}
            </div>
            ${this.dates()}`
        : nothing}`;
  }

  /** Every date that is meant: holidays are left out by hand, and what collides stands beside it. */
  private dates(): TemplateResult | typeof nothing {
    const { planning } = this.m;
    const out = this.list("left_out");
    const weeks = this.weeks();
    if (weeks.length === 0) return nothing;
    const turn = (at: number, on: boolean): void =>
      this.set(
        "left_out",
        on ? out.filter((one) => one !== String(at)) : [...out, String(at)],
      );
    return html`<fieldset class="dates">
      <legend>${planning.dates} <span class="hint">${planning.datesHint}</span></legend>
      ${weeks.map((at) => {
        const met = this.clashes.filter((clash) => nearest(clash.starts_at, weeks) === at);
        const on = !out.includes(String(at));
        return html`<label class="check">
            <input
              type="checkbox"
              data-testid="date"
              .checked=${on}
              @change=${(event: Event) => turn(at, (event.target as HTMLInputElement).checked)}
            />
            ${dayOf(at)}
          </label>
          ${on ? this.clashLines(met) : nothing}`;
      })}
    </fieldset>`;
  }
}

define("tk-start-form", StartForm);
