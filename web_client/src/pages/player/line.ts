// The viewer's line, which all parts of a recording share: who may load next, and what it carries.

import type { Need } from "./piece_source.ts";

/** Two at once: while the one's answer is on its way, the other loads. */
const MOST_AT_ONCE = 2;
/** What is smaller, and soon there, says more of the way than of the line. */
const TELLING_BYTES = 16_000;
const SOON_MS = 300;
/** So many of them, and nothing larger to measure by: then the line is taken for a good one. */
const SOON_OFTEN = 3;
const GOOD_BPS = 5_000_000;
const NEWEST_SHARE = 0.4;
/** Kept free: lines and pictures vary. */
const USABLE = 0.85;

/** What of a part is loaded: all of it, its sound, or nothing yet. */
export type Share = "all" | "sound" | "wait";

export interface Wish {
  readonly id: string;
  readonly large: boolean;
  readonly hasSound: boolean;
  /** Bits a second of all of it and of its sound; null: its index is not there yet. */
  readonly rates: { readonly all: number; readonly sound: number } | null;
}

/**
 * Every sound, then the large picture, then the others as far as the line goes. Before the line is
 * known the large one comes alone: it is seen soonest, and tells.
 */
export function shares(wishes: readonly Wish[], lineRate: number | null): Map<string, Share> {
  const out = new Map<string, Share>();
  let left = (lineRate ?? Infinity) * USABLE;
  for (const wish of wishes) left -= wish.rates?.sound ?? 0;
  for (const wish of [...wishes].sort((a, b) => Number(b.large) - Number(a.large))) {
    if (lineRate === null) {
      out.set(wish.id, wish.large ? "all" : "wait");
      continue;
    }
    const picture = wish.rates ? wish.rates.all - wish.rates.sound : 0;
    const fits = picture <= left || (wish.large && !wish.hasSound);
    if (fits) left -= picture;
    out.set(wish.id, fits ? "all" : wish.hasSound ? "sound" : "wait");
  }
  return out;
}

export class Line {
  /** Bits a second, as far as it has shown. */
  rate: number | null = null;
  private atOnce = 0;
  private bytes = 0;
  private busyMs = 0;
  private since = 0;
  private soon = 0;

  /** Begin what is needed most, as far as the line is free. `now` in milliseconds. */
  serve(needs: readonly Need[], now: () => number = () => performance.now()): void {
    const most = this.rate === null ? 1 : MOST_AT_ONCE;
    for (const need of [...needs].sort((a, b) => a.rank - b.rank)) {
      if (this.atOnce >= most) return;
      const began = now();
      this.begin(began);
      void need.load().then(
        (bytes) => this.done(bytes, began, now()),
        () => this.done(0, began, now()),
      );
    }
  }

  private begin(now: number): void {
    if (this.atOnce === 0) this.since = now;
    this.atOnce++;
  }

  private done(bytes: number, began: number, now: number): void {
    const since = Math.max(began, this.since);
    this.atOnce--;
    if (bytes < TELLING_BYTES && now - began < SOON_MS) {
      if (bytes > 0 && ++this.soon >= SOON_OFTEN) this.rate ??= GOOD_BPS;
      return;
    }
    this.busyMs += now - since;
    this.since = now;
    this.bytes += bytes;
    if (this.bytes < TELLING_BYTES || this.busyMs <= 0) return;
    const measured = (this.bytes * 8000) / this.busyMs;
    this.rate = this.rate === null ? measured : this.rate + (measured - this.rate) * NEWEST_SHARE;
    this.bytes = this.busyMs = 0;
  }
}
