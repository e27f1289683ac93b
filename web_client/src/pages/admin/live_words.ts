// What somebody gets of a stream, in words. Pure.

import type { ReceivedStats } from "../../api/types.ts";
import { bitrate, facts } from "../../i18n/format.ts";
import type { Messages } from "../../i18n/index.ts";

/** Teacher: large · 1.2 Mb/s */
export function flowInWords(flow: ReceivedStats, words: Messages): string {
  const { measures, sources } = words;
  const name = sources[flow.source];
  if (flow.reason !== "") return measures.flow(name, measures.reasons[flow.reason]);
  if (flow.layer < 0 && flow.target < 0) return measures.flow(name, measures.lesson.nobody);
  const size = flow.layer < 0 ? "" : sizeInWords(flow.layer, flow.layers, words);
  const changing =
    flow.target >= 0 && flow.target !== flow.layer
      ? measures.switching(sizeInWords(flow.target, flow.layers, words) || name)
      : "";
  return measures.flow(name, facts([size, changing, bitrate(flow.bitrate_bps)]));
}

/** A layer of several in a word; of one alone there is nothing to say. */
export function sizeInWords(layer: number, layers: number, words: Messages): string {
  const { small, medium, large } = words.measures.layers;
  if (layers < 2) return "";
  if (layer === 0) return small;
  return layer === layers - 1 ? large : medium;
}
