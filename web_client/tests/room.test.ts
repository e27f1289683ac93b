// @vitest-environment happy-dom
// The room's page, whole, against a played server: what stands on a screen that nobody touches.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Lesson, RoomAnswer } from "../src/api/types.ts";
import { dayOf, timeOfDay } from "../src/i18n/format.ts";
import { zh } from "../src/i18n/zh/index.ts";
import { captureProfiles, playsSound } from "../src/lesson/own_sources.ts";
import type { SourceProfile, Welcome } from "../src/protocol/messages.ts";
import { FakeSocket } from "./lesson/fake_socket.ts";
import { apply, lesson, seat, viewOf, welcome } from "./lesson/views.ts";
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

const ASK = "GET /api/room";
const CREDENTIAL = "tongke.room.credential";
const NOON_S = new Date(2026, 10, 21, 12).getTime() / 1000;

let server: FakeServer;

const answer = (more: Partial<RoomAnswer> = {}): RoomAnswer => ({
  classroom: { id: "k1", name: "One", profile: "standard", school: "B" },
  lesson: null,
  next: null,
  poll_after_s: 5,
  removed: null,
  server_time: NOON_S,
  token: null,
  ...more,
});
const going = (id = "l1"): RoomAnswer =>
  answer({ lesson: planned(id, { state: "live" }), token: `token of ${id}` });

const opened = (): Promise<ShadowRoot> => mounted("tk-room");

/** In the lesson that is going on. */
async function inside(more: Partial<Welcome> = {}): Promise<ShadowRoot> {
  server.answers[ASK] = going();
  const root = await opened();
  FakeSocket.last.letIn(welcome("r1", more));
  await settled();
  return root;
}

/** Opened anew on the same PC. */
async function again(more: Partial<Welcome>): Promise<ShadowRoot> {
  document.body.replaceChildren();
  return inside(more);
}

async function choose(select: HTMLElement, value: string): Promise<void> {
  (select as HTMLSelectElement).value = value;
  select.dispatchEvent(new Event("change"));
  await settled();
}

async function heard(message: object): Promise<void> {
  FakeSocket.last.say(message);
  await settled();
}

async function key(name: string, more: KeyboardEventInit = {}): Promise<void> {
  window.dispatchEvent(new KeyboardEvent("keydown", { key: name, ...more }));
  await settled();
}

const said = (root: ShadowRoot): string => words(seen(root, ".say"));
const caption = (root: ShadowRoot): string =>
  words(seen(root, "tk-room-lesson", "[data-testid=caption]"));
const hand = (root: ShadowRoot): HTMLElement =>
  find(root, "tk-room-lesson", "[data-testid=raise-hand]");

