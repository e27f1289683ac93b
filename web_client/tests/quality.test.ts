// Small pictures on thin lines: which file of a part is played, and when a line is thin.

import { describe, expect, it } from "vitest";
import type { Part, Recording, Strip } from "../src/api/types.ts";
import type { Wish } from "../src/pages/player/line.ts";
import { hasSmall, small, ThinLine } from "../src/pages/player/quality.ts";
import { placeInStrip } from "../src/pages/player/timeline.ts";

const LOW = {
  file: "low-0001.mp4",
  mime: "video/mp4",
  duration_s: 59.9,
  bytes: 7,
  codecs: "avc1.42e00d,opus",
  playlist: "low-0001.m3u8",
  index_bytes: 900,
};
const part = { part_id: "p", file: "part-0001.mp4", start_s: 3, duration_s: 60, low: LOW } as Part;
const alone = { ...part, low: null } as Part;

describe("a small picture", () => {
  it("takes the part's place: the same moments from another file", () => {
    const { file, index_bytes, codecs, start_s, duration_s, part_id } = small(part);
    expect([file, index_bytes, codecs]).toEqual([LOW.file, 900, LOW.codecs]);
    expect([part_id, start_s, duration_s]).toEqual(["p", 3, 60]);
    expect(small(part)).toBe(small(part)); // or the picture would be loaded anew at every drawing
  });

  it("is the part itself where none was recorded", () => {
    expect(small(alone)).toBe(alone);
    expect(hasSmall({ parts: [alone] } as unknown as Recording)).toBe(false);
    expect(hasSmall({ parts: [alone, part] } as unknown as Recording)).toBe(true);
  });
});

describe("a line", () => {
  const wish = (all: number): Wish => ({
    id: `${all}`,
    large: true,
    hasSound: true,
    rates: { all, sound: 32e3 },
  });
  const sharp = [wish(1e6), wish(1e6)];
  const little = [wish(1e5), wish(1e5)];

  it("is thin when it has not carried all for a while, and not for a moment", () => {
    const line = new ThinLine();
    expect(line.look(sharp, 1e6, 0)).toBe(false);
    expect(line.look(sharp, 1e6, 2.9)).toBe(false);
    expect(line.look(sharp, 9e6, 2.95)).toBe(false);
    expect(line.look(sharp, 1e6, 3.2)).toBe(false);
    expect(line.look(sharp, 1e6, 6.3)).toBe(true);
  });

  it("stays so while it would not carry the large ones with room, whatever the small ones need", () => {
    const line = new ThinLine();
    for (const at of [0, 4]) line.look(sharp, 1e6, at);
    expect(line.look(little, 2.6e6, 60)).toBe(true);
    expect(line.look(little, 2.6e6, 600)).toBe(true);
    expect(line.look(little, 9e6, 601)).toBe(true);
    expect(line.look(little, 9e6, 622)).toBe(false);
  });

  it("is no thin one as long as nothing is known of it, or of the pictures", () => {
    const line = new ThinLine();
    for (const at of [0, 10]) expect(line.look(sharp, null, at)).toBe(false);
    const unknown = [{ ...wish(9e9), rates: null }];
    for (const at of [20, 30]) expect(line.look(unknown, 1e5, at)).toBe(false);
  });
});

describe("the preview strip", () => {
  const strip: Strip = { file: "s.jpg", every_s: 10, count: 12, columns: 5, width: 160, height: 90 };

  it.each([
    [0, 0, 0],
    [9.9, 0, 0],
    [10, 160, 0],
    [55, 0, 90],
    [119, 160, 180],
    [500, 160, 180],
    [-3, 0, 0],
  ])("has the picture of %s s at its place", (at, left, top) => {
    expect(placeInStrip(strip, at)).toEqual({ left, top });
  });

  it("is none where it tells nothing", () => {
    expect(placeInStrip({ ...strip, count: 0 }, 5)).toBeNull();
    expect(placeInStrip({ ...strip, every_s: 0 }, 5)).toBeNull();
  });
});
