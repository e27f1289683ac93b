// Whether a microphone gives anything: an open one gives at least its own noise. Pure.

export type SoundVerdict = "checking" | "ready" | "silent";

const DIGITAL_SILENCE_DB = -90; // less than the last bit of sixteen
const SILENT_AFTER_S = 10; // noise suppression may swallow a quiet room for a while

export class SoundWatch {
  verdict: SoundVerdict = "checking";
  private heardAt: number | null = null;

  /** The level of the last moment, in dB of full scale. */
  add(rmsDb: number, nowS: number): SoundVerdict {
    const heard = rmsDb > DIGITAL_SILENCE_DB;
    if (heard || this.heardAt === null) this.heardAt = nowS;
    if (heard) this.verdict = "ready";
    else if (nowS - this.heardAt >= SILENT_AFTER_S) this.verdict = "silent";
    return this.verdict;
  }
}
