// What a page says when its device is not let into the lesson, or was put out of it.

import { html, type TemplateResult } from "lit";
import { type Messages, said } from "../i18n/index.ts";
import type { Refusal } from "../lesson/state.ts";
import "./states.ts";

/** A refusal's words in the person's language. */
export function refusalWords(refusal: Refusal | null): string {
  return refusal ? said(refusal) : "";
}

export function putOut(words: Messages, refusal: Refusal | null): TemplateResult {
  return html`<tk-state
    tone="alarm"
    symbol="putOut"
    role="alert"
    heading=${words.lesson.putOutTitle}
    text=${refusalWords(refusal)}
    code=${refusal?.code ?? ""}
  >
    <a href="/">${words.app.toToday}</a>
  </tk-state>`;
}

export function notLetIn(words: Messages, refusal: Refusal | null): TemplateResult {
  return html`<tk-state
    tone="alarm"
    symbol="lock"
    role="alert"
    heading=${words.lesson.refusedTitle}
    text=${refusalWords(refusal)}
    code=${refusal?.code ?? ""}
  >
    <a href="/">${words.app.toToday}</a>
  </tk-state>`;
}
