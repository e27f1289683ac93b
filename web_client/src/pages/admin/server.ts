// This server: its version, the room that is left for recordings, its settings, the end of its log.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get } from "../../api/client.ts";
import type { ThisServer } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { failure } from "../../components/states.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls, facts, fields } from "../../design/shared.ts";
import { bytes, dayAndTime, relative } from "../../i18n/format.ts";
import { keepingWords } from "../../i18n/keeping.ts";
import { found, type Value } from "./finding.ts";
import { finder, tools } from "./table_tools.ts";

const FEW_DAYS = 30;
const MANY_DAYS = 730;
type Setting = ThisServer["settings"][number];
const valuesOf = (one: Setting): Value[] => [one.name, one.value];

export class AdminServer extends TongkeElement {
  static override styles = [
    base,
    controls,
    fields,
    facts,
    cards,
    tools,
    css`
      :host {
        display: grid;
        gap: 16px;
      }
      .card {
        display: grid;
        gap: 12px;
      }
      .cards {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(380px, 100%), 1fr));
        gap: 16px;
        align-items: start;
      }
      .disk {
        display: grid;
        gap: 4px;
        font-weight: 400;
      }
      meter {
        width: 100%;
        height: 16px;
      }
      .few {
        display: flex;
        gap: 8px;
        padding: 8px 12px;
        border-radius: var(--radius);
        background: var(--warn-ground);
        color: var(--warn);
      }
      .few svg {
        flex: none;
        margin-top: 2px;
      }
      .scroll {
        position: relative;
        max-height: 360px;
        overflow: auto;
        border: 1px solid var(--line);
        border-radius: var(--radius);
      }
      td.value {
        min-width: 12em;
        overflow-wrap: anywhere;
      }
      @media (max-width: 600px) {
        td.value {
          min-width: 8em;
        }
      }
      pre {
        margin: 0;
        padding: 12px;
        font-size: var(--text-small);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .finder {
        margin-bottom: 0;
      }
    `,
  ];

