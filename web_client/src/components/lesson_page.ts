// What the pages of a lesson share: they hold a session, follow its view, and close it.

import { html, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { ApiError, post } from "../api/client.ts";
import type { JoinToken } from "../api/types.ts";
import type { Role } from "../protocol/messages.ts";
import { TurnedAway } from "../lesson/admission.ts";
import type { LessonSession } from "../lesson/session.ts";
import { initialView, type View } from "../lesson/state.ts";
import { TongkeElement } from "./element.ts";
import { Ticking } from "./polling.ts";
import "./states.ts";

const TOKEN_MARGIN_S = 30; // a token about to expire is fetched anew

declare global {
  interface Window {
    /** The running session, for the browser's console and for tests. */
    tongkeSession?: LessonSession;
  }
}

export abstract class LessonPage extends TongkeElement {
  @state() protected view: View = initialView;
  /** Milliseconds; changes every second so that times run. */
  @state() protected now = Date.now();
  protected session: LessonSession | null = null;
  private stopWatching: (() => void) | undefined;
  private wakeLock: WakeLockSentinel | null = null;
  private readonly onVisible = (): void => void this.keepAwake();

  constructor() {
    super();
    new Ticking(this, () => (this.now = Date.now()), 1000);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.onVisible);
    void this.keepAwake();
  }

  override disconnectedCallback(): void {
    document.removeEventListener("visibilitychange", this.onVisible);
    void this.wakeLock?.release().catch(() => undefined);
    this.dropSession(true);
    super.disconnectedCallback();
  }

  protected useSession(session: LessonSession): void {
    this.session = session;
    globalThis.window.tongkeSession = session;
    this.view = session.store.view;
    this.stopWatching = session.store.watch((view) => {
      const before = this.view;
      this.view = view;
      this.viewChanged(before, view);
    });
  }

  protected dropSession(leave: boolean): void {
    this.stopWatching?.();
    this.session?.close(leave);
    this.session = null;
    delete globalThis.window.tongkeSession;
  }

  /** Called after each change of the view. */
  protected abstract viewChanged(before: View, now: View): void;

  private async keepAwake(): Promise<void> {
    if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
    try {
      this.wakeLock = await navigator.wakeLock.request("screen");
    } catch {
      // low battery or not allowed: the lesson goes on with the system's own screen saver
    }
  }
}

/** A source of join tokens for a signed-in person; keeps one until it is about to expire. */
export function personTokens(lessonId: string, role: Role): (renew: boolean) => Promise<string> {
  let known: JoinToken | null = null;
  return async (renew) => {
    const fresh = known !== null && known.expires_at - TOKEN_MARGIN_S > Date.now() / 1000;
    if (known && fresh && !renew) return known.token;
    try {
      known = await post<JoinToken>(`/api/lessons/${encodeURIComponent(lessonId)}/token`, { role });
      return known.token;
    } catch (error) {
      if (error instanceof ApiError && error.status < 500 && error.status !== 429) {
        throw new TurnedAway({ code: error.code, zh: error.zh, en: error.en });
      }
      throw error;
    }
  };
}

/** Another window, or another computer of this person, has taken the lesson over. */
export function replaced(
  words: { replacedTitle: string; replaced: string; useHere: string },
  session: LessonSession | null,
): TemplateResult {
  const takeBack = (): void => {
    session?.takeBack();
    location.reload();
  };
  return html`<tk-state symbol="swap" heading=${words.replacedTitle} text=${words.replaced}>
    <tk-button main data-testid="take-back" @click=${takeBack}>${words.useHere}</tk-button>
  </tk-state>`;
}
