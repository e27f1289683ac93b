// Signs in by the one-time key in the address, then goes on to the page named beside it
// (`/key#key=…&next=/teach/…`). Who has no password yet, and is led nowhere, chooses one first: the
// key opens no second time.

import { css, html, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { ApiError, post } from "../api/client.ts";
import type { SessionAnswer, User } from "../api/types.ts";
import { define } from "../components/element.ts";
import { Form } from "../components/form.ts";
import "../components/states.ts";
import { base, cards, controls, fields } from "../design/shared.ts";
import { fromFragment, go, safeNext } from "../router.ts";

const RETRY_MS = 2000;

const LEAST_SIGNS = 8;

export class Key extends Form {
  static override styles = [
    base,
    controls,
    fields,
    cards,
    css`
      :host {
        display: grid;
        align-content: center;
        padding: 0 16px;
      }
      form {
        display: grid;
        gap: 16px;
        width: min(480px, 100%);
        margin: 24px auto;
      }
    `,
  ];

  /** Who has come in and chooses a password. */
  @state() private newcomer: User | null = null;

  @state() private error: ApiError | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.signIn(
      fromFragment(location.hash, "key"),
      new URLSearchParams(location.hash.slice(1)).get("next"),
    );
    history.replaceState(null, "", location.pathname); // the key is not left in the address bar
  }

  override disconnectedCallback(): void {
    clearTimeout(this.timer);
    super.disconnectedCallback();
  }

  private async signIn(key: string, next: string | null): Promise<void> {
    try {
      const { user } = await post<SessionAnswer>("/api/session/key", { key });
      if (user?.has_password === false && next === null) {
        this.newcomer = user;
        this.reset({ password: "", again: "" });
        this.focusOn("input[name=password]");
      } else {
        this.goOn(safeNext(next));
      }
    } catch (error) {
      if (error instanceof ApiError) this.error = error;
      else this.timer = setTimeout(() => void this.signIn(key, next), RETRY_MS);
    }
  }

  private goOn(next: string): void {
    this.dispatchEvent(new CustomEvent("signed-in", { bubbles: true, composed: true }));
    go(next, true);
  }

  protected override wrong(): Partial<Record<string, string>> {
    const { account, firstPassword } = this.m;
    return {
      ...(this.text("password").length < LEAST_SIGNS ? { password: account.tooShort } : {}),
      ...(this.text("again") === this.text("password") ? {} : { again: firstPassword.differs }),
    };
  }

  protected override async save(): Promise<void> {
    await post("/api/session/password", { password: this.text("password") });
    this.goOn("/");
  }

  private choose(user: User): TemplateResult {
    const { account, app, firstPassword: words } = this.m;
    const secret = (name: string, label: string): TemplateResult =>
      this.field(name, label, { type: "password", autocomplete: "new-password", longest: 128 });
    return html`<form class="card" novalidate @submit=${this.submit}>
      <h1>${words.welcome(user.display_name)}</h1>
      <p>${words.hint(user.username)}</p>
      <input hidden name="username" autocomplete="username" .value=${user.username} readonly />
      ${secret("password", account.newPassword)} ${secret("again", words.again)}
      ${this.failureLine()}
      <button class="main" data-testid="save" aria-disabled=${this.busy ? "true" : "false"}>
        ${this.busy ? app.saving : words.done}
      </button>
    </form>`;
  }

  override render(): TemplateResult {
    if (this.newcomer) return this.choose(this.newcomer);
    const { account } = this.m;
    if (!this.error) return html`<tk-state symbol="key" heading=${account.keyTitle}></tk-state>`;
    return html`<tk-state
      tone="alarm"
      symbol="key"
      role="alert"
      heading=${account.keyFailed}
      text="${this.error.words} ${account.keyFailedHint}"
      code=${this.error.code}
    >
      <a href="/sign-in">${account.signIn}</a>
    </tk-state>`;
  }
}

define("tk-key", Key);
