// @vitest-environment happy-dom
// The lessons going on now, as the administrator sees them: who is there, how the lines are, who was
// put out; and what is measured, in words.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { DeviceStats, LessonStats, LineStats, LiveAnswer, SeatStats } from "../../src/api/types.ts";
import { timeOfDay } from "../../src/i18n/format.ts";
import { stacked } from "../../src/pages/admin/stacked.ts";
import { seat } from "../lesson/views.ts";
import { FakeServer, find, later, mounted, press, Refused, seen, words } from "../page_on_its_own.ts";
import { planned } from "../timetable.ts";

const LIVE = "GET /api/admin/live";
const OUT = "DELETE /api/admin/live/l1/devices/device-r1";

const going = (id: string, ...seats: ReturnType<typeof seat>[]): LiveAnswer["lessons"][number] => ({
  lesson: planned(id, { state: "live", started_at: 7200 }),
  seats,
  removed: [],
});
const live = (...lessons: LiveAnswer["lessons"]): LiveAnswer => ({
  lessons,
  lessons_admitted: 40,
  classrooms_online: 3,
  server_time: 0,
});

let server: FakeServer;

const rows = (root: ShadowRoot): string[] =>
  [...root.querySelectorAll("tbody tr")].map((one) => words(one));

beforeAll(async () => {
  const { startLanguage } = await import("../../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../../src/pages/admin/live.ts");
});

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer({ [LIVE]: live() });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the lessons going on", () => {
  it("are none, which is said", async () => {
    const root = await mounted("tk-admin-live");
    expect(words(find(root, "header"))).toBe("正在上课 0 节课，最多 40 节 3 间教室在线");
    expect(words(find(root, "tk-state"))).toBe("现在没有课。");
  });

  it("stand seat by seat, in words, and as they are now", async () => {
    server.answers[LIVE] = live(
      going(
        "l1",
        seat("lead"),
        seat("r1", { link: "weak" }),
        seat("r2", { present: false, away_since: 5, sources: [], devices: [] }),
        seat("r3", { present: false, sources: [], devices: [] }),
      ),
    );
    const root = await mounted("tk-admin-live");
    expect(words(find(root, ".title"))).toContain(`l1 同步课堂 · 互动混合 Ms Li，${timeOfDay(7200)} 开始`);
    expect(rows(root).map((row) => row.replace(/ bearer.*/, ""))).toEqual([
      "Ms Li School lead 主讲 在场 网络良好 教师 · 声音",
      "Room r1 School r1 教室 在场 网络较弱 学生 · 声音",
      "Room r2 School r2 教室 网络中断",
      "Room r3 School r3 教室 不在场",
    ]);
    // On a phone a value stands behind its heading, and what is `:empty` has none: no blank in it.
    const cells = [...(root.querySelectorAll("tbody tr")[3]?.querySelectorAll("td") ?? [])];
    const filled = cells.map((cell) => cell.innerHTML.replace(/<!--.*?-->/g, "") !== "");
    expect(filled).toEqual([true, true, true, true, false, false, false]);
    // As strong as the rule that hides it, any later `display` would show it all the same.
    const { cssText } = stacked;
    const after = cssText.slice(cssText.indexOf("td:empty"));
    expect(after.match(/td\[data-label\](?!:not\(:empty\)|::before)/g)).toBeNull();
    server.answers[LIVE] = live(going("l1", seat("lead")));
    await later(2);
    expect(rows(root)).toHaveLength(1);
  });

  it("open the measures of a lone lesson, and of no one of several", async () => {
    server.answers[LIVE] = live(going("l1", seat("lead")));
    server.answers["GET /api/lessons/l1/stats"] = new Refused(404, "no-such-lesson", "没有");
    const root = await mounted("tk-admin-live");
    expect(words(find(root, "tk-live-measures"))).toBe("没有人连接到这节课。");
    server.answers[LIVE] = live(going("l1", seat("lead")), going("l2", seat("lead")));
    await later(2);
    expect(seen(root, "tk-live-measures")).toBeNull();
    await press(root, "[data-lesson=l1]");
    expect(words(find(root, "[data-lesson=l1]"))).toBe("隐藏测量数据");
    expect(root.querySelectorAll("tk-live-measures")).toHaveLength(1);
  });

  it("say when the server does not answer, and go on by themselves when it does", async () => {
    server.answers[LIVE] = live(going("l1", seat("lead")), going("l2"));
    const root = await mounted("tk-admin-live");
    server.away = true;
    await later(2);
    expect(words(root)).toContain("服务器没有应答");
    server.away = false;
    await later(2);
    expect(rows(root)).toHaveLength(1);
  });
});

