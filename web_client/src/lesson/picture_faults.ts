// Pictures that not all browsers can show as they are coded, in words. Pure.

import type { Messages } from "../i18n/index.ts";
import { videoSources } from "./selectors.ts";
import type { View } from "./state.ts";

/** Whose picture it is, what is wrong and what to do; "" when all is well. */
export function pictureFaultInWords(view: View, words: Messages): string {
  for (const seat of view.seats.values()) {
    for (const { source, faults } of videoSources(seat)) {
      const fault = faults[0]; // the worst stands first
      if (fault) {
        const picture = words.tile.pictureOf(seat.name, words.sources[source]);
        return words.lesson.pictureFault(picture, words.lesson.pictureFaults[fault]);
      }
    }
  }
  return "";
}
