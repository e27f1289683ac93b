// What stands in place of a recording that cannot be played: that it goes on, is being finished, or
// has failed.

import { html, nothing, type TemplateResult } from "lit";
import type { Recording } from "../../api/types.ts";
import "../../components/states.ts";
import { faultWords } from "../../i18n/format.ts";
import type { Messages } from "../../i18n/index.ts";

export function notYet(m: Messages, recording: Recording, again: () => void): TemplateResult {
  const { player, app } = m;
  const failed = recording.state === "failed";
  const words = {
    recording: goesOn(m, recording.interrupted),
    finishing: player.finishing,
    failed: player.failedRecording,
    ready: player.noParts,
  };
  return html`<tk-state
    tone=${failed ? "alarm" : "calm"}
    symbol=${failed || recording.incomplete ? "warning" : "record"}
    heading=${recording.title}
    text=${words[recording.state]}
  >
    ${failed && recording.may.includes("change")
      ? html`<tk-button main data-testid="finish-again" @click=${again}>${player.tryAgain}</tk-button>`
      : nothing}
    ${recording.incomplete && recording.may.includes("see-faults")
      ? html`<p class="small soft" lang="en">${player.forIt(recording.incomplete)}</p>`
      : nothing}
    <a href="/library">${app.library}</a>
  </tk-state>`;
}

/** What is said while the lesson goes on. */
function goesOn({ player, lesson }: Messages, interrupted: Recording["interrupted"]): string {
  if (!interrupted) return player.stillRecording;
  if (!interrupted.over && interrupted.code !== "switched-off") return player.pausedRecording;
  return player.interruptedRecording(faultWords(lesson.recordingFaults, interrupted.code));
}
