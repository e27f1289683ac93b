// How a PC comes to trust this server: what to download, what to run, by system.

import { css, html, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get } from "../api/client.ts";
import type { Trust } from "../api/types.ts";
import { icon } from "../design/icons.ts";
import { base, cards, controls, facts } from "../design/shared.ts";
import { define, TongkeElement } from "./element.ts";
import { failure } from "./states.ts";

const WINDOWS = "tongke-windows.cmd";
const LINUX = "tongke-linux.sh";
const CERTIFICATE = "tongke-ca.crt";

type System = "windows" | "linux" | "hand";

export class TrustSteps extends TongkeElement {
  static override styles = [
    base,
    controls,
    cards,
    facts,
    css`
      :host {
        display: grid;
        gap: 16px;
      }
      .systems {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
      ol {
        display: grid;
        gap: 12px;
        margin: 0;
        padding-inline-start: 24px;
        max-width: 70ch;
      }
      .run {
        display: flex;
        align-items: center;
        gap: 8px;
        margin-top: 8px;
      }
      code {
        padding: 8px 12px;
        border-radius: var(--radius);
        background: var(--surface-raised);
        font-size: var(--text-small);
        overflow-wrap: anywhere;
        user-select: all;
      }
      p {
        max-width: 70ch;
      }
    `,
  ];

  @state() private trust: Trust | null = null;
  @state() private error: unknown = null;
  @state() private system: System = navigator.userAgent.includes("Windows") ? "windows" : "linux";
  @state() private copied = "";

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      this.trust = await get<Trust>("/api/trust");
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  }

  override render(): TemplateResult {
    const { trust: words, app } = this.m;
    if (this.error !== null) return failure(app, this.error, () => void this.load());
    if (!this.trust) return html`<tk-skeleton rows="3"></tk-skeleton>`;
    const { authority } = this.trust;
    if (!authority) return html`<p data-testid="trust-given">${words.given}</p>`;
    const systems = { windows: words.windows, linux: words.linux, hand: words.byHand };
    return html`<p>${words.lead}</p>
      <dl>
        <dt>${words.authority}</dt>
        <dd>${authority.name}</dd>
        <dt>${words.fingerprint}</dt>
        <dd data-testid="ca-fingerprint">${authority.fingerprint}</dd>
      </dl>
      <p class="soft">${words.compare}</p>
      <div class="systems">
        ${(Object.keys(systems) as System[]).map(
          (one) =>
            html`<button
              data-testid="trust-${one}"
              aria-pressed=${this.system === one ? "true" : "false"}
              @click=${() => (this.system = one)}
            >
              ${systems[one]}
            </button>`,
        )}
      </div>
      ${this.steps(authority.name)}`;
  }

  private steps(authority: string): TemplateResult {
    const { trust: words } = this.m;
    switch (this.system) {
      case "windows":
        return html`${this.download(WINDOWS)}
          <ol>
            ${words.windowsSteps.map((step) => html`<li>${step}</li>`)}
          </ol>`;
      case "linux": {
        const [run, ...rest] = words.linuxSteps;
        return html`${this.download(LINUX)}
          <ol>
            <li>${run} ${this.command(`sudo sh ${LINUX}`)}</li>
            ${rest.map((step) => html`<li>${step}</li>`)}
          </ol>`;
      }
      case "hand": {
        const [fetch, windows, linux, ...rest] = words.byHandSteps;
        return html`${this.download(CERTIFICATE)}
          <ol>
            <li>${fetch}</li>
            <li>
              ${windows}
              ${this.command(`certutil -addstore -f Root "$HOME\\Downloads\\${CERTIFICATE}"`)}
            </li>
            <li>
              ${linux}
              ${this.command(
                "mkdir -p ~/.pki/nssdb && [ -f ~/.pki/nssdb/cert9.db ] ||" +
                  " certutil -d sql:$HOME/.pki/nssdb -N --empty-password;" +
                  ` certutil -d sql:$HOME/.pki/nssdb -A -t "C,," -n "${authority}" -i ${CERTIFICATE}`,
              )}
            </li>
            ${rest.map((step) => html`<li>${step}</li>`)}
          </ol>`;
      }
    }
  }

  private download(name: string): TemplateResult {
    return html`<div>
      <a class="button main" data-testid="download-${name}" href="/api/trust/${name}" download=${name}
        >${this.m.trust.download(name)}</a
      >
    </div>`;
  }

  private command(text: string): TemplateResult {
    const { trust } = this.m;
    return html`<span class="run">
      <code>${text}</code>
      <button class="slim" @click=${(event: Event) => void this.copy(text, event)}>
        ${icon("copy", 18)}${this.copied === text ? trust.copied : trust.copy}
      </button>
    </span>`;
  }

  private async copy(text: string, event: Event): Promise<void> {
    const shown = (event.currentTarget as HTMLElement).previousElementSibling;
    try {
      await navigator.clipboard.writeText(text);
      this.copied = text;
    } catch {
      // No permission: it is selected, and Ctrl+C takes it.
      if (shown) getSelection()?.selectAllChildren(shown);
    }
  }
}

define("tk-trust-steps", TrustSteps);

/** A line with the way to the steps, where something is handed out for another PC. */
export function trustHint(words: { toSteps: string; toStepsLink: string }): TemplateResult {
  return html`<span
    >${words.toSteps}
    <a href="/trust" target="_blank" data-testid="to-trust">${words.toStepsLink}</a></span
  >`;
}

declare global {
  interface HTMLElementTagNameMap {
    "tk-trust-steps": TrustSteps;
  }
}