beforeAll(async () => {
  const { startLanguage } = await import("../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/pages/room/room.ts");
  await import("../src/pages/room/behind_gear.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: NOON_S * 1000 });
  FakeSocket.all = [];
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("RTCRtpReceiver", { getCapabilities: () => null });
  localStorage.setItem(CREDENTIAL, "tkr_one");
  server = new FakeServer({ [ASK]: answer() });
});

afterEach(() => {
  document.body.replaceChildren();
  localStorage.removeItem(CREDENTIAL);
  localStorage.removeItem("tongke.room.pictures");
  sessionStorage.clear();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a room's PC", () => {
  it("asks for no lesson while it has no credential", async () => {
    localStorage.removeItem(CREDENTIAL);
    const root = await opened();
    expect(said(root)).toBe("本教室尚未设置");
    await later(60);
    expect(server.calls).not.toContain(ASK);
  });

  it("takes its credential from the address, once, and keeps it to itself", async () => {
    location.hash = "#credential=tkr_new";
    await opened();
    expect(location.hash).toBe("");
    expect(localStorage.getItem(CREDENTIAL)).toBe("tkr_new");
    expect(server.bearer).toBe("Bearer tkr_new");
  });

  it("goes on with the credential it has, where its start brings one that is no more", async () => {
    location.hash = "#credential=tkr_revoked";
    server.answers[ASK] = new Refused(401, "credential-refused", "无效");
    const root = await opened();
    expect(server.bearer).toBe("Bearer tkr_one");
    server.answers[ASK] = answer();
    await later(30);
    expect(said(root)).toBe("现在没有课");
    expect(localStorage.getItem(CREDENTIAL)).toBe("tkr_one");
  });

  it("says that its credential is no more, and asks seldom", async () => {
    server.answers[ASK] = new Refused(401, "credential-invalid", "无效");
    const root = await opened();
    expect(said(root)).toBe("本教室的凭证已失效");
    expect(seen(root, "tk-room-pairing")).not.toBeNull(); // the way to another one
    await later(29);
    expect(server.calls.filter((call) => call === ASK)).toHaveLength(1);
    server.answers[ASK] = answer();
    await later(1);
    expect(said(root)).toBe("现在没有课");
  });

  it("shows all rooms in one picture or each by itself, as somebody chose behind its gear", async () => {
    const choice = ["dialog tk-pictures-select", "[data-testid=room-pictures]"] as const;
    const taken = (): unknown[] =>
      FakeSocket.last.sent.filter((one) => one.type === "take_program").map((one) => one.taken);
    let root = await inside();
    await press(root, "[data-testid=settings]");
    expect(seen(root, "dialog tk-pictures-select"), "there is no program to be had").toBeNull();
    await heard({ type: "lesson_changed", lesson: lesson({ program: "idle" }) });
    await choose(find(root, ...choice), "program");
    expect(taken()).toEqual([true]);
    // In the next lesson, too: this PC has kept it.
    root = await again({ lesson: lesson({ program: "idle" }) });
    expect(taken()).toEqual([true]);
    await press(root, "[data-testid=settings]");
    await choose(find(root, ...choice), "pictures");
    expect(taken()).toEqual([true, false]);
    // What its profile says is for who has not chosen.
    const receives = "program" as const;
    const profile = { name: "village", sources: [], receives, largest_shown: 0 };
    root = await again({ lesson: lesson({ program: "idle" }), profile });
    expect(taken()).toEqual([]);
    await press(root, "[data-testid=settings]");
    await choose(find(root, ...choice), "profile");
    expect(taken()).toEqual([true]);
  });

  it("forgets its credential behind a second step, and at the second press only", async () => {
    const root = await opened();
    await press(root, "[data-testid=settings]");
    const dialog = find(root, "dialog");
    expect(dialog.hasAttribute("open")).toBe(true);
    expect(find(root, "dialog details").hasAttribute("open")).toBe(false);
    await press(root, "dialog .alarm");
    expect(words(find(root, "dialog .alarm"))).toBe(zh.room.forgetSure);
    expect(localStorage.getItem(CREDENTIAL)).toBe("tkr_one");
    await press(root, "dialog .alarm");
    expect(localStorage.getItem(CREDENTIAL)).toBeNull();
    expect(dialog.hasAttribute("open")).toBe(false);
    expect(said(root)).toBe("本教室尚未设置");
  });
});

describe("a room that waits", () => {
  const hint = (root: ShadowRoot): string => words(seen(root, ".hint"));
  const next = (startsAt: number): Lesson => planned("Fractions", { starts_at: startsAt });

  it("says where it is, what time it is, and which lesson comes", async () => {
    const root = await opened();
    expect(words(seen(root, ".place"))).toBe("B · One");
    expect(words(seen(root, ".clock"))).toBe("12:00");
    expect(document.title).toBe("现在没有课 · One · 同课");
    expect(said(root)).toBe("现在没有课");
    expect(hint(root)).toBe("暂无安排。开课后会自动进入。");
    server.answers[ASK] = answer({ next: next(NOON_S + 3600) });
    await later(5);
    expect(hint(root)).toBe("下一节：Fractions，13:00");
    const tomorrow = NOON_S + 86_400;
    server.answers[ASK] = answer({ next: next(tomorrow) });
    await later(60);
    expect(hint(root)).toBe(`下一节：Fractions，${dayOf(tomorrow)} ${timeOfDay(tomorrow)}`);
    expect(words(seen(root, ".clock"))).toBe("12:01");
  });

  it("asks on while the server is away, and at once when the network is back", async () => {
    server.away = true;
    const root = await opened();
    expect(said(root)).toBe("服务器没有应答，正在自动重试");
    expect(hint(root)).toBe("");
    await later(2);
    expect(server.calls).toHaveLength(2);
    server.away = false;
    window.dispatchEvent(new Event("online"));
    await settled();
    expect(said(root)).toBe("现在没有课");
  });

  it("goes into its lesson by itself, with the token it was given", async () => {
    const root = await opened();
    server.answers[ASK] = { ...going(), poll_after_s: 1 };
    await later(5);
    expect(said(root)).toBe("正在进入课堂…");
    expect(seen(root, ".hint")).toBeNull();
    FakeSocket.last.open();
    expect(FakeSocket.last.asked).toMatchObject({ type: "join", token: "token of l1", device: "room_pc" });
    FakeSocket.last.answer(welcome("r1"));
    await settled();
    expect(seen(root, ".waiting")).toBeNull();
    expect(caption(root)).toBe("麦克风已打开，可直接发言");
    await later(4.9);
    expect(FakeSocket.all).toHaveLength(1); // it is in, whatever the server goes on telling
  });

  it("says why it is not let in, and knocks until it is", async () => {
    server.answers[ASK] = going();
    const root = await opened();
    FakeSocket.last.open();
    const locked = { code: "lesson-locked", message_zh: "课堂已锁定。", message_en: "locked" };
    FakeSocket.last.answer({ type: "refused", ...locked });
    await settled();
    expect(said(root)).toBe("课堂已锁定。");
    await later(4);
    FakeSocket.last.letIn(welcome("r1"));
    await settled();
    expect(seen(root, "tk-room-lesson")).not.toBeNull();
  });
});

describe("a room in its lesson", () => {
  const on = { type: "device", device: "microphone", phase: "on" } as const;
  const me = (more: Parameters<typeof seat>[1]): Partial<Welcome> => ({
    seats: [seat("lead"), seat("r1", more), seat("r2")],
  });

  it.each([
    [{}, "麦克风已打开，可直接发言", "举手"],
    [me({ may_speak: false }), "正在上课：Ms Li", "举手"],
    [{ lesson: lesson({ led: false, begun: false }) }, "已连接，等待Ms Li", "举手"],
    [{ lesson: lesson({ led: false }) }, "Ms Li暂时离开，马上回来", "举手"],
    [me({ hand: { place: 2, raised_at: 1 } }), "已举手，排第 2 位", "放下手"],
    [{ lesson: lesson({ floor: "r1" }) }, "轮到你们发言，大家正在听", "我们说完了"],
    [{ lesson: lesson({ floor: "r2" }) }, "轮到Room r2发言", "举手"],
    [me({ muted_by_lead: true }), "老师已将本教室静音", "举手"],
    [
      { ...me({ muted_by_lead: true }), lesson: lesson({ floor: "r1" }) },
      "轮到你们发言，但老师已将本教室静音",
      "我们说完了",
    ],
    [
      { carries_sound: false, lesson: lesson({ floor: "r1" }) },
      "轮到你们发言，声音由本教室的另一台设备传送",
      "我们说完了",
    ],
    [
      { carries_sound: false, seats: [seat("lead"), seat("r1", { sound_player: "the tablet" })] },
      "本教室的声音由另一台设备传送和播放",
      "举手",
    ],
    [
      { lesson: lesson({ spotlight: { seat_id: "r1", source: null } }) },
      "所有教室都在看你们",
      "举手",
    ],
  ] as [Partial<Welcome>, string, string][])("says in one line: %#", async (more, line, deed) => {
    const view = apply(viewOf("r1", more), on);
    const session = { tiles: { delete: () => undefined }, store: { dispatch: () => undefined } };
    const root = await mounted("tk-room-lesson", { view, session });
    expect(words(find(root, "[data-testid=caption]"))).toBe(line);
    expect(words(find(root, "[data-testid=raise-hand] strong"))).toBe(deed);
    expect(root.querySelectorAll("[role=status]")).toHaveLength(1);
  });

  it("raises its hand, lowers it and gives the floor back by one key", async () => {
    const root = await inside();
    await key(" ", { repeat: true });
    await key("x");
    expect(FakeSocket.last.asked).toMatchObject({ type: "join" });
    await key(" ");
    expect(FakeSocket.last.asked).toMatchObject({ type: "raise_hand" });
    await heard({ type: "seat_changed", seat: seat("r1", { hand: { place: 1, raised_at: 1 } }) });
    await key("PageDown"); // a presenter's remote
    expect(FakeSocket.last.asked).toMatchObject({ type: "lower_hand", seat_id: null });
    await heard({ type: "lesson_changed", lesson: lesson({ floor: "r1" }) });
    expect(document.title).toBe("轮到你们发言，大家正在听 · Fractions · 同课");
    hand(root).click();
    expect(FakeSocket.last.asked).toMatchObject({ type: "take_floor" });
  });

  it("takes its sound over when the device that carried it has gone", async () => {
    const elsewhere = { sound_device: "the tablet", sound_player: "the tablet" };
    const root = await inside({
      carries_sound: false,
      seats: [seat("lead"), seat("r1", elsewhere)],
    });
    expect(caption(root)).toBe("本教室的声音由另一台设备传送和播放");
    await heard({ type: "seat_changed", seat: seat("r1", elsewhere) });
    expect(FakeSocket.all).toHaveLength(1);
    await heard({ type: "seat_changed", seat: seat("r1", { sound_device: "device-r1" }) });
    await later(0.1);
    expect(FakeSocket.all).toHaveLength(2); // a new welcome says how the sound is to be taken
    FakeSocket.last.letIn(welcome("r1"));
    await settled();
    expect(caption(root)).toBe("麦克风已打开，可直接发言");
  });

  it("plays, with its microphone off, where another device has the microphone alone", async () => {
    const root = await inside({
      carries_sound: false,
      seats: [seat("lead"), seat("r1", { sound_device: "the agent" })],
    });
    expect(caption(root)).toBe("本机麦克风已关闭：本教室的声音由另一台设备采集");
    const session = window.tongkeSession;
    if (!session) throw new Error("no session");
    expect(playsSound(session.store.view)).toBe(true);
    expect(captureProfiles(session.store.view).some((one) => one.source === "room")).toBe(false);
    await heard({
      type: "seat_changed",
      seat: seat("r1", { sound_device: "the agent", sound_player: "the agent" }),
    });
    expect(playsSound(session.store.view)).toBe(false);
  });

  it("lets its microphone go when another device takes the sound", async () => {
    const { profile } = welcome("r1");
    const microphone = { source: "room", codec: "opus", encodings: [], sound: null } as unknown;
    await inside({ profile: { ...profile, sources: [microphone as SourceProfile] } });
    const session = window.tongkeSession;
    if (!session) throw new Error("no session");
    const captured = vi.spyOn(session.devices, "capture");
    await heard({ type: "seat_changed", seat: seat("r1", { sound_device: "the agent" }) });
    await later(0.1);
    FakeSocket.last.letIn(welcome("r1", { carries_sound: false }));
    await settled();
    expect(captured).toHaveBeenLastCalledWith([]);
  });

  it("says of a teacher who left for a while that they are away, and not that a line is lost", async () => {
    const root = await inside();
    await heard({ type: "lesson_changed", lesson: lesson({ led: false }) });
    await heard({
      type: "seat_changed",
      seat: seat("lead", { present: false, away_since: NOON_S, link: "lost" }),
    });
    expect(caption(root)).toBe("Ms Li暂时离开，马上回来");
    const large = find(root, "tk-room-lesson", "tk-stage", "[data-place=large]");
    expect(words(large)).toBe("暂时离开 Ms Li");
  });

  it("turns its sound on by the first key, which raises no hand", async () => {
    const root = await inside();
    window.tongkeSession?.store.dispatch({ type: "sound-blocked", blocked: true });
    await settled();
    expect(caption(root)).toBe("按任意键打开声音");
    await key(" ");
    expect(FakeSocket.last.asked).toMatchObject({ type: "join" });
    expect(caption(root)).toBe("麦克风已打开，可直接发言");
    await key(" ");
    expect(FakeSocket.last.asked).toMatchObject({ type: "raise_hand" });
  });

  it("shows what was written in large type for twenty seconds, as text, one after the other", async () => {
    const root = await inside({ server_time: NOON_S + 7 });
    const lines = (): string[] =>
      [...(find(root, "tk-room-lesson", "tk-chat-line").shadowRoot?.querySelectorAll("p") ?? [])].map(
        (one) => words(one),
      );
    const write = (text: string, afterS = 0): Promise<void> =>
      heard({
        type: "chat_posted",
        line: { seat_id: "lead", name: "Ms Li", text, at: NOON_S + 7 + afterS },
      });
    await later(30); // an old line of before is not news
    await write("翻到第 12 页", 30);
    expect(lines()).toEqual(["Ms Li 翻到第 12 页"]);
    await later(12);
    await write("<b>做第三题</b>", 42);
    expect(lines()).toEqual(["Ms Li 翻到第 12 页", "Ms Li <b>做第三题</b>"]);
    await later(8);
    expect(lines()).toEqual(["Ms Li <b>做第三题</b>"]);
    await later(12);
    expect(lines()).toEqual([]);
  });

  it("has all that was written behind its gear, to be read", async () => {
    const line = { seat_id: "lead", name: "Ms Li", text: "做第三题", at: NOON_S - 60 };
    const root = await inside({ chat: [line], server_time: NOON_S });
    expect(words(find(root, "tk-room-lesson", "tk-chat-line"))).toBe(""); // it is no news
    await press(root, "[data-testid=settings]");
    expect(words(find(root, "dialog tk-chat"))).toContain("做第三题");
    expect(seen(root, "dialog tk-chat", "input")).toBeNull();
    const history = find(root, "dialog tk-chat", "ol");
    const pageUp = { key: "PageUp", bubbles: true, composed: true };
    history.dispatchEvent(new KeyboardEvent("keydown", pageUp));
    expect(FakeSocket.last.asked).toMatchObject({ type: "join" }); // one scrolls, no hand goes up
  });

  it("says that the line is lost, keeps its pictures, and comes back", async () => {
    const root = await inside();
    expect(isOff(hand(root))).toBe(false);
    FakeSocket.last.die(1006);
    await settled();
    expect(caption(root)).toBe("网络中断，正在自动返回…");
    expect(isOff(hand(root))).toBe(true);
    expect(find(root, "tk-room-lesson").shadowRoot?.querySelectorAll(".strip tk-tile").length).toBe(3);
    await later(0.5);
    FakeSocket.last.letIn(welcome("r1"));
    await settled();
    expect(caption(root)).toBe("麦克风已打开，可直接发言");
  });

  it("waits again when the lesson is over by the time the line is back", async () => {
    const root = await inside();
    server.answers[ASK] = answer();
    FakeSocket.last.die(1006);
    await later(0.5);
    expect(said(root)).toBe("现在没有课");
    expect(FakeSocket.all).toHaveLength(1);
    expect(window.tongkeSession).toBeUndefined();
  });
});

describe("a room's way out", () => {
  it("is in the next lesson within a second, where that has ended this one", async () => {
    const root = await inside();
    server.answers[ASK] = { ...going("l2"), poll_after_s: 60 };
    await heard({ type: "lesson_ended", reason: "timed-out" });
    expect(said(root)).toBe(zh.room.ended);
    await later(1);
    FakeSocket.last.letIn(welcome("r1", { lesson: lesson({ title: "The next one" }) }));
    await settled();
    expect(document.title).toContain("The next one");
    await later(20); // the farewell of the one before is nobody's
    expect(document.title).toContain("The next one");
  });

  it("is the lesson's end: said for a while, and the next lesson is entered", async () => {
    const root = await inside();
    await heard({ type: "lesson_ended", reason: "by-lead" });
    expect(said(root)).toBe("本节课已结束");
    await later(15); // the server still names the lesson for a moment
    expect(said(root)).toBe("本节课已结束");
    expect(FakeSocket.all).toHaveLength(1);
    server.answers[ASK] = answer();
    await later(5);
    expect(said(root)).toBe("现在没有课");
    server.answers[ASK] = going("l2");
    await later(5);
    FakeSocket.last.open();
    expect(FakeSocket.last.asked).toMatchObject({ type: "join", token: "token of l2" });
  });

  it("is being put out: it says why until it may come in again", async () => {
    const root = await inside();
    const out = {
      code: "removed-by-lead",
      message_zh: "老师已将本教室移出课堂。",
      message_en: "put out",
    } as const;
    server.answers[ASK] = answer({ removed: out });
    await heard({ type: "removed", ...out });
    expect(said(root)).toBe("老师已将本教室移出课堂。");
    expect(seen(root, ".hint")).toBeNull();
    await later(30);
    expect(said(root)).toBe("老师已将本教室移出课堂。");
    expect(FakeSocket.all).toHaveLength(1);
    server.answers[ASK] = going();
    await later(5);
    expect(said(root)).toBe("正在进入课堂…");
    expect(FakeSocket.all).toHaveLength(2);
  });

  it("is another window of this PC; a key takes the lesson back", async () => {
    const reload = vi.spyOn(location, "reload").mockImplementation(() => undefined);
    const root = await inside();
    FakeSocket.last.die(4101);
    await settled();
    expect(words(root)).toContain("课堂已在别处打开");
    expect(reload).not.toHaveBeenCalled();
    await key(" ");
    expect(reload).toHaveBeenCalledTimes(1);
  });
});
