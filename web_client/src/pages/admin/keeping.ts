// How long recordings are kept: what the communities' rules will do when, what is kept in spite of
// them, and what was done; what can come back comes back by a click.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get, post, wordsOf } from "../../api/client.ts";
import type { ArchiveAct, Keeping, Planned } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { failure } from "../../components/states.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls } from "../../design/shared.ts";
import { bytes, dayAndTime } from "../../i18n/format.ts";
import { keepingWords } from "../../i18n/keeping.ts";
import { stacked } from "./stacked.ts";

export class AdminKeeping extends TongkeElement {
  static override styles = [
    base,
    controls,
    cards,
    stacked,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 16px;
      }
      .card {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 12px;
      }
      td {
        overflow-wrap: anywhere;
      }
      td.when,
      td.size {
        white-space: nowrap;
      }
      meter {
        display: block;
        width: min(180px, 100%);
        height: 12px;
      }
      .alarm-line {
        display: flex;
        gap: 6px;
        color: var(--warn);
      }
      .alarm-line svg {
        flex: none;
        margin-top: 2px;
      }
    `,
  ];

  @state() private keeping: Keeping | null = null;
  @state() private error: unknown = null;
  @state() private said = "";

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private readonly load = async (): Promise<void> => {
    try {
      this.keeping = await get<Keeping>("/api/admin/archive");
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  };

  private async bringBack(one: Planned): Promise<void> {
    try {
      await post(`/api/admin/archive/${one.recording_id}/restore`);
      this.said = this.m.admin.restored(one.title);
    } catch (error) {
      this.said = wordsOf(error, this.m.app.offline);
    }
    await this.load();
    this.focusOn("[data-testid=planned] button", "h1");
  }

  override render(): TemplateResult {
    const words = keepingWords();
    const { app } = this.m;
    if (this.error !== null) return failure(app, this.error, () => void this.load());
    const { keeping } = this;
    if (!keeping) return html`<tk-skeleton rows="4"></tk-skeleton>`;
    return html`<header>
        <h1 tabindex="-1">${words.title}</h1>
        <p class="soft">${words.lead(keeping.undo_days)}</p>
        <p role="status">${this.said}</p>
      </header>
      ${this.communities(keeping)} ${this.planned(keeping)} ${this.kept(keeping)}
      ${this.done(keeping.acts)}`;
  }

  private communities({ communities }: Keeping): TemplateResult {
    const words = keepingWords();
    return html`<div class="card" data-testid="usage">
      <h2>${words.usage}</h2>
      ${communities.length === 0
        ? html`<p>${words.noCommunities}</p>`
        : html`<table class="stacks">
            <thead>
              <tr>
                <th scope="col">${words.community}</th>
                <th scope="col">${words.rule}</th>
                <th scope="col">${words.used}</th>
              </tr>
            </thead>
            <tbody>
              ${communities.map(
                (one) =>
                  html`<tr>
                    <td><a href="/admin/communities">${one.name}</a></td>
                    <td data-label=${words.rule}>
                      ${words.ruleOf[one.retention](one.retention_days ?? 0)}
                    </td>
                    <td data-label=${words.used}>${this.used(one)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>`}
    </div>`;
  }

  private used(one: Keeping["communities"][number]): TemplateResult {
    const words = keepingWords();
    const used = bytes(one.used_bytes);
    const quota = one.quota_bytes;
    return html`${quota === null ? used : words.usedOf(used, bytes(quota))}
      <span class="soft small">· ${words.count(one.recordings)}</span>
      ${quota === null
        ? nothing
        : html`<meter
            aria-hidden="true"
            min="0"
            max=${quota}
            low=${quota * 0.8}
            high=${quota * 0.999}
            optimum="0"
            value=${Math.min(quota, one.used_bytes)}
          ></meter>`}
      ${one.quota === "free"
        ? nothing
        : html`<span class="alarm-line" role="alert"
            >${icon("warning", 18)}<span>${words.quotas[one.quota]}</span></span
          >`}`;
  }

  private planned({ planned, planned_count: count }: Keeping): TemplateResult {
    const words = keepingWords();
    return html`<div class="card" data-testid="planned">
      <h2>${words.planned(count)}</h2>
      ${planned.length === 0
        ? html`<p>${words.nothingPlanned}</p>`
        : html`<table class="stacks">
            ${this.head(words.when, words.recording, words.what, words.by, words.size, "")}
            <tbody>
              ${planned.map(
                (one) =>
                  html`<tr>
                    <td class="when" data-label=${words.when}>${dayAndTime(one.at)}</td>
                    ${this.recording(one)}
                    <td data-label=${words.what}>${words.deeds[one.deed]}</td>
                    <td data-label=${words.by}>${this.by(one.rule, one.days)}</td>
                    <td class="size" data-label=${words.size}>${bytes(one.bytes)}</td>
                    <td>
                      ${one.undoable
                        ? html`<button
                            class="slim"
                            aria-label="${words.bringBack} ${one.title}"
                            @click=${() => void this.bringBack(one)}
                          >
                            ${words.bringBack}
                          </button>`
                        : nothing}
                    </td>
                  </tr>`,
              )}
            </tbody>
          </table>`}
      ${planned.length < count
        ? html`<p class="soft small">${words.first(planned.length)}</p>`
        : nothing}
    </div>`;
  }

  private kept({ kept, kept_count: count }: Keeping): TemplateResult | typeof nothing {
    const words = keepingWords();
    if (kept.length === 0) return nothing;
    return html`<div class="card" data-testid="kept">
      <h2>${words.kept(count)}</h2>
      <table class="stacks">
        ${this.head(words.recording, words.why, words.by, words.size)}
        <tbody>
          ${kept.map(
            (one) =>
              html`<tr>
                ${this.recording(one)}
                <td data-label=${words.why}>
                  ${one.obstacle ? words.obstacles[one.obstacle] : nothing}
                </td>
                <td data-label=${words.by}>${this.by(one.rule, one.days)}</td>
                <td class="size" data-label=${words.size}>${bytes(one.bytes)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  private done(acts: readonly ArchiveAct[]): TemplateResult {
    const words = keepingWords();
    return html`<div class="card" data-testid="done">
      <h2>${words.done}</h2>
      ${acts.length === 0
        ? html`<p>${words.nothingDone}</p>`
        : html`<table class="stacks">
            ${this.head(words.when, words.recording, words.what, words.by, words.size)}
            <tbody>
              ${acts.map(
                (one) =>
                  html`<tr>
                    <td class="when" data-label=${words.when}>${dayAndTime(one.at)}</td>
                    ${this.recording(one)}
                    <td data-label=${words.what}>${words.deeds[one.act]}</td>
                    <td data-label=${words.by}>
                      ${this.by(one.rule === "by-hand" ? null : one.rule, one.days)}
                    </td>
                    <td class="size" data-label=${words.size}>${bytes(one.bytes)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>`}
    </div>`;
  }

  private head(...headings: string[]): TemplateResult {
    return html`<thead>
      <tr>
        ${headings.map((one) =>
          one
            ? html`<th scope="col">${one}</th>`
            : html`<th scope="col"><span class="visually-hidden">${this.m.admin.actions}</span></th>`,
        )}
      </tr>
    </thead>`;
  }

  private recording(one: Planned | ArchiveAct): TemplateResult {
    return html`<td data-label=${keepingWords().recording}>
      ${one.title}${one.community
        ? html` <span class="soft small">· ${one.community}</span>`
        : nothing}
    </td>`;
  }

  private by(rule: Planned["rule"], days: number | null): string {
    const words = keepingWords();
    return rule === null ? words.byHand : words.ruleOf[rule](days ?? 0);
  }
}

define("tk-admin-keeping", AdminKeeping);

declare global {
  interface HTMLElementTagNameMap {
    "tk-admin-keeping": AdminKeeping;
  }
}
