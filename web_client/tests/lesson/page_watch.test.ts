// What is another page of a shared screen, and what is none; and when that is said.

import { describe, expect, it } from "vitest";
import { PAGE_HEIGHT, PAGE_WIDTH, PageWatch } from "../../src/lesson/page_watch.ts";

type Picture = Uint8Array;

/** The same bits for the same seed, about one in three set: strokes of writing. */
function strokes(seed: number): () => boolean {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 16 < 22_000;
  };
}

const paper = (luma = 250): Picture => new Uint8Array(PAGE_WIDTH * PAGE_HEIGHT).fill(luma);

function fill(picture: Picture, box: readonly [number, number, number, number], luma: number): void {
  const [left, top, width, height] = box;
  for (let y = Math.max(0, top); y < Math.min(PAGE_HEIGHT, top + height); y++) {
    picture.fill(luma, y * PAGE_WIDTH + left, y * PAGE_WIDTH + left + width);
  }
}

/** A line of so many letters, 10 points high; part of it may lie outside. */
function write(picture: Picture, seed: number, left: number, top: number, letters: number): void {
  const bit = strokes(seed);
  for (let y = 0; y < 10; y += 2) {
    for (let x = 0; x < letters * 10; x += 2) {
      if (bit()) fill(picture, [left + x, top + y, 2, 2], 20);
    }
  }
}

/** A slide: a title, and so many lines. */
function slide(seed: number, lines = 5, luma = 250): Picture {
  const picture = paper(luma);
  write(picture, seed, 25, 20, 12);
  for (let line = 1; line <= lines; line++) write(picture, seed + line, 30, 30 + 25 * line, 22);
  return picture;
}

/** A document in its window, scrolled by so many points; `typed` letters more in one line. */
function text(scrolled: number, typed = 0): Picture {
  const picture = paper();
  for (let line = 0; line < 90; line++) write(picture, 500 + line, 110, 40 + 14 * line - scrolled, 25);
  fill(picture, [0, 0, PAGE_WIDTH, 35], 240);
  write(picture, 3, 10, 10, 40);
  if (typed) write(picture, 900, 365, 54, typed);
  return picture;
}

function withBox(picture: Picture, box: [number, number, number, number], seed = 77): Picture {
  const shown = picture.slice();
  fill(shown, box, 245);
  const [left, top, width, height] = box;
  for (let y = 8; y < height - 12; y += 16) write(shown, seed + y, left + 6, top + y, Math.floor(width / 12));
  return shown;
}

/** Slides in an editor: tools above and a list of pages at the left, which stay. */
function edited(seed: number): Picture {
  const picture = paper(230);
  for (let line = 0; line < 4; line++) write(picture, 40 + line, 5, 3 + 13 * line, 46);
  for (let line = 0; line < 14; line++) write(picture, 60 + line, 5, 60 + 15 * line, 8);
  fill(picture, [110, 65, 350, 195], 255);
  write(picture, seed, 130, 80, 16);
  write(picture, seed + 1, 130, 140, 30);
  write(picture, seed + 2, 160, 235, 28);
  return picture;
}

/** Every second one look; when which page was told, and since when it stands. */
function pagesOf(seconds: number, shown: (second: number) => Picture): [number, number][] {
  const watch = new PageWatch();
  const told: [number, number][] = [];
  for (let second = 0; second < seconds; second++) {
    const stoodS = watch.look(shown(second), second);
    if (stoodS !== null) told.push([second, second - stoodS]);
  }
  return told;
}

const turned = (before: Picture, after: Picture): boolean =>
  pagesOf(20, (second) => (second < 10 ? before : after)).length === 1;

