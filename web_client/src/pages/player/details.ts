// Beside the pictures: chapters, chat, what the lesson was, who may see it.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { patch, wordsOf } from "../../api/client.ts";
import type { Pause, Recording } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { SWITCHED_OFF } from "../../components/recording_sign.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls, fields } from "../../design/shared.ts";
import { clock, dayAndTime, facts, faultWords, minutes } from "../../i18n/format.ts";
import "../library/downloads.ts";
import { type Chapter, chatOf, seatNames } from "./chapters.ts";

const TABS = ["chapters", "chat", "details"] as const;
type Tab = (typeof TABS)[number];
/** How far each key goes along the tabs; Home and End go all the way. */
const TAB_STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  Home: -TABS.length,
  End: TABS.length,
};

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
        flex: auto;
        min-width: 0;
        min-height: 36px;
        padding: 0 8px;
        white-space: normal;
      }
      .body {
        flex: 1;
        min-height: 0;
        padding: 0 12px 12px;
        overflow-y: auto;
      }
      h3 {
        margin: 16px 0 8px;
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
      .lack {
        color: var(--warn);
      }
      .gap svg,
      .lack svg {
        margin-inline-end: 4px;
        vertical-align: -3px;
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
    `,
  ];

  @property({ attribute: false }) recording!: Recording;
  @property({ attribute: false }) chapters: readonly Chapter[] = [];
  @property({ type: Number }) position = 0;
  @state() private tab: Tab = "chapters";
  @state() private said = "";

  override render(): TemplateResult {
    const { player } = this.m;
    return html`<div role="tablist" aria-label=${player.beside} @keydown=${this.turnTab}>
        ${TABS.map((tab) => {
          const chosen = this.tab === tab;
          return html`<button
            role="tab"
            class="quiet"
            id="tab-${tab}"
            aria-selected=${chosen ? "true" : "false"}
            aria-controls="panel"
            tabindex=${chosen ? 0 : -1}
            @click=${() => (this.tab = tab)}
          >
            ${player[tab]}
          </button>`;
        })}
      </div>
      <div
        class="body"
        role="tabpanel"
        id="panel"
        aria-labelledby="tab-${this.tab}"
        tabindex="0"
        @keydown=${this.walk}
      >
        ${this.panel()}
      </div>`;
  }

  /** One stop for the tab key; arrows go from tab to tab (ARIA's pattern), and seek nothing. */
  private turnTab(event: KeyboardEvent): void {
    const step = TAB_STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const last = TABS.length - 1;
    const place = Math.min(last, Math.max(0, TABS.indexOf(this.tab) + step));
    this.tab = TABS[place] ?? this.tab;
    this.focusOn(`#tab-${this.tab}`);
  }

  /** Up and down go through the entries or scroll, and change no volume here. */
  private walk(event: KeyboardEvent): void {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.stopPropagation();
    const entries = [...this.renderRoot.querySelectorAll<HTMLElement>("li button")];
    const place = entries.indexOf(event.target as HTMLElement);
    if (place < 0) return;
    event.preventDefault();
    entries[place + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
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
        return this.entry(chapter.at, this.chapterWords(chapter), chapter === now);
      })}
    </ul>`;
  }

  private chapterWords(chapter: Chapter): TemplateResult {
    if (chapter.kind === "pause") {
      return html`${chapter.pause ? this.pauseWords(chapter.pause) : nothing}`;
    }
    const words = this.m.player.chapterKinds[chapter.kind];
    const told = typeof words === "string" ? words : words(chapter.name);
    return chapter.kind === "page" ? html`<span class="soft">${told}</span>` : html`${told}`;
  }

  private pauseWords(pause: Pause): TemplateResult {
    if (pause.code === SWITCHED_OFF) {
      const words = this.m.player.switchedOff(
        clock(pause.start_s),
        clock(pause.start_s + pause.duration_s),
      );
      return html`<span class="gap">${icon("pause", 16)}${words}</span>`;
    }
    const why = faultWords(this.m.lesson.recordingFaults, pause.code);
    return html`<span class="lack"
      >${icon("warning", 16)}${this.m.player.pauseOf(clock(pause.before_s + pause.duration_s), why)}</span
    >`;
  }

  /** What was not recorded, and what was and cannot be played. */
  private missing(): TemplateResult | typeof nothing {
    const { recording, m } = this;
    const wished = recording.pauses.filter((one) => one.code === SWITCHED_OFF);
    if (!recording.incomplete) return this.wished(wished);
    const names = seatNames(recording);
    const gaps = recording.pauses.filter((one) => one.code !== SWITCHED_OFF);
    // The first recorders told of a lack, and not of what.
    const unknown = gaps.length + recording.missing.length === 0;
    return html`${this.wished(wished)}
      <h3>${m.player.missing}</h3>
      ${unknown
        ? html`<p class="lack">${icon("warning", 16)}${m.player.missingUnknown}</p>`
        : html`<ul>
            ${gaps.map((pause) => this.entry(pause.start_s, this.pauseWords(pause), false))}
            ${recording.missing.map((one) => this.lost(one, names))}
          </ul>`}
      ${recording.may.includes("see-faults")
        ? html`<p class="soft small" lang="en">${m.player.forIt(recording.incomplete)}</p>`
        : nothing}`;
  }

  private lost(one: Recording["missing"][number], names: Map<string, string>): TemplateResult {
    const { player, sources } = this.m;
    const words = one.source
      ? player.missingOf(names.get(one.seat_id) ?? one.seat_id, sources[one.source])
      : player.missingUnknown;
    return this.entry(
      one.start_s,
      html`<span class="lack">${icon("warning", 16)}${words}</span>`,
      false,
    );
  }

  /** Gaps that its owner wanted: the recording is complete with them. */
  private wished(pauses: readonly Pause[]): TemplateResult | typeof nothing {
    if (pauses.length === 0) return nothing;
    return html`<h3>${this.m.player.wishedGaps}</h3>
      <ul>
        ${pauses.map((pause) => this.entry(pause.start_s, this.pauseWords(pause), false))}
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
      ${this.missing()} ${this.visibility()}
      <h3>${m.library.download}</h3>
      <tk-downloads .recording=${recording}></tk-downloads>`;
  }

  private visibility(): TemplateResult {
    const { recording, m } = this;
    if (!recording.may.includes("change")) {
      return html`<span class="badge"
        >${icon("people", 14)}${m.library.visibility[recording.visibility]}</span
      >`;
    }
    return html`<label>
        ${m.library.whoSees}
        <select @change=${this.changeVisibility}>
          ${(["lesson", "community", "region"] as const).map(
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
}

define("tk-player-details", PlayerDetails);
