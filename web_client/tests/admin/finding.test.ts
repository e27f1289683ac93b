// @vitest-environment happy-dom
// Which rows of a table are shown, and in what order.

import { beforeAll, describe, expect, it } from "vitest";
import { found, nextOrder, type Order, sorted, type Value } from "../../src/pages/admin/finding.ts";

type Row = readonly Value[];
const valuesOf = (row: Row): Row => row;
const firsts = (rows: readonly Row[]): Value[] => rows.map((row) => row[0] ?? null);
const by = (column: number, descending = false): Order => ({ column, descending });

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await (await import("../../src/i18n/index.ts")).startLanguage();
});

describe("rows are found", () => {
  const rows: Row[] = [["3班A组", "青山小学", 7], ["二号教室", "实验小学", 3]];
  it.each([
    ["", 2],
    ["青山", 1],
    ["小学", 2],
    ["３班ａ组", 1],
    ["青山 A组", 1],
    ["青山 二号", 0],
    ["7", 0], // numbers are for sorting
    ["(", 0],
  ])("by %j: %i", (text, count) => {
    expect(found(rows, valuesOf, text)).toHaveLength(count);
  });
});

describe("rows are sorted", () => {
  it("by sound, with numbers by their size, and what has no value last", () => {
    const rows: Row[] = [["张"], ["10班"], ["李"], ["2班"], [null]];
    expect(firsts(sorted(rows, valuesOf, by(0)))).toEqual(["2班", "10班", "李", "张", null]);
    expect(firsts(sorted(rows, valuesOf, by(0, true)))).toEqual(["张", "李", "10班", "2班", null]);
  });

  it("by number, and of equals the first stays first", () => {
    const rows: Row[] = [["b", 2], ["a", 10], ["c", 2]];
    expect(firsts(sorted(rows, valuesOf, by(1)))).toEqual(["b", "c", "a"]);
  });

  it("as the server told them while nobody asks for another order", () => {
    const rows: Row[] = [["b"], ["a"]];
    expect(sorted(rows, valuesOf, null)).toBe(rows);
  });

  it("up, down and not at all, heading by heading", () => {
    const up = nextOrder(null, 1);
    const down = nextOrder(up, 1);
    expect([up, down, nextOrder(down, 1)]).toEqual([by(1), by(1, true), null]);
    expect(nextOrder(down, 0)).toEqual(by(0));
  });

  it("a thousand of them in a moment", () => {
    const rows: Row[] = Array.from({ length: 1000 }, (_, n) => [`教室${(n * 7919) % 1000}`]);
    const names = firsts(sorted(rows, valuesOf, by(0)));
    expect(names.slice(0, 3)).toEqual(["教室0", "教室1", "教室2"]);
    expect(names).toHaveLength(1000);
  });
});
