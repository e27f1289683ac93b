// Who gets what: a row for each seat that receives, a column for each that sends, in each cell the
// sources with their size and bitrate, or why nothing of them is sent.

import { css, html, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import type { LessonStats, ReceivedStats, SeatStats } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { base, cards } from "../../design/shared.ts";
import { measuredTable } from "./live_table.ts";
import { flowInWords } from "./live_words.ts";

export class LiveFlows extends TongkeElement {
  static override styles = [
    base,
    cards,
    measuredTable,
    css`
      td > div {
        white-space: nowrap;
      }
      .held {
        color: var(--weak);
      }
    `,
  ];

  @property({ attribute: false }) stats: LessonStats | null = null;

  override render(): TemplateResult {
    const { lesson } = this.m.measures;
    const seats = this.stats?.seats ?? [];
    const senders = seats.filter((seat) => seat.devices.some((device) => device.sends.length > 0));
    const receivers = seats.filter((seat) => receivesOf(seat).length > 0);
    return html`<table>
      <caption>
        ${lesson.flows}
      </caption>
      <thead>
        <tr>
          <th scope="col">${lesson.receiver}</th>
          ${senders.map((seat) => html`<th scope="col">${lesson.from} ${seat.name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${receivers.map(
          (seat) =>
            html`<tr>
              <th scope="row">${seat.name}</th>
              ${senders.map((sender) => html`<td>${this.cell(seat, sender)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>`;
  }

  private cell(receiver: SeatStats, sender: SeatStats): TemplateResult | TemplateResult[] {
    const flows = receivesOf(receiver).filter((flow) => flow.from_seat_id === sender.seat_id);
    if (flows.length === 0) return html`<span class="soft">–</span>`;
    return flows.map((flow) => {
      const held = flow.reason === "bandwidth";
      return html`<div class=${held ? "held" : flow.layer < 0 ? "soft" : ""}>
        ${flowInWords(flow, this.m)}
      </div>`;
    });
  }
}

function receivesOf(seat: SeatStats): ReceivedStats[] {
  return seat.devices.flatMap((device) => device.receives);
}

define("tk-live-flows", LiveFlows);
