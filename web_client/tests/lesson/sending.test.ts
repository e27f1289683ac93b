import { describe, expect, it } from "vitest";
import { type Sending, fitted } from "../../src/lesson/sending.ts";
import type { Source } from "../../src/protocol/messages.ts";

const LAYERS: RTCRtpEncodingParameters[] = [
  { rid: "q", maxBitrate: 150_000 },
  { rid: "h", maxBitrate: 500_000 },
  { rid: "f" },
];

function sending(source: Source, room: number, needed = Infinity, pictures = 1): Sending {
  return { source, room, needed, pictures };
}

describe("what of a picture is sent", () => {
  it.each([
    ["all", Infinity, Infinity, 1, [true, true, true], 150_000],
    ["the two layers needed", Infinity, 2, 1, [true, true, false], 150_000],
    ["the one layer needed", Infinity, 1, 1, [true, false, false], 150_000],
    ["little on a thin line", 48_000, 3, 1, [true, false, false], 48_000],
    ["little of each of several", 100_000, 3, 2, [true, false, false], 50_000],
    ["no less than browsers send", 48_000, 3, 4, [true, false, false], 30_000],
    ["no more than the profile has", 400_000, 3, 1, [true, false, false], 150_000],
    ["nothing when there is room for sound alone", 0, 3, 1, [false, false, false], 30_000],
  ])("is %s", (_, room, needed, pictures, active, most) => {
    const before = LAYERS.map((one) => ({ ...one, active: false, maxBitrate: 1 }));
    const asked = sending("teacher", room, needed, pictures);
    const after = fitted(before, LAYERS, asked) ?? [];
    expect(after.map((one) => one.active)).toEqual(active);
    expect(after.map((one) => one.maxBitrate)).toEqual([most, 500_000, undefined]);
    expect(after.map((one) => one.rid)).toEqual(["q", "h", "f"]);
    expect(fitted(after, LAYERS, asked)).toBeNull();
  });

  it("is left alone as it began", () => {
    expect(fitted(LAYERS, LAYERS, sending("teacher", Infinity))).toBeNull();
  });
});

describe("how many bits of sound are sent", () => {
  it.each([
    [Infinity, 48_000, 48_000],
    [60_000, 48_000, 20_000],
    [0, 48_000, 20_000],
    [60_000, 16_000, 16_000],
    [60_000, undefined, 20_000],
    [Infinity, undefined, undefined],
  ])("with room for pictures of %d, of at most %d", (room, most, expected) => {
    const profile = [most === undefined ? {} : { maxBitrate: most }];
    const set: RTCRtpEncodingParameters[] = [{ maxBitrate: 1, priority: "high" }];
    const after = fitted(set, profile, sending("room", room, 0)) ?? [];
    expect(after).toEqual([
      { priority: "high", active: true, ...(expected === undefined ? {} : { maxBitrate: expected }) },
    ]);
    expect(fitted(after, profile, sending("room", room, 0))).toBeNull();
  });
});
