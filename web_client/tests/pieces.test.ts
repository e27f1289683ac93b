import { describe, expect, it } from "vitest";
import { Line, shares, type Wish } from "../src/pages/player/line.ts";
import { beginningOf, fromTheBeginning, pieceFor, readPieces } from "../src/pages/player/pieces.ts";

const bytes = (value: number, length: number): number[] =>
  Array.from({ length }, (_, at) => Math.floor(value / 256 ** (length - 1 - at)) % 256);
const u32 = (...values: number[]): number[] => values.flatMap((value) => bytes(value, 4));
const box = (kind: string, ...content: number[][]): number[] => {
  const body = content.flat();
  return [...u32(body.length + 8), ...Array.from(kind, (one) => one.charCodeAt(0)), ...body];
};

const trak = (number: number): number[] => box("trak", box("tkhd", u32(7, 0, 0, number, 0)));
const trex = (number: number): number[] => box("trex", u32(0, number, 1, 0, 0, 0));
const moov = box(
  "moov",
  box("mvhd", u32(0)),
  trak(1),
  trak(2),
  box("mvex", box("mehd", u32(0)), trex(1), trex(2), box("leva", u32(0))),
);
// Two pieces: 1,000 bytes of 2.5 s that begin with a keyframe, 300 of them sound; 800 of 4 s.
const KEY = 0x9000_0000;
const sidx = box(
  "sidx",
  u32(0x0100_0000, 1, 90_000, 0, 0, 0, 0, 2),
  u32(1000, 225_000, KEY),
  u32(800, 360_000, 0),
);
const ssix = box("ssix", u32(0, 2), u32(2, 0x0100_012c, 0x0200_02bc), u32(2, 0x0100_0064, 0x0200_02bc));
const head = new Uint8Array([...box("ftyp", u32(1)), ...moov, ...sidx, ...ssix]);

describe("the index of a part", () => {
  it("says where each piece lies, and how much of it is sound", () => {
    expect(readPieces(head)).toEqual([
      { at: head.length, bytes: 1000, soundBytes: 300, start: 0, end: 2.5, key: true },
      { at: head.length + 1000, bytes: 800, soundBytes: 100, start: 2.5, end: 6.5, key: false },
    ]);
  });

  it("leads to the keyframe before a moment", () => {
    const pieces = readPieces(head);
    expect([-1, 0, 2, 3, 100].map((position) => pieceFor(pieces, position))).toEqual([0, 0, 0, 0, 0]);
    const [first, second] = pieces;
    if (!first || !second) throw new Error("there are two");
    const keyed = [first, { ...second, key: true }];
    expect([2, 2.5, 100].map((position) => pieceFor(keyed, position))).toEqual([0, 1, 1]);
  });

  it("is refused where it is cut, or none of ours", () => {
    expect(() => readPieces(head.slice(0, -1))).toThrow(RangeError);
    expect(() => readPieces(new Uint8Array(moov))).toThrow(RangeError);
  });

  it("gives a browser all tracks, or the sound's alone", () => {
    const text = (data: Uint8Array): string => String.fromCharCode(...data);
    expect(beginningOf(head, false)).toEqual(head.slice(0, 12 + moov.length));
    const alone = beginningOf(head, true);
    expect(text(alone).match(/trak|trex|leva/g)).toEqual(["trak", "trex"]);
    const view = new DataView(alone.buffer);
    expect(view.getUint32(text(alone).indexOf("tkhd") + 16)).toBe(2);
    expect(view.getUint32(12)).toBe(alone.length - 12);
  });
});

it("lets a part's first picture stand from the beginning on", () => {
  const traf = (track: number, time: number, lasts: number): number[] =>
    box(
      "moof",
      box(
        "traf",
        box("tfhd", u32(0, track)),
        box("tfdt", u32(0x0100_0000, 0, time)),
        box("trun", u32(0, 1, 0, lasts)),
      ),
    );
  const piece = (...all: number[][]): Uint8Array => new Uint8Array(all.flat());
  const sound = traf(2, 0, 960);
  const given = piece(sound, traf(1, 45_000, 3600), traf(1, 90_000, 3600));
  expect(fromTheBeginning(given)).toEqual(
    piece(sound, traf(1, 0, 48_600), traf(1, 90_000, 3600)),
  );
});

describe("a thin line", () => {
  const wish = (id: string, large: boolean, all: number, hasSound = true): Wish => ({
    id,
    large,
    hasSound,
    rates: { all, sound: hasSound ? 40_000 : 0 },
  });
  const four = [
    wish("a", false, 640_000),
    wish("b", true, 640_000),
    wish("c", false, 640_000),
    wish("screen", false, 300_000, false),
  ];
  const table: [string, number | null, string[]][] = [
    ["not known yet: the large picture tells", null, ["wait", "all", "wait", "wait"]],
    ["carries all", 5_000_000, ["all", "all", "all", "all"]],
    ["carries the large picture", 1_000_000, ["sound", "all", "sound", "wait"]],
    ["carries the sounds", 300_000, ["sound", "sound", "sound", "wait"]],
  ];
  for (const [name, rate, expected] of table) {
    it(name, () => {
      const given = shares(four, rate);
      expect(four.map((one) => given.get(one.id))).toEqual(expected);
    });
  }
});

it("the line is measured by what comes, and the most needed goes first", async () => {
  const line = new Line();
  let now = 0;
  const begun: string[] = [];
  const need = (name: string, rank: number, length: number): { rank: number; load: () => Promise<number> } => ({
    rank,
    load: () => {
      begun.push(name);
      now += 1000;
      return Promise.resolve(length);
    },
  });
  line.serve([need("later", 5, 0), need("first", 1, 50_000)], () => now);
  expect(begun).toEqual(["first"]); // nothing beside it while the line is not known
  await Promise.resolve();
  expect(line.rate).toBe(400_000);
  line.serve([need("x", 9, 1), need("y", 2, 1), need("z", 3, 1)], () => now);
  expect(begun).toEqual(["first", "y", "z"]);
});

it("small answers that come soon say that the line is good, and nothing of how good", async () => {
  const line = new Line();
  let now = 0;
  const serve = async (length: number, lasts: number): Promise<void> => {
    const load = (): Promise<number> => {
      now += lasts;
      return Promise.resolve(length);
    };
    line.serve([{ rank: 0, load }], () => now);
    await Promise.resolve();
  };
  await serve(5000, 60);
  await serve(5000, 60);
  expect(line.rate).toBeNull();
  await serve(0, 60); // refused: it says nothing
  expect(line.rate).toBeNull();
  await serve(5000, 60);
  const good = line.rate ?? 0;
  expect(good).toBeGreaterThan(1_000_000);
  await serve(5000, 60);
  expect(line.rate).toBe(good);
  await serve(40_000, 4000); // now it is thin
  expect(line.rate).toBeLessThan(good);
});
