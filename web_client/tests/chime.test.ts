// The loudspeaker's test: a sound file as its format says, three tones, no click.

import { describe, expect, it } from "vitest";
import { chime, CHIME_S } from "../src/lesson/chime.ts";

const RATE = 16_000;
const view = new DataView(chime());
const word = (at: number): string => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
const samples = new Int16Array(view.buffer.slice(44));

/** How strong a frequency is within a part of it (one bin of a Fourier transform). */
function strength(hz: number, from: number, to: number): number {
  let [real, imaginary] = [0, 0];
  for (let place = from; place < to; place++) {
    const angle = (2 * Math.PI * hz * place) / RATE;
    real += (samples[place] ?? 0) * Math.cos(angle);
    imaginary += (samples[place] ?? 0) * Math.sin(angle);
  }
  return Math.hypot(real, imaginary) / (to - from);
}

describe("the three tones", () => {
  it("are a WAV file of one channel", () => {
    expect([word(0), word(8), word(12), word(36)]).toEqual(["RIFF", "WAVE", "fmt ", "data"]);
    expect(view.getUint32(4, true)).toBe(view.byteLength - 8);
    expect(view.getUint32(40, true)).toBe(2 * samples.length);
    expect([view.getUint16(20, true), view.getUint16(22, true), view.getUint32(24, true)]).toEqual([
      1, 1, RATE,
    ]);
    expect(samples.length / RATE).toBeCloseTo(CHIME_S, 3);
  });

  it("rise, and begin and end softly", () => {
    const third = samples.length / 3;
    const strongest = [0, 1, 2].map((part) => {
      const tones = [523.25, 659.25, 783.99];
      const found = tones.map((hz) => strength(hz, part * third, (part + 1) * third));
      return found.indexOf(Math.max(...found));
    });
    expect(strongest).toEqual([0, 1, 2]);
    const steps = samples.slice(1).map((one, place) => Math.abs(one - (samples[place] ?? 0)));
    expect(Math.max(...steps)).toBeLessThan(6000); // a click would be a step of 16,000
  });
});
