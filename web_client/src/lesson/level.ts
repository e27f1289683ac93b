// How loud a microphone is, and whether that is good. Pure but for `watchLevel`.

export type LevelWord = "waiting" | "quiet" | "clear" | "loud";

const SILENCE_DB = -60;
const QUIET_DB = -42; // speech below this is lost in a classroom's noise
const LOUD_DB = -3; // above this the converter clips

/** Root mean square and peak of samples in −1…1, in dB of full scale. */
export function levelOf(samples: Float32Array): { rmsDb: number; peakDb: number } {
  let sum = 0;
  let peak = 0;
  for (const sample of samples) {
    sum += sample * sample;
    peak = Math.max(peak, Math.abs(sample));
  }
  return { rmsDb: decibels(Math.sqrt(sum / samples.length)), peakDb: decibels(peak) };
}

/** The verdict over the last few seconds' levels. */
export function judge(levels: readonly { rmsDb: number; peakDb: number }[]): LevelWord {
  if (levels.filter((level) => level.peakDb > LOUD_DB).length > levels.length / 8) return "loud";
  const loudest = Math.max(...levels.map((level) => level.rmsDb), -Infinity);
  if (loudest < SILENCE_DB) return "waiting";
  return loudest < QUIET_DB ? "quiet" : "clear";
}

function decibels(amplitude: number): number {
  return amplitude > 0 ? 20 * Math.log10(amplitude) : -100;
}

/**
 * Call `told` about twenty times a second with the level of `track`; returns how to stop. A browser that
 * lets no sound be read before a touch tells nothing until then.
 */
export function watchLevel(
  track: MediaStreamTrack,
  told: (level: { rmsDb: number; peakDb: number }) => void,
): () => void {
  const context = new AudioContext();
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const wake = (): void => void context.resume();
  addEventListener("pointerdown", wake);
  const timer = setInterval(() => {
    if (context.state !== "running") return;
    analyser.getFloatTimeDomainData(samples);
    told(levelOf(samples));
  }, 50);
  return () => {
    clearInterval(timer);
    removeEventListener("pointerdown", wake);
    void context.close();
  };
}
