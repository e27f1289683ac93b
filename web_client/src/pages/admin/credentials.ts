// The credentials of one classroom: listed, revoked, and made; a new one's address shown once.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { get, post, remove, wordsOf } from "../../api/client.ts";
import type { Credential, NewCredential } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import { Form, onEscape } from "../../components/form.ts";
import { trustHint } from "../../components/trust_steps.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls, fields } from "../../design/shared.ts";
import { dayAndTime, relative } from "../../i18n/format.ts";

/** Starts Chromium so that a room needs no touch: whole screen, sound and camera at once. */
const KIOSK =
  "chromium --kiosk --autoplay-policy=no-user-gesture-required " +
  "--auto-accept-camera-and-microphone-capture";

export class Credentials extends Form {
  static override styles = [
    base,
    controls,
    fields,
    cards,
    css`
      :host {
        display: grid;
        gap: 16px;
        padding: 8px 0 16px;
      }
      form {
        display: flex;
        align-items: end;
        gap: 8px;
      }
      form label {
        width: 280px;
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
  @state() private credentials: readonly Credential[] | null = null;
  @state() private fresh: NewCredential | null = null;
  @state() private revoking = "";
  @state() private copied = "";
  @state() private error = "";

  override connectedCallback(): void {
    super.connectedCallback();
    this.values = { label: "" };
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      this.credentials = await get<Credential[]>(`/api/classrooms/${this.classroomId}/credentials`);
      this.error = "";
    } catch (error) {
      this.error = wordsOf(error, this.m.app.offline);
    }
  }

  protected override wrong(): Partial<Record<string, string>> {
    return this.text("label").trim() ? {} : { label: this.m.app.required };
  }

  protected override async save(): Promise<void> {
    this.fresh = await post<NewCredential>(`/api/classrooms/${this.classroomId}/credentials`, {
      label: this.text("label").trim(),
    });
    this.reset({ label: "" });
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
      await remove(`/api/credentials/${id}`);
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
    const { admin } = this.m;
    return html`<h3>${admin.credentialsOf(this.name)}</h3>
      ${this.error ? html`<p class="wrong" role="alert">${this.error}</p>` : nothing}
      <div role="status">${this.fresh ? this.shownOnce(this.fresh) : nothing}</div>
      ${this.table()}
      <form novalidate @submit=${this.submit}>
        ${this.field("label", admin.credentialLabel, { placeholder: admin.credentialPlaceholder })}
        <button data-testid="new-credential" aria-disabled=${this.busy ? "true" : "false"}>
          ${icon("plus")}${admin.newCredential}
        </button>
      </form>
      ${this.failureLine()}`;
  }

  private shownOnce(fresh: NewCredential): TemplateResult {
    const { admin } = this.m;
    return html`<div class="new">
      <strong>${admin.addressOnce}</strong>
      <span>${admin.addressNotOn}</span>
      ${trustHint(this.m.trust)}
      ${this.copyable(fresh.address, "room-address")} ${this.whoReaches(fresh)}
      <span>${admin.kioskHint}</span>
      ${this.copyable(`${KIOSK} "${fresh.address}"`, "kiosk-command")}
    </div>`;
  }

  /** An address that others cannot open, or perhaps not, is not handed out without a word. */
  private whoReaches(fresh: NewCredential): TemplateResult | typeof nothing {
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

  private copyable(text: string, testId: string): TemplateResult {
    const { admin } = this.m;
    return html`<span class="address">
      <code data-testid=${testId}>${text}</code>
      <button class="slim" @click=${() => void this.copy(text, testId)}>
        ${icon("copy", 18)}${this.copied === text ? admin.copied : admin.copy}
      </button>
    </span>`;
  }

  private table(): TemplateResult {
    const { admin, app } = this.m;
    if (!this.credentials) return html`<tk-skeleton rows="1"></tk-skeleton>`;
    if (this.credentials.length === 0) return html`<p class="soft">${admin.noCredentials}</p>`;
    return html`<table>
      <thead>
        <tr>
          <th scope="col">${admin.credentialLabel}</th>
          <th scope="col">${admin.created}</th>
          <th scope="col">${admin.lastUsed}</th>
          <th scope="col"><span class="visually-hidden">${admin.actions}</span></th>
        </tr>
      </thead>
      <tbody>
        ${this.credentials.map(
          (one) =>
            html`<tr data-id=${one.id}>
              <td>${one.label}</td>
              <td>${dayAndTime(one.created_at)}</td>
              <td>
                ${one.last_used_at === null
                  ? admin.notUsed
                  : relative(one.last_used_at, Date.now() / 1000)}
              </td>
              <td @keydown=${onEscape(() => this.revoking === one.id && this.keep(one.id))}>
                ${this.revoking === one.id
                  ? html`${admin.revokeSure}
                      <button
                        class="alarm slim"
                        aria-label="${admin.revoke} ${one.label}"
                        @click=${() => void this.revoke(one.id)}
                      >
                        ${admin.revoke}
                      </button>
                      <button
                        class="slim least"
                        aria-description=${admin.revokeSure}
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

define("tk-credentials", Credentials);

declare global {
  interface HTMLElementTagNameMap {
    "tk-credentials": Credentials;
  }
}
