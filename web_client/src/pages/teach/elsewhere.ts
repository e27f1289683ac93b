// Below the rooms: who watches the lesson elsewhere. An address for players, and the servers that the
// program is pushed to, as the server says they stand.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { ApiError, get, post, remove } from "../../api/client.ts";
import type { Push, Watch } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { Polling } from "../../components/polling.ts";
import { base, controls } from "../../design/shared.ts";
import { said } from "../../i18n/index.ts";
import { foldStyles } from "./fold.ts";

const LOOK_EVERY_MS = 3000;

export class Elsewhere extends TongkeElement {
  static override styles = [
    base,
    controls,
    foldStyles,
    css`
      .all,
      form {
        display: grid;
        gap: 8px;
        padding-top: 8px;
      }
      code,
      .push {
        overflow-wrap: anywhere;
      }
      .push {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 8px;
      }
    `,
  ];

  @property() lessonId = "";
  @state() private open = false;
  @state() private watch: Watch | null = null;
  @state() private pushes: readonly Push[] = [];
  @state() private fault = "";
  private readonly polling = new Polling(this, () => this.look(), LOOK_EVERY_MS);

  private get address(): string {
    return `/api/lessons/${encodeURIComponent(this.lessonId)}`;
  }

  override render(): TemplateResult {
    const { elsewhere } = this.m;
    return html`<details data-testid="elsewhere" @toggle=${this.toggled}>
      <summary>${elsewhere.title(this.pushes.length)}</summary>
      ${this.open ? this.all() : nothing}
    </details>`;
  }

  private all(): TemplateResult {
    const { elsewhere } = this.m;
    return html`<div class="all">
      ${this.watch
        ? html`<span class="soft small">${elsewhere.addressOf}</span>
            <code data-testid="watch-address">${this.watch.hls}</code>`
        : html`<button class="slim" data-testid="watch" @click=${() => this.ask()}>
            ${elsewhere.askAddress}
          </button>`}
      ${this.pushes.map((push) => this.push(push))}
      <form @submit=${this.add}>
        <label>
          ${elsewhere.pushTo}
          <input
            name="address"
            type="password"
            autocomplete="off"
            required
            placeholder="rtmp://…"
          />
        </label>
        <button class="slim" data-testid="push">${elsewhere.push}</button>
      </form>
      ${this.fault ? html`<p role="alert">${this.fault}</p>` : nothing}
    </div>`;
  }

  private push(push: Push): TemplateResult {
    const { elsewhere } = this.m;
    const why = said({ zh: push.message_zh, en: push.message_en });
    return html`<div class="push" data-standing=${push.standing}>
      <span>
        ${push.target}<br />
        <span class="soft small">${elsewhere.standing[push.standing]}${why ? ` ${why}` : ""}</span>
      </span>
      <button class="slim" @click=${() => this.end(push)}>${elsewhere.end}</button>
    </div>`;
  }

  private readonly toggled = (event: Event): void => {
    this.open = (event.currentTarget as HTMLDetailsElement).open;
    void this.polling.now();
  };

  private async look(): Promise<void> {
    if (this.open) await this.tried(() => Promise.resolve());
  }

  private async ask(): Promise<void> {
    await this.tried(async () => {
      this.watch = await post<Watch>(`${this.address}/watch`);
    });
  }

  private readonly add = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const address = new FormData(form).get("address");
    await this.tried(async () => {
      await post<Push>(`${this.address}/pushes`, { address });
      form.reset();
    });
  };

  private async end(push: Push): Promise<void> {
    this.focusOn("summary"); // the button goes away with it
    await this.tried(() => remove(`${this.address}/pushes/${encodeURIComponent(push.push_id)}`));
  }

  /** Do it, and look how all of it stands then. What the server refuses is said. */
  private async tried(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.fault = "";
      this.pushes = await get<Push[]>(`${this.address}/pushes`);
    } catch (error) {
      this.fault = error instanceof ApiError ? error.field("address") || error.words : "";
    }
  }
}

define("tk-elsewhere", Elsewhere);

declare global {
  interface HTMLElementTagNameMap {
    "tk-elsewhere": Elsewhere;
  }
}
