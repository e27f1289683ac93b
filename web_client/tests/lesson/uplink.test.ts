import { describe, expect, it } from "vitest";
import { type Room, Uplink, uplinkMeasured } from "../../src/lesson/uplink.ts";

const wide = { availableBps: 1_000_000, roundTripS: 0.06 };
const thin = { availableBps: 95_000, roundTripS: 0.35 };
const lossy = { availableBps: 95_000, roundTripS: 0.07 };

/** What there is room for, second by second. */
function rooms(uplink: Uplink, at: (second: number) => typeof wide, seconds: number): Room[] {
  return Array.from({ length: seconds }, (_, second) => uplink.update(at(second), second));
}

describe("our own weak line", () => {
  it("has room for all while it is wide, or only loses", () => {
    const seen = rooms(new Uplink(), (second) => (second < 5 ? wide : lossy), 60);
    expect(new Set(seen)).toEqual(new Set(["all"]));
  });

  it("gets less sound when a queue stands, and all again when it is wide", () => {
    const at = (second: number) => (second < 5 || second > 20 ? wide : second < 9 ? thin : lossy);
    const seen = rooms(new Uplink(), at, 40);
    expect([seen[6], seen[7], seen[20], seen[25], seen[26]]).toEqual([
      "all",
      "less-sound",
      "less-sound",
      "less-sound",
      "all",
    ]);
  });

  it("gets sound alone when the queue stays; pictures are tried again, ever more seldom", () => {
    const seen = rooms(new Uplink(), (second) => (second < 5 ? wide : thin), 80);
    const tried = seen.flatMap((room, second) => (second > 16 && room !== "sound-alone" ? second : []));
    expect(seen[17]).toBe("sound-alone");
    expect([tried[0], tried[8]]).toEqual([25, 33]);
  });

  it("is not judged by one keyframe", () => {
    const seen = rooms(new Uplink(), (second) => (second % 3 < 2 ? thin : wide), 40);
    expect(new Set(seen)).toEqual(new Set(["all"]));
  });

  it("reads what it needs from a connection's statistics", () => {
    expect(
      uplinkMeasured([
        { type: "candidate-pair", nominated: true, availableOutgoingBitrate: 90_000 },
        { type: "candidate-pair", nominated: false, availableOutgoingBitrate: 1 },
        { type: "remote-inbound-rtp", kind: "audio", roundTripTime: 0.3 },
        { type: "remote-inbound-rtp", kind: "video", roundTripTime: 9 },
      ]),
    ).toEqual({ availableBps: 90_000, roundTripS: 0.3 });
  });
});
