// @vitest-environment happy-dom
// The observer's page, whole, against a played server: it watches, and is neither seen nor heard.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Welcome } from "../src/protocol/messages.ts";
import { FakeSocket } from "./lesson/fake_socket.ts";
import { lesson, seat, welcome } from "./lesson/views.ts";
import {
  FakeServer,
  find,
  later,
  mounted,
  press,
  Refused,
  seen,
  settled,
  within,
  words,
} from "./page_on_its_own.ts";

const source = {
  behind: vi.fn(() => 1.5),
  window: () => 60,
  goTo: vi.fn(),
  close: vi.fn(),
};
const playLive = vi.fn(() => Promise.resolve(source));
vi.mock("../src/lesson/live_source.ts", () => ({ playLive: (...all: []) => playLive(...all) }));

const NOW_S = 4990;

async function inside(more: Partial<Welcome> = {}): Promise<ShadowRoot> {
  const token = { token: "t", expires_at: 1e9, lesson_id: "l1", seat_id: "o1" };
  new FakeServer({ "POST /api/lessons/l1/token": token });
  const root = await mounted("tk-observe", { lessonId: "l1" });
  const me = seat("o1", { role: "observer", sources: [] });
  FakeSocket.last.letIn(
    welcome("o1", { role: "observer", seats: [seat("lead"), seat("r1"), me], ...more }),
  );
  await settled();
  return root;
}

async function heard(message: object): Promise<void> {
  FakeSocket.last.say(message);
  await settled();
}

