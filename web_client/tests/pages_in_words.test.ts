// The pages for people (docs/) call a button as it is called on the screen, and both languages name
// the same ones: in English such words are *slanted*, in Chinese they stand in “ ”.

import { describe, expect, it } from "vitest";
import { en, zh } from "./catalogues.ts";

const pages = import.meta.glob<string>(
  ["../../docs/{rooms,teachers}.md", "../../docs/zh/*.md", "../../README.zh.md"],
  { eager: true, query: "?raw", import: "default" },
);

/** Something put in, where a name or a number comes. */
const SOMETHING = "某";
/** English words that are slanted and stand on no screen. */
const OTHERWISE = ["slanted letters"];

interface Word {
  path: string;
  said: RegExp;
}

/** Every text by the way to it, as it is recognized with something put in. */
function words(catalogue: object, path = ""): Word[] {
  return Object.entries(catalogue).flatMap(([key, value]: [string, unknown]): Word[] => {
    const some = Array<string[]>(8).fill([SOMETHING]);
    const text = typeof value === "function" ? (value as (...some: string[][]) => string)(...some) : value;
    if (typeof text !== "string") return words(text as object, `${path}${key}.`);
    if (!/\p{L}/u.test(text.replaceAll(SOMETHING, ""))) return [];
    const escaped = text.trim().replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");
    return [{ path: path + key, said: new RegExp(`^${escaped.replaceAll(SOMETHING, ".+")}$`, "u") }];
  });
}

const english = words(en);
const chinese = words(zh);

function prose(page: string): string {
  const text = pages[page] ?? "";
  expect(text.length, page).toBeGreaterThan(500);
  return text.replace(/^```.*?^```$/gms, "").replace(/`[^`]*`/g, "X");
}

function slanted(page: string): string[] {
  const found = [...prose(page).matchAll(/(?<!\*)\*(?![\s*])([^*]+)\*(?!\*)/g)];
  return found
    .map(([, one = ""]) => one.replace(/\s+/g, " "))
    .flatMap((one) => one.split(" → "))
    .filter((one) => !OTHERWISE.includes(one));
}

function quoted(page: string): string[] {
  return [...prose(page).matchAll(/“([^”]*)”/g)].flatMap(([, one = ""]) => one.split(" › "));
}

function places(word: string, catalogue: Word[]): string[] {
  return catalogue.filter(({ said }) => said.test(word)).map(({ path }) => path);
}

describe("words on the screen", () => {
  it("stand in the Chinese pages as on the screen", () => {
    const found = Object.keys(pages)
      .filter((page) => page.includes("zh"))
      .flatMap((page) => quoted(page).map((word) => ({ page, word, paths: places(word, chinese) })));
    expect(found.length).toBeGreaterThan(100);
    expect(found.filter(({ paths }) => paths.length === 0)).toEqual([]);
  });

  it.each(["rooms", "teachers"])("are the same in both languages of %s", (name) => {
    const here = slanted(`../../docs/${name}.md`).map((word) => [word, places(word, english)] as const);
    const there = quoted(`../../docs/zh/${name}.md`).map(
      (word) => [word, places(word, chinese)] as const,
    );
    expect(here.length).toBeGreaterThan(30);
    expect(here.filter(([, paths]) => paths.length === 0)).toEqual([]);
    for (const [some, others] of [[here, there], [there, here]] as const) {
      const known = new Set(others.flatMap(([, paths]) => paths));
      expect(some.filter(([, paths]) => !paths.some((path) => known.has(path)))).toEqual([]);
    }
  });
});
