// Pictures that stand still. Pure: frame counts and time are handed in.
//
// A picture that is wanted, whose stream the server says it sends, and that shows no new frame for
// a while is stalled. The page says so; if it lasts, the subscription is restarted.

const STALLED_AFTER_S = 4; // two keyframe requests and their answers over a bad line
const RESTART_AFTER_S = 10;

interface Seen {
  frames: number;
  since: number;
}

export interface StallReport {
  readonly stalled: ReadonlySet<string>;
  readonly restart: boolean;
}

export class StallWatch {
  private readonly seen = new Map<string, Seen>();
  private restartedAt = -Infinity;

  /** `frames`: decoded frames of each picture that should move now, by producer. */
  update(frames: ReadonlyMap<string, number>, now: number): StallReport {
    for (const id of this.seen.keys()) if (!frames.has(id)) this.seen.delete(id);
    const stalled = new Set<string>();
    let longest = 0;
    for (const [id, count] of frames) {
      const last = this.seen.get(id);
      if (last?.frames !== count) {
        this.seen.set(id, { frames: count, since: now });
        continue;
      }
      const still = now - last.since;
      if (still >= STALLED_AFTER_S) stalled.add(id);
      longest = Math.max(longest, still);
    }
    const restart = longest >= RESTART_AFTER_S && now - this.restartedAt >= RESTART_AFTER_S;
    if (restart) this.restartedAt = now;
    return { stalled, restart };
  }
}
