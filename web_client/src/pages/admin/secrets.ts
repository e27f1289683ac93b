// The long-lived secrets of one classroom: listed, revoked, and made; a new one is shown once.
//
// Owns what its devices' credentials and its encoders' source keys have in common; what is shown of
// a new one, and what it is asked for with, is theirs.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { get, post, remove, wordsOf } from "../../api/client.ts";
import type { Credential, NewCredential } from "../../api/types.ts";
import { Form, onEscape, type Values } from "../../components/form.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls, fields } from "../../design/shared.ts";
import { dayAndTime, relative } from "../../i18n/format.ts";
import { stacked } from "./stacked.ts";

export interface SecretWords {
  readonly title: string;
  readonly none: string;
  readonly label: string;
  readonly add: string;
  readonly sure: string;
  readonly testId: string;
}

/** What the server tells of a new one, this once. */
export type Fresh<One> = One & Pick<NewCredential, "secret" | "address" | "reach" | "other_origins">;

export abstract class Secrets<One extends Credential> extends Form {
  static override styles = [
    base,
    controls,
    fields,
    cards,
    stacked,
    css`
      th,
      td.whole {
        white-space: nowrap;
      }
      :host {
        display: grid;
        gap: 16px;
        padding: 8px 0 16px;
      }
      h2 {
        font-size: var(--text);
      }
      form {
        display: flex;
        flex-wrap: wrap;
        align-items: end;
        gap: 8px;
      }
      form label {
        width: min(280px, 100%);
      }
      .new {
        display: grid;
        gap: 8px;
        padding: 16px;
        border: 2px solid var(--accent);
        border-radius: var(--radius);
        background: var(--accent-ground);
      }
      .address {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px;
      }
      .warn {
        display: flex;
        gap: 8px;
        padding: 8px 12px;
        border-radius: var(--radius);
        background: var(--warn-ground);
        color: var(--warn);
      }
      .warn svg {
        flex: none;
        margin-top: 2px;
      }
      code {
        padding: 8px 12px;
        border-radius: var(--radius);
        background: var(--surface);
        font-size: var(--text-small);
        overflow-wrap: anywhere;
        user-select: all;
      }
    `,
  ];

  @property() classroomId = "";
  @property() name = "";
  @state() private all: readonly One[] | null = null;
  @state() private fresh: Fresh<One> | null = null;
  @state() private revoking = "";
  @state() private copied = "";
  @state() private error = "";

  /** The address at which they are listed and made, and the one at which one is revoked. */
  protected abstract readonly listAddress: string;
  protected abstract revokeAddress(id: string): string;
  /** The form's values before anybody typed. */
  protected abstract readonly blank: Values;
  protected abstract readonly words: SecretWords;
  protected abstract fields(): TemplateResult;
  /** A new one, while it can still be seen. */
  protected abstract shownOnce(fresh: Fresh<One>): TemplateResult;

  /** What stands in the table between the label and when it was made. */
  protected headings?(): TemplateResult;
  protected cells?(one: One): TemplateResult;

  override connectedCallback(): void {
    super.connectedCallback();
    this.values = this.blank;
    void this.load();
  }

  protected async load(): Promise<void> {
    try {
      this.all = await get<One[]>(this.listAddress);
      this.error = "";
    } catch (error) {
      this.error = wordsOf(error, this.m.app.offline);
    }
  }

  protected override wrong(): Partial<Record<string, string>> {
    return this.text("label").trim() ? {} : { label: this.m.app.required };
  }

  protected override async save(): Promise<void> {
    this.fresh = await post<Fresh<One>>(this.listAddress, {
      ...this.values,
      label: this.text("label").trim(),
    });
    this.reset(this.blank);
    await this.load();
    this.focusOn(".address button");
  }

  private ask(id: string): void {
    this.revoking = id;
    this.focusOn(".least"); // what cannot harm
  }

  private keep(id: string): void {
    this.revoking = "";
    this.focusOn(`[data-id="${CSS.escape(id)}"] button`);
  }

  private async revoke(id: string): Promise<void> {
    this.revoking = "";
    try {
      await remove(this.revokeAddress(id));
      if (this.fresh?.id === id) this.fresh = null;
      await this.load();
      this.focusOn("form input");
    } catch (error) {
      this.error = wordsOf(error, this.m.app.offline);
    }
  }

