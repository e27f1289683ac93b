// Before the lesson: which rooms are switched on, and how their cameras, sound and lines are.

import { html, nothing, type TemplateResult } from "lit";
import type { Lesson, SeatReadiness } from "../../api/types.ts";
import "../../components/readiness_signs.ts";
import { icon } from "../../design/icons.ts";
import { timeOfDay } from "../../i18n/format.ts";
import type { Messages } from "../../i18n/index.ts";

export function expected(
  { teach }: Messages,
  lesson: Lesson,
  waiting: readonly SeatReadiness[],
  nowMs: number,
): TemplateResult {
  const known = new Map(waiting.map((one) => [one.seat_id, one]));
  const time = timeOfDay(lesson.started_at ?? lesson.starts_at);
  const live = lesson.state === "live";
  // Until its time the check says for when it is planned, with the day.
  const when = live ? teach.runningSince(time) : teach.plannedAt(time);
  return html`<div class="rooms">
    ${live || nowMs / 1000 >= lesson.starts_at ? html`<p class="soft">${when}</p>` : nothing}
    <h2>${teach.whoIsThere}</h2>
    <ul class="expected">
      ${lesson.seats
        .filter((seat) => seat.role === "room")
        .map((seat) => {
          const { online: ready = false, readiness = null } = known.get(seat.seat_id) ?? {};
          return html`<li>
            <span><strong>${seat.name}</strong><br /><span class="soft">${seat.school}</span></span>
            <span class="state ${ready ? "ready" : "soft"}"
              >${icon(ready ? "check" : "linkLost")}${ready ? teach.online : teach.offline}</span
            >
            ${readiness
              ? html`<tk-readiness-signs small .readiness=${readiness}></tk-readiness-signs>`
              : nothing}
          </li>`;
        })}
    </ul>
  </div>`;
}
