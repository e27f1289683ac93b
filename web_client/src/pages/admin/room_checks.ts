// What a room found of its own equipment (`tongke doctor`), the newest first, each to be printed.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { get, wordsOf } from "../../api/client.ts";
import type { RoomCheck } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls } from "../../design/shared.ts";
import { dayAndTime } from "../../i18n/format.ts";

const SHOWN = 3; // a fault that comes and goes shows itself within them

export class RoomChecks extends TongkeElement {
  static override styles = [
    base,
    cards,
    controls,
    css`
      :host {
        display: grid;
        gap: 8px;
        padding: 8px 0 16px;
      }
      h2 {
        font-size: var(--text);
      }
      ul {
        display: grid;
        gap: 8px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px;
      }
      .wrong {
        color: var(--alarm);
      }
    `,
  ];

  @property() classroomId = "";
  @property() name = "";
  @state() private all: readonly RoomCheck[] | null = null;
  @state() private error = "";

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private get address(): string {
    return `/api/classrooms/${encodeURIComponent(this.classroomId)}/checks`;
  }

  private async load(): Promise<void> {
    try {
      this.all = await get<RoomCheck[]>(this.address);
      this.error = "";
    } catch (error) {
      this.error = wordsOf(error, this.m.app.offline);
    }
  }

  override render(): TemplateResult {
    const { checks } = this.m;
    return html`<h2>${checks.title(this.name)}</h2>
      ${this.error ? html`<p class="wrong" role="alert">${this.error}</p>` : nothing}
      ${this.all?.length === 0 ? html`<p class="soft">${checks.none}</p>` : nothing}
      <ul>
        ${(this.all ?? []).slice(0, SHOWN).map((one) => this.row(one))}
      </ul>`;
  }

  private row(one: RoomCheck): TemplateResult {
    const { checks } = this.m;
    const time = dayAndTime(one.at);
    const good = one.verdict === "good";
    // Red is what keeps lessons from being held.
    const tone = good ? "good" : one.faults === 0 ? "" : one.verdict === "bad" ? "live" : "warn";
    return html`<li data-testid="check-${one.id}">
      <span>${time}</span>
      <span class="badge ${tone}">
        ${icon(good ? "check" : "warning", 14)}${checks.grades[one.verdict]}
      </span>
      ${one.faults > 0 ? html`<span class="soft">${checks.faults(one.faults)}</span>` : nothing}
      <a
        href="${this.address}/${encodeURIComponent(one.id)}/page"
        target="_blank"
        aria-label=${checks.openOf(time)}
        >${checks.open}</a
      >
    </li>`;
  }
}

define("tk-room-checks", RoomChecks);

declare global {
  interface HTMLElementTagNameMap {
    "tk-room-checks": RoomChecks;
  }
}
