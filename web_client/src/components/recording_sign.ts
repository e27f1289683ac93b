// Whether the lesson is recorded just now, in a word: the same on every page that looks at it.

import { html, type TemplateResult } from "lit";
import { icon } from "../design/icons.ts";
import { faultWords } from "../i18n/format.ts";
import { messages } from "../i18n/index.ts";
import type { LessonState } from "../protocol/messages.ts";

/** Of the faults of a recording the one that is none: its owner wants it so. */
export const SWITCHED_OFF = "switched-off";

/** Where it stands still by itself, why; the page's styles are `cards`. */
export function recordingSign(lesson: LessonState): TemplateResult {
  const words = messages().lesson;
  if (lesson.recording) {
    return html`<span class="badge live" data-testid="recording-sign"
      >${icon("record", 14)}${words.recording}</span
    >`;
  }
  const fault = lesson.recording_fault;
  if (!fault || fault === SWITCHED_OFF) {
    return html`<span class="badge" data-testid="recording-sign"
      >${fault ? words.recordingOff : words.notRecording}</span
    >`;
  }
  const why = words.recordingPaused(faultWords(words.recordingFaults, fault));
  return html`<span class="badge warn recording" data-testid="recording-sign" role="status" title=${why}
    >${icon("warning", 14)}<span>${why}</span></span
  >`;
}
