// When a shared screen is looked at, and what is told of it.

import { beforeEach, describe, expect, it, vi } from "vitest";
import { ScreenPages } from "../../src/lesson/screen_pages.ts";

const fake = vi.hoisted(() => {
  const samplers: { closed: boolean; looks: number }[] = [];
  const seen: { shown: Uint8Array | null } = { shown: null };
  class Sampler {
    closed = false;
    looks = 0;

    constructor() {
      samplers.push(this);
    }

    sample(): Uint8Array | null {
      this.looks += 1;
      return seen.shown;
    }

    close(): void {
      this.closed = true;
    }
  }
  return { samplers, seen, Sampler };
});
vi.mock("../../src/lesson/picture_watch.ts", () => ({ PictureSampler: fake.Sampler }));
const { samplers, seen } = fake;

/** Squares of one size or another, everywhere. */
const squares = (size: number): Uint8Array =>
  Uint8Array.from({ length: 480 * 270 }, (_, place) =>
    (Math.floor((place % 480) / size) + Math.floor(place / 480 / size)) % 2 ? 250 : 10,
  );

const track = (enabled = true): MediaStreamTrack => ({ enabled }) as MediaStreamTrack;

describe("a shared screen's pages", () => {
  const told: number[] = [];
  let pages = new ScreenPages((stoodS) => told.push(stoodS));
  const looks = (shared: MediaStreamTrack | null, from: number, until: number): void => {
    for (let second = from; second < until; second++) pages.look(shared, second);
  };

  beforeEach(() => {
    told.length = samplers.length = 0;
    pages = new ScreenPages((stoodS) => told.push(stoodS));
    seen.shown = null;
  });

  it("are told once each, from the first picture there is", () => {
    const screen = track();
    looks(screen, 0, 5);
    seen.shown = squares(3);
    looks(screen, 5, 15);
    expect(told).toEqual([]);
    seen.shown = squares(4);
    looks(screen, 15, 30);
    expect(told).toEqual([1]);
    expect(samplers).toHaveLength(1);
  });

  it("are not looked for while nothing is shared, or it is closed", () => {
    looks(null, 0, 5);
    expect(samplers).toEqual([]);
    seen.shown = squares(3);
    const screen = track();
    looks(screen, 5, 15);
    screen.enabled = false;
    seen.shown = new Uint8Array(480 * 270); // black
    looks(screen, 15, 25);
    screen.enabled = true;
    seen.shown = squares(3);
    looks(screen, 25, 35);
    expect(told).toEqual([]);
    expect(samplers[0]?.looks).toBe(20);
    pages.look(null, 35);
    expect(samplers[0]?.closed).toBe(true);
  });

  it("begin anew with another sharing", () => {
    seen.shown = squares(3);
    looks(track(), 0, 10);
    seen.shown = squares(4);
    looks(track(), 10, 20);
    expect(told).toEqual([]);
    expect(samplers.map(({ closed }) => closed)).toEqual([true, false]);
  });
});
