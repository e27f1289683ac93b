// How long sound waits before it is played, so that what was lost can come again in time. Pure:
// counters and time are handed in.
//
// The browser's own buffer fits a line's jitter, not its repairs: on a line that loses packets the
// repeated ones come too late and words break although nothing stays lost. While packets are being
// asked for again, sound waits long enough for two tries, and longer while words still break (the
// speaker's own line may be the weak one); on a clean line the browser decides.

const BEGIN_NACKS = 3; // within a second: a lost packet now and then is concealed well enough
const KEEP_S = 20; // a line that lost will lose again; each change is a short stretch of the sound
const TRIES = 2; // with 30 % loss one packet in 37 stays away after these
const BROKEN = 0.02; // this share of the sound made up by the browser is heard as broken words
const STEP_MS = 30;
const MARGIN_MS = 60; // until a gap is noticed, and the browser's own jitter
const MOST_MS = 400; // beyond, people talk at the same time (ITU-T G.114)

export interface SoundReceived {
  /** Packets asked for again so far. */
  readonly nacks: number;
  readonly roundTripS: number;
  /** Samples played so far, and those of them that the browser had to make up. */
  readonly played: number;
  readonly madeUp: number;
}

export class SoundDelay {
  private nacks = 0;
  private played = 0;
  private madeUp = 0;
  private lossyUntil = -Infinity;
  private target: number | null = null;

  /** The least time in ms that sound should wait; null leaves it to the browser. Once a second. */
  update({ nacks, roundTripS, played, madeUp }: SoundReceived, now: number): number | null {
    const asked = nacks - this.nacks;
    const broken = madeUp - this.madeUp > BROKEN * (played - this.played);
    Object.assign(this, { nacks, played, madeUp });
    if (asked >= BEGIN_NACKS) this.lossyUntil = now + KEEP_S;
    if (now >= this.lossyUntil) {
      this.target = null;
      return null;
    }
    const needed = TRIES * 1000 * roundTripS + MARGIN_MS;
    const longer = this.target !== null && broken ? this.target + STEP_MS : 0;
    // It only grows while the line is lossy: a round trip that swings must not stretch the sound.
    this.target = Math.round(Math.min(MOST_MS, Math.max(this.target ?? 0, needed, longer)));
    return this.target;
  }
}

/** What `SoundDelay` needs of every sound, by track, from a connection's statistics. */
export function soundsReceived(
  report: Iterable<Record<string, unknown>>,
): Map<string, SoundReceived> {
  const all = [...report];
  const pairs = all.filter((one) => one.type === "candidate-pair" && one.nominated === true);
  const roundTripS = Math.max(0, ...pairs.map((one) => Number(one.currentRoundTripTime ?? 0)));
  const sounds = all.filter((one) => one.type === "inbound-rtp" && one.kind === "audio");
  return new Map(
    sounds.map((one) => [
      String(one.trackIdentifier),
      {
        nacks: Number(one.nackCount ?? 0),
        roundTripS,
        played: Number(one.totalSamplesReceived ?? 0),
        // A sound that is paused is made up too, as silence: nobody misses that.
        madeUp: Number(one.concealedSamples ?? 0) - Number(one.silentConcealedSamples ?? 0),
      },
    ]),
  );
}
