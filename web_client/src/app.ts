// The application's frame: which page, who is signed in, the bar on top of office pages.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get, remove, SIGNED_OUT } from "./api/client.ts";
import type { SessionAnswer, User } from "./api/types.ts";
import { forgetDrafts, isSignedIn } from "./components/drafts.ts";
import { define, TongkeElement } from "./components/element.ts";
import "./components/key_help.ts";
import "./components/person_menu.ts";
import { failure, failureTitle } from "./components/states.ts";
import { Title } from "./components/title.ts";
import { icon, type IconName } from "./design/icons.ts";
import { base, controls } from "./design/shared.ts";
import { currentLanguage, switchLanguage } from "./i18n/index.ts";
import { keysOf } from "./keys.ts";
import { codeOf } from "./page_code.ts";
import { go, isDark, needsPerson, parseRoute, type Route } from "./router.ts";

/** Pages that say themselves how their lesson or recording stands. */
const TITLED = new Set<Route["page"]>(["today", "teach", "room", "observe", "player"]);

const RETRY_MS = 3000;

export class App extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 100vh;
      }
      header {
        display: flex;
        align-items: center;
        gap: 8px;
        min-height: 56px;
        padding: 0 24px;
        border-bottom: 1px solid var(--line);
        background: var(--surface);
      }
      @media (max-width: 700px) {
        header {
          flex-wrap: wrap;
          padding: 8px 12px;
        }
      }
      .brand {
        display: flex;
        align-items: center;
        gap: 8px;
        margin-inline-end: 16px;
        color: var(--accent);
        font-size: var(--text-large);
        font-weight: 700;
        text-decoration: none;
      }
      nav {
        display: flex;
        gap: 4px;
      }
      nav a {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        min-height: 40px;
        padding: 0 14px;
        border-radius: var(--radius);
        color: var(--ink-soft);
        font-weight: 500;
        text-decoration: none;
      }
      nav a:hover {
        background: var(--surface-raised);
      }
      nav a[aria-current="page"] {
        background: var(--accent-ground);
        color: var(--accent-strong);
      }
      .person {
        display: flex;
        align-items: center;
        gap: 8px;
        margin-inline-start: auto;
      }
      main {
        display: flex;
        flex: 1;
        flex-direction: column;
        min-height: 0;
      }
      main > * {
        flex: 1;
        min-height: 0;
      }
      /* Live pages and the player fill the screen exactly and never scroll. */
      main.whole {
        flex: none;
        height: 100vh;
        overflow: hidden;
      }
      @media (max-width: 700px) {
        header {
          gap: 0;
          padding: 0 8px;
        }
        .brand {
          margin-inline-end: 4px;
        }
        .brand span,
        nav svg,
        header .wide {
          display: none;
        }
        nav {
          gap: 0;
        }
        nav a {
          min-height: 44px;
          padding: 0 10px;
          white-space: nowrap;
        }
      }
      .in-menu {
        justify-content: start;
        min-height: 44px;
        padding-inline-start: 44px; /* below the words, not the signs */
      }
      @media (min-width: 701px) {
        .in-menu {
          display: none;
        }
      }
      .corner {
        position: fixed;
        inset: 12px 12px auto auto;
        z-index: 1;
      }
      main:focus {
        outline: none;
      }
      tk-skeleton {
        padding: 24px;
      }
      .skip {
        position: absolute;
        inset-block-start: -60px;
      }
      .skip:focus {
        inset-block-start: 8px;
        z-index: 2;
      }
    `,
  ];

  @state() private route: Route = parseRoute(location.pathname);
  @state() private user: User | null = null;
  @state() private may: SessionAnswer["may"] = [];
  @state() private known = false;
  @state() private ready = false;
  @state() private error: unknown = null;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    new Title(this, () => this.pageTitle());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("popstate", () => void this.navigate());
    this.addEventListener("click", (event) => this.follow(event));
    addEventListener(SIGNED_OUT, () => void this.learnPerson());
    this.addEventListener("signed-in", () => void this.learnPerson());
    void this.navigate();
  }

  private async navigate(): Promise<void> {
    const route = parseRoute(location.pathname);
    document.documentElement.dataset.theme = isDark(route) ? "dark" : "light";
    const changed = JSON.stringify(route) !== JSON.stringify(this.route);
    if (changed) {
      this.takeKeyboardToContent();
      this.ready = false;
    }
    this.route = route;
    const code = codeOf(route.page); // on its way while it is asked who is here
    code.catch(() => undefined); // told below
    if (needsPerson(route) && !this.known) await this.learnPerson();
    try {
      await code;
      if (this.route !== route) return; // another page was asked for meanwhile
      this.ready = true;
      if (this.known || !needsPerson(route)) this.error = null;
      if (changed) await this.focusPage();
    } catch (error) {
      this.failed(error); // the page's code could not be loaded
    }
  }

  /** On a new page the keyboard begins at its content, unless the page has a better place. */
  private async focusPage(): Promise<void> {
    await this.updateComplete;
    if (!this.matches(":focus-within")) {
      this.renderRoot.querySelector<HTMLElement>("#content")?.focus();
    }
  }

  /** The page is about to go with what has the keyboard: nothing beside it is to get it instead. */
  private takeKeyboardToContent(): void {
    const content = this.renderRoot.querySelector<HTMLElement>("#content");
    if (content?.contains(this.shadowRoot?.activeElement ?? null)) content.focus();
  }

  private async learnPerson(): Promise<void> {
    clearTimeout(this.retryTimer);
    try {
      ({ user: this.user, may: this.may } = await get<SessionAnswer>("/api/session"));
      this.known = true;
      this.error = null;
      if (this.user) isSignedIn(this.user.id);
      if (!this.user && needsPerson(this.route)) {
        const asked = location.pathname + location.search;
        const setup = await get<{ needed: boolean }>("/api/setup");
        // Several requests of one page are refused at once when a session ends: one leads away.
        if (location.pathname + location.search !== asked) return;
        go(setup.needed ? "/setup" : `/sign-in?next=${encodeURIComponent(asked)}`, true);
      }
    } catch (error) {
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    this.error = error;
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => void this.navigate(), RETRY_MS);
  }

  /** Plain links within the pages change the page without loading everything anew. */
  private follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey) return;
    const link = event
      .composedPath()
      .find((node): node is HTMLAnchorElement => node instanceof HTMLAnchorElement);
    if (!link || link.target || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || /^\/(api|media)\//.test(link.pathname)) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  }

  private async signOut(): Promise<void> {
    try {
      await remove("/api/session");
    } catch (error) {
      this.failed(error); // the server did not hear it: nobody is signed out
      return;
    }
    forgetDrafts();
    // A new document: a browser keeps what a page has played in that page's memory, whatever the
    // answer said of caches.
    location.replace("/sign-in");
  }

  private pageTitle(): string[] | null {
    const { route, m } = this;
    if (this.error !== null) return [failureTitle(m.app, this.error)];
    if (this.lacksPeers()) return [m.app.tooOldTitle];
    if (!this.ready || (needsPerson(route) && !this.user)) return [m.app.loading];
    if (TITLED.has(route.page)) return null;
    const titles: Partial<Record<Route["page"], string>> = {
      account: m.account.changePassword,
      setup: m.account.setupTitle,
      "sign-in": m.account.signIn,
      key: m.account.keyTitle,
      pair: m.pairing.title,
      trust: m.trust.title,
      library: m.app.library,
      "not-found": m.app.notFoundTitle,
    };
    if (route.page === "admin") return [m.admin.sections[route.section], m.app.admin];
    return [titles[route.page] ?? ""];
  }

  private lacksPeers(): boolean {
    return isDark(this.route) && !("RTCPeerConnection" in globalThis);
  }

  override render(): TemplateResult {
    const office = !isDark(this.route);
    return html`${office && this.user && needsPerson(this.route) ? this.bar() : nothing}
      <main id="content" class=${office ? "" : "whole"} tabindex="-1">${this.page()}</main>
      ${office && !needsPerson(this.route)
        ? html`<div class="corner">${this.languageButton()}</div>`
        : nothing}
      <tk-key-help .lines=${keysOf(this.route.page, this.m)}></tk-key-help>`;
  }

  private bar(): TemplateResult {
    const { app } = this.m;
    const link = (path: string, sign: IconName, words: string, current: boolean): TemplateResult =>
      html`<a href=${path} aria-current=${current ? "page" : "false"}>${icon(sign)}${words}</a>`;
    const { page } = this.route;
    return html`<header>
      <button class="skip" @click=${this.skip}>${app.skip}</button>
      <a class="brand" href="/" aria-label=${app.name}
        >${icon("room", 26)}<span>${app.name}</span></a
      >
      <nav aria-label=${app.mainNavigation}>
        ${link("/", "today", app.today, page === "today")}
        ${link("/library", "library", app.library, page === "library")}
        ${this.may.includes("administer")
          ? link("/admin", "school", app.admin, page === "admin")
          : nothing}
      </nav>
      <div class="person">
        <span class="wide">${this.languageButton()}</span>
        <tk-person-menu .name=${this.user?.display_name ?? ""} @sign-out=${this.signOut}>
          ${this.languageButton("in-menu")}
        </tk-person-menu>
      </div>
    </header>`;
  }

  private skip(): void {
    this.renderRoot.querySelector<HTMLElement>("#content")?.focus();
  }

  private languageButton(place = "language"): TemplateResult {
    const next = currentLanguage() === "en" ? "zh-CN" : "en";
    return html`<button
      class="quiet ${place}"
      lang=${next}
      data-testid=${place}
      @click=${() => void switchLanguage(next)}
    >
      ${this.m.app.otherLanguage}
    </button>`;
  }

  private page(): TemplateResult | typeof nothing {
    if (this.error !== null) {
      return failure(this.m.app, this.error, () => void this.navigate());
    }
    const { route } = this;
    if (this.lacksPeers()) {
      return html`<tk-state
        tone="alarm"
        symbol="warning"
        heading=${this.m.app.tooOldTitle}
        text=${this.m.app.tooOld}
      ></tk-state>`;
    }
    if (!this.ready || (needsPerson(route) && !this.user)) {
      return isDark(route) ? html`<tk-opening></tk-opening>` : html`<tk-skeleton rows="3"></tk-skeleton>`;
    }
    switch (route.page) {
      case "today":
        return html`<tk-today .user=${this.user} .may=${this.may}></tk-today>`;
      case "account":
        return html`<tk-account .user=${this.user}></tk-account>`;
      case "setup":
        return html`<tk-setup></tk-setup>`;
      case "sign-in":
        return html`<tk-sign-in></tk-sign-in>`;
      case "key":
        return html`<tk-key></tk-key>`;
      case "room":
        return html`<tk-room></tk-room>`;
      case "teach":
        return html`<tk-teach .lessonId=${route.id}></tk-teach>`;
      case "observe":
        return html`<tk-observe .lessonId=${route.id}></tk-observe>`;
      case "pair":
        return html`<tk-pair .code=${route.code} .may=${this.may}></tk-pair>`;
      case "trust":
        return html`<tk-trust></tk-trust>`;
      case "library":
        return html`<tk-library></tk-library>`;
      case "player":
        return html`<tk-player .recordingId=${route.id} .person=${this.user?.id ?? ""}></tk-player>`;
      case "admin":
        return html`<tk-admin .section=${route.section} .user=${this.user}></tk-admin>`;
      case "not-found":
        return html`<tk-state
          symbol="search"
          heading=${this.m.app.notFoundTitle}
          text=${this.m.app.notFound}
        >
          <a href="/">${this.m.app.toToday}</a>
        </tk-state>`;
    }
  }
}

define("tk-app", App);
