// One live lesson measured: curves of each seat's line, and below them every connection, who gets
// which picture and why, and every layer that comes in.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { ApiError, get } from "../../api/client.ts";
import type { LessonStats } from "../../api/types.ts";
import "../../components/chart.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { Polling } from "../../components/polling.ts";
import { base, cards } from "../../design/shared.ts";
import { bitrate, milliseconds, percent } from "../../i18n/format.ts";
import "./live_flows.ts";
import "./live_lines.ts";
import "./live_streams.ts";
import { bySeat, type History, NO_HISTORY, remember, type SeatLine } from "./live_series.ts";

const LOOK_EVERY_MS = 2000;
type Histories = Record<keyof SeatLine, History>;
const NONE: Histories = {
  sendsBps: NO_HISTORY,
  getsBps: NO_HISTORY,
  loss: NO_HISTORY,
  rttMs: NO_HISTORY,
};

export class LiveMeasures extends TongkeElement {
  static override styles = [
    base,
    cards,
    css`
      :host {
        display: grid;
        gap: 24px;
        padding: 16px;
        border-top: 1px solid var(--line);
      }
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr));
        gap: 24px;
      }
      details > summary {
        margin-bottom: 8px;
        font-weight: 600;
        cursor: pointer;
      }
    `,
  ];

  @property() lesson = "";
  @state() private stats: LessonStats | null = null;
  @state() private histories = NONE;
  @state() private trouble: "" | "ended" | "interrupted" = "";

  constructor() {
    super();
    new Polling(this, () => this.load(), LOOK_EVERY_MS);
  }

  private async load(): Promise<void> {
    try {
      const stats = await get<LessonStats>(`/api/lessons/${this.lesson}/stats`);
      this.stats = stats;
      this.trouble = "";
      const next = { ...this.histories };
      for (const measure of Object.keys(next) as (keyof SeatLine)[])
        next[measure] = remember(next[measure], stats.at, bySeat(stats, measure));
      this.histories = next;
    } catch (error) {
      this.trouble = error instanceof ApiError && error.status === 404 ? "ended" : "interrupted";
    }
  }

  override render(): TemplateResult {
    const { measures } = this.m;
    const { stats, trouble } = this;
    const notice = trouble
      ? html`<p class="soft" role="status">${measures[trouble]}</p>`
      : nothing;
    if (!stats) return trouble ? html`${notice}` : html`<tk-skeleton rows="1"></tk-skeleton>`;
    const words = measures.lesson;
    return html`${notice}
      <div class="charts">
        ${this.chart(words.gets, "getsBps", bitrate, 500_000)}
        ${this.chart(words.sends, "sendsBps", bitrate, 500_000)}
        ${this.chart(words.loss, "loss", percent, 0.05)}
        ${this.chart(words.roundTrip, "rttMs", milliseconds, 20)}
      </div>
      <tk-live-flows .stats=${stats}></tk-live-flows>
      <tk-live-lines .stats=${stats}></tk-live-lines>
      <details>
        <summary>${words.streams}</summary>
        <tk-live-streams .stats=${stats}></tk-live-streams>
      </details>`;
  }

  private chart(
    heading: string,
    measure: keyof SeatLine,
    format: (value: number) => string,
    least: number,
  ): TemplateResult {
    const history = this.histories[measure];
    const series = (this.stats?.seats ?? []).flatMap((seat, sign) => {
      const values = history.rows[seat.seat_id];
      return values ? [{ label: seat.name, sign, values }] : [];
    });
    return html`<tk-chart
      .heading=${heading}
      .times=${history.times}
      .series=${series}
      .format=${format}
      .least=${least}
    ></tk-chart>`;
  }
}

define("tk-live-measures", LiveMeasures);
