// A room's screen without a credential: it shows eight figures until an administrator has said which
// classroom it stands in. What it will come in with is kept on this PC from the first moment, so that
// neither a power cut nor a lost answer costs a second call to the administrator.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { ApiError, get, post } from "../../api/client.ts";
import type { Pairing, WaitingScreen } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import "../../components/qr.ts";
import { base } from "../../design/shared.ts";

const KEPT = "tongke.room.pairing";
const AWAY_POLL_S = 2;
const REFUSED_POLL_S = 15;

export class RoomPairing extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        grid-template-columns: auto auto;
        align-items: center;
        justify-content: center;
        gap: 24px max(56px, 5vw);
        text-align: start;
      }
      .figures {
        display: flex;
        gap: 0.4em;
        margin: 0 0 16px;
        font-size: max(72px, 8vw);
        font-variant-numeric: tabular-nums;
        font-weight: 600;
        letter-spacing: 0.04em;
        line-height: 1.1;
      }
      ol {
        display: grid;
        gap: 12px;
        max-width: 26em;
        margin: 0;
        padding-inline-start: 1.2em;
        font-size: max(28px, 1.8vw);
        line-height: 1.4;
      }
      .scan {
        display: grid;
        gap: 12px;
        justify-items: center;
        max-width: max(220px, 17vw);
        color: var(--ink-soft);
        font-size: max(20px, 1.2vw);
        line-height: 1.35;
        text-align: center;
      }
      tk-qr {
        width: max(220px, 17vw);
      }
      .words {
        font-size: max(28px, 1.8vw);
        text-align: center;
      }
      /* Looked at on a phone: the code below the figures. */
      @media (max-width: 700px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
          justify-items: center;
        }
        .figures {
          justify-content: center;
          font-size: 13vw;
        }
        ol {
          font-size: 20px;
        }
      }
    `,
  ];

  @state() private code = "";
  @state() private words = "";
  private secret = localStorage.getItem(KEPT) ?? "";
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking = false;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.ask();
  }

  override disconnectedCallback(): void {
    clearTimeout(this.timer);
    super.disconnectedCallback();
  }

  private async ask(): Promise<void> {
    clearTimeout(this.timer);
    if (this.asking) return; // moved within the page: two would be two screens
    this.asking = true;
    const waitS = await this.askOnce();
    this.asking = false;
    if (this.isConnected) this.timer = setTimeout(() => void this.ask(), waitS * 1000);
  }

  /** How long to wait before the next question. */
  private async askOnce(): Promise<number> {
    try {
      const told = await (this.secret ? this.isPaired() : this.begin());
      this.code = told.code;
      this.words = "";
      return told.poll_after_s;
    } catch (error) {
      const refused = error instanceof ApiError ? error : null;
      if (refused?.status === 404 && this.secret) {
        this.secret = ""; // its quarter of an hour is over, or the server was started anew
        return 0;
      }
      this.words = refused ? refused.words : this.m.room.serverAway;
      return refused ? REFUSED_POLL_S : AWAY_POLL_S;
    }
  }

  private async begin(): Promise<WaitingScreen> {
    const told = await post<WaitingScreen>("/api/pairing");
    this.secret = told.secret;
    localStorage.setItem(KEPT, told.secret);
    return told;
  }

  private async isPaired(): Promise<Pairing> {
    const told = await get<Pairing>("/api/pairing", { bearer: this.secret });
    if (told.paired) {
      localStorage.removeItem(KEPT);
      this.dispatchEvent(new CustomEvent<string>("paired", { detail: this.secret }));
    }
    return told;
  }

  override render(): TemplateResult {
    const { pairing } = this.m;
    const { code } = this;
    if (!code) return html`<p class="words" role="status">${this.words || this.m.app.loading}</p>`;
    const address = `${location.origin}/pair/${code}`;
    return html`<div>
        <p class="figures" data-testid="pairing-code">
          <span>${code.slice(0, 4)}</span> <span>${code.slice(4)}</span>
        </p>
        <ol>
          <li>${pairing.tell}</li>
          <li>${pairing.then}</li>
        </ol>
      </div>
      <div class="scan">
        <tk-qr .text=${address} .label=${pairing.scan}></tk-qr>
        <span>${pairing.scan}</span>
      </div>
      ${this.words ? html`<p class="words" role="status">${this.words}</p>` : nothing}`;
  }
}

define("tk-room-pairing", RoomPairing);

declare global {
  interface HTMLElementTagNameMap {
    "tk-room-pairing": RoomPairing;
  }
}
