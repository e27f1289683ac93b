// The lesson's chat: lines, newest below, and a field for who may write. Everything written is shown
// as plain text.

import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, query } from "lit/decorators.js";
import { icon } from "../design/icons.ts";
import { base, controls, fields } from "../design/shared.ts";
import { timeOfDay } from "../i18n/format.ts";
import type { LessonSession } from "../lesson/session.ts";
import type { View } from "../lesson/state.ts";
import { keepDraft, takeDraft } from "./drafts.ts";
import { define, TongkeElement } from "./element.ts";
import { onEscape } from "./form.ts";

const LONGEST_LINE = 2000; // the protocol's limit
/** Where a line that was begun is kept, by lesson. */
const CHAT = "chat";

export class Chat extends TongkeElement {
  static override styles = [
    base,
    controls,
    fields,
    css`
      :host {
        display: grid;
        grid-template-rows: 1fr auto;
        min-height: 0;
      }
      ol {
        display: flex;
        flex-direction: column;
        gap: 6px;
        margin: 0;
        padding: 8px 12px;
        overflow-y: auto;
        list-style: none;
      }
      li {
        overflow-wrap: anywhere;
      }
      li .who {
        color: var(--accent-strong);
        font-weight: 600;
      }
      li time {
        margin-inline-start: 6px;
        color: var(--ink-soft);
        font-size: 12px;
      }
      li p {
        white-space: pre-wrap;
      }
      .empty {
        padding: 12px;
        color: var(--ink-soft);
      }
      form {
        display: flex;
        gap: 8px;
        padding: 8px;
        border-top: 1px solid var(--line);
      }
      input {
        flex: 1;
        min-width: 0;
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  /** To be read, not written in. */
  @property({ type: Boolean }) reading = false;
  @query("ol") private lines!: HTMLOListElement;
  @query("input") private field!: HTMLInputElement;

  override focus(): void {
    void this.updateComplete.then(() => (this.reading ? this.lines : this.field).focus());
  }

  override render(): TemplateResult {
    const { chat } = this.view;
    return html`<ol aria-live="polite" aria-label=${this.m.lesson.chat} tabindex="0">
        ${chat.length === 0
          ? html`<li class="empty">${this.m.lesson.chatEmpty}</li>`
          : chat.map(
              (line) =>
                html`<li>
                  <span class="who">${line.name}</span><time>${timeOfDay(line.at)}</time>
                  <p>${line.text}</p>
                </li>`,
            )}
      </ol>
      ${this.reading ? nothing : this.form()}`;
  }

  private form(): TemplateResult {
    return html`<form @submit=${this.send} @keydown=${onEscape(() => this.leave())}>
      <input
        data-testid="chat-input"
        maxlength=${LONGEST_LINE}
        @input=${this.keep}
        autocomplete="off"
        aria-label=${this.m.lesson.chatPlaceholder}
        placeholder=${this.m.lesson.chatPlaceholder}
      />
      <button data-testid="chat-send" ?disabled=${this.view.phase !== "live"}>
        ${icon("send")}${this.m.lesson.chatSend}
      </button>
    </form>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    const before = changed.get("view");
    if (changed.has("view") && before?.chat !== this.view.chat) {
      this.lines.scrollTop = this.lines.scrollHeight;
    }
  }

  /** What was begun here before: the chat was closed, the page loaded anew, or the session over. */
  protected override firstUpdated(): void {
    const lesson = this.view.lesson?.lesson_id;
    if (this.reading || !lesson) return;
    const kept = takeDraft(`${CHAT}/${lesson}`, lesson)?.text;
    if (typeof kept !== "string") return;
    this.field.value = kept;
    this.keep();
  }

  private readonly keep = (): void => {
    const lesson = this.view.lesson?.lesson_id;
    if (!lesson) return;
    const text = this.field.value;
    if (text) keepDraft(`${CHAT}/${lesson}`, lesson, { text });
    else takeDraft(`${CHAT}/${lesson}`, lesson);
  };

  /** Out of the field: the letters are the page's keys again. */
  private leave(): void {
    this.dispatchEvent(new CustomEvent("close-chat"));
  }

  private send(event: SubmitEvent): void {
    event.preventDefault();
    const text = this.field.value.trim();
    if (!text) return;
    this.session.sendChat(text);
    this.field.value = "";
    this.keep();
  }
}

define("tk-chat", Chat);

declare global {
  interface HTMLElementTagNameMap {
    "tk-chat": Chat;
  }
}
