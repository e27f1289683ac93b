// Which of a part's pictures is played: the best, or the small one that was recorded beside it. Pure.

import type { Part, Recording } from "../../api/types.ts";
import type { Wish } from "./line.ts";

export const QUALITIES = ["auto", "sharp", "small"] as const;
export type Quality = (typeof QUALITIES)[number];

/** Kept free, as in `line.ts`. */
const USABLE = 0.85;
/** A line that does not carry all for so long is thin: one that is sought in, or begins, is no such. */
const THIN_AFTER_S = 3;
/** One that has room for the large pictures, and a third more, for so long carries them again. */
const ROOMY = 1.33;
const GOOD_AFTER_S = 20;

export function hasSmall(recording: Recording): boolean {
  return recording.parts.some((part) => part.low);
}

const smallOf = new WeakMap<Part, Part>();

/** The same part with its picture small, if it was recorded so; always the same object. */
export function small(part: Part): Part {
  const { low } = part;
  if (!low) return part;
  let found = smallOf.get(part);
  if (!found) {
    found = { ...part, ...low, duration_s: part.duration_s };
    smallOf.set(part, found);
  }
  return found;
}

/** Whether the line is too thin for the large pictures, as far as it has shown. */
export class ThinLine {
  private thin = false;
  private since: number | null = null;
  private largeRate = 0;

  /** `wishes` are what would be loaded now, `lineRate` what the line carries, `now` in seconds. */
  look(wishes: readonly Wish[], lineRate: number | null, now: number): boolean {
    if (lineRate === null || wishes.some((wish) => !wish.rates)) return this.thin;
    const all = wishes.reduce((sum, wish) => sum + (wish.rates?.all ?? 0), 0);
    if (!this.thin) this.largeRate = all;
    const usable = lineRate * USABLE;
    const turns = this.thin ? usable > this.largeRate * ROOMY : usable < all;
    if (!turns) this.since = null;
    else this.since ??= now;
    const after = this.thin ? GOOD_AFTER_S : THIN_AFTER_S;
    if (this.since !== null && now - this.since >= after) {
      this.thin = !this.thin;
      this.since = null;
    }
    return this.thin;
  }
}
