// Above the pictures: which lesson it is, and what leads back to what the class saw, or here again.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { Recording } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls, fields } from "../../design/shared.ts";
import { clock, dayAndTime, facts } from "../../i18n/format.ts";
import { hasProgram } from "./in_one.ts";
import { addressOf } from "./moment.ts";

const COPIED_MS = 3000;

export class PlayerHead extends TongkeElement {
  static override styles = [
    base,
    controls,
    fields,
    cards,
    css`
      :host {
        display: flex;
        align-items: center;
        gap: 8px 12px;
        padding: 8px 12px;
        background: var(--surface);
      }
      .title {
        flex: 1;
        min-width: 0;
      }
      h1,
      .title p {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      h1 {
        font-size: var(--text-large);
      }
      input.link {
        width: 320px;
      }
      .group {
        display: flex;
        gap: 4px;
      }
      @media (max-width: 900px) {
        :host {
          flex-wrap: wrap;
        }
        .title {
          flex-basis: calc(100% - 80px); /* beside the way back; buttons below */
        }
        button,
        input.link {
          flex: 1 1 auto;
        }
      }
    `,
  ];

  @property({ attribute: false }) recording!: Recording;
  @property({ type: Number }) position = 0;
  /** The pictures stand as the class saw them. */
  @property({ type: Boolean }) following = true;
  /** All in one picture, where there is one. */
  @property({ type: Boolean }) asProgram = false;
  @state() private copied = "";
  /** The link to a moment, where it cannot be copied by itself. */
  @state() private link = "";
  private copiedTimer: ReturnType<typeof setTimeout> | undefined;

  override disconnectedCallback(): void {
    clearTimeout(this.copiedTimer);
    super.disconnectedCallback();
  }

  private readonly copy = async (): Promise<void> => {
    const at = this.position;
    const address = addressOf(location.origin, this.recording.id, at);
    try {
      await navigator.clipboard.writeText(address);
    } catch {
      this.link = address; // no permission: it stands there, and Ctrl+C takes it
      this.focusOn(".link");
      return;
    }
    this.link = "";
    this.copied = this.m.player.momentCopied(clock(at));
    clearTimeout(this.copiedTimer);
    this.copiedTimer = setTimeout(() => (this.copied = ""), COPIED_MS);
  };

  override render(): TemplateResult {
    const { m, recording } = this;
    return html`<a class="button" href="/library" aria-label=${m.app.library}>${icon("back")}</a>
      <div class="title">
        <h1>${recording.title}</h1>
        <p class="soft small">
          ${facts([recording.teacher, dayAndTime(recording.started_at), recording.subject])}
        </p>
      </div>
      ${recording.incomplete
        ? html`<span class="badge warn" data-testid="incomplete"
            >${icon("warning", 14)}${m.player.incomplete}</span
          >`
        : nothing}
      ${hasProgram(recording)
        ? html`<div class="group" role="group" aria-label=${m.observe.view}>
            ${this.kind(true, m.player.inOne)} ${this.kind(false, m.player.separate)}
          </div>`
        : nothing}
      ${this.asProgram
        ? nothing
        : html`<button
            data-testid="as-seen"
            aria-pressed=${this.following ? "true" : "false"}
            @click=${() => this.dispatchEvent(new CustomEvent("as-seen"))}
          >
            ${icon("school")}${m.player.asSeen}
          </button>`}
      <button data-testid="copy-moment" @click=${this.copy}>
        ${icon(this.copied ? "check" : "copy")}${this.copied
          ? m.admin.copied
          : m.player.copyMoment}
      </button>
      ${this.link
        ? html`<input
            class="link"
            readonly
            aria-label=${m.player.momentLink}
            .value=${this.link}
            @focus=${(event: FocusEvent) => (event.target as HTMLInputElement).select()}
          />`
        : nothing}
      <p class="visually-hidden" role="status">${this.copied}</p>`;
  }

  private kind(asProgram: boolean, words: string): TemplateResult {
    const detail = asProgram;
    return html`<button
      data-testid=${asProgram ? "in-one" : "separate"}
      aria-pressed=${this.asProgram === asProgram ? "true" : "false"}
      @click=${() => this.dispatchEvent(new CustomEvent("show-program", { detail }))}
    >
      ${icon(asProgram ? "screen" : "layoutWall")}${words}
    </button>`;
  }
}

define("tk-player-head", PlayerHead);

declare global {
  interface HTMLElementTagNameMap {
    "tk-player-head": PlayerHead;
  }
}
