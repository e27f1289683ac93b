// Signing in by user name and password; afterwards on to the page that was asked for.

import { html, type TemplateResult } from "lit";
import { post } from "../api/client.ts";
import { define } from "../components/element.ts";
import { Form } from "../components/form.ts";
import { icon } from "../design/icons.ts";
import { base, cards, controls, fields } from "../design/shared.ts";
import { go, safeNext } from "../router.ts";
import { accountStyles } from "./account_form.ts";

export class SignIn extends Form {
  static override styles = [base, controls, fields, cards, accountStyles];

  protected override wrong(): Partial<Record<string, string>> {
    const { required } = this.m.app;
    return {
      ...(this.text("username").trim() ? {} : { username: required }),
      ...(this.text("password") ? {} : { password: required }),
    };
  }

  protected override async save(): Promise<void> {
    await post("/api/session", {
      username: this.text("username").trim(),
      password: this.text("password"),
    });
    this.dispatchEvent(new CustomEvent("signed-in", { bubbles: true, composed: true }));
    go(safeNext(new URLSearchParams(location.search).get("next")), true);
  }

  protected override firstUpdated(): void {
    this.renderRoot.querySelector("input")?.focus();
  }

  override render(): TemplateResult {
    const { account, app } = this.m;
    return html`<form class="card" novalidate @submit=${this.submit}>
      <span class="brand">${icon("room", 44)}${app.name}</span>
      <p class="soft">${account.lead}</p>
      <h1 class="visually-hidden">${account.signIn}</h1>
      ${this.field("username", account.username, { autocomplete: "username" })}
      ${this.field("password", account.password, {
        type: "password",
        autocomplete: "current-password",
      })}
      ${this.failureLine()}
      <button class="main" data-testid="sign-in" aria-disabled=${this.busy ? "true" : "false"}>
        ${account.signIn}
      </button>
    </form>`;
  }
}

define("tk-sign-in", SignIn);
