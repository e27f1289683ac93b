// @vitest-environment happy-dom
// The teacher's page, whole, against a played server: before the lesson, in it, and after it.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Classroom, Lesson } from "../src/api/types.ts";
import { timeOfDay } from "../src/i18n/format.ts";
import { zh } from "../src/i18n/zh/index.ts";
import type { LessonSession } from "../src/lesson/session.ts";
import type { SeatState, Source, SourceProfile, Welcome } from "../src/protocol/messages.ts";
import { AskedDevices, FakeTrack } from "./lesson/asked_devices.ts";
import { FakeSocket } from "./lesson/fake_socket.ts";
import { lesson, seat, welcome } from "./lesson/views.ts";
import {
  FakeServer,
  find,
  isOff,
  later,
  mounted,
  press,
  Refused,
  seen,
  settled,
  words,
} from "./page_on_its_own.ts";
import { planned } from "./timetable.ts";

const NOW_S = 4990;
const START = ["tk-device-check", "[data-testid=device-start]"] as const;
const button = (id: string): [string, string] => ["tk-control-bar", `[data-testid=${id}]`];
const all = (id: string): [string, string] => ["tk-all-rooms", `[data-testid=${id}]`];

let media: AskedDevices;
let server: FakeServer;

const page = (): Promise<ShadowRoot> => mounted("tk-teach", { lessonId: "l1" });

function serve(more: Partial<Lesson> = {}): void {
  server = new FakeServer({
    "GET /api/lessons/l1": planned("l1", more),
    "GET /api/classrooms": [],
    "POST /api/lessons/l1/start": {},
    "POST /api/lessons/l1/token": { token: "t", expires_at: 1e9, lesson_id: "l1", seat_id: "lead" },
  });
}

function opened(more: Partial<Lesson> = {}): Promise<ShadowRoot> {
  serve(more);
  return page();
}

/** In the lesson that is going on. */
async function inside(more: Partial<Welcome> = {}): Promise<ShadowRoot> {
  const root = await opened({ state: "live" });
  FakeSocket.last.letIn(welcome("lead", more));
  await settled();
  await press(root, ...START);
  return root;
}

const seats = (...rooms: SeatState[]): Partial<Welcome> => ({ seats: [seat("lead"), ...rooms] });

async function heard(message: object): Promise<void> {
  FakeSocket.last.say(message);
  await settled();
}

function session(): LessonSession {
  const found = window.tongkeSession;
  if (!found) throw new Error("no session");
  return found;
}

async function own(source: Source, track: FakeTrack | null): Promise<void> {
  const captured = track as unknown as MediaStreamTrack | null;
  session().store.dispatch({ type: "own", source, track: captured });
  await settled();
}

async function key(name: string, on: EventTarget = window): Promise<void> {
  on.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, composed: true }));
  await settled();
}

function card(root: ShadowRoot, id: string): ShadowRoot {
  const all = [...root.querySelectorAll("tk-room-card")];
  const found = all.find((one) => one.seat.seat_id === id)?.shadowRoot;
  if (!found) throw new Error(`no card of ${id}`);
  return found;
}

/** A device's own line in the menu: its choice, and what is wrong. */
function device(root: ShadowRoot, place: string, use: string): ShadowRoot {
  const menu = find(root, place, "tk-device-menu").shadowRoot;
  const all = [...(menu?.querySelectorAll("tk-device-select") ?? [])];
  const found = all.find((one) => one.use === use)?.shadowRoot;
  if (!found) throw new Error(`no ${use} in the menu`);
  return found;
}

