// How the server itself is: what it forwards, how long that takes, what it drops, what it needs.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get } from "../../api/client.ts";
import type { NodeStats } from "../../api/types.ts";
import "../../components/chart.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { Polling } from "../../components/polling.ts";
import { icon } from "../../design/icons.ts";
import { base, cards } from "../../design/shared.ts";
import { bitrate, facts, megabytes, milliseconds, number, percent } from "../../i18n/format.ts";
import { type History, NO_HISTORY, type NodeRates, ratesBetween, remember } from "./live_series.ts";

const LOOK_EVERY_MS = 2000;
// The server's own trouble; the others are what networks and muted rooms bring with them.
const ALARMING = new Set([
  "event_ring_full",
  "outbox_full",
  "history_full",
  "socket_full",
  "send_error",
  "protect",
  "plain_full",
  "plain_error",
]);
const whole = (value: number): string => number(Math.round(value));

export class LiveNode extends TongkeElement {
  static override styles = [
    base,
    cards,
    css`
      .card {
        display: grid;
        gap: 16px;
        padding: 16px;
      }
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        gap: 12px;
      }
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr));
        gap: 24px;
      }
      table.drops {
        justify-self: start;
        width: auto;
        min-width: 300px;
      }
      .drops td {
        padding: 3px 8px;
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
      }
      .drops td + td {
        text-align: end;
      }
      caption {
        padding-bottom: 4px;
        font-weight: 600;
        text-align: start;
      }
    `,
  ];

  @state() private stats: NodeStats | null = null;
  @state() private rates: NodeRates | null = null;
  @state() private history: History = NO_HISTORY;
  @state() private interrupted = false;

  constructor() {
    super();
    new Polling(this, () => this.load(), LOOK_EVERY_MS);
  }

  private async load(): Promise<void> {
    try {
      const stats = await get<NodeStats>("/api/admin/media");
      const rates = this.stats && ratesBetween(this.stats, stats);
      this.stats = stats;
      this.interrupted = false;
      if (!rates) return;
      this.rates = rates;
      this.history = remember(this.history, stats.at, curvesOf(rates));
    } catch {
      this.interrupted = true; // the section above says what is wrong; what is drawn stays
    }
  }

  override render(): TemplateResult {
    const { node } = this.m.measures;
    const { stats, rates } = this;
    return html`<div class="card">
      <header>
        <h2>${node.heading}</h2>
        <span class="soft small">
          ${stats
            ? facts([
                node.connections(stats.ports.reduce((sum, port) => sum + port.transports, 0)),
                node.memory(megabytes(stats.resident_bytes)),
                rates ? node.late(milliseconds(rates.tickLateMs)) : "",
              ])
            : this.m.measures.waiting}
        </span>
        ${this.interrupted
          ? html`<span class="badge warn" role="status">${this.m.measures.interrupted}</span>`
          : nothing}
      </header>
      ${stats ? this.charts() : html`<tk-skeleton rows="1"></tk-skeleton>`}
      ${rates ? this.drops(rates) : nothing}
    </div>`;
  }

  private charts(): TemplateResult {
    const { node } = this.m.measures;
    return html`<div class="charts">
      ${this.chart(node.forwarded, whole, 100, { forwardedPerS: node.sent })}
      ${this.chart(node.traffic, bitrate, 1e6, { receivedBps: node.received, sentBps: node.sent })}
      ${this.chart(node.delay, milliseconds, 2, {
        delayP99Ms: node.p99,
        delayMedianMs: node.median,
      })}
      ${this.chart(node.load, percent, 0.5, { cpu: node.cpu })}
    </div>`;
  }

  private chart(
    heading: string,
    format: (value: number) => string,
    least: number,
    lines: Partial<Record<keyof NodeRates, string>>,
  ): TemplateResult {
    const series = Object.entries(lines).map(([key, label], sign) => ({
      label,
      sign,
      values: this.history.rows[key] ?? this.history.times.map(() => null),
    }));
    return html`<tk-chart
      .heading=${heading}
      .times=${this.history.times}
      .series=${series}
      .format=${format}
      .least=${least}
    ></tk-chart>`;
  }

  private drops({ drops }: NodeRates): TemplateResult {
    const { node, drops: words } = this.m.measures;
    const normal: Partial<Record<string, string>> = this.m.measures.normal;
    if (drops.length === 0) return html`<p class="soft small">${node.noDrops}</p>`;
    return html`<table class="drops">
      <caption>
        ${node.drops}
      </caption>
      <thead class="visually-hidden">
        <tr>
          <th scope="col">${node.reason}</th>
          <th scope="col">${node.perSecond}</th>
        </tr>
      </thead>
      <tbody>
        ${drops.map(
          ({ reason, perS }) =>
            html`<tr>
              <td>
                ${ALARMING.has(reason) ? html`${icon("warning", 14)} ` : nothing}${
                  (words as Record<string, string>)[reason] ?? reason
                }
                ${normal[reason] ? html`<div class="soft">${normal[reason]}</div>` : nothing}
              </td>
              <td>${perS < 1 ? "< 1" : whole(perS)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
  }
}

/** What is drawn over time. */
function curvesOf(rates: NodeRates): Record<string, number | null> {
  const { forwardedPerS, receivedBps, sentBps, cpu, delayMedianMs, delayP99Ms } = rates;
  return { forwardedPerS, receivedBps, sentBps, cpu, delayMedianMs, delayP99Ms };
}

define("tk-live-node", LiveNode);
