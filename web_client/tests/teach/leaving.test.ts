// @vitest-environment happy-dom
// What goes wrong in the lesson, and how one comes out of it.

import { describe, expect, it, vi } from "vitest";
import { zh } from "../../src/i18n/zh/index.ts";
import { FakeSocket } from "../lesson/fake_socket.ts";
import { lesson, seat, welcome } from "../lesson/views.ts";
import { find, isOff, later, press, seen, settled, words } from "../page_on_its_own.ts";
import {
  button,
  heard,
  inside,
  lock,
  opened,
  playsTeaching,
  seats,
  session,
  WINDOW,
} from "./scene.ts";

const played = playsTeaching();

describe("what goes wrong in the lesson", () => {
  const banner = (root: ShadowRoot): string => words(seen(root, ".banner"));

  it("is said once in the server's words where it has refused", async () => {
    const root = await inside(played);
    await press(root, ...lock);
    const refusal = { code: "lead-only", message_zh: "只有主讲可以。", message_en: "no" };
    FakeSocket.last.answer({ type: "refused", ...refusal });
    await settled();
    expect(banner(root)).toContain("只有主讲可以。");
    await press(root, ".banner button");
    expect(banner(root)).toBe("");
  });

  it("is a lost line: said, nothing can be pressed, and all is back with it", async () => {
    const root = await inside(played, seats(seat("r1", { hand: { place: 1, raised_at: 1 } })));
    const off = (): boolean[] =>
      [button("layout-wall"), lock, button("hand-r1")].map((one) => isOff(find(root, ...one)));
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
    const root = await inside(played);
    session().store.dispatch({ type: "link", direction: "down", phase: "lost" });
    await settled();
    expect(banner(root)).toBe("正在恢复画面和声音…");
  });

  it("is another window of this browser, or that one was put out", async () => {
    const root = await inside(played);
    const out = { code: "removed-by-administrator", message_zh: "管理员已将您移出。", message_en: "" };
    await heard({ type: "removed", ...out });
    expect(words(root)).toBe(
      `您已不在课堂中 管理员已将您移出。 技术代码：removed-by-administrator 回到今日`,
    );
    expect(sessionStorage.getItem("tongke.entered.l1")).toBeNull();
    document.body.replaceChildren();
    const other = await inside(played);
    FakeSocket.last.die(4101);
    await settled();
    expect(words(other)).toBe(`${zh.lesson.replacedTitle} ${zh.lesson.replaced} 在这里使用`);
    expect(seen(other, "tk-control-bar")).toBeNull();
    expect(FakeSocket.all).toHaveLength(2); // it does not come back by itself
  });

  it("is another computer that has taken over while the line was lost; a button takes back", async () => {
    const reload = vi.spyOn(location, "reload").mockImplementation(() => undefined);
    const root = await inside(played);
    FakeSocket.last.die(1006);
    await later(0.5);
    FakeSocket.last.open();
    const byItself = { resume: "key", enters: true, takes_lead: false };
    expect(FakeSocket.last.sent[0]).toMatchObject(byItself);
    const elsewhere = { code: "leads-elsewhere", message_zh: "在另一台电脑上。", message_en: "" };
    FakeSocket.last.answer({ type: "refused", ...elsewhere });
    FakeSocket.last.die(4100);
    await later(30);
    expect(FakeSocket.all).toHaveLength(2);
    expect(words(root)).toContain(zh.lesson.replaced);
    await press(root, "[data-testid=take-back]");
    expect(reload).toHaveBeenCalledTimes(1);
    reload.mockRestore();
    document.body.replaceChildren();
    await opened(played, { state: "live" });
    FakeSocket.last.open(); // by hand one comes as another device
    expect(FakeSocket.last.sent[0]).toMatchObject({ resume: null, enters: true, takes_lead: true });
    FakeSocket.last.answer(welcome("lead"));
    await settled();
    FakeSocket.last.die(1006);
    await later(0.5);
    FakeSocket.last.open();
    expect(FakeSocket.last.sent[0]).toMatchObject(byItself);
  });

  it("is never to come back as another window's device", async () => {
    await inside(played);
    FakeSocket.last.die(1006);
    localStorage.setItem(WINDOW, "the other window's");
    await later(0.5);
    FakeSocket.last.open();
    expect(FakeSocket.last.sent[0]).toMatchObject({ resume: "key", takes_lead: false });
    await settled();
    document.body.replaceChildren(); // left here
    expect(localStorage.getItem(WINDOW)).toBe("the other window's");
  });
});

