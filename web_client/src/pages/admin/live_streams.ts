// Every layer that comes in: bitrate, what the line lost, what was got again, what was asked for.

import { html, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import type { LayerStats, LessonStats, SeatStats, SentStats } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { base, cards } from "../../design/shared.ts";
import { bitrate, facts, milliseconds, number } from "../../i18n/format.ts";
import { measuredTable } from "./live_table.ts";
import { sizeInWords } from "./live_words.ts";

export class LiveStreams extends TongkeElement {
  static override styles = [base, cards, measuredTable];

  @property({ attribute: false }) stats: LessonStats | null = null;

  override render(): TemplateResult {
    const { admin, measures } = this.m;
    const words = measures.lesson;
    const numbers = [words.rate, words.lossShort, words.recovered, words.jitter, words.keyframes];
    return html`<table aria-label=${words.streams}>
      <thead>
        <tr>
          ${[admin.live.seat, words.source, words.layer].map(
            (heading) => html`<th scope="col">${heading}</th>`,
          )}
          ${numbers.map((heading) => html`<th scope="col" class="number">${heading}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${(this.stats?.seats ?? []).map((seat) =>
          seat.devices.map((device) =>
            device.sends.map((sent) => sent.layers.map((layer) => this.layer(seat, sent, layer))),
          ),
        )}
      </tbody>
    </table>`;
  }

  private layer(seat: SeatStats, sent: SentStats, layer: LayerStats): TemplateResult {
    const { measures, sources } = this.m;
    const size = sizeInWords(layer.layer, sent.layers.length, this.m);
    const picture = sent.kind === "video";
    return html`<tr>
      <th scope="row">${seat.name}</th>
      <td>
        ${facts([
          (sources as Record<string, string>)[sent.source] ?? sent.source,
          sent.codec,
          sent.paused ? measures.reasons["producer-paused"] : "",
          ...sent.faults.map((fault) => measures.faults[fault]),
        ])}
      </td>
      <td>${facts([size, layer.width ? `${layer.width} × ${layer.height}` : ""]) || "–"}</td>
      <td class="number">
        ${layer.live ? bitrate(layer.bitrate_bps) : measures.reasons["producer-silent"]}
      </td>
      <td class="number">${number(layer.lost)}</td>
      <td class="number">${number(layer.recovered)}</td>
      <td class="number">${milliseconds(layer.jitter_ms)}</td>
      <td class="number">
        ${picture ? `${number(layer.keyframe_requests)} / ${number(layer.keyframes)}` : "–"}
      </td>
    </tr>`;
  }
}

define("tk-live-streams", LiveStreams);
