// Words of the import from a table: administrators alone read them, so they come with that page, and
// a lesson's page does not load them.

import { importing as en } from "./en/importing.ts";
import { currentLanguage } from "./index.ts";
import { importing as zh } from "./zh/importing.ts";

/** In the current language. */
export function importWords(): typeof en {
  return currentLanguage() === "en" ? en : zh;
}
