// What a page says when its device is not let into the lesson, or was put out of it.

import { html, type TemplateResult } from "lit";
import type { IconName } from "../design/icons.ts";
import { type Messages, said } from "../i18n/index.ts";
import type { Refusal } from "../lesson/state.ts";
import "./states.ts";

/** A refusal's words in the person's language. */
export function refusalWords(refusal: Refusal | null): string {
  return refusal ? said(refusal) : "";
}

/** It was here, and was put out. */
export function putOut({ app, lesson }: Messages, refusal: Refusal | null): TemplateResult {
  return away(app, "putOut", lesson.putOutTitle, refusal);
}

export function notLetIn({ app, lesson }: Messages, refusal: Refusal | null): TemplateResult {
  return away(app, "lock", lesson.refusedTitle, refusal);
}

function away(
  app: Messages["app"],
  symbol: IconName,
  heading: string,
  refusal: Refusal | null,
): TemplateResult {
  return html`<tk-state
    tone="alarm"
    symbol=${symbol}
    role="alert"
    heading=${heading}
    text=${refusalWords(refusal)}
    code=${refusal?.code ?? ""}
  >
    <a href="/">${app.toToday}</a>
  </tk-state>`;
}
