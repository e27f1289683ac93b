import { describe, expect, it } from "vitest";
import { type Sending, fitted } from "../../src/lesson/sending.ts";
import type { Room } from "../../src/lesson/uplink.ts";
import type { Source, SourceProfile } from "../../src/protocol/messages.ts";

const profile = { max_bitrate_bps: 48_000 } as SourceProfile;

function sending(source: Source, room: Room, needed = Infinity): Sending {
  return { source, profile, room, needed };
}

const layers = (...active: (boolean | undefined)[]): RTCRtpEncodingParameters[] =>
  active.map((one, layer) => ({ rid: "qhf"[layer] ?? "", ...(one === undefined ? {} : { active: one }) }));

describe("what of a picture is sent", () => {
  it.each([
    ["all", Infinity, [true, true, true]],
    ["less-sound", 3, [true, true, true]],
    ["all", 2, [true, true, false]],
    ["all", 1, [true, false, false]],
    ["sound-alone", 3, [false, false, false]],
    ["sound-alone", 1, [false, false, false]],
  ] as const)("with room for %s and %d layers needed", (room, needed, active) => {
    const before = layers(!active[0], !active[1], !active[2]);
    const after = fitted(before, sending("teacher", room, needed));
    expect(after?.map((one) => one.active)).toEqual(active);
    expect(after?.map((one) => one.rid)).toEqual(["q", "h", "f"]);
    expect(fitted(after ?? [], sending("teacher", room, needed))).toBeNull();
  });

  it("is left alone as it began", () => {
    expect(fitted(layers(undefined, undefined), sending("teacher", "all"))).toBeNull();
  });
});

describe("how many bits of sound are sent", () => {
  it.each([
    ["all", 48_000, 48_000],
    ["less-sound", 48_000, 20_000],
    ["sound-alone", 48_000, 20_000],
    ["less-sound", 16_000, 16_000],
    ["less-sound", 0, 20_000],
    ["all", 0, undefined],
  ] as const)("with room for %s of at most %d", (room, most, expected) => {
    const asked = { ...sending("room", room, 0), profile: { ...profile, max_bitrate_bps: most } };
    const [encoding] = fitted([{ maxBitrate: 1, priority: "high" }], asked) ?? [];
    expect(encoding?.maxBitrate).toBe(expected);
    expect(encoding?.priority).toBe("high");
    expect(encoding?.active ?? true).toBe(true);
    expect(fitted(encoding ? [encoding] : [], asked)).toBeNull();
  });
});
