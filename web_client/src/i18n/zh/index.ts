// The Chinese catalogue.

import type { Messages } from "../en/index.ts";
import { checks } from "./checks.ts";
import { county } from "./county.ts";
import { keys } from "./keys.ts";
import { live } from "./live.ts";
import { measures } from "./measures.ts";
import { office } from "./office.ts";
import { planning } from "./planning.ts";
import { rooms } from "./rooms.ts";
import { trust } from "./trust.ts";

export const zh: Messages = {
  ...checks,
  ...county,
  ...keys,
  ...live,
  ...office,
  ...measures,
  ...planning,
  ...rooms,
  ...trust,
};