describe("a device in a lesson", () => {
  it("is put out after a question; a refusal is said", async () => {
    server.answers[LIVE] = live(going("l1", seat("r1")), going("l2"));
    const root = await mounted("tk-admin-live");
    await press(root, "tk-seat-devices", "[data-testid=remove-device-r1]");
    expect(words(find(root, "tk-seat-devices"))).toContain("移出后不能再进入。");
    expect(server.calls).not.toContain(OUT);
    server.answers[OUT] = new Refused(404, "no-such-device", "设备已不在。");
    await press(root, "tk-seat-devices", "[data-testid=remove-yes-device-r1]");
    expect(server.calls).toContain(OUT);
    expect(words(find(root, "[role=alert]"))).toBe("设备已不在。");
  });

  it("that was put out is named, and let in again", async () => {
    const removed = [{ seat_id: "r 1", bearer: "Wall PC" }];
    server.answers[LIVE] = live({ ...going("l1", seat("r1")), removed }, going("l2"));
    const root = await mounted("tk-admin-live");
    expect(words(find(root, ".removed"))).toBe("已移出：Wall PC 允许再进入");
    server.answers["POST /api/admin/live/l1/seats/r%201/readmit"] = {};
    server.answers[LIVE] = live(going("l1", seat("r1")), going("l2"));
    await press(root, ".removed button");
    expect(server.calls).toContain("POST /api/admin/live/l1/seats/r%201/readmit");
    expect(seen(root, ".removed")).toBeNull();
  });
});

describe("what is measured", () => {
  const line = (more: Partial<LineStats>): LineStats => ({
    state: "connected",
    failure: "",
    address: "10.0.0.7",
    loss: 0,
    rtt_ms: null,
    bitrate_bps: 850_000,
    available_bps: null,
    wanted_bps: 0,
    used_bps: 0,
    packets_received: 0,
    bytes_received: 0,
    packets_sent: 0,
    bytes_sent: 0,
    packets_retransmitted: 2,
    nacks_received: 3,
    packets_refused: 0,
    ...more,
  });
  const device = (more: Partial<DeviceStats>): DeviceStats => ({
    device_id: "d",
    kind: "browser",
    connected: true,
    up: null,
    down: null,
    sends: [],
    receives: [],
    ...more,
  });
  const room = (...devices: DeviceStats[]): SeatStats => ({
    seat_id: "r1",
    role: "room",
    name: "One",
    school: "A",
    present: true,
    link: "good",
    devices,
  });
  const stats = (more: Partial<LessonStats>): LessonStats => ({
    lesson_id: "l1",
    at: 1,
    seats: [],
    strangers: [],
    ...more,
  });

  it("of every line stands in words, a weak one marked, a stranger's too", async () => {
    const up = line({ loss: 0.2, rtt_ms: 90 });
    const down = line({ state: "lost", bitrate_bps: 1_250_000, available_bps: 2_000_000 });
    const strangers = [device({ up: line({ state: "closed", failure: "ICE" }) })];
    const measured = stats({ seats: [room(device({ up, down }))], strangers });
    const root = await mounted("tk-live-lines", { stats: measured });
    expect(rows(root)).toEqual([
      "One 发送 已连接 850 kb/s 未知 20% 90毫秒 3 / 2 10.0.0.7",
      "One 接收 无响应 1.25 Mb/s 2 Mb/s 0% 未知 3 / 2 10.0.0.7",
      "– 发送 已断开 ICE 850 kb/s 未知 0% 未知 3 / 2 10.0.0.7",
    ]);
    expect([...root.querySelectorAll(".badge.warn")].map((one) => words(one))).toEqual(["20%"]);
  });

  it("of who gets what stands by sender and receiver", async () => {
    const sends = [
      {
        producer_id: "p",
        source: "teacher",
        kind: "video",
        codec: "H264",
        layers: [],
        live: true,
        max_bitrate_bps: 0,
        paused: false,
        faults: [],
        taps: 0,
      },
    ] as DeviceStats["sends"];
    const flow = { producer_id: "p", source: "teacher", kind: "video", layers: 3, bitrate_bps: 0 };
    const receives = (from: string): DeviceStats["receives"] =>
      [
        { ...flow, from_seat_id: from, layer: -1, target: -1, reason: "bandwidth" },
      ] as DeviceStats["receives"];
    const lead = { ...room(device({ sends })), seat_id: "lead", name: "Ms Li" };
    const measured = stats({ seats: [lead, room(device({ receives: receives("lead") }))] });
    const root = await mounted("tk-live-flows", { stats: measured });
    expect(words(find(root, "thead"))).toBe("接收方 来自 Ms Li");
    expect(rows(root)).toEqual(["One 教师：暂停：线路太弱"]);
    expect(words(find(root, ".held"))).toBe("教师：暂停：线路太弱");
  });
});
