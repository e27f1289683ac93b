// When a shared screen is looked at, and what is told of it.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PAGE_HEIGHT, PAGE_WIDTH } from "../../src/lesson/page_watch.ts";
import { watchPages } from "../../src/lesson/screen_pages.ts";

/** Squares of one size or another, everywhere. */
const squares = (size: number) => (x: number, y: number): number =>
  (Math.floor(x / size) + Math.floor(y / size)) % 2 ? 250 : 10;
const black = (): number => 0;

/** What the screen shows: the brightness of a point. */
let shown: ((x: number, y: number) => number) | null = null;
let looks = 0;

const video = {
  srcObject: null as unknown,
  play: () => Promise.resolve(),
  get readyState() {
    return shown ? 2 : 0;
  },
};
const context = {
  drawImage: () => (looks += 1),
  getImageData: () => {
    const data = new Uint8ClampedArray(4 * PAGE_WIDTH * PAGE_HEIGHT);
    for (let place = 0; place < PAGE_WIDTH * PAGE_HEIGHT; place++) {
      const luma = shown?.(place % PAGE_WIDTH, Math.floor(place / PAGE_WIDTH)) ?? 0;
      data.fill(luma, 4 * place, 4 * place + 4);
    }
    return { data };
  },
};

describe("a shared screen's pages", () => {
  const told: number[] = [];
  let track = { enabled: true, readyState: "live" };
  let stop = (): void => undefined;
  const passes = (seconds: number): unknown => vi.advanceTimersByTime(1000 * seconds);

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    vi.stubGlobal("MediaStream", Array);
    vi.stubGlobal("HTMLMediaElement", { HAVE_CURRENT_DATA: 2 });
    vi.stubGlobal("document", {
      createElement: (name: string) => (name === "video" ? video : { getContext: () => context }),
    });
    told.length = looks = 0;
    shown = null;
    track = { enabled: true, readyState: "live" };
    stop = watchPages(track as MediaStreamTrack, (stoodS) => told.push(stoodS));
  });

  afterEach(() => {
    stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("are told once each, from the first picture there is", () => {
    passes(5);
    shown = squares(3);
    passes(10);
    expect(told).toEqual([]);
    shown = squares(4);
    passes(15);
    expect(told).toEqual([1]);
  });

  it("are not looked for while it is closed", () => {
    shown = squares(3);
    passes(10);
    track.enabled = false;
    shown = black;
    passes(10);
    track.enabled = true;
    shown = squares(3);
    passes(10);
    expect([looks, told]).toEqual([20, []]);
  });

  it.each([
    ["the sharing", () => (track.readyState = "ended")],
    ["the watch", () => stop()],
  ])("are looked at no more after the end of %s", (_, end) => {
    shown = squares(3);
    passes(3);
    end();
    passes(60);
    expect(looks).toBe(3);
    expect(video.srcObject).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });
});
