// @vitest-environment happy-dom
// The teacher's page before the lesson: who is there, the devices, the beginning.

import { describe, expect, it, vi } from "vitest";
import type { SeatReadiness } from "../../src/api/types.ts";
import { timeOfDay } from "../../src/i18n/format.ts";
import { zh } from "../../src/i18n/zh/index.ts";
import { FakeTrack } from "../lesson/asked_devices.ts";
import { FakeSocket } from "../lesson/fake_socket.ts";
import { lesson, seat, source, welcome } from "../lesson/views.ts";
import { find, later, press, Refused, seen, settled, words } from "../page_on_its_own.ts";
import { planned } from "../timetable.ts";
import {
  card,
  device,
  heard,
  opened,
  page,
  playsTeaching,
  served,
  START,
  WINDOW,
} from "./scene.ts";

const played = playsTeaching();

describe("before the lesson", () => {
  const expected = (root: ShadowRoot): string[] =>
    [...root.querySelectorAll(".expected li")].map((one) => words(one));

  it("stands which rooms are switched on, and the doors open by themselves", async () => {
    const root = await opened(played, { starts_at: 7200 });
    expect(words(root)).toContain(`计划 ${timeOfDay(7200)} 开始`);
    expect(expected(root)).toEqual(["One B 不在线", "Two C 不在线"]);
    const readiness = { camera: "ready", sound: "silent", line: "ready", rtt_ms: 20 } as const;
    played.server.answers["GET /api/lessons/l1/readiness"] = [
      { seat_id: "room-1", classroom_id: "k1", online: true, readiness },
      { seat_id: "room-2", classroom_id: "k2", online: false, readiness: null },
    ] satisfies SeatReadiness[];
    await later(5);
    const waits = "摄像头：正常 麦克风：没有任何声音 网络：良好";
    expect(expected(root)).toEqual([`One B 在线 ${waits}`, "Two C 不在线"]);
    expect(FakeSocket.all).toEqual([]);
    played.server.answers["GET /api/lessons/l1"] = planned("l1", { state: "live", started_at: 7200 });
    await later(5);
    expect(FakeSocket.all).toHaveLength(1);
    FakeSocket.last.letIn(welcome("lead"));
    await settled();
    const signs = (id: string): string => words(find(card(root, id), ".signs"));
    expect(root.querySelectorAll("tk-room-card")).toHaveLength(3);
    expect(seen(root, "tk-control-bar")).toBeNull(); // it is the teacher who enters
    // Nobody hears the teacher: what a room is told would come out of nowhere.
    expect(card(root, "r1").querySelector(".actions")).toBeNull();
    expect(signs("r1")).toBe("摄像头 麦克风 网络良好");
    await heard({ type: "seat_changed", seat: seat("r2", { sources: [source("r2", "students", { live: false })] }) });
    expect(signs("r2")).toBe("没有画面 没有声音 网络良好");
    await heard({ type: "seat_changed", seat: seat("r3", { present: false }) });
    expect(signs("r3")).toBe("尚未进入");
    await press(root, ...START);
    expect(card(root, "r1").querySelector(".actions")).not.toBeNull();
  });

  it("begins at the button", async () => {
    const root = await opened(played);
    expect(played.server.calls).not.toContain("POST /api/lessons/l1/start");
    await press(root, ...START);
    expect(played.server.calls).toContain("POST /api/lessons/l1/start");
    expect(seen(root, "tk-device-check")).toBeNull();
    expect(seen(root, "tk-control-bar")).not.toBeNull();
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("only looks until the button is pressed: the rooms wait, and nothing is recorded", async () => {
    const root = await opened(played, { state: "live" });
    FakeSocket.last.letIn(welcome("lead"));
    await settled();
    expect(FakeSocket.last.sent[0]).toMatchObject({ type: "join", enters: false });
    expect(FakeSocket.last.sent.map((one) => one.type)).not.toContain("enter");
    await press(root, ...START);
    expect(FakeSocket.last.asked).toMatchObject({ type: "enter" });
    FakeSocket.last.answer({ type: "done" });
    await settled();
    FakeSocket.last.die(1006);
    await later(0.5);
    FakeSocket.last.open();
    const again = { type: "join", enters: true, takes_lead: false };
    expect(FakeSocket.last.sent[0]).toMatchObject(again);
  });

  it.each(["pressed while the line is lost", "pressed, and the line is lost before the answer"])(
    "takes the lead with the next join what was %s, and once",
    async (when) => {
      const root = await opened(played, { state: "live" });
      FakeSocket.last.letIn(welcome("lead"));
      await settled();
      if (when.endsWith("answer")) await press(root, ...START);
      FakeSocket.last.die(1006);
      await settled();
      if (!when.endsWith("answer")) await press(root, ...START);
      await later(0.5);
      FakeSocket.last.letIn(welcome("lead"));
      await settled();
      const join = { resume: "key", enters: true };
      expect(FakeSocket.last.sent[0]).toMatchObject({ ...join, takes_lead: true });
      FakeSocket.last.die(1006);
      await later(0.5);
      FakeSocket.last.open();
      expect(FakeSocket.last.sent[0]).toMatchObject({ ...join, takes_lead: false });
    },
  );

  it("joins anew to learn who carries the sound, when another that enters takes it", async () => {
    await opened(played, { state: "live" });
    FakeSocket.last.letIn(welcome("lead"));
    await settled();
    await heard({ type: "seat_changed", seat: seat("lead", { sound_device: "the other" }) });
    await later(0.1);
    FakeSocket.last.letIn(welcome("lead", { carries_sound: false }));
    await settled();
    expect(FakeSocket.last.sent[0]).toMatchObject({ resume: "key", enters: false });
    await heard({ type: "seat_changed", seat: seat("lead", { sound_device: "the other" }) });
    await later(1);
    expect(FakeSocket.all).toHaveLength(2); // that is known by now
    await heard({ type: "seat_changed", seat: seat("lead") });
    await later(0.1);
    expect(FakeSocket.all).toHaveLength(3); // and here it comes
  });

  it("enters, too, whoever presses while the page is joining to look", async () => {
    const root = await opened(played, { state: "live" });
    FakeSocket.last.open(); // the join to look is on its way, and no answer yet
    await settled();
    expect(FakeSocket.last.sent[0]).toMatchObject({ type: "join", enters: false });
    await press(root, ...START);
    FakeSocket.last.answer(welcome("lead"));
    await settled();
    expect(FakeSocket.last.sent.filter((one) => one.type === "enter")).toHaveLength(1);
  });

  it("leaves the lesson to the window that is in it until the button is pressed, and then takes over", async () => {
    localStorage.setItem(WINDOW, "the other window's");
    const root = await opened(played, { state: "live" });
    expect(FakeSocket.all).toEqual([]);
    await press(root, ...START);
    FakeSocket.last.open();
    expect(FakeSocket.last.sent[0]).toMatchObject({ resume: null, enters: true, takes_lead: true });
  });

  it("does not begin when the server refuses, and says why", async () => {
    const root = await opened(played);
    played.server.answers["POST /api/lessons/l1/start"] = new Refused(409, "classroom-busy", "教室正在上课。");
    await press(root, ...START);
    expect(words(root)).toContain("教室正在上课。");
    expect(words(root)).toContain("技术代码：classroom-busy");
    await press(root, "tk-state tk-button");
    expect(seen(root, ...START)).not.toBeNull();
  });

  it("says that the server does not answer, and comes back by Retry", async () => {
    played.server = served();
    played.server.away = true;
    const root = await page();
    expect(words(root)).toContain("服务器没有应答");
    played.server.away = false;
    await press(root, "tk-state tk-button");
    expect(words(root)).toContain("课前检查");
  });

  it("is passed over by a reload in the middle of it", async () => {
    sessionStorage.setItem("tongke.entered.l1", "yes");
    sessionStorage.setItem(WINDOW, "its own");
    localStorage.setItem(WINDOW, "its own");
    const root = await opened(played, { state: "live" });
    FakeSocket.last.open();
    const back = { resume: "its own", enters: true, takes_lead: false };
    expect(FakeSocket.last.sent[0]).toMatchObject(back);
    expect(seen(root, "tk-device-check")).toBeNull();
    expect(seen(root, "tk-control-bar")).not.toBeNull();
  });

  it("turns away whom the lesson does not want, in the server's words", async () => {
    played.server = served({ state: "live" });
    played.server.answers["POST /api/lessons/l1/token"] = new Refused(403, "not-your-lesson", "不是您的课。");
    const root = await page();
    expect(words(root)).toContain("无法进入这节课 不是您的课。 技术代码：not-your-lesson");
  });
});

describe("the device check", () => {
  const check = "tk-device-check";

  it.each([
    [false, "开始上课"],
    [true, "进入课堂"],
  ])("calls a lesson's beginning that, and coming back otherwise: begun %s", async (begun, name) => {
    const root = await opened(played, { state: "live" });
    await played.media.last("audio").give(new FakeTrack());
    await played.media.last("video").give(new FakeTrack());
    FakeSocket.last.letIn(welcome("lead", { lesson: lesson({ begun }) }));
    await settled();
    expect(words(find(root, ...START))).toBe(name);
  });

  it.each([
    [false, false],
    [true, true],
  ])("counts no time that is nobody's: begun %s, counted %s", async (begun, counted) => {
    const root = await opened(played, { state: "live" });
    FakeSocket.last.letIn(welcome("lead", { lesson: lesson({ begun }) }));
    await settled();
    expect(seen(root, "tk-top-bar", ".time") !== null).toBe(counted);
    await press(root, ...START);
    await heard({ type: "lesson_changed", lesson: lesson({ begun: true }) });
    expect(seen(root, "tk-top-bar", ".time")).not.toBeNull();
  });

  it("says what is blocked or pulled out, and tries again", async () => {
    const root = await opened(played);
    await played.media.last("audio").refuse("NotAllowedError");
    expect(words(device(root, check, "room"))).toContain(zh.teach.denied);
    expect(words(find(root, ...START))).toBe("不用摄像头和麦克风，直接上课");
    const camera = new FakeTrack();
    await played.media.last("video").give(camera);
    expect(words(find(root, ...START))).toBe("开始上课");
    expect(seen(root, check, ".why")).toBeNull();
    camera.dispatchEvent(new Event("ended"));
    await settled();
    expect(words(device(root, check, "teacher"))).toContain(zh.teach.lostDevice);
    expect(words(find(root, check, ".why"))).toBe("没有画面");
    await press(device(root, check, "teacher"), "[data-testid=retry-teacher]");
    await played.media.last("audio").refuse("NotFoundError"); // the microphone is tried first
    expect(words(device(root, check, "room"))).toContain(zh.teach.missing);
    await played.media.last("video").give(new FakeTrack());
    expect(words(device(root, check, "teacher"))).not.toContain("重试");
  });

  it("says what the browser has not answered, and asks again", async () => {
    const root = await opened(played);
    expect(words(root)).not.toContain(zh.teach.unanswered);
    await later(8);
    expect(words(device(root, check, "room"))).toContain(zh.teach.unanswered);
    expect(played.media.asked.map((one) => one.kind)).toEqual(["audio", "video"]);
    await press(device(root, check, "room"), "[data-testid=retry-room]");
    expect(played.media.asked).toHaveLength(3);
    await played.media.last("audio").refuse("NotReadableError");
    expect(words(device(root, check, "room"))).toContain(zh.teach.busy);
  });

  it("says that the address is the reason where it is not secure", async () => {
    vi.stubGlobal("isSecureContext", false);
    const root = await opened(played);
    await played.media.last("audio").refuse("NotAllowedError");
    expect(words(device(root, check, "room"))).toContain(zh.teach.insecure);
  });
});
