// The player's one clock, and how each part follows it. Pure: time is handed in.
//
// Parts are files of their own and no two media elements run alike. The clock says where the
// lesson is; a part that is a little off is made to run a little faster or slower, one that is far
// off is moved. The clock waits while a part that is heard or seen has nothing to play.

/** Ears and lips forgive this much (ITU-R BT.1359: −125 to +45 ms). */
const GOOD_ENOUGH_S = 0.04;
/** Beyond this a change of speed would take too long to be worth it. */
const JUMP_S = 0.6;
/** Strongest change of speed: not heard in speech, as browsers keep the pitch. */
const MOST_CHANGE = 0.08;
/** A pause of a breath belongs to the lesson; a longer hole is skipped. */
const LONGEST_PAUSE_S = 3;
/** A difference of this size is made up in about one second. */
const GAIN = 0.6;

export class MasterClock {
  private position = 0;
  private at = 0;
  private running = false;
  private speed = 1;

  constructor(readonly duration: number) {}

  now(time: number): number {
    const position = this.running
      ? this.position + (time - this.at) * this.speed
      : this.position;
    return Math.min(this.duration, Math.max(0, position));
  }

  get playing(): boolean {
    return this.running;
  }

  get rate(): number {
    return this.speed;
  }

  play(time: number): void {
    if (this.running) return;
    this.at = time;
    this.running = true;
  }

  pause(time: number): void {
    this.position = this.now(time);
    this.running = false;
  }

  seek(position: number, time: number): void {
    this.position = Math.min(this.duration, Math.max(0, position));
    this.at = time;
  }

  setRate(rate: number, time: number): void {
    this.position = this.now(time);
    this.at = time;
    this.speed = rate;
  }
}

/** What a part's media element shall do now. */
export type Follow =
  | { do: "rest" } // outside its time: paused and hidden
  | { do: "jump"; to: number }
  | { do: "run"; rate: number };

export interface Extent {
  readonly start_s: number;
  readonly duration_s: number;
}

export function covers(part: Extent, position: number): boolean {
  return position >= part.start_s && position < part.start_s + part.duration_s;
}

/** `current` is where the element is, in its own time; `position` where the lesson is. */
export function follow(part: Extent, position: number, current: number, rate: number): Follow {
  if (!covers(part, position)) return { do: "rest" };
  const target = position - part.start_s;
  const ahead = current - target;
  if (Math.abs(ahead) > JUMP_S * Math.max(1, rate)) return { do: "jump", to: target };
  if (Math.abs(ahead) <= GOOD_ENOUGH_S) return { do: "run", rate };
  const change = Math.max(-MOST_CHANGE, Math.min(MOST_CHANGE, -ahead * GAIN));
  return { do: "run", rate: rate * (1 + change) };
}

/**
 * Where to go on when nothing is recorded at `position` for a while: the next part's beginning.
 * Null when something is there, or comes soon enough to be waited for, or never comes.
 */
export function afterGap(parts: readonly Extent[], position: number): number | null {
  if (parts.some((part) => covers(part, position))) return null;
  const next = Math.min(
    ...parts.filter((part) => part.start_s > position).map((part) => part.start_s),
  );
  return Number.isFinite(next) && next - position > LONGEST_PAUSE_S ? next : null;
}
