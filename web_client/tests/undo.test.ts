// @vitest-environment happy-dom
// The way back: taken once, however often it is clicked.

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { startLanguage } from "../src/i18n/index.ts";
import type { Undo } from "../src/components/undo.ts";
import { find, mounted, press, settled, words } from "./page_on_its_own.ts";

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/components/undo.ts");
});

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  document.body.replaceChildren();
  vi.useRealTimers();
});

it("is gone once by two clicks, and again when the first time failed", async () => {
  const root = await mounted("tk-undo");
  let answer: (words: string) => void = () => undefined;
  let refuse: (why: Error) => void = () => undefined;
  const back = vi.fn(
    () =>
      new Promise<string>((resolve, reject) => {
        [answer, refuse] = [resolve, reject];
      }),
  );
  const undo: Pick<Undo, "offer"> = root.host as unknown as Undo;
  undo.offer("已取消。", back);
  await settled();
  const button = find(root, "[data-testid=undo]");
  button.click();
  button.click();
  expect(back).toHaveBeenCalledTimes(1);
  refuse(new Error("no route"));
  await settled();
  await press(root, "[data-testid=undo]");
  expect(back).toHaveBeenCalledTimes(2);
  answer("已恢复。");
  await settled();
  expect(words(root)).toBe("已恢复。");
});
