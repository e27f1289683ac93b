// What our own line has room for: all, or less. Pure: statistics and time are handed in.
//
// A browser lowers its pictures as far as it can, but it never stops them, and never lowers its
// sound. On a line of 100 kb/s both together cost words: the queue before the line is always full.
// So while a queue stands although the browser itself finds next to nothing left, the sound is sent
// at fewer bits, which are still clear speech. Where even that is too much, pictures are held back
// and tried again, more seldom each time that fails.

// Below this a voice of 40 kb/s (with its headers and some repeats 60) and the smallest picture do
// not fit.
const THIN_BPS = 150_000;
const WIDE_BPS = 200_000;
const QUEUE_S = 0.15; // so much more round trip than at best
const THIN_AFTER_S = 2; // not for one keyframe
const WIDE_AFTER_S = 5;
const HOLD_AFTER_S = 12; // time for the browser to lower its pictures and for the queue to empty
const FIRST_WAIT_S = 8;
const LONGEST_WAIT_S = 30;
const STEADY_S = 20; // so long without a queue, and the next trouble begins anew

export type Room = "all" | "less-sound" | "sound-alone";

export interface UplinkMeasured {
  /** What the browser believes the line carries; 0 while unknown. */
  readonly availableBps: number;
  /** The round trip as reported for our sound; 0 while unknown. */
  readonly roundTripS: number;
}

export class Uplink {
  private least = Infinity;
  private thin = false;
  private chokedSince: number | null = null;
  private wideSince: number | null = null;
  private heldUntil = -Infinity;
  private waitS = FIRST_WAIT_S;

  /** What the line has room for now. Call about once a second. */
  update({ availableBps, roundTripS }: UplinkMeasured, now: number): Room {
    if (roundTripS > 0) this.least = Math.min(this.least, roundTripS);
    if (now < this.heldUntil) {
      this.chokedSince = null;
      return "sound-alone";
    }
    const thin = availableBps > 0 && availableBps < THIN_BPS;
    const choked = thin && roundTripS > this.least + QUEUE_S;
    this.chokedSince = choked ? (this.chokedSince ?? now) : null;
    this.wideSince = availableBps >= WIDE_BPS ? (this.wideSince ?? now) : null;
    const chokedS = this.chokedSince === null ? -1 : now - this.chokedSince;
    const wideS = this.wideSince === null ? -1 : now - this.wideSince;
    if (chokedS >= THIN_AFTER_S) this.thin = true;
    if (wideS >= WIDE_AFTER_S) this.thin = false;
    if (chokedS < HOLD_AFTER_S) return this.thin ? "less-sound" : "all";
    const again = now - this.heldUntil < STEADY_S;
    this.waitS = again ? Math.min(LONGEST_WAIT_S, 2 * this.waitS) : FIRST_WAIT_S;
    this.heldUntil = now + this.waitS;
    return "sound-alone";
  }
}

/** What `Uplink` needs, from a connection's statistics. */
export function uplinkMeasured(report: Iterable<Record<string, unknown>>): UplinkMeasured {
  let availableBps = 0;
  let roundTripS = 0;
  for (const one of report) {
    if (one.type === "candidate-pair" && one.nominated === true) {
      availableBps = Number(one.availableOutgoingBitrate ?? 0);
    }
    if (one.type === "remote-inbound-rtp" && one.kind === "audio") {
      roundTripS = Number(one.roundTripTime ?? 0);
    }
  }
  return { availableBps, roundTripS };
}
