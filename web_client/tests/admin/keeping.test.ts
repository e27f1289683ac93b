// @vitest-environment happy-dom
// How long recordings are kept: what will be done, what is kept and why, and bringing back.

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { Keeping, Planned } from "../../src/api/types.ts";
import { zh } from "../catalogues.ts";
import { FakeServer, find, mounted, press, seen, settled, words } from "../page_on_its_own.ts";

const DAY_S = 86_400;
const NOW = 1_800_000_000;

const planned = (more: Partial<Planned> = {}): Planned => ({
  recording_id: "r1",
  title: "圆的面积",
  community: "青山共同体",
  deed: "delete",
  at: NOW + 3 * DAY_S,
  bytes: 2e9,
  rule: "delete",
  days: 90,
  obstacle: null,
  undoable: false,
  ...more,
});

const answer = (more: Partial<Keeping> = {}): Keeping => ({
  server_time: NOW,
  undo_days: 30,
  communities: [
    {
      community_id: "c1",
      name: "青山共同体",
      retention: "delete",
      retention_days: 90,
      recordings: 12,
      used_bytes: 45e9,
      quota_bytes: 50e9,
      quota: "near",
    },
  ],
  planned: [planned()],
  planned_count: 1,
  planned_bytes: 0,
  kept: [],
  kept_count: 0,
  acts: [],
  ...more,
});

let server: FakeServer;

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await (await import("../../src/i18n/index.ts")).startLanguage();
  await import("../../src/pages/admin/keeping.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: NOW * 1000 });
  server = new FakeServer({ "GET /api/admin/archive": answer() });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("tells rule, use and quota of each community, and warns", async () => {
  const root = await mounted("tk-admin-keeping");
  const told = words(find(root, "[data-testid=usage]"));
  expect(told).toContain("90 天后删除");
  expect(told).toContain("45 GB，配额 50 GB");
  expect(told).toContain(zh.keeping.quotas.near);
  expect(seen(root, "[data-testid=kept]")).toBeNull();
});

it("tells what will be done, and no more undoing than there is", async () => {
  const root = await mounted("tk-admin-keeping");
  const told = words(find(root, "[data-testid=planned]"));
  expect(told).toContain("圆的面积");
  expect(told).toContain(zh.keeping.deeds.delete);
  expect(told).toContain("2 GB");
  expect(seen(root, "[data-testid=planned] button")).toBeNull();
});

it.each(Object.keys(zh.keeping.obstacles) as (keyof typeof zh.keeping.obstacles)[])(
  "says why one is kept: %s",
  async (obstacle) => {
    server.answers["GET /api/admin/archive"] = answer({
      kept: [planned({ obstacle })],
      kept_count: 1,
    });
    const root = await mounted("tk-admin-keeping");
    expect(words(find(root, "[data-testid=kept]"))).toContain(zh.keeping.obstacles[obstacle]);
  },
);

it("brings back by a click, and says so", async () => {
  const gone = planned({ deed: "purge", undoable: true });
  server.answers["GET /api/admin/archive"] = answer({ planned: [gone] });
  const root = await mounted("tk-admin-keeping");
  server.answers["POST /api/admin/archive/r1/restore"] = {};
  server.answers["GET /api/admin/archive"] = answer({
    planned: [],
    planned_count: 0,
    acts: [
      {
        at: NOW,
        act: "brought-back",
        rule: "by-hand",
        days: null,
        recording_id: "r1",
        title: "圆的面积",
        community: "",
        bytes: 2e9,
      },
    ],
  });
  await press(root, "[data-testid=planned] button");
  await settled();
  expect(words(find(root, "[role=status]"))).toContain("圆的面积");
  expect(words(find(root, "[data-testid=planned]"))).toContain(zh.keeping.nothingPlanned);
  const done = words(find(root, "[data-testid=done]"));
  expect(done).toContain(zh.keeping.deeds["brought-back"]);
  expect(done).toContain(zh.keeping.byHand);
});