  private async copy(text: string, testId: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.copied = text;
    } catch {
      // No permission: it is selected, and Ctrl+C takes it.
      const shown = this.renderRoot.querySelector(`[data-testid="${testId}"]`);
      if (shown) getSelection()?.selectAllChildren(shown);
    }
  }

  override render(): TemplateResult {
    return html`<h2>${this.words.title}</h2>
      ${this.error ? html`<p class="wrong" role="alert">${this.error}</p>` : nothing}
      <div role="status">${this.fresh ? this.shownOnce(this.fresh) : nothing}</div>
      ${this.table()} ${this.beforeNew()}
      <form novalidate @submit=${this.submit}>
        ${this.fields()}
        <button data-testid=${this.words.testId} aria-disabled=${this.busy ? "true" : "false"}>
          ${icon("plus")}${this.words.add}
        </button>
      </form>
      ${this.failureLine()}`;
  }

  /** What comes before a new one is asked for. */
  protected beforeNew(): TemplateResult | typeof nothing {
    return nothing;
  }

  /** An address that others cannot open, or perhaps not, is not handed out without a word. */
  protected whoReaches(fresh: Fresh<One>): TemplateResult | typeof nothing {
    const { admin } = this.m;
    const { reach, other_origins: others } = fresh;
    if (reach === "others" && others.length === 0) return nothing;
    const words = {
      others: admin.reachOthers(others.join(" ")),
      "this-machine": admin.reachThisMachine,
      "unknown-name": admin.reachUnknownName(location.host, others.join(" ")),
    };
    return html`<p class=${reach === "others" ? "soft" : "warn"} data-testid="reach-${reach}">
      ${reach === "others" ? nothing : icon("warning")}<span>${words[reach]}</span>
    </p>`;
  }

  protected copyable(text: string, testId: string): TemplateResult {
    const { admin } = this.m;
    return html`<span class="address">
      <code data-testid=${testId}>${text}</code>
      <button class="slim" @click=${() => void this.copy(text, testId)}>
        ${icon("copy", 18)}${this.copied === text ? admin.copied : admin.copy}
      </button>
    </span>`;
  }

  /** Room agents on two machines have it: one of them needs another. */
  private copiedSign(one: One): TemplateResult | typeof nothing {
    if (!one.copied_to.length) return nothing;
    return html`<p class="warn" role="note" data-testid="copied-${one.id}">
      ${icon("warning")}<span>${this.m.admin.credentialCopied(one.copied_to.join(" "))}</span>
    </p>`;
  }

  private table(): TemplateResult {
    const { admin, app } = this.m;
    if (!this.all) return html`<tk-skeleton rows="1"></tk-skeleton>`;
    if (this.all.length === 0) return html`<p class="soft">${this.words.none}</p>`;
    return html`<table class="stacks">
      <thead>
        <tr>
          <th scope="col">${this.words.label}</th>
          ${this.headings?.()}
          <th scope="col">${admin.created}</th>
          <th scope="col">${admin.lastUsed}</th>
          <th scope="col"><span class="visually-hidden">${admin.actions}</span></th>
        </tr>
      </thead>
      <tbody>
        ${this.all.map(
          (one) =>
            html`<tr data-id=${one.id}>
              <td>${one.label} ${this.copiedSign(one)}</td>
              ${this.cells?.(one)}
              <td data-label=${admin.created}>${dayAndTime(one.created_at)}</td>
              <td data-label=${admin.lastUsed}>
                ${one.last_used_at === null
                  ? admin.notUsed
                  : relative(one.last_used_at, Date.now() / 1000)}
              </td>
              <td @keydown=${onEscape(() => this.revoking === one.id && this.keep(one.id))}>
                ${this.revoking === one.id
                  ? html`${this.words.sure}
                      <button
                        class="alarm slim"
                        aria-label="${admin.revoke} ${one.label}"
                        @click=${() => void this.revoke(one.id)}
                      >
                        ${admin.revoke}
                      </button>
                      <button
                        class="slim least"
                        aria-description=${this.words.sure}
                        @click=${() => this.keep(one.id)}
                      >
                        ${app.cancel}
                      </button>`
                  : html`<button
                      class="quiet slim"
                      aria-label="${admin.revoke} ${one.label}"
                      @click=${() => this.ask(one.id)}
                    >
                      ${admin.revoke}
                    </button>`}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>`;
  }
}
