// Beside the pictures: chapters, chat, what the lesson was, who may see it, and the keys.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { patch, wordsOf } from "../../api/client.ts";
import type { Recording, User } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls, fields } from "../../design/shared.ts";
import { clock, dayAndTime, facts, minutes } from "../../i18n/format.ts";
import { type Chapter, chatOf } from "./chapters.ts";
import { KEY_HELP } from "./keys.ts";

type Tab = "chapters" | "chat" | "details";

export class PlayerDetails extends TongkeElement {
  static override styles = [
    base,
    controls,
    fields,
    cards,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        border-radius: var(--radius);
        background: var(--surface);
      }
      [role="tablist"] {
        display: flex;
        gap: 4px;
        padding: 8px;
      }
      [role="tablist"] button {
        flex: 1;
        min-height: 36px;
        padding: 0 8px;
      }
      .body {
        flex: 1;
        min-height: 0;
        padding: 0 12px 12px;
        overflow-y: auto;
      }
      ul {
        display: grid;
        gap: 2px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li button {
        display: grid;
        grid-template-columns: 56px 1fr;
        justify-content: start;
        width: 100%;
        min-height: 36px;
        padding: 6px 8px;
        border: 0;
        font-weight: 400;
        text-align: start;
        white-space: normal;
      }
      li button.now {
        background: var(--accent-ground);
      }
      li time {
        color: var(--ink-soft);
        font-variant-numeric: tabular-nums;
      }
      .who {
        color: var(--accent-strong);
      }
      .said {
        overflow-wrap: anywhere;
      }
      dl {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 6px 12px;
        margin: 0 0 16px;
      }
      dt {
        color: var(--ink-soft);
      }
      dd {
        margin: 0;
      }
      kbd {
        padding: 2px 6px;
        border: 1px solid var(--line-strong);
        border-radius: 4px;
        font-family: inherit;
        font-size: var(--text-small);
        white-space: nowrap;
      }
    `,
  ];

  @property({ attribute: false }) recording!: Recording;
  @property({ attribute: false }) chapters: readonly Chapter[] = [];
  @property({ attribute: false }) user: User | null = null;
  @property({ type: Number }) position = 0;
  @property({ type: Boolean }) help = false;
  @state() private tab: Tab = "chapters";
  @state() private said = "";

  override render(): TemplateResult {
    const { player } = this.m;
    if (this.help) {
      return html`<div class="body"><h2>${player.help}</h2>${this.keys()}</div>`;
    }
    const tabs: [Tab, string][] = [
      ["chapters", player.chapters],
      ["chat", player.chat],
      ["details", player.details],
    ];
    return html`<div role="tablist">
        ${tabs.map(
          ([tab, words]) =>
            html`<button
              role="tab"
              class="quiet"
              aria-selected=${this.tab === tab ? "true" : "false"}
              @click=${() => (this.tab = tab)}
            >
              ${words}
            </button>`,
        )}
      </div>
      <div class="body" role="tabpanel" tabindex="0">${this.panel()}</div>`;
  }

  private panel(): TemplateResult {
    if (this.tab === "chat") return this.chat();
    return this.tab === "details" ? this.details() : this.chapterList();
  }

  private chapterList(): TemplateResult {
    const { player } = this.m;
    if (this.chapters.length === 0) return html`<p class="soft">${player.noChapters}</p>`;
    const now = this.chapters.filter((chapter) => chapter.at <= this.position + 0.5).at(-1);
    return html`<ul>
      ${this.chapters.map((chapter) => {
        const words = player.chapterKinds[chapter.kind];
        return this.entry(
          chapter.at,
          html`${typeof words === "string" ? words : words(chapter.name)}`,
          chapter === now,
        );
      })}
    </ul>`;
  }

  private chat(): TemplateResult {
    const lines = chatOf(this.recording);
    if (lines.length === 0) return html`<p class="soft">${this.m.player.noChat}</p>`;
    return html`<ul>
      ${lines.map((line) =>
        this.entry(
          line.at,
          html`<span class="said"><span class="who">${line.name}</span> ${line.text}</span>`,
          false,
        ),
      )}
    </ul>`;
  }

  private entry(at: number, words: TemplateResult, now: boolean): TemplateResult {
    return html`<li>
      <button
        class=${now ? "now" : ""}
        aria-current=${now ? "true" : "false"}
        @click=${() => this.dispatchEvent(new CustomEvent<number>("seek", { detail: at }))}
      >
        <time>${clock(at)}</time><span>${words}</span>
      </button>
    </li>`;
  }

  private details(): TemplateResult {
    const { recording, m } = this;
    const row = (name: string, value: string): TemplateResult | typeof nothing =>
      value ? html`<dt>${name}</dt><dd>${value}</dd>` : nothing;
    return html`<dl>
        ${row(m.library.teacher, recording.teacher)}
        ${row(m.today.subject, facts([recording.subject, recording.grade]))}
        ${row(m.library.schools, facts(recording.schools))}
        ${row(m.library.date, dayAndTime(recording.started_at))}
        ${row(m.library.length, minutes(recording.duration_s))}
      </dl>
      ${this.visibility()}`;
  }

  private visibility(): TemplateResult {
    const { recording, user, m } = this;
    const mine = user?.role === "administrator" || user?.id === recording.teacher_id;
    if (!mine) {
      return html`<span class="badge"
        >${icon("people", 14)}${m.library.visibility[recording.visibility]}</span
      >`;
    }
    return html`<label>
        ${m.library.whoSees}
        <select @change=${this.changeVisibility}>
          ${(["community", "region"] as const).map(
            (one) =>
              html`<option value=${one} ?selected=${one === recording.visibility}>
                ${m.library.visibility[one]}
              </option>`,
          )}
        </select>
      </label>
      <p role="status" class="soft">${this.said}</p>`;
  }

  private async changeVisibility(event: Event): Promise<void> {
    const visibility = (event.target as HTMLSelectElement).value;
    this.said = this.m.app.saving;
    try {
      await patch(`/api/recordings/${this.recording.id}`, { visibility });
      this.said = this.m.app.saved;
    } catch (error) {
      this.said = wordsOf(error, this.m.app.offline);
    }
  }

  private keys(): TemplateResult {
    return html`<dl>
      ${KEY_HELP.map(
        ([keys, name]) =>
          html`<dt><kbd>${keys}</kbd></dt>
            <dd>${this.m.player.helpKeys[name]}</dd>`,
      )}
    </dl>`;
  }
}

define("tk-player-details", PlayerDetails);
