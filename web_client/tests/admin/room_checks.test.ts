// @vitest-environment happy-dom
// What a room found of its equipment, for its administrator: how it was, and the page to print.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { RoomCheck } from "../../src/api/types.ts";
import { FakeServer, find, mounted, Refused, seen, words } from "../page_on_its_own.ts";

const LIST = "GET /api/classrooms/k1/checks";
const one = (id: string, verdict: RoomCheck["verdict"], faults: number): RoomCheck => ({
  id,
  at: 1_799_000_000,
  verdict,
  words_zh: "",
  words_en: "",
  machine: "pc",
  faults,
});
let server: FakeServer;
const shown = (): Promise<ShadowRoot> => mounted("tk-room-checks", { classroomId: "k1", name: "One" });

beforeAll(async () => {
  const { startLanguage } = await import("../../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../../src/pages/admin/room_checks.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  server = new FakeServer({ [LIST]: [] });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a classroom's checks", () => {
  it("say how one is made while there is none", async () => {
    expect(words(await shown())).toContain("http://127.0.0.1:7889/check");
  });

  it("stand with what was found and the page to print, the newest three", async () => {
    server.answers[LIST] = [
      one("1-a", "bad", 2),
      one("2-b", "good", 0),
      one("3-c", "weak", 1),
      one("4-d", "good", 0),
    ];
    const root = await shown();
    const newest = seen(root, "[data-testid=check-1-a]");
    expect(words(newest)).toContain("有问题");
    expect(words(newest)).toContain("2 项需要注意");
    const link = find(root, "[data-testid=check-1-a] a");
    expect(link.getAttribute("href")).toBe("/api/classrooms/k1/checks/1-a/page");
    expect(words(seen(root, "[data-testid=check-2-b]"))).toContain("一切正常");
    expect(root.querySelectorAll("li")).toHaveLength(3);
  });

  it("tell why they cannot be had", async () => {
    server.answers[LIST] = new Refused(403, "forbidden", "不可以");
    expect(words(await shown())).toContain("不可以");
  });
});
