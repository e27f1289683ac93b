// One recorded lesson as a card: its picture, what it is, who may see it, what can be done with it.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { Recording } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base, cards } from "../../design/shared.ts";
import { dayAndTime, facts, faultWords, minutes } from "../../i18n/format.ts";
import { mediaAddress } from "../player/media.ts";
import "./card_actions.ts";

export class RecordingCard extends TongkeElement {
  static override styles = [
    base,
    cards,
    css`
      :host {
        display: block;
        height: 100%;
      }
      article {
        display: flex;
        flex-direction: column;
        height: 100%;
        overflow: hidden;
      }
      article.card {
        padding: 0;
      }
      article:hover {
        border-color: var(--accent);
        box-shadow: var(--shadow);
      }
      a {
        display: flex;
        flex: 1;
        flex-direction: column;
        color: var(--ink);
        text-decoration: none;
      }
      a:focus-visible {
        outline-offset: -3px; /* at the edge of what is cut off */
      }
      tk-card-actions {
        padding: 0 12px 12px;
      }
      .poster {
        position: relative;
        display: grid;
        place-items: center;
        background: var(--picture-none);
        color: var(--on-picture-none);
        aspect-ratio: 16 / 9;
      }
      img {
        width: 100%;
        height: 100%;
        object-fit: cover;
      }
      .length {
        position: absolute;
        inset: auto 8px 8px auto;
        padding: 2px 8px;
        border-radius: 4px;
        background: var(--picture-shade);
        color: var(--on-picture);
        font-size: var(--text-small);
      }
      .words {
        display: grid;
        flex: 1;
        grid-template-columns: minmax(0, 1fr);
        justify-items: start;
        align-content: start;
        gap: 4px;
        padding: 12px 16px 16px;
      }
      h2 {
        font-size: var(--text);
        overflow-wrap: anywhere;
      }
      .badge {
        white-space: normal; /* a card may be narrower than who may see it, in English */
      }
    `,
  ];

  static override shadowRootOptions: ShadowRootInit = {
    ...TongkeElement.shadowRootOptions,
    delegatesFocus: true,
  };

  @property({ attribute: false }) recording!: Recording;
  @state() private posterFailed = false;

  override render(): TemplateResult {
    const { recording, m } = this;
    const { state: phase } = recording;
    const subject = facts([recording.subject, recording.grade]);
    return html`<article class="card"><a
      href="/library/${recording.id}"
      data-testid="recording-${recording.id}"
      data-state=${phase}
    >
      <span class="poster">
        ${recording.poster && !this.posterFailed
          ? html`<img
              src=${mediaAddress(recording.id, recording.poster)}
              alt=""
              loading="lazy"
              @error=${() => (this.posterFailed = true)}
            />`
          : icon("library", 40)}
        ${recording.duration_s > 0
          ? html`<span class="length">${minutes(recording.duration_s)}</span>`
          : nothing}
      </span>
      <span class="words">
        <h2>${recording.title}</h2>
        ${subject ? html`<span class="soft small">${subject}</span>` : nothing}
        <span class="small">${recording.teacher}</span>
        <span class="soft small">${facts(recording.schools)}</span>
        <span class="soft small">${dayAndTime(recording.started_at)}</span>
        <span class="row">
          ${phase === "ready"
            ? html`<span class="badge">
                ${icon("people", 14)}${m.library.visibility[recording.visibility]}
              </span>`
            : html`<span class="badge ${phase === "failed" ? "live" : "warn"}"
                >${m.library.states[phase]}</span
              >`}
          ${this.interruption()}
          ${phase === "ready" && recording.incomplete
            ? html`<span class="badge warn"
                >${icon("warning", 14)}${m.library.incomplete}</span
              >`
            : nothing}
        </span>
      </span>
    </a>
    <tk-card-actions .recording=${recording}></tk-card-actions></article>`;
  }

  /** A lesson that goes on: that it is not recorded just now, or was not for a while, and why. */
  private interruption(): TemplateResult | typeof nothing {
    const { interrupted } = this.recording;
    if (!interrupted) return nothing;
    const { library, lesson } = this.m;
    const why = faultWords(lesson.recordingFaults, interrupted.code);
    return html`<span class="badge warn" data-testid="interrupted"
      >${icon("warning", 14)}${interrupted.over ? library.interrupted(why) : library.paused(why)}</span
    >`;
  }
}

define("tk-recording-card", RecordingCard);