  @state() private server: ThisServer | null = null;
  @state() private error: unknown = null;
  @state() private soughtSetting = "";
  @state() private onlyChanged = true;
  @state() private soughtLine = "";

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private readonly load = async (): Promise<void> => {
    try {
      this.server = await get<ThisServer>("/api/admin/server");
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    await this.updateComplete;
    const log = this.renderRoot.querySelector(".log");
    if (log) log.scrollTop = log.scrollHeight; // the latest stands at the end
  };

  override render(): TemplateResult {
    const { server: words, app } = this.m;
    if (this.error !== null) return failure(app, this.error, () => void this.load());
    const { server } = this;
    if (!server) return html`<tk-skeleton rows="4"></tk-skeleton>`;
    return html`<header class="row">
        <h1 tabindex="-1">${words.title}</h1>
        <button class="slim" @click=${this.load}>${words.reload}</button>
      </header>
      <div class="cards">
        <div class="card">
          <h2>${words.version}</h2>
          <dl>
            <dt>${words.version}</dt>
            <dd data-testid="version">Tongke ${server.version}</dd>
            <dt>${words.system}</dt>
            <dd>${server.system}, Python ${server.python}</dd>
            <dt>${words.runsSince}</dt>
            <dd>
              ${dayAndTime(server.started_at)}
              <span class="soft">· ${relative(server.started_at, server.server_time)}</span>
            </dd>
          </dl>
          <p>
            <a href="/api/admin/server/check/page" target="_blank" data-testid="check-server"
              >${this.m.checks.server}</a
            >
            <span class="soft small">${this.m.checks.serverHint}</span>
          </p>
        </div>
        ${this.storage(server)}
      </div>
      ${this.settings(server)} ${this.log(server)}`;
  }

  private storage({ recordings, data }: ThisServer): TemplateResult {
    const { server: words } = this.m;
    const { free_bytes: free, total_bytes: total, days_left: left } = recordings;
    return html`<div class="card">
      <h2>${words.storage}</h2>
      ${left !== null && left < FEW_DAYS
        ? html`<p class="few" role="alert">${icon("warning")}<span>${words.fewDays}</span></p>`
        : nothing}
      ${free !== null && total
        ? html`<label class="disk">
            <span data-testid="disk">${words.diskUsed(bytes(total - free), bytes(free))}</span>
            <meter
              min="0"
              max=${total}
              low=${total * 0.8}
              high=${total * 0.9}
              optimum="0"
              value=${total - free}
            ></meter>
          </label>`
        : nothing}
      <dl>
        <dt>${words.used}</dt>
        <dd>${bytes(recordings.used_bytes)}</dd>
        <dt>${words.free}</dt>
        <dd data-testid="free">
          ${free === null || total === null
            ? words.diskUnknown
            : words.freeOf(bytes(free), bytes(total))}
        </dd>
        <dt>${words.perDay}</dt>
        <dd>${this.perDay(recordings.per_day_bytes)}</dd>
        ${left === null
          ? nothing
          : html`<dt>${words.daysLeft}</dt>
              <dd data-testid="days-left">
                ${left > MANY_DAYS ? words.manyDays : words.days(Math.floor(left))}
              </dd>`}
        ${recordings.disks.length > 1
          ? html`<dt>${keepingWords().disks}</dt>
              ${recordings.disks.map(
                (disk) =>
                  html`<dd data-testid="disk-of-several">
                    <code>${disk.folder}</code>
                    <span class="soft"
                      >${disk.free_bytes === null || disk.total_bytes === null
                        ? words.diskUnknown
                        : words.freeOf(bytes(disk.free_bytes), bytes(disk.total_bytes))}</span
                    >
                  </dd>`,
              )}`
          : html`<dt>${words.recordingsFolder}</dt>
              <dd><code>${recordings.folder}</code></dd>`}
        <dt>${words.dataFolder}</dt>
        <dd>
          <code>${data.folder}</code>
          ${data.free_bytes !== null && data.total_bytes !== total
            ? html`<span class="soft">${words.free} ${bytes(data.free_bytes)}</span>`
            : nothing}
        </dd>
      </dl>
    </div>`;
  }

  private perDay(perDay: number | null): string {
    const { server: words } = this.m;
    if (perDay === null) return words.perDayUnknown;
    return perDay > 0 ? bytes(perDay) : words.nothingComes;
  }

  private settings({ settings }: ThisServer): TemplateResult {
    const { server: words, tables } = this.m;
    const left = this.onlyChanged ? settings.filter((one) => !one.is_default) : settings;
    const shown = found(left, valuesOf, this.soughtSetting);
    return html`<div class="card">
      <h2>${words.settings}</h2>
      <p class="soft small">${words.settingsHint}</p>
      ${finder({
        words: tables,
        what: words.settings,
        text: this.soughtSetting,
        shown: shown.length,
        all: settings.length,
        todos: [],
        find: (text) => (this.soughtSetting = text),
      })}
      <label class="check">
        <input
          type="checkbox"
          .checked=${this.onlyChanged}
          @change=${(event: Event) =>
            (this.onlyChanged = (event.target as HTMLInputElement).checked)}
        />
        ${words.onlyChanged}
      </label>
      ${left.length === 0 ? html`<p data-testid="all-usual">${words.allUsual}</p>` : nothing}
      <div
        class="scroll"
        tabindex="0"
        role="region"
        aria-label=${words.settings}
        ?hidden=${left.length === 0}
      >
        <table>
          <thead>
            <tr>
              <th scope="col">${words.setting}</th>
              <th scope="col">${words.value}</th>
              <td></td>
            </tr>
          </thead>
          <tbody>
            ${shown.map(
              (one) =>
                html`<tr>
                  <td><code>${one.name}</code></td>
                  <td class="value">
                    ${one.value || html`<span class="soft">${words.empty}</span>`}
                  </td>
                  <td>
                    ${one.is_default
                      ? html`<span class="soft small">${words.usual}</span>`
                      : html`<span class="badge good">${words.changed}</span>`}
                  </td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </div>`;
  }

  private log({ log }: ThisServer): TemplateResult {
    const { server: words } = this.m;
    const lines = found(log, (line) => [line], this.soughtLine);
    return html`<div class="card">
      <h2>${words.log}</h2>
      <p class="soft small">${words.logHint}</p>
      <label class="row">
        <span class="small">${words.logWith}</span>
        <input
          type="search"
          data-testid="search-log"
          .value=${this.soughtLine}
          @input=${(event: Event) => (this.soughtLine = (event.target as HTMLInputElement).value)}
        />
      </label>
      <div class="scroll log" tabindex="0" role="region" aria-label=${words.log}>
        <pre>${lines.length ? lines.join("\n") : words.logEmpty}</pre>
      </div>
    </div>`;
  }
}

define("tk-admin-server", AdminServer);

declare global {
  interface HTMLElementTagNameMap {
    "tk-admin-server": AdminServer;
  }
}
