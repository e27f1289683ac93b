// The English catalogue; its shape is the shape of every catalogue.

import { checks } from "./checks.ts";
import { county } from "./county.ts";
import { keys } from "./keys.ts";
import { live } from "./live.ts";
import { measures } from "./measures.ts";
import { office } from "./office.ts";
import { planning } from "./planning.ts";
import { rooms } from "./rooms.ts";
import { trust } from "./trust.ts";

export const en = {
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

/** What every language must have: the same keys, words or functions of the same parameters. */
type Words<T> = {
  [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends (...parameters: infer P) => string
      ? (...parameters: P) => string
      : Words<T[K]>;
};

export type Messages = Words<typeof en>;
