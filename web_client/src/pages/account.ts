// The signed-in person's own account: another password.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { post } from "../api/client.ts";
import type { User } from "../api/types.ts";
import { define } from "../components/element.ts";
import { Form } from "../components/form.ts";
import { icon } from "../design/icons.ts";
import { base, cards, controls, fields } from "../design/shared.ts";

const LEAST_SIGNS = 8; // the server's own limit
const MOST_SIGNS = 128;
const EMPTY = { current_password: "", password: "", again: "" };

export class Account extends Form {
  static override styles = [
    base,
    controls,
    fields,
    cards,
    css`
      :host {
        display: block;
        width: min(480px, 100%);
        margin: 0 auto;
        padding: 24px 12px;
      }
      form {
        display: grid;
        gap: 16px;
      }
      .done {
        color: var(--accent-strong);
      }
    `,
  ];

  @property({ attribute: false }) user!: User;
  @state() private done = false;

  override connectedCallback(): void {
    super.connectedCallback();
    this.values = EMPTY;
  }

  protected override set(name: string, value: string | boolean | string[]): void {
    super.set(name, value);
    this.done = false;
  }

  protected override wrong(): Partial<Record<string, string>> {
    const { account, app } = this.m;
    const [old, fresh, again] = ["current_password", "password", "again"].map((one) => this.text(one));
    return {
      ...(old ? {} : { current_password: app.required }),
      ...((fresh ?? "").length < LEAST_SIGNS ? { password: account.tooShort } : {}),
      ...(fresh && fresh === old ? { password: account.samePassword } : {}),
      ...(again === fresh ? {} : { again: account.notTheSame }),
    };
  }

  protected override async save(): Promise<void> {
    await post("/api/session/password", {
      current_password: this.text("current_password"),
      password: this.text("password"),
    });
    this.reset(EMPTY);
    this.done = true;
    this.focusOn("input[name=current_password]");
  }

  override render(): TemplateResult {
    const { account, app } = this.m;
    const { user } = this;
    const secret = (
      name: string,
      label: string,
      autocomplete: AutoFill,
      hint = "",
    ): TemplateResult =>
      this.field(name, label, { type: "password", autocomplete, longest: MOST_SIGNS, hint });
    return html`<form class="card" novalidate @submit=${this.submit}>
      <h1>${account.changePassword}</h1>
      <p class="soft">${account.signedInAs(user.display_name, user.username)}</p>
      <input hidden name="username" autocomplete="username" .value=${user.username} readonly />
      ${secret("current_password", account.currentPassword, "current-password")}
      ${secret("password", account.freshPassword, "new-password", account.passwordAdvice)}
      ${secret("again", account.passwordAgain, "new-password")} ${this.failureLine()}
      <div role="status">
        ${this.done
          ? html`<p class="done" data-testid="changed">
              ${icon("check", 18)} ${account.passwordChanged}
            </p>`
          : nothing}
      </div>
      <button class="main" data-testid="save" aria-disabled=${this.busy ? "true" : "false"}>
        ${this.busy ? app.saving : account.changePassword}
      </button>
    </form>`;
  }
}

define("tk-account", Account);
