// The first page of a new server: the one-time key from its log makes the administrator.

import { html, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get, post } from "../api/client.ts";
import { define } from "../components/element.ts";
import { Form } from "../components/form.ts";
import "../components/states.ts";
import { icon } from "../design/icons.ts";
import { base, cards, controls, fields } from "../design/shared.ts";
import { fromFragment, go } from "../router.ts";
import { accountStyles } from "./account_form.ts";

export class Setup extends Form {
  static override styles = [base, controls, fields, cards, accountStyles];

  @state() private needed = true;
  private readonly given = fromFragment(location.hash, "key");

  override connectedCallback(): void {
    super.connectedCallback();
    this.values = { key: this.given, username: "", display_name: "", password: "", again: "" };
    void get<{ needed: boolean }>("/api/setup")
      .then(({ needed }) => (this.needed = needed))
      .catch(() => undefined); // the form's own answer will tell
  }

  protected override wrong(): Partial<Record<string, string>> {
    const { app, account, firstPassword } = this.m;
    return {
      ...(this.text("key").trim() ? {} : { key: app.required }),
      ...(this.text("username").trim().length >= 2 ? {} : { username: account.userTooShort }),
      ...(this.text("display_name").trim() ? {} : { display_name: app.required }),
      ...(this.text("password").length >= 8 ? {} : { password: account.tooShort }),
      ...(this.text("again") === this.text("password") ? {} : { again: firstPassword.differs }),
    };
  }

  protected override async save(): Promise<void> {
    await post("/api/setup", {
      key: this.text("key").trim(),
      username: this.text("username").trim(),
      display_name: this.text("display_name").trim(),
      password: this.text("password"),
    });
    this.dispatchEvent(new CustomEvent("signed-in", { bubbles: true, composed: true }));
    go("/", true);
  }

  override render(): TemplateResult {
    const { account, app, firstPassword } = this.m;
    if (!this.needed) {
      return html`<tk-state heading=${account.alreadySetUp}>
        <a href="/sign-in">${account.signIn}</a>
      </tk-state>`;
    }
    return html`<form class="card" novalidate @submit=${this.submit}>
      <span class="brand">${icon("room", 44)}${app.name}</span>
      <h1>${account.setupTitle}</h1>
      <p class="soft">${account.setupLead}</p>
      ${this.given
        ? ""
        : this.field("key", account.setupKey, { hint: account.setupKeyHint, longest: 256 })}
      ${this.field("display_name", account.displayName, { autocomplete: "name" })}
      ${this.field("username", account.username, { autocomplete: "username" })}
      ${this.field("password", account.newPassword, {
        type: "password",
        autocomplete: "new-password",
      })}
      ${this.field("again", firstPassword.again, {
        type: "password",
        autocomplete: "new-password",
      })}
      ${this.failureLine()}
      <button class="main" data-testid="setup" aria-disabled=${this.busy ? "true" : "false"}>${account.setupDone}</button>
    </form>`;
  }
}

define("tk-setup", Setup);
