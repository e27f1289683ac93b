// @vitest-environment happy-dom
// The first administrator: nobody is locked out by one slip of the hand.

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { FakeServer, find, mounted, press, seen, words, write } from "./page_on_its_own.ts";

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await (await import("../src/i18n/index.ts")).startLanguage();
  await import("../src/pages/setup.ts");
});

beforeEach(() => {
  vi.useFakeTimers();
  history.replaceState(null, "", "/setup#key=tkk_one");
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("asks for the password twice, and sends it once", async () => {
  const server = new FakeServer({ "GET /api/setup": { needed: true }, "POST /api/setup": {} });
  const root = await mounted("tk-setup");
  await write(root, "[name=display_name]", "王志强");
  await write(root, "[name=username]", "wangzq");
  await write(root, "[name=password]", "Qingshan2026");
  await write(root, "[name=again]", "Qingshan2027");
  await press(root, "[data-testid=setup]");
  expect(words(find(root, "#wrong-again"))).toBe("两次输入不同");
  expect(server.bodies).toEqual([]);
  await write(root, "[name=again]", "Qingshan2026");
  await press(root, "[data-testid=setup]");
  expect(seen(root, "#wrong-again")).toBeNull();
  expect(server.bodies).toEqual([
    { key: "tkk_one", username: "wangzq", display_name: "王志强", password: "Qingshan2026" },
  ]);
});
