// Every connection of a lesson: a row for each way of each device, its state in words.

import { html, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import type { DeviceStats, LessonStats, LineStats } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { base, cards } from "../../design/shared.ts";
import { bitrate, milliseconds, number, percent } from "../../i18n/format.ts";
import { measuredTable } from "./live_table.ts";

const TONES = { new: "", connected: "good", lost: "live", closed: "" };
// Where people begin to notice, as the lesson itself judges lines.
const WEAK_LOSS = 0.05;

export class LiveLines extends TongkeElement {
  static override styles = [base, cards, measuredTable];

  @property({ attribute: false }) stats: LessonStats | null = null;

  override render(): TemplateResult {
    const { admin, measures } = this.m;
    const words = measures.lesson;
    const headings = [words.rate, words.available, words.lossShort, words.roundTrip, words.repairs];
    return html`<table>
      <caption>
        ${words.lines}
      </caption>
      <thead>
        <tr>
          ${[admin.live.seat, words.way, words.state].map(
            (heading) => html`<th scope="col">${heading}</th>`,
          )}
          ${headings.map((heading) => html`<th scope="col" class="number">${heading}</th>`)}
          <th scope="col" class="number">${words.address}</th>
        </tr>
      </thead>
      <tbody>
        ${(this.stats?.seats ?? []).map((seat) =>
          seat.devices.map((device) => this.device(seat.name, device)),
        )}
        ${(this.stats?.strangers ?? []).map((device) => this.device("–", device))}
      </tbody>
    </table>`;
  }

  private device(name: string, { up, down }: DeviceStats): TemplateResult {
    const { lesson } = this.m.measures;
    return html`${up ? this.line(name, lesson.up, up) : nothing}
    ${down ? this.line(name, lesson.down, down) : nothing}`;
  }

  private line(name: string, way: string, line: LineStats): TemplateResult {
    const { lesson } = this.m.measures;
    const known = (value: number | null, format: (value: number) => string): string =>
      value === null ? lesson.unknown : format(value);
    return html`<tr>
      <th scope="row">${name}</th>
      <td>${way}</td>
      <td>
        <span class="badge ${TONES[line.state]}">${lesson.states[line.state]}</span>
        ${line.failure}
      </td>
      <td class="number">${bitrate(line.bitrate_bps)}</td>
      <td class="number">${known(line.available_bps, bitrate)}</td>
      <td class="number">
        ${line.loss >= WEAK_LOSS
          ? html`<span class="badge warn">${percent(line.loss)}</span>`
          : percent(line.loss)}
      </td>
      <td class="number">${known(line.rtt_ms, milliseconds)}</td>
      <td class="number">
        ${number(line.nacks_received)} / ${number(line.packets_retransmitted)}
      </td>
      <td class="number soft">${line.address}</td>
    </tr>`;
  }
}

define("tk-live-lines", LiveLines);
