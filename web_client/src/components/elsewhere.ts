// Who watches the lesson elsewhere, for who leads it and for administrators. An address for players, and the servers that the
// program is pushed to, as the server says they stand.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { ApiError, get, post, remove } from "../api/client.ts";
import type { Push, Watch } from "../api/types.ts";
import { icon, type IconName } from "../design/icons.ts";
import { base, cards, controls, fields } from "../design/shared.ts";
import { timeOfDay } from "../i18n/format.ts";
import { said } from "../i18n/index.ts";
import { define, TongkeElement } from "./element.ts";
import { foldStyles } from "./fold.ts";
import { Polling } from "./polling.ts";

const LOOK_EVERY_MS = 3000;

/** How each looks: its sign, and the badge's colour. */
const STANDINGS: Record<Push["standing"], readonly [IconName, string]> = {
  connecting: ["swap", ""],
  sending: ["check", "good"],
  waiting: ["warning", "warn"],
  ended: ["end", ""],
};

export class Elsewhere extends TongkeElement {
  static override styles = [
    base,
    cards,
    controls,
    fields,
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
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        align-items: center;
        gap: 4px 8px;
        padding-block: 8px;
        border-block-end: 1px solid var(--line);
      }
      .all > button,
      .push .badge {
        justify-self: start;
      }
      .push .why {
        grid-column: 1 / -1;
      }
      .write {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
      .write input {
        flex: 1 1 200px;
        min-width: 0;
      }
    `,
  ];

  @property() lessonId = "";
  @state() private open = false;
  @state() private watch: Watch | null = null;
  @state() private pushes: readonly Push[] = [];
  /** Why what somebody did was refused. */
  @state() private fault = "";
  /** Why nobody knows how it stands. */
  @state() private unseen = "";
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
    const wrong = this.fault || this.unseen;
    return html`<div class="all">
      ${this.watch
        ? html`<span class="soft small">${elsewhere.addressOf}</span>
            <code data-testid="watch-address">${this.watch.hls}</code>`
        : html`<button class="slim" data-testid="watch" @click=${() => this.ask()}>
            ${elsewhere.askAddress}
          </button>`}
      ${this.pushes.map((push) => this.push(push))}
      <form @submit=${this.add}>
        <label for="address">${elsewhere.pushTo}</label>
        <div class="write">
          <input
            id="address"
            name="address"
            type="password"
            autocomplete="off"
            required
            placeholder="rtmp://… srt://…"
          />
          <button data-testid="push">${elsewhere.push}</button>
        </div>
      </form>
      ${wrong ? html`<p class="wrong" role="alert">${wrong}</p>` : nothing}
    </div>`;
  }

  private push(push: Push): TemplateResult {
    const { elsewhere } = this.m;
    const [sign, colour] = STANDINGS[push.standing];
    const why = said({ zh: push.message_zh, en: push.message_en });
    return html`<div class="push" data-standing=${push.standing}>
      <strong>${push.target}</strong>
      <button class="slim" aria-label=${elsewhere.endOf(push.target)} @click=${() => this.end(push)}>
        ${elsewhere.end}
      </button>
      <span class="badge ${colour}">
        ${icon(sign, 14)}${elsewhere.standing[push.standing](timeOfDay(push.since))}
      </span>
      ${why ? html`<span class="soft small why">${why}</span>` : nothing}
    </div>`;
  }

  private readonly toggled = (event: Event): void => {
    this.open = (event.currentTarget as HTMLDetailsElement).open;
    void this.polling.now();
    if (this.open) void this.show();
  };

  /** It stands last in a column that scrolls: what it has, and what is refused, comes into sight. */
  private async show(): Promise<void> {
    await this.updateComplete;
    this.scrollIntoView({ block: "nearest" });
  }

  private async look(): Promise<void> {
    if (!this.open) return;
    try {
      this.pushes = await get<Push[]>(`${this.address}/pushes`);
      this.unseen = "";
    } catch (error) {
      this.unseen = wordsOf(error);
    }
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

  /** Do it, and look how all of it stands then. What is refused is said until the next try. */
  private async tried(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.fault = "";
    } catch (error) {
      this.fault = wordsOf(error);
      void this.show();
    }
    await this.look();
  }
}

function wordsOf(error: unknown): string {
  return error instanceof ApiError ? error.field("address") || error.words : "";
}

define("tk-elsewhere", Elsewhere);

declare global {
  interface HTMLElementTagNameMap {
    "tk-elsewhere": Elsewhere;
  }
}
