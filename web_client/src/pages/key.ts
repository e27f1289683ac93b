// Signs in by the one-time key in the address, then goes on to the page named beside it
// (`/key#key=…&next=/teach/…`).

import { html, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { ApiError, post } from "../api/client.ts";
import { define, TongkeElement } from "../components/element.ts";
import "../components/states.ts";
import { base } from "../design/shared.ts";
import { fromFragment, go, safeNext } from "../router.ts";

const RETRY_MS = 2000;

export class Key extends TongkeElement {
  static override styles = [base];

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
      await post("/api/session/key", { key });
      this.dispatchEvent(new CustomEvent("signed-in", { bubbles: true, composed: true }));
      go(safeNext(next), true);
    } catch (error) {
      if (error instanceof ApiError) this.error = error;
      else this.timer = setTimeout(() => void this.signIn(key, next), RETRY_MS);
    }
  }

  override render(): TemplateResult {
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
