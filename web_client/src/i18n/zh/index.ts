// The Chinese catalogue.

import type { Messages } from "../en/index.ts";
import { live } from "./live.ts";
import { measures } from "./measures.ts";
import { office } from "./office.ts";
import { trust } from "./trust.ts";

export const zh: Messages = { ...live, ...office, ...measures, ...trust };
