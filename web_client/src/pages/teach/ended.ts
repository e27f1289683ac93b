// The lesson is over: why, and the way to its recording, which comes within a minute.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { getAll } from "../../api/client.ts";
import type { Lesson, Recording } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { Polling } from "../../components/polling.ts";
import "../../components/states.ts";
import { icon } from "../../design/icons.ts";
import { base, controls } from "../../design/shared.ts";
import type { LessonEnded } from "../../protocol/messages.ts";

const LOOK_EVERY_MS = 3000;

export class Ended extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: grid;
        flex: 1;
        padding: 24px;
      }
    `,
  ];

  @property({ attribute: false }) lesson!: Lesson;
  @property() reason: LessonEnded["reason"] | null = null;
  /** It was to be recorded, at its end. */
  @property({ type: Boolean }) recorded = false;
  @state() private recording: Recording | null = null;

  constructor() {
    super();
    new Polling(this, () => this.look(), LOOK_EVERY_MS);
  }

  private async look(): Promise<void> {
    const { lesson, recording } = this;
    if (recording?.state === "ready" || recording?.state === "failed") return;
    const since = Math.floor(lesson.started_at ?? lesson.starts_at);
    try {
      const found = await getAll<Recording>(`/api/recordings?from=${since}`);
      this.recording = found.find((one) => one.lesson_id === lesson.id) ?? null;
    } catch {
      return; // asked again in a few seconds
    }
  }

  override render(): TemplateResult {
    const { lesson, app } = this.m;
    const reasons = {
      "by-lead": lesson.endedByLead,
      "by-colleague": lesson.endedByColleague,
      "by-administrator": lesson.endedByAdministrator,
      "by-server": lesson.endedByServer,
      "timed-out": lesson.endedTimedOut,
      "made-way": lesson.endedMadeWay,
      "too-long": lesson.endedTooLong,
    };
    const why = this.reason ? reasons[this.reason] : "";
    return html`<tk-state symbol="check" heading=${lesson.endedTitle} text="${why} ${this.soon()}">
      ${this.recording
        ? html`<a class="button main" data-testid="recording" href="/library/${this.recording.id}"
            >${icon("play")}${lesson.seeRecording}</a
          >`
        : nothing}
      <a class="button" href="/library">${lesson.toLibrary}</a>
      <a class="button" href="/">${app.toToday}</a>
    </tk-state>`;
  }

  /** When it can be played. */
  private soon(): string {
    const { lesson, player } = this.m;
    if (!this.recording) return this.recorded ? lesson.recordingSoon : "";
    return this.recording.state === "ready" ? "" : player.finishing;
  }
}

define("tk-lesson-ended", Ended);

declare global {
  interface HTMLElementTagNameMap {
    "tk-lesson-ended": Ended;
  }
}