beforeAll(async () => {
  const { startLanguage } = await import("../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/pages/observe.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_S * 1000 });
  FakeSocket.all = [];
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("RTCRtpReceiver", { getCapabilities: () => null });
});

afterEach(() => {
  document.body.replaceChildren();
  sessionStorage.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("an observer", () => {
  const line = { seat_id: "r1", name: "Room r1", text: "我们好了", at: 5001 };

  it("reads what is written, large for twenty seconds, and the whole of it on asking", async () => {
    const root = await inside();
    expect(document.title).toBe("旁听 · Fractions · 同课");
    await heard({ type: "chat_posted", line });
    const shown = (): string => words(find(root, "tk-chat-line"));
    expect(shown()).toBe("Room r1 我们好了");
    await later(20);
    expect(shown()).toBe("Room r1 我们好了"); // the server's clock is ten seconds ahead
    await later(12);
    expect(shown()).toBe("");
    expect(seen(root, "tk-chat")).toBeNull();
    await press(root, "[data-testid=chat]");
    expect(words(find(root, "tk-chat"))).toContain("我们好了");
    expect(seen(root, "tk-chat", "input")).toBeNull(); // nobody hears an observer
    await press(root, "[data-testid=chat]");
    expect(seen(root, "tk-chat")).toBeNull();
  });

  it("who comes late reads what was written before, and no line stands large that is old", async () => {
    const root = await inside({ chat: [{ ...line, at: 4000 }, { ...line, at: 4100, text: "第二题" }] });
    expect(words(find(root, "tk-chat-line"))).toBe("");
    await press(root, "[data-testid=chat]");
    expect(words(find(root, "tk-chat"))).toContain("我们好了");
    expect(words(find(root, "tk-chat"))).toContain("第二题");
  });

  it("sees whether it is being recorded, and that the lead has paused that", async () => {
    const root = await inside();
    const sign = (): string => words(find(root, "header [data-testid=recording-sign]"));
    expect(sign()).toBe("正在录制");
    const off = { record: false, recording: false, recording_fault: "switched-off" };
    await heard({ type: "lesson_changed", lesson: lesson(off) });
    expect(sign()).toBe("录制已暂停");
    await heard({ type: "lesson_changed", lesson: lesson({ ...off, recording_fault: "disk-full" }) });
    expect(sign()).toBe("录制暂停：服务器磁盘已满");
  });

  it("takes the program on asking, where the server makes one, and lets it go again", async () => {
    const root = await inside();
    expect(seen(root, "[data-testid=show-program]")).toBeNull();
    await heard({ type: "lesson_changed", lesson: lesson({ program: "idle" }) });
    expect(FakeSocket.last.sent.some((one) => one.type === "take_program")).toBe(false);
    await press(root, "[data-testid=show-program]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "take_program", taken: true });
    await heard({ type: "lesson_changed", lesson: lesson({ program: "starting" }) });
    expect(words(find(root, "header [role=status]"))).toBe("节目即将开始…");
    expect(seen(root, "tk-stage")).not.toBeNull(); // until it is there
    const program = { producer_id: "p1", kind: "video", codec: "H264", seat_id: null } as const;
    const streams = [{ source: "program", ...program }] as const;
    await heard({ type: "lesson_changed", lesson: lesson({ program: "running", streams: [...streams] }) });
    expect([seen(root, "tk-stage"), seen(root, "tk-program") !== null]).toEqual([null, true]);
    await press(root, "[data-testid=show-wall]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "take_program", taken: false });
    expect(seen(root, "tk-program")).toBeNull();
    await heard({ type: "lesson_changed", lesson: lesson({ program: "full" }) });
    await press(root, "[data-testid=show-program]");
    expect(words(find(root, "header [role=status]"))).toContain("已满");
  });

  it("watches the broadcast on asking, and is sent nothing besides", async () => {
    const watch = { hls: "https://t/hls/KEY/index.m3u8", window_s: 60 };
    const root = await inside({ lesson: lesson({ program: "idle" }) });
    await later(1);
    expect(FakeSocket.last.sent.some((one) => one.type === "subscribe")).toBe(true);
    const server = new FakeServer({ "POST /api/lessons/l1/watch": watch });
    expect(server.calls).toEqual([]);
    await press(root, "[data-testid=show-broadcast]");
    await vi.dynamicImportSettled();
    await settled();
    expect(server.calls).toEqual(["POST /api/lessons/l1/watch"]);
    expect(playLive).toHaveBeenLastCalledWith(expect.anything(), "/hls/KEY/index.m3u8", expect.anything());
    expect([seen(root, "tk-stage"), seen(root, "tk-sound")]).toEqual([null, null]);
    await later(0.2); // sizes change in bursts: they are told once
    const wants = FakeSocket.last.sent.filter((one) => one.type === "subscribe");
    expect(wants.map((one) => (one.wants as unknown[]).length)).toEqual([2, 0]);
    const broadcast = within(root, "tk-broadcast");
    find(broadcast, "video").dispatchEvent(new Event("playing"));
    await later(1);
    expect(words(find(broadcast, "[data-testid=broadcast-where]"))).toBe("现场");
    await press(broadcast, "[data-testid=broadcast-back]");
    expect(source.goTo).toHaveBeenLastCalledWith(11.5);
    source.behind.mockReturnValue(11.5);
    await later(1);
    expect(words(find(broadcast, "[data-testid=broadcast-where]"))).toBe("晚 0:11");
    expect(source.goTo).toHaveBeenCalledTimes(1); // who went back stays there
    await press(broadcast, "[data-testid=broadcast-live]");
    expect(source.goTo).toHaveBeenLastCalledWith(0);
    expect(source.goTo).toHaveBeenCalledTimes(2);
    await later(1);
    expect(source.goTo.mock.calls.length).toBeGreaterThan(2); // who stood still is brought to live
    expect(source.goTo).toHaveBeenLastCalledWith(0);
    await press(broadcast, "[data-testid=broadcast-play]");
    const calls = source.goTo.mock.calls.length;
    await later(1);
    expect(source.goTo).toHaveBeenCalledTimes(calls); // who has stopped it, too, stays
    await press(root, "[data-testid=show-rooms]");
    expect(source.close).toHaveBeenCalled();
    expect(seen(root, "tk-sound")).not.toBeNull();
  });

  it("for whom there is no place watches the broadcast, and is told so", async () => {
    const token = { token: "t", expires_at: 1e9, lesson_id: "l1", seat_id: "o1" };
    const watch = { hls: "https://t/hls/KEY/index.m3u8", window_s: 60 };
    const server = new FakeServer({
      "POST /api/lessons/l1/token": token,
      "POST /api/lessons/l1/watch": watch,
    });
    const root = await mounted("tk-observe", { lessonId: "l1" });
    const full = { code: "lesson-full", message_zh: "课堂人数已满。", message_en: "" };
    FakeSocket.last.open();
    await settled();
    FakeSocket.last.answer({ type: "refused", ...full });
    await vi.dynamicImportSettled();
    await settled();
    expect(seen(root, "tk-broadcast")).not.toBeNull();
    expect(words(find(root, "header"))).toContain("旁听人数已满");
    server.answers["POST /api/lessons/l1/watch"] = new Refused(409, "no-program", "不合成节目。");
    find(root, "tk-broadcast").dispatchEvent(new CustomEvent("no-broadcast"));
    await settled();
    expect(seen(root, "tk-broadcast")).toBeNull();
    expect(words(root)).toContain("课堂人数已满");
  });

  it("is gone at once when its window is closed", async () => {
    await inside();
    const { last } = FakeSocket;
    dispatchEvent(new Event("pagehide"));
    expect(last.sent.at(-1)).toEqual({ type: "leave" });
    await later(60);
    expect(FakeSocket.last).toBe(last); // it does not come back by itself
  });
});
