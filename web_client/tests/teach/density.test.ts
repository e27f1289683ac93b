// How whole the rooms' cards are in the windows that teachers have.

import { expect, it } from "vitest";
import { density } from "../../src/pages/teach/density.ts";

it.each([
  [1920, 1080, 6, false, "whole"],
  [1366, 768, 4, false, "whole"],
  [1366, 768, 4, true, "flat"],
  [1366, 641, 3, false, "whole"],
  [1366, 641, 4, false, "low"], // every word is there
  [1366, 641, 5, false, "flat"],
  [1366, 641, 2, true, "low"],
  [1366, 641, 4, true, "flat"],
  [820, 1180, 8, true, "whole"], // one below the other: the page scrolls
  [390, 844, 8, false, "whole"],
] as const)("%i × %i with %i rooms, chat %s: %s", (innerWidth, innerHeight, rooms, chat, cards) => {
  expect(density(rooms, chat, { innerWidth, innerHeight })).toBe(cards);
});
