// Words that only the library and the player need: they come with those pages, and a lesson's page,
// which an old PC waits for, does not load them.

import { recordings as en } from "./en/recordings.ts";
import { currentLanguage } from "./index.ts";
import { recordings as zh } from "./zh/recordings.ts";

/** In the current language. */
export function recordingWords(): typeof en {
  return currentLanguage() === "en" ? en : zh;
}
