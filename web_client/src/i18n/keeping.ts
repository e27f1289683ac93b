// Words about how long recordings are kept: administrators alone read them, so they come with those
// pages, and a lesson's page does not load them.

import { keeping as en } from "./en/keeping.ts";
import { currentLanguage } from "./index.ts";
import { keeping as zh } from "./zh/keeping.ts";

/** In the current language. */
export function keepingWords(): typeof en {
  return currentLanguage() === "en" ? en : zh;
}