describe("leaving", () => {
  it("is not ending: in the lesson it is asked which is meant", async () => {
    const root = await inside(played);
    const dialog = (): HTMLElement | null => seen(root, "tk-top-bar", "[role=alertdialog]");
    await press(root, "tk-top-bar", "[data-testid=leave]");
    expect(words(dialog())).toBe("要离开吗？各教室会等您回来。 暂时离开 全体下课 继续上课");
    const away = find(root, "tk-top-bar", "[data-testid=leave-a-while]");
    expect(away.getAttribute("href")).toBe("/");
    await press(root, "tk-top-bar", ".end button:last-child");
    expect(dialog()).toBeNull();
    expect(FakeSocket.last.asked).toMatchObject({ type: "enter" });
    await press(root, "tk-top-bar", "[data-testid=leave]");
    await press(root, "tk-top-bar", "[data-testid=end-confirm]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "end_lesson" });
  });

  it("for a while ends nothing, and the way back leads straight in", async () => {
    await inside(played);
    const socket = FakeSocket.last;
    document.body.replaceChildren(); // Today stands there now
    await settled();
    expect(socket.asked).toMatchObject({ type: "leave" });
    expect(socket.sent.map((one) => one.type)).not.toContain("end_lesson");
    const again = await opened(played, { state: "live" });
    expect(seen(again, "tk-device-check")).toBeNull();
  });

  it("for a while, and leading on elsewhere, leaves the lesson there on the way back", async () => {
    await inside(played);
    document.body.replaceChildren();
    localStorage.setItem(WINDOW, "the other window's");
    const again = await opened(played, { state: "live" });
    FakeSocket.last.open();
    expect(FakeSocket.last.sent[0]).toMatchObject({ resume: null, enters: true, takes_lead: false });
    const elsewhere = { code: "leads-elsewhere", message_zh: "在另一台电脑上。", message_en: "" };
    FakeSocket.last.answer({ type: "refused", ...elsewhere });
    await settled();
    expect(words(again)).toContain(zh.lesson.replaced);
    expect(seen(again, "[data-testid=take-back]")).not.toBeNull();
  });

  it("before the lesson asks nothing", async () => {
    const root = await opened(played);
    expect(find(root, "tk-top-bar", "a.button").getAttribute("href")).toBe("/");
  });
});

describe("the end", () => {
  it("is asked before, for all, and is the lesson's server to say", async () => {
    const root = await inside(played);
    await press(root, "tk-top-bar", "[data-testid=end]");
    expect(words(find(root, "tk-top-bar", "[role=alertdialog]"))).toContain("确定全体下课吗？");
    expect(FakeSocket.last.asked).not.toMatchObject({ type: "end_lesson" });
    await press(root, "tk-top-bar", "[data-testid=end-confirm]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "end_lesson" });
    expect(seen(root, "tk-stage")).not.toBeNull();
    await heard({ type: "lesson_ended", reason: "by-lead" });
    expect(words(root)).toContain("本节课已结束 您已下课。 录像将在一分钟内进入课程库。");
    const links = (): (string | null)[] => [
      ...(find(root, "tk-lesson-ended").shadowRoot?.querySelectorAll("a") ?? []),
    ].map((one) => one.getAttribute("href"));
    expect(links()).toEqual(["/library", "/"]);
    expect(document.title).toBe("本节课已结束 · Fractions · 同课");
    expect(sessionStorage.getItem("tongke.entered.l1")).toBeNull();
    const of = (lesson_id: string, state: string): object => ({ id: `rec-${lesson_id}`, lesson_id, state });
    played.server.answers["GET /api/recordings?from=1000"] = [of("l0", "ready"), of("l1", "finishing")];
    await later(3);
    expect(links()).toEqual(["/library/rec-l1", "/library", "/"]);
    expect(words(root)).toContain("您已下课。 正在整理录像，马上可以播放。 看录像");
    played.server.answers["GET /api/recordings?from=1000"] = [of("l1", "ready")];
    await later(3);
    expect(words(root)).toContain("您已下课。 看录像");
    await later(20);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("does not promise a recording that was switched off", async () => {
    const root = await inside(played, { lesson: lesson({ record: false, recording: false }) });
    await heard({ type: "lesson_ended", reason: "by-lead" });
    expect(words(root)).toContain("您已下课。 去课程库");
  });

  it.each([
    ["by-administrator", "管理员已结束本课。"],
    ["timed-out", "课堂长时间无人主讲。"],
  ])("says who or what has ended it: %s", async (reason, said) => {
    const root = await inside(played);
    await heard({ type: "lesson_ended", reason });
    expect(words(root)).toContain(said);
  });
});
