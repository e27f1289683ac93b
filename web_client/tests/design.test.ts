// How things look is said once: colours in `tokens.css`, how a line is in `lines` and `lineSigns`.

import { describe, expect, it } from "vitest";

const sources = import.meta.glob<string>("../src/**/*.ts", {
  eager: true,
  query: "?raw",
  import: "default",
});
const COLOUR = /(?<=[\s:(,])#(?:[\da-f]{3,4}|[\da-f]{6}|[\da-f]{8})(?![\w-])|\b(?:rgba?|hsla?|oklch)\(/i;

describe("the sources of the pages", () => {
  it.each([
    ["background: #05080a;", true],
    ["color: #fff;", true],
    ["background: rgb(0 0 0 / 60%);", true],
    ["color: var(--ink);", false],
    ["`#add-${id}`", false],
  ])("%s is a colour: %s", (line, colour) => {
    expect(COLOUR.test(line)).toBe(colour);
  });

  it("name no colour: tokens.css has them all", () => {
    expect(Object.keys(sources).length).toBeGreaterThan(100);
    const found = Object.entries(sources).filter(([, text]) => COLOUR.test(text));
    expect(found.map(([file]) => file)).toEqual([]);
  });

  it("say once which tone a quality of the line has", () => {
    const tones = /weak:\s*(?:\[|")/;
    const found = Object.entries(sources).filter(([, text]) => tones.test(text));
    const places = found.map(([file]) => file.replace("../src/", "")).filter(isLook);
    expect(places).toEqual(["design/icons.ts"]);
  });
});

/** Words are said in two languages, and the server's shapes are generated. */
function isLook(file: string): boolean {
  return !/^(i18n|api|protocol)\//.test(file);
}

describe("the icons", () => {
  it("look different: one means one thing", () => {
    const shapes = [...(sources["../src/design/icons.ts"] ?? "").matchAll(/^ {2}(\w+): svg`(.*)`,$/gm)];
    expect(shapes.length).toBeGreaterThan(40);
    expect(new Set(shapes.map(([, , shape]) => shape)).size).toBe(shapes.length);
    const names = new Set(shapes.map(([, name]) => name));
    const used = Object.values(sources).flatMap((text) =>
      [...text.matchAll(/(?:icon\(|symbol=)"(\w+)"/g)].map(([, name]) => name),
    );
    expect(used.filter((name) => !names.has(name ?? ""))).toEqual([]);
  });
});