beforeAll(async () => {
  const { startLanguage } = await import("../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/pages/teach/teach.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_S * 1000 });
  FakeSocket.all = [];
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("RTCRtpReceiver", { getCapabilities: () => null });
  vi.stubGlobal("isSecureContext", true);
  media = new AskedDevices();
  vi.stubGlobal("navigator", { mediaDevices: media });
});

afterEach(() => {
  document.body.replaceChildren();
  sessionStorage.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("before the lesson", () => {
  const expected = (root: ShadowRoot): string[] =>
    [...root.querySelectorAll(".expected li")].map((one) => words(one));
  const classroom = (id: string, online: boolean): Partial<Classroom> => ({ id, online });

  it("stands which rooms are switched on, and the doors open by themselves", async () => {
    const root = await opened({ starts_at: 7200 });
    expect(words(root)).toContain(`计划 ${timeOfDay(7200)} 开始`);
    expect(expected(root)).toEqual(["One B 不在线", "Two C 不在线"]);
    server.answers["GET /api/classrooms"] = [classroom("k1", true), classroom("k2", false)];
    await later(5);
    expect(expected(root)).toEqual(["One B 在线", "Two C 不在线"]);
    expect(FakeSocket.all).toEqual([]);
    server.answers["GET /api/lessons/l1"] = planned("l1", { state: "live", started_at: 7200 });
    await later(5);
    expect(FakeSocket.all).toHaveLength(1);
    FakeSocket.last.letIn(welcome("lead"));
    await settled();
    expect(root.querySelectorAll("tk-room-card")).toHaveLength(3);
    expect(seen(root, "tk-control-bar")).toBeNull(); // it is the teacher who enters
  });

  it("begins at the button", async () => {
    const root = await opened();
    expect(server.calls).not.toContain("POST /api/lessons/l1/start");
    await press(root, ...START);
    expect(server.calls).toContain("POST /api/lessons/l1/start");
    expect(seen(root, "tk-device-check")).toBeNull();
    expect(seen(root, "tk-control-bar")).not.toBeNull();
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("does not begin when the server refuses, and says why", async () => {
    const root = await opened();
    server.answers["POST /api/lessons/l1/start"] = new Refused(409, "classroom-busy", "教室正在上课。");
    await press(root, ...START);
    expect(words(root)).toContain("教室正在上课。");
    expect(words(root)).toContain("技术代码：classroom-busy");
    await press(root, "tk-state tk-button");
    expect(seen(root, ...START)).not.toBeNull();
  });

  it("says that the server does not answer, and comes back by Retry", async () => {
    serve();
    server.away = true;
    const root = await page();
    expect(words(root)).toContain("服务器没有应答");
    server.away = false;
    await press(root, "tk-state tk-button");
    expect(words(root)).toContain("课前检查");
  });

  it("is passed over by a reload in the middle of it", async () => {
    sessionStorage.setItem("tongke.entered.l1", "yes");
    const root = await opened({ state: "live" });
    expect(seen(root, "tk-device-check")).toBeNull();
    expect(seen(root, "tk-control-bar")).not.toBeNull();
  });

  it("turns away whom the lesson does not want, in the server's words", async () => {
    serve({ state: "live" });
    server.answers["POST /api/lessons/l1/token"] = new Refused(403, "not-your-lesson", "不是您的课。");
    const root = await page();
    expect(words(root)).toContain("无法进入这节课 不是您的课。 技术代码：not-your-lesson");
  });
});

describe("the device check", () => {
  const check = "tk-device-check";

  it("says what is blocked or pulled out, and tries again", async () => {
    const root = await opened();
    await media.last("audio").refuse("NotAllowedError");
    expect(words(device(root, check, "room"))).toContain(zh.teach.denied);
    expect(words(find(root, ...START))).toBe("不用摄像头和麦克风，直接上课");
    const camera = new FakeTrack();
    await media.last("video").give(camera);
    expect(words(find(root, ...START))).toBe("开始上课");
    expect(seen(root, check, ".why")).toBeNull();
    camera.dispatchEvent(new Event("ended"));
    await settled();
    expect(words(device(root, check, "teacher"))).toContain(zh.teach.lostDevice);
    expect(words(find(root, check, ".why"))).toBe("没有画面");
    await press(device(root, check, "teacher"), "[data-testid=retry-teacher]");
    await media.last("audio").refuse("NotFoundError"); // the microphone is tried first
    expect(words(device(root, check, "room"))).toContain(zh.teach.missing);
    await media.last("video").give(new FakeTrack());
    expect(words(device(root, check, "teacher"))).not.toContain("重试");
  });

  it("says what the browser has not answered, and asks again", async () => {
    const root = await opened();
    expect(words(root)).not.toContain(zh.teach.unanswered);
    await later(8);
    expect(words(device(root, check, "room"))).toContain(zh.teach.unanswered);
    expect(media.asked.map((one) => one.kind)).toEqual(["audio", "video"]);
    await press(device(root, check, "room"), "[data-testid=retry-room]");
    expect(media.asked).toHaveLength(3);
    await media.last("audio").refuse("NotReadableError");
    expect(words(device(root, check, "room"))).toContain(zh.teach.busy);
  });

  it("says that the address is the reason where it is not secure", async () => {
    vi.stubGlobal("isSecureContext", false);
    const root = await opened();
    await media.last("audio").refuse("NotAllowedError");
    expect(words(device(root, check, "room"))).toContain(zh.teach.insecure);
  });
});

describe("the teacher's own devices in the lesson", () => {
  const profile = {
    name: "standard",
    sources: (["room", "teacher", "screen"] as const).map(
      (source) => ({ source, encodings: [], sound: null }) as unknown as SourceProfile,
    ),
  };

  it("are said to be broken above the pictures, with Retry and the way to choose", async () => {
    const root = await inside({ profile });
    const banner = (): string => words(seen(root, ".banner"));
    expect(banner()).toBe("");
    await media.last("audio").refuse("NotFoundError");
    expect(banner()).toBe(`麦克风：${zh.teach.missing} 重试 设备`);
    const before = media.last("audio");
    await press(root, ".banner [data-testid=retry]");
    expect(media.last("audio")).not.toBe(before);
    await media.last("audio").refuse("NotReadableError");
    await press(root, ".banner button:last-child");
    expect(banner()).toBe(`麦克风：${zh.teach.busy} 重试`);
    expect(words(device(root, "tk-device-panel", "room"))).toContain(zh.teach.busy);
    await key("Escape", find(root, "tk-device-panel", "[data-testid=close-devices]"));
    expect(seen(root, "tk-device-panel")).toBeNull();
  });

  it("open where there is nothing to switch on, and give way to the chat", async () => {
    const root = await inside({ profile });
    expect(words(find(root, ...button("own-room")))).toBe("麦克风已关");
    await press(root, ...button("own-room"));
    expect(seen(root, "tk-device-panel")).not.toBeNull();
    await press(root, ...button("chat"));
    expect(seen(root, "tk-device-panel")).toBeNull();
    expect(seen(root, "tk-chat")).not.toBeNull();
  });

  it("close and open by their keys, but not while one types", async () => {
    const root = await inside();
    const microphone = new FakeTrack();
    await own("room", microphone);
    expect(words(find(root, ...button("own-room")))).toBe("麦克风已开");
    await key("m");
    expect(words(find(root, ...button("own-room")))).toBe("麦克风已关");
    expect(microphone.enabled).toBe(false);
    expect(FakeSocket.last.asked).toMatchObject({ type: "mute", source: "room", muted: true });
    await key("c");
    await key("m", find(root, "tk-chat", "input"));
    expect(microphone.enabled).toBe(false);
    await key("m");
    expect(microphone.enabled).toBe(true);
  });

  it("say whose microphone it is when another device has the sound", async () => {
    const root = await inside({ carries_sound: false });
    await own("room", new FakeTrack());
    expect(words(find(root, ...button("own-room")))).toBe("声音由另一台设备传送");
    expect(isOff(find(root, ...button("own-room")))).toBe(true);
  });

  it("share a screen that everybody sees, and give the layout back", async () => {
    const root = await inside({ profile, lesson: lesson({ layout: "wall" }) });
    expect(words(find(root, ...button("share-screen")))).toBe("共享屏幕");
    await own("screen", new FakeTrack());
    expect(words(find(root, ...button("share-screen")))).toBe("停止共享");
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_layout", layout: "screen" });
    await heard({ type: "lesson_changed", lesson: lesson({ layout: "screen" }) });
    await own("screen", null);
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_layout", layout: "wall" });
  });
});

describe("the rooms beside the stage", () => {
  it("have a card each, in the lesson's order, with how they are in words", async () => {
    const root = await inside(
      seats(
        seat("r2", { link: "weak" }),
        seat("r1", { present: false }),
        seat("r3", { present: false, away_since: 4980 }),
      ),
    );
    const cards = [...root.querySelectorAll("tk-room-card")];
    expect(cards.map((one) => words(find(one.shadowRoot ?? one, ".who h3")))).toEqual([
      "Room r2",
      "Room r1",
      "Room r3",
    ]);
    expect(words(find(card(root, "r2"), ".school"))).toBe("School r2");
    expect(words(find(card(root, "r2"), ".signs"))).toBe("网络较弱");
    expect(words(find(card(root, "r1"), "tk-tile"))).toBe("尚未进入");
    expect(words(find(card(root, "r3"), "tk-tile"))).toBe("网络中断，正在返回");
    expect(words(find(card(root, "r3"), ".signs"))).toBe("");
  });

  it("raise a hand: said once, its wait runs, and it is answered from the bar or put down", async () => {
    const root = await inside();
    const up = seat("r2", { hand: { place: 1, raised_at: 4995 } });
    await heard({ type: "seat_changed", seat: up });
    expect(words(find(root, "[aria-live]"))).toBe("Room r2举手了");
    expect(document.title).toBe("1 个教室举手 · 正在上课 · Fractions · 同课");
    const sign = (): string => words(find(card(root, "r2"), ".sign.warn"));
    expect(sign()).toBe("举手 1 · 已等 0:05"); // the server's clock is ten seconds ahead
    await later(3);
    expect(sign()).toBe("举手 1 · 已等 0:08");
    await press(root, ...button("hand-r2"));
    expect(FakeSocket.last.asked).toMatchObject({ type: "give_floor", seat_id: "r2" });
    await press(card(root, "r2"), ".signs button");
    expect(FakeSocket.last.asked).toMatchObject({ type: "lower_hand", seat_id: "r2" });
    await heard({ type: "seat_changed", seat: seat("r2") });
    expect(seen(root, ...button("hand-r2"))).toBeNull();
    expect(seen(card(root, "r2"), ".sign.warn")).toBeNull();
  });

  it("get the floor and give it back", async () => {
    const root = await inside();
    await press(card(root, "r1"), "[data-testid=give-floor-r1]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "give_floor", seat_id: "r1" });
    expect(seen(card(root, "r1"), ".sign.good:not(.line)")).toBeNull(); // not said yet
    await heard({ type: "lesson_changed", lesson: lesson({ floor: "r1" }) });
    expect(words(find(card(root, "r1"), ".sign.good:not(.line)"))).toBe("有发言权");
    expect(words(find(root, "[aria-live]"))).toBe("Room r1获得发言权");
    expect(words(find(card(root, "r1"), "[data-testid=take-floor-r1]"))).toBe("收回发言权");
    await press(card(root, "r1"), "[data-testid=take-floor-r1]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "take_floor" });
  });

  it("answer at one click: large on the stage, and back to what stood there before", async () => {
    const lit = { spotlight: { seat_id: "r2", source: null } };
    const root = await inside({ lesson: lesson(lit) });
    const large = (): string | undefined => find(root, "tk-stage", "[data-place=large]").dataset.seat;
    expect(large()).toBe("r2");
    const answering = lesson({ ...lit, floor: "r1", floor_forward: true });
    await heard({ type: "lesson_changed", lesson: answering });
    expect(large()).toBe("r1");
    await heard({ type: "lesson_changed", lesson: lesson(lit) });
    expect(large()).toBe("r2");
  });

  it("are all muted at once and heard again, and their hands go down at once", async () => {
    const hand = { place: 1, raised_at: 4995 };
    const root = await inside(seats(seat("r1", { hand }), seat("r2")));
    const silence = (): string => words(find(root, ...all("mute-all")));
    expect(silence()).toBe("全体静音");
    await press(root, ...all("mute-all"));
    expect(FakeSocket.last.asked).toMatchObject({ type: "mute_all", muted: true });
    await heard({ type: "seat_changed", seat: seat("r1", { hand, muted_by_lead: true }) });
    expect(silence()).toBe("全体静音"); // one of them is not
    await heard({ type: "seat_changed", seat: seat("r2", { muted_by_lead: true }) });
    expect(silence()).toBe("取消全体静音");
    await press(root, ...all("mute-all"));
    expect(FakeSocket.last.asked).toMatchObject({ type: "mute_all", muted: false });
    await press(root, ...all("lower-all-hands"));
    expect(FakeSocket.last.asked).toMatchObject({ type: "lower_all_hands" });
    await heard({ type: "seat_changed", seat: seat("r1") });
    expect(seen(root, ...all("lower-all-hands"))).toBeNull();
  });

  it("are muted and heard again, and stand in everybody's sight", async () => {
    const root = await inside(seats(seat("r1"), seat("r2", { muted_by_lead: true })));
    await press(card(root, "r1"), "[data-testid=mute-r1]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "mute_seat", seat_id: "r1", muted: true });
    expect(words(find(card(root, "r2"), ".sign.warn"))).toBe("已静音");
    await press(card(root, "r2"), "[data-testid=mute-r2]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "mute_seat", seat_id: "r2", muted: false });
    await press(card(root, "r1"), "[data-testid=spotlight-r1]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_spotlight", seat_id: "r1", source: null });
    await heard({
      type: "lesson_changed",
      lesson: lesson({ spotlight: { seat_id: "r1", source: null } }),
    });
    const large = find(root, "tk-stage", "[data-place=large]");
    expect(large.dataset.seat).toBe("r1");
    await press(card(root, "r1"), "[data-testid=spotlight-r1]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_spotlight", seat_id: null });
  });
});

describe("the bar below", () => {
  it("changes the layout and the lock, and shows what the server has made of it", async () => {
    const root = await inside();
    const pressed = (id: string): string | null =>
      find(root, ...button(id)).getAttribute("aria-pressed");
    expect(pressed("layout-speaker")).toBe("true");
    await press(root, ...button("layout-wall"));
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_layout", layout: "wall" });
    expect(pressed("layout-wall")).toBe("false");
    await press(root, ...button("lock"));
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_lock", locked: true });
    await heard({ type: "lesson_changed", lesson: lesson({ layout: "wall", locked: true }) });
    expect([pressed("layout-wall"), pressed("layout-speaker")]).toEqual(["true", "false"]);
    await press(root, ...button("lock"));
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_lock", locked: false });
    expect(words(find(root, "tk-top-bar"))).toContain("已锁定");
  });

  it("counts what was written while the chat was closed", async () => {
    const root = await inside();
    const line = (seat_id: string): object => ({ seat_id, name: seat_id, text: "你好", at: 1 });
    await heard({ type: "chat_posted", line: line("r1") });
    await heard({ type: "chat_posted", line: line("r2") });
    expect(words(find(root, ...button("chat")))).toBe("聊天 2");
    await press(root, ...button("chat"));
    expect(words(find(root, ...button("chat")))).toBe("聊天");
    expect(words(find(root, "tk-chat"))).toContain("你好");
  });
});

describe("what goes wrong in the lesson", () => {
  const banner = (root: ShadowRoot): string => words(seen(root, ".banner"));

  it("is said once in the server's words where it has refused", async () => {
    const root = await inside();
    await press(root, ...button("lock"));
    const refusal = { code: "lead-only", message_zh: "只有主讲可以。", message_en: "no" };
    FakeSocket.last.answer({ type: "refused", ...refusal });
    await settled();
    expect(banner(root)).toContain("只有主讲可以。");
    await press(root, ".banner button");
    expect(banner(root)).toBe("");
  });

  it("is a lost line: said, nothing can be pressed, and all is back with it", async () => {
    const root = await inside(seats(seat("r1", { hand: { place: 1, raised_at: 1 } })));
    const off = (): boolean[] =>
      ["layout-wall", "lock", "hand-r1"].map((id) => isOff(find(root, ...button(id))));
    expect([banner(root), ...off()]).toEqual(["", false, false, false]);
    FakeSocket.last.die(1006);
    await settled();
    expect([banner(root), ...off()]).toEqual([zh.lesson.reconnecting, true, true, true]);
    expect(words(find(root, "tk-top-bar"))).toContain("网络中断");
    expect(document.title).toBe("网络中断 · Fractions · 同课");
    expect(root.querySelectorAll("tk-room-card")).toHaveLength(1);
    await later(0.5);
    FakeSocket.last.letIn(welcome("lead", seats(seat("r1"), seat("r2"))));
    await settled();
    expect(banner(root)).toBe("");
    expect(root.querySelectorAll("tk-room-card")).toHaveLength(2);
  });

  it("is said when pictures and sound are lost and the rest is not", async () => {
    const root = await inside();
    session().store.dispatch({ type: "link", direction: "down", phase: "lost" });
    await settled();
    expect(banner(root)).toBe("正在恢复画面和声音…");
  });

  it("is another window of this browser, or that one was put out", async () => {
    const root = await inside();
    const out = { code: "removed-by-administrator", message_zh: "管理员已将您移出。", message_en: "" };
    await heard({ type: "removed", ...out });
    expect(words(root)).toBe(
      `您已不在课堂中 管理员已将您移出。 技术代码：removed-by-administrator 回到今日`,
    );
    expect(sessionStorage.getItem("tongke.entered.l1")).toBeNull();
    document.body.replaceChildren();
    const other = await inside();
    FakeSocket.last.die(4101);
    await settled();
    expect(words(other)).toContain("课堂已在另一个窗口打开");
    expect(seen(other, "tk-control-bar")).toBeNull();
  });
});

describe("leaving", () => {
  it("is not ending: in the lesson it is asked which is meant", async () => {
    const root = await inside();
    const dialog = (): HTMLElement | null => seen(root, "tk-top-bar", "[role=alertdialog]");
    await press(root, "tk-top-bar", "[data-testid=leave]");
    expect(words(dialog())).toBe("要离开吗？各教室会等您回来。 暂时离开 全体下课 继续上课");
    const away = find(root, "tk-top-bar", "[data-testid=leave-a-while]");
    expect(away.getAttribute("href")).toBe("/");
    await press(root, "tk-top-bar", ".end button:last-child");
    expect(dialog()).toBeNull();
    expect(FakeSocket.last.asked).toMatchObject({ type: "join" });
    await press(root, "tk-top-bar", "[data-testid=leave]");
    await press(root, "tk-top-bar", "[data-testid=end-confirm]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "end_lesson" });
  });

  it("for a while ends nothing, and the way back leads straight in", async () => {
    await inside();
    const socket = FakeSocket.last;
    document.body.replaceChildren(); // Today stands there now
    await settled();
    expect(socket.asked).toMatchObject({ type: "leave" });
    expect(socket.sent.map((one) => one.type)).not.toContain("end_lesson");
    const again = await opened({ state: "live" });
    expect(seen(again, "tk-device-check")).toBeNull();
  });

  it("before the lesson asks nothing", async () => {
    const root = await opened();
    expect(find(root, "tk-top-bar", "a.button").getAttribute("href")).toBe("/");
  });
});

describe("the end", () => {
  it("is asked before, for all, and is the lesson's server to say", async () => {
    const root = await inside();
    await press(root, "tk-top-bar", "[data-testid=end]");
    expect(words(find(root, "tk-top-bar", "[role=alertdialog]"))).toContain("确定全体下课吗？");
    expect(FakeSocket.last.asked).not.toMatchObject({ type: "end_lesson" });
    await press(root, "tk-top-bar", "[data-testid=end-confirm]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "end_lesson" });
    expect(seen(root, "tk-stage")).not.toBeNull();
    await heard({ type: "lesson_ended", reason: "by-lead" });
    expect(words(root)).toContain("本节课已结束 主讲教师已下课。 录像将在一分钟内进入课程库。");
    expect(find(root, "a").getAttribute("href")).toBe("/library");
    expect(document.title).toBe("本节课已结束 · Fractions · 同课");
    expect(sessionStorage.getItem("tongke.entered.l1")).toBeNull();
    await later(20);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it.each([
    ["by-administrator", "管理员已结束本课。"],
    ["timed-out", "课堂长时间无人主讲。"],
  ])("says who or what has ended it: %s", async (reason, said) => {
    const root = await inside();
    await heard({ type: "lesson_ended", reason });
    expect(words(root)).toContain(said);
  });
});
