// @vitest-environment happy-dom
// The page of this server: storage in words, settings found, the end of the log.

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { ThisServer } from "../../src/api/types.ts";
import { FakeServer, find, mounted, press, seen, settled, words, write } from "../page_on_its_own.ts";

const GB = 1e9;
const disk = (folder: string, free: number | null) => ({
  folder,
  free_bytes: free === null ? null : free * GB,
  total_bytes: free === null ? null : 500 * GB,
});
const answer = (recordings: Partial<ThisServer["recordings"]> = {}): ThisServer => ({
  version: "0.1.0",
  python: "3.13.5",
  system: "Linux 6.12",
  started_at: 1_799_990_000,
  server_time: 1_800_000_000,
  data: { folder: "var", total_bytes: 500 * GB, free_bytes: 100 * GB },
  recordings: {
    folder: "var/recordings",
    total_bytes: 500 * GB,
    free_bytes: 100 * GB,
    used_bytes: 250 * GB,
    per_day_bytes: 2 * GB,
    days_left: 50,
    disks: [disk("var/recordings", 100)],
    ...recordings,
  },
  settings: [
    { name: "port", value: "7880", is_default: true },
    { name: "public_url", value: "https://tongke.example.cn", is_default: false },
    { name: "metrics_token", value: "••••••", is_default: false },
  ],
  log: ["2026-11-29 first", "2026-11-29 second"],
});

let server: FakeServer;

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await (await import("../../src/i18n/index.ts")).startLanguage();
  await import("../../src/pages/admin/server.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  server = new FakeServer({ "GET /api/admin/server": answer() });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const settings = (root: ShadowRoot): string[] =>
  [...root.querySelectorAll("tbody tr td:first-child")].map((one) => words(one));

it.each([
  [{}, "50 天", "2 GB", false],
  [{ days_left: 12.7 }, "12 天", "2 GB", true],
  [{ days_left: 9000 }, "两年以上", "2 GB", false],
  [{ days_left: null, per_day_bytes: null }, null, "录像不满一周", false],
  [{ days_left: null, per_day_bytes: 0 }, null, "最近四周没有录像", false],
] as const)("tells storage: %j", async (recordings, days, perDay, alarm) => {
  server.answers["GET /api/admin/server"] = answer(recordings);
  const root = await mounted("tk-admin-server");
  expect(words(find(root, "[data-testid=free]"))).toBe("100 GB，共 500 GB");
  // A disk's bar is read as what is used, and says so.
  expect(words(find(root, "[data-testid=disk]"))).toBe("磁盘已用 400 GB，剩余 100 GB");
  const bar = find(root, "meter");
  const marks = ["value", "low", "high", "optimum"].map((name) => Number(bar.getAttribute(name)));
  expect(marks).toEqual([400 * GB, 400 * GB, 450 * GB, 0]);
  expect(words(seen(root, "[data-testid=days-left]")) || null).toBe(days);
  expect(words(root)).toContain(perDay);
  expect(seen(root, "[role=alert]") !== null).toBe(alarm);
});

it("tells each of several disks", async () => {
  const disks = [disk("var/recordings", 100), disk("/mnt/b", 300), disk("/mnt/c", null)];
  server.answers["GET /api/admin/server"] = answer({ disks });
  const root = await mounted("tk-admin-server");
  const told = [...root.querySelectorAll("[data-testid=disk-of-several]")].map((one) => words(one));
  expect(told).toEqual([
    "var/recordings 100 GB，共 500 GB",
    "/mnt/b 300 GB，共 500 GB",
    "/mnt/c 磁盘没有响应",
  ]);
});

it("says that a disk does not answer", async () => {
  server.answers["GET /api/admin/server"] = answer({ free_bytes: null, total_bytes: null, days_left: null });
  const root = await mounted("tk-admin-server");
  expect(words(find(root, "[data-testid=free]"))).toBe("磁盘没有响应");
});

it("shows the settings that were set, all on asking, and finds them", async () => {
  const root = await mounted("tk-admin-server");
  expect(settings(root)).toEqual(["public_url", "metrics_token"]);
  const box = find(root, "[type=checkbox]") as HTMLInputElement;
  box.checked = false;
  box.dispatchEvent(new Event("change"));
  await settled();
  expect(settings(root)).toHaveLength(3);
  await write(root, "[data-testid=search]", "example");
  expect(settings(root)).toEqual(["public_url"]);
});

it("says that nothing was set, in place of an empty table", async () => {
  const { settings: all, ...rest } = answer();
  const usual = all.map((one) => ({ ...one, is_default: true }));
  server.answers["GET /api/admin/server"] = { ...rest, settings: usual };
  const root = await mounted("tk-admin-server");
  expect(words(find(root, "[data-testid=all-usual]"))).toContain("全部采用默认值");
  expect(find(root, ".scroll").hidden).toBe(true);
  const box = find(root, "[type=checkbox]") as HTMLInputElement;
  box.checked = false;
  box.dispatchEvent(new Event("change"));
  await settled();
  expect(seen(root, "[data-testid=all-usual]")).toBeNull();
  expect(find(root, ".scroll").hidden).toBe(false);
});

it("shows the end of the log, the lines with a word, and looks again", async () => {
  const root = await mounted("tk-admin-server");
  expect(words(find(root, "pre"))).toBe("2026-11-29 first 2026-11-29 second");
  await write(root, "[data-testid=search-log]", "second");
  expect(words(find(root, "pre"))).toBe("2026-11-29 second");
  server.answers["GET /api/admin/server"] = { ...answer(), log: [] };
  await write(root, "[data-testid=search-log]", "");
  await press(root, "header button");
  expect(words(find(root, "pre"))).toBe("启动以来没有记录。");
});
