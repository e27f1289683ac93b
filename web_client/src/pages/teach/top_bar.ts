// The bar above the lesson: which one, how long, recorded or not, how the line is, and the end.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { define, TongkeElement } from "../../components/element.ts";
import { onEscape } from "../../components/form.ts";
import { recordingSign } from "../../components/recording_sign.ts";
import { icon, lineSigns } from "../../design/icons.ts";
import { base, cards, controls, lines } from "../../design/shared.ts";
import { clock, timeOfDay } from "../../i18n/format.ts";
import { mySeat, serverNow } from "../../lesson/selectors.ts";
import type { LessonSession } from "../../lesson/session.ts";
import type { View } from "../../lesson/state.ts";
import type { LessonState, LinkQuality } from "../../protocol/messages.ts";

const MARKED_MS = 2500;

export class TopBar extends TongkeElement {
  static override styles = [
    base,
    controls,
    cards,
    lines,
    css`
      :host {
        display: flex;
        align-items: center;
        gap: 12px;
        min-height: 56px;
        padding: 0 12px;
        background: var(--surface);
      }
      h1 {
        overflow: hidden;
        font-size: var(--text-large);
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .more {
        display: contents;
      }
      .time {
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      .badge.recording {
        flex: 0 1 auto;
        min-width: 8em;
      }
      .badge.recording svg {
        flex: none;
      }
      .badge.recording span {
        overflow: hidden;
        text-overflow: ellipsis;
      }
      .badge.live svg {
        width: 12px;
      }
      .end {
        display: flex;
        align-items: center;
        gap: 8px;
        margin-inline-start: auto;
        white-space: nowrap;
      }
      @media (max-width: 1100px) {
        :host {
          flex-wrap: wrap;
          gap: 4px 8px;
          padding: 4px 8px;
        }
        h1 {
          flex: 1 1 0;
          min-width: 6em;
        }
        .end {
          order: 1;
        }
        .more {
          display: flex;
          flex-basis: 100%;
          flex-wrap: wrap;
          order: 2;
          gap: 4px 8px;
        }
        .end[role="alertdialog"] {
          flex-basis: 100%;
          flex-wrap: wrap;
          justify-content: end;
          order: 3;
          white-space: normal;
        }
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  @property() heading = "";
  @property({ type: Number }) now = 0;
  /** In the lesson: it can be ended from here. */
  @property({ type: Boolean }) inside = false;
  /** A chapter was marked just now. */
  @state() private marked = false;
  private markedTimer: ReturnType<typeof setTimeout> | undefined;
  @state() private asking: "" | "leave" | "end" = "";

  override disconnectedCallback(): void {
    clearTimeout(this.markedTimer);
    super.disconnectedCallback();
  }

  /** Where a new part of the lesson begins, for who watches it later. */
  async mark(): Promise<void> {
    if (!this.view.lesson?.recording || !(await this.session.markChapter())) return;
    this.marked = true;
    clearTimeout(this.markedTimer);
    this.markedTimer = setTimeout(() => (this.marked = false), MARKED_MS);
  }

  override render(): TemplateResult {
    const { view, m } = this;
    const { lesson } = view;
    return html`${this.back()}
      <h1>${lesson?.title ?? this.heading}</h1>
      ${lesson
        ? html`<div class="more"><span class="badge">${m.modes[lesson.mode]}</span>
            ${this.time(lesson)} ${this.link()}
            ${lesson.locked
              ? html`<span class="badge warn">${icon("lock", 14)}${m.lesson.locked}</span>`
              : nothing}
            ${lesson.ends_at === null
              ? nothing
              : html`<span class="badge warn" role="status"
                  >${icon("warning", 14)}${m.lesson.endsAt(timeOfDay(lesson.ends_at))}</span
                >`}
            ${recordingSign(lesson)} ${this.switches(lesson)}</div>`
        : nothing}
      ${this.inside ? this.end() : nothing}`;
  }

  /** Recording as its owner has decided, whatever the disk says, and the door; in no question's way. */
  private switches({ record, recording, locked }: LessonState): TemplateResult | typeof nothing {
    if (!this.inside || this.asking) return nothing;
    const { session, m } = this;
    const off = this.view.phase !== "live";
    return html`<button
        class="slim"
        data-testid="recording"
        ?disabled=${off}
        @click=${() => session.setRecording(!record)}
      >
        ${icon(record ? "pause" : "record", 16)}
        ${record ? m.teach.stopRecording : m.teach.startRecording}
      </button>
      ${recording
        ? html`<button
            class="slim"
            data-testid="mark"
            title=${m.teach.markHint}
            ?disabled=${off}
            @click=${this.mark}
          >
            ${icon(this.marked ? "check" : "mark", 16)}
            <span role="status">${this.marked ? m.teach.marked : m.teach.mark}</span>
          </button>`
        : nothing}
      <button
        class="slim"
        data-testid="lock"
        ?disabled=${off}
        @click=${() => session.setLock(!locked)}
      >
        ${icon(locked ? "unlock" : "lock", 16)}${locked ? m.teach.unlock : m.teach.lock}
      </button>`;
  }

  /** How long it goes on: nobody's before the teacher has begun. */
  private time({ begun, started_at }: LessonState): TemplateResult | typeof nothing {
    if (!begun) return nothing;
    const elapsed = clock(serverNow(this.view, this.now) - started_at);
    return html`<span class="time" aria-label=${this.m.lesson.elapsed(elapsed)}>${elapsed}</span>`;
  }

  private link(): TemplateResult {
    const { view, m } = this;
    const broken = view.phase !== "live" || view.up === "lost" || view.down === "lost";
    const quality: LinkQuality = broken ? "lost" : (mySeat(view)?.link ?? "good");
    return html`<span class="badge line ${quality}"
      >${icon(lineSigns[quality], 16)}${m.link[quality]}</span
    >`;
  }

  /** Leaving is not ending: in the lesson it is asked which of them is meant. */
  private back(): TemplateResult {
    const { app, teach } = this.m;
    if (!this.inside) {
      return html`<a class="button" href="/" aria-label=${app.today}>${icon("back")}</a>`;
    }
    return html`<button
      data-testid="leave"
      aria-label=${teach.leave}
      title=${teach.leave}
      @click=${() => this.ask("leave")}
    >
      ${icon("back")}
    </button>`;
  }

  private end(): TemplateResult {
    const { teach } = this.m;
    if (!this.asking) {
      return html`<div class="end">
        <button class="alarm" data-testid="end" @click=${() => this.ask("end")}>
          ${icon("end")}${teach.end}
        </button>
      </div>`;
    }
    const leaving = this.asking === "leave";
    const question = leaving ? teach.leaveQuestion : teach.endQuestion;
    return html`<div
      class="end"
      role="alertdialog"
      aria-label=${question}
      @keydown=${onEscape(() => this.keep())}
    >
      <span>${question}</span>
      ${leaving
        ? html`<a class="button" data-testid="leave-a-while" href="/">${teach.leaveAWhile}</a>`
        : nothing}
      <button
        class="alarm main"
        data-testid="end-confirm"
        ?disabled=${this.view.phase !== "live"}
        @click=${() => this.session.endLesson()}
      >
        ${icon("end")}${teach.endYes}
      </button>
      <button @click=${this.keep}>${teach.endNo}</button>
    </div>`;
  }

  private ask(what: "leave" | "end"): void {
    this.asking = what;
    this.focusOn(".end button:last-child");
  }

  private keep(): void {
    const asked = this.asking;
    this.asking = "";
    this.focusOn(`[data-testid="${asked}"]`);
  }
}

define("tk-top-bar", TopBar);

declare global {
  interface HTMLElementTagNameMap {
    "tk-top-bar": TopBar;
  }
}
