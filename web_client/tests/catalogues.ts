// All words of each language: what every page loads, and what comes with some pages alone.

import { en as everywhere } from "../src/i18n/en/index.ts";
import { importing } from "../src/i18n/en/importing.ts";
import { keeping } from "../src/i18n/en/keeping.ts";
import { recordings } from "../src/i18n/en/recordings.ts";
import { zh as zhEverywhere } from "../src/i18n/zh/index.ts";
import { importing as zhImporting } from "../src/i18n/zh/importing.ts";
import { keeping as zhKeeping } from "../src/i18n/zh/keeping.ts";
import { recordings as zhRecordings } from "../src/i18n/zh/recordings.ts";

export const en = { ...everywhere, importing, keeping, recordings };
export const zh = { ...zhEverywhere, importing: zhImporting, keeping: zhKeeping, recordings: zhRecordings };
