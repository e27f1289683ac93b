import { describe, expect, it } from "vitest";
import { SoundDelay, soundsReceived } from "../../src/lesson/sound_delay.ts";

const line = (nacks: number, roundTripS = 0.06, madeUp = 0) => ({
  nacks,
  roundTripS,
  played: 48_000 * nacks,
  madeUp,
});

describe("how long sound waits", () => {
  it("is the browser's business on a clean line", () => {
    const delay = new SoundDelay();
    expect(delay.update(line(0), 0)).toBeNull();
    expect(delay.update(line(2), 1)).toBeNull(); // one lost now and then
  });

  it("is two round trips and a bit while packets are asked for again", () => {
    const delay = new SoundDelay();
    expect(delay.update(line(5), 0)).toBe(180);
    expect(delay.update(line(9, 0.1), 1)).toBe(260);
    expect(delay.update(line(9, 0.02), 2)).toBe(260); // it does not swing
    expect(delay.update(line(9, 2), 3)).toBe(400); // nor grow beyond what talk bears
  });

  it("grows while words still break", () => {
    const delay = new SoundDelay();
    expect(delay.update(line(5, 0.001), 0)).toBe(62);
    expect(delay.update(line(6, 0.001, 2000), 1)).toBe(92);
    expect(delay.update(line(7, 0.001, 2100), 2)).toBe(92);
  });

  it("is the browser's again after the line was clean for a while", () => {
    const delay = new SoundDelay();
    delay.update(line(5), 0);
    expect(delay.update(line(5), 19)).toBe(180);
    expect(delay.update(line(5), 20)).toBeNull();
  });

  it("is of each sound by itself, from the connection's statistics", () => {
    const sound = { type: "inbound-rtp", kind: "audio" };
    const report = [
      { ...sound, trackIdentifier: "a", nackCount: 2, totalSamplesReceived: 960 },
      { ...sound, trackIdentifier: "b", concealedSamples: 480, silentConcealedSamples: 80 },
      { type: "inbound-rtp", kind: "video", trackIdentifier: "c", nackCount: 50 },
      { type: "candidate-pair", nominated: false, currentRoundTripTime: 9 },
      { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.07 },
    ];
    expect([...soundsReceived(report)]).toEqual([
      ["a", { nacks: 2, roundTripS: 0.07, played: 960, madeUp: 0 }],
      ["b", { nacks: 0, roundTripS: 0.07, played: 0, madeUp: 400 }],
    ]);
  });
});