describe("another page is", () => {
  it.each([
    ["the next slide", slide(10), slide(20)],
    ["the next dark slide", slide(10, 5, 30).map((luma) => 255 - luma), slide(20).map((luma) => 255 - luma)],
    ["a title after a title", slide(10, 0), slide(20, 0)],
    ["a slide after an empty one", paper(), slide(20, 1)],
    ["an empty one after a slide", slide(10), paper()],
    ["a slide in an editor", edited(100), edited(200)],
    ["another window", text(0), slide(10)],
    ["a document scrolled by a page", text(0), text(230)],
  ])("%s", (_, before, after) => {
    expect(turned(before, after)).toBe(true);
    expect(turned(after, before)).toBe(true);
  });
});

describe("no other page is", () => {
  const pointed = slide(10);
  fill(pointed, [200, 100, 5, 7], 0);
  it.each([
    ["the same", slide(10), slide(10)],
    ["a pointer", slide(10), pointed],
    ["one line more", slide(10, 3), slide(10, 4)],
    ["the first line", slide(10, 0), slide(10, 1)],
    ["some words more", text(0), text(0, 9)],
    ["a menu", text(0), withBox(text(0), [75, 15, 80, 140])],
    ["a dialogue", text(0), withBox(text(0), [140, 75, 200, 115])],
    ["text scrolled by a line", text(0), text(14)],
    ["text scrolled by some lines", text(20), text(73)],
    ["text scrolled by half a page", text(0), text(110)],
  ])("%s", (_, before, after) => {
    expect(turned(before, after)).toBe(false);
  });
});

describe("a page is told", () => {
  const pages = [slide(10), slide(20), slide(30), slide(40), slide(50), slide(60)] as const;
  const page = (number: number): Picture => pages[number % 6] ?? paper();

  it("when it has stood, with the moment it came", () => {
    expect(pagesOf(60, (second) => page(Math.floor(second / 20)))).toEqual([
      [21, 20],
      [41, 40],
    ]);
  });

  it("once when many are leafed through: where they stop", () => {
    const leafing = (second: number): Picture => page(second < 20 ? 0 : Math.min(5, second - 20));
    expect(pagesOf(60, leafing)).toEqual([[30, 25]]); // it looked like a video first
  });

  it("not nearer to the one before than five seconds, but then if it still stands", () => {
    const quick = (second: number): Picture => page(second < 20 ? 0 : second < 22 ? 1 : 2);
    expect(pagesOf(60, quick)).toEqual([
      [21, 20],
      [26, 22],
    ]);
    expect(pagesOf(20, (second) => page(second < 1 ? 0 : 1))).toEqual([[5, 1]]);
  });

  it("with a pointer, a cursor and a small moving picture on it", () => {
    const alive = (second: number): Picture => {
      const shown = page(Math.floor(second / 20)).slice();
      fill(shown, [(second * 37) % 400, (second * 53) % 250, 5, 7], 0);
      if (second % 2) fill(shown, [300, 200, 2, 10], 0);
      write(shown, second, 400, 220, 5);
      return shown;
    };
    expect(pagesOf(60, alive).map(([, since]) => since)).toEqual([20, 40]);
  });

  it("at most once of a video: when it stops, and not while it is paused for a moment", () => {
    const film = (frame: number): Picture => withBox(paper(60), [0, 0, PAGE_WIDTH, PAGE_HEIGHT], frame * 100);
    const video = (second: number): Picture => {
      if (second < 10) return page(0);
      const pausedFor = second >= 40 && second < 43;
      return film(second > 80 ? 80 : pausedFor ? 40 : second);
    };
    expect(pagesOf(90, video)).toEqual([[85, 80]]);
    expect(pagesOf(60, film)).toEqual([]);
  });

  it("never of what only moves, is typed, or scrolled", () => {
    const moving = (second: number): Picture => {
      const shown = text(Math.min(800, 7 * Math.floor(second / 2)));
      fill(shown, [(second * 37) % 400, (second * 53) % 250, 5, 7], 0);
      return shown;
    };
    expect(pagesOf(300, moving)).toEqual([]);
    expect(pagesOf(100, (second) => text(0, Math.floor(second / 10)))).toEqual([]);
    expect(pagesOf(60, (second) => slide(10, Math.min(5, Math.floor(second / 10))))).toEqual([]);
  });
});
