// What our own line has room for: all, or less. Pure: statistics and time are handed in.
//
// A browser lowers its pictures as far as it can, but it tries for more until the queue before the
// line is full, never stops its pictures, and never lowers its sound. On a line of 100 kb/s that
// costs words every few seconds. So once a queue stands although the browser itself finds next to
// nothing left, the sound is sent at fewer bits, which are still clear speech, and pictures get a
// share that grows step by step only while no queue begins to stand. Where even the least is too
// much, pictures are held back and tried again, more seldom each time that fails.

// Below this a voice of 40 kb/s (with its headers and some repeats 60) and the smallest picture do
// not fit. A line on which pictures have grown so far again has room for all.
const THIN_BPS = 150_000;
const WIDE_BPS = 200_000;
const QUEUE_S = 0.15; // so much more round trip than at best: the next thing is loss
const BEGINNING_S = 0.1; // … the last step was too much
const NO_QUEUE_S = 0.05; // … that is other traffic's, or the way's own swaying
const DRIFT = 0.001; // seconds a second: a longer way is no queue, but is only known after minutes
const CHOKED_S = 1; // not for one report
// Pictures' share of what the line carried when it choked. The rest is for sound: at 20 kb/s with
// its headers and repeats 45.
const PICTURES_SHARE = 0.5;
const LEAST_PICTURES_BPS = 30_000; // browsers send no picture with less
// One step too many fills the queue so slowly that it is noticed before anything is lost; from half
// of a thin line to all it takes six: pictures are as sharp as ever half a minute after its return.
const STEP = 1.25;
const STEP_EVERY_S = 3; // a report comes once a second, of the second before
const STEP_AGAIN_S = 8;
const STEP_BACK = STEP * STEP; // what stands in the queue must go too
const STEP_BACK_EVERY_S = 3;
const HOLD_AFTER_S = 12; // time for the browser to lower its pictures and for the queue to empty
const FIRST_HOLD_S = 8;
const LONGEST_HOLD_S = 30;
const STEADY_S = 20; // so long without holding, and the next trouble begins anew

/** Bits a second of pictures for which there is room: Infinity for all, 0 for sound alone. */
export type PicturesBps = number;

export interface UplinkMeasured {
  /** What the browser believes the line carries; 0 while unknown. */
  readonly availableBps: number;
  /** The round trip as reported for our sound; 0 while unknown. */
  readonly roundTripS: number;
}

export class Uplink {
  private pictures: PicturesBps = Infinity;
  private least = Infinity;
  private chokedSince: number | null = null;
  private easeAt = -Infinity;
  private growAt = -Infinity;
  private heldUntil = -Infinity;
  private holdS = FIRST_HOLD_S;

  /** What there is room for now. Call about once a second. */
  update({ availableBps, roundTripS }: UplinkMeasured, now: number): PicturesBps {
    if (roundTripS > 0) this.least = Math.min(this.least + DRIFT, roundTripS);
    const queueS = roundTripS > 0 ? roundTripS - this.least : 0;
    if (this.pictures === 0) {
      if (now >= this.heldUntil) this.ease(LEAST_PICTURES_BPS, now);
      return this.pictures;
    }
    const all = this.pictures === Infinity;
    const thin = !all || (availableBps > 0 && availableBps < THIN_BPS);
    this.chokedSince = thin && queueS > QUEUE_S ? (this.chokedSince ?? now) : null;
    const chokedS = this.chokedSince === null ? -1 : now - this.chokedSince;
    if (all) {
      if (chokedS >= CHOKED_S) this.ease(PICTURES_SHARE * availableBps, now);
    } else if (chokedS >= HOLD_AFTER_S) {
      this.hold(now);
    } else if (availableBps >= WIDE_BPS) {
      this.pictures = Infinity;
    } else if (queueS > BEGINNING_S) {
      if (now >= this.easeAt) this.ease(this.pictures / STEP_BACK, now);
    } else if (now >= this.growAt && queueS < NO_QUEUE_S && this.pictures * STEP < availableBps) {
      this.set(this.pictures * STEP);
      this.growAt = now + STEP_EVERY_S;
    }
    return this.pictures;
  }

  /** Less, and no more for a while. */
  private ease(bitrateBps: number, now: number): void {
    this.set(bitrateBps);
    this.easeAt = now + STEP_BACK_EVERY_S;
    this.growAt = now + STEP_AGAIN_S;
  }

  private set(bitrateBps: number): void {
    const most = bitrateBps > THIN_BPS ? Infinity : Math.round(bitrateBps);
    this.pictures = Math.max(LEAST_PICTURES_BPS, most);
  }

  private hold(now: number): void {
    const again = now - this.heldUntil < STEADY_S;
    this.holdS = again ? Math.min(LONGEST_HOLD_S, 2 * this.holdS) : FIRST_HOLD_S;
    this.heldUntil = now + this.holdS;
    this.pictures = 0;
    this.chokedSince = null;
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
