// What a waiting room finds out about its camera and microphone, in virtual time.

import { describe, expect, it } from "vitest";
import { PictureWatch, type PictureVerdict } from "../../src/lesson/picture_watch.ts";
import { cameraReadiness, lineReadiness, soundReadiness } from "../../src/lesson/readiness.ts";
import { SoundWatch } from "../../src/lesson/sound_watch.ts";

const POINTS = 64 * 36;

/** A picture of this brightness; `noise` sets one of its points apart, as a camera's noise does. */
function picture(luma: number, noise = 0): Uint8Array {
  const made = new Uint8Array(POINTS).fill(luma);
  made[noise % POINTS] = luma + 1 + (noise % 3);
  return made;
}

/** The verdicts at each second. */
function verdicts(pictures: readonly Uint8Array[]): PictureVerdict[] {
  const watch = new PictureWatch();
  return pictures.map((one, second) => watch.add(one, second));
}

const seconds = (count: number, of: (second: number) => Uint8Array): Uint8Array[] =>
  Array.from({ length: count }, (_, second) => of(second));

describe("a camera's picture", () => {
  it("is one as soon as it changes", () => {
    expect(verdicts(seconds(3, (s) => picture(90, s)))).toEqual(["checking", "ready", "ready"]);
  });

  it("is black after three seconds without light, noise or not", () => {
    const dark = seconds(5, (s) => picture(16, s));
    expect(verdicts(dark)).toEqual(["checking", "checking", "checking", "black", "black"]);
    const lamp = dark.map((one) => one.map((value, place) => (place < 20 ? 255 : value)));
    expect(verdicts(lamp).at(-1)).toBe("black");
  });

  it("may begin black, and come back from it", () => {
    const starts = [...seconds(2, (s) => picture(16, s)), ...seconds(3, (s) => picture(90, s))];
    expect(verdicts(starts)).toEqual(["checking", "checking", "ready", "ready", "ready"]);
    const covered = [...starts, ...seconds(4, (s) => picture(20, s)), picture(90, 7)];
    expect(verdicts(covered).slice(-3)).toEqual(["black", "black", "ready"]);
  });

  it("is frozen when ten seconds have not changed one point, and ready when one does", () => {
    const still = [picture(90, 1), ...seconds(12, () => picture(90, 2)), picture(90, 3)];
    const said = verdicts(still);
    expect(said.slice(1, 11)).toEqual(Array(10).fill("ready"));
    expect(said.slice(11)).toEqual(["frozen", "frozen", "ready"]);
  });

  it("that never changes from its beginning is frozen, and was never ready", () => {
    expect(new Set(verdicts(seconds(10, () => picture(90))))).toEqual(new Set(["checking"]));
    expect(verdicts(seconds(11, () => picture(90))).at(-1)).toBe("frozen");
  });
});

describe("a microphone", () => {
  const verdict = (levels: readonly number[]): string => {
    const watch = new SoundWatch();
    levels.forEach((level, second) => watch.add(level, second));
    return watch.verdict;
  };

  it.each([
    [[-70], "ready"],
    [[-100, -100, -89], "ready"],
    [Array<number>(10).fill(-100), "checking"],
    [Array<number>(11).fill(-100), "silent"],
    [[-50, ...Array<number>(9).fill(-100)], "ready"],
    [[-50, ...Array<number>(10).fill(-100)], "silent"],
    [[-50, ...Array<number>(10).fill(-100), -60], "ready"],
  ])("%j is %s", (levels, said) => {
    expect(verdict(levels)).toBe(said);
  });
});

describe("what the server is told", () => {
  it("is the device's own trouble before that of what it gives", () => {
    expect(cameraReadiness("on", "black")).toBe("black");
    expect(cameraReadiness("denied", "black")).toBe("denied");
    expect(cameraReadiness("starting", "ready")).toBe("checking");
    expect(soundReadiness("on", "silent")).toBe("silent");
    expect(soundReadiness("off", "ready")).toBe("off");
  });

  it.each([
    [12, true, "straight", "ready"],
    [401, true, "straight", "slow"],
    [12, true, "detour", "detour"],
    [12, true, "none", "blocked"],
    [12, true, null, "checking"],
    [12, null, "straight", "checking"],
    [null, true, "straight", "checking"],
    [12, false, "straight", "blocked"],
  ] as const)("of a line with %s ms, a socket that is open: %s, media %s, is %s", (rtt, socket, media, said) => {
    expect(lineReadiness(rtt, socket, media)).toBe(said);
  });
});
