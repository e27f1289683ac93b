// Who is signed in, and what they do with their account: a button with a short menu (ARIA's menu
// button is for commands; these are links and buttons in a list, as a disclosure).

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { icon } from "../design/icons.ts";
import { base, controls } from "../design/shared.ts";
import { define, TongkeElement } from "./element.ts";
import { onEscape } from "./form.ts";

export class PersonMenu extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        position: relative;
        display: block;
      }
      .name {
        overflow: hidden;
        max-width: 16em;
        text-overflow: ellipsis;
      }
      .menu {
        position: absolute;
        z-index: 2;
        inset: calc(100% + 4px) 0 auto auto;
        display: grid;
        min-width: 200px;
        padding: 8px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        box-shadow: var(--shadow);
      }
      .menu > * {
        justify-content: start;
        min-height: 44px;
        border-color: transparent;
      }
      .who {
        display: none;
        align-items: center;
        padding: 0 16px;
        color: var(--ink-soft);
      }
      @media (max-width: 700px) {
        .name {
          display: none;
        }
        .who {
          display: flex;
        }
      }
    `,
  ];

  @property() name = "";
  @state() private open = false;
  private readonly onOutside = (event: Event): void => {
    if (!event.composedPath().includes(this)) this.open = false;
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("pointerdown", this.onOutside);
    addEventListener("focusin", this.onOutside);
  }

  override disconnectedCallback(): void {
    removeEventListener("pointerdown", this.onOutside);
    removeEventListener("focusin", this.onOutside);
    super.disconnectedCallback();
  }

  private readonly toggle = (): void => {
    this.open = !this.open;
  };

  private close(): void {
    if (!this.open) return;
    this.open = false;
    this.focusOn("button");
  }

  override render(): TemplateResult {
    const { account, app } = this.m;
    return html`<div @keydown=${onEscape(() => this.close())}>
      <button
        class="quiet"
        data-testid="person"
        aria-expanded=${this.open ? "true" : "false"}
        aria-label=${account.menu(this.name)}
        @click=${this.toggle}
      >
        ${icon("person")}<span class="name">${this.name}</span>
      </button>
      ${this.open
        ? html`<div class="menu">
            <span class="who">${this.name}</span>
            <a class="button" href="/account" data-testid="own-password" @click=${this.toggle}
              >${icon("key")}${account.changePassword}</a
            >
            <slot></slot>
            <button
              class="quiet"
              data-testid="sign-out"
              @click=${() => this.dispatchEvent(new CustomEvent("sign-out"))}
            >
              ${icon("out")}${app.signOut}
            </button>
          </div>`
        : nothing}
    </div>`;
  }
}

define("tk-person-menu", PersonMenu);
