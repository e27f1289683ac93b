// @vitest-environment happy-dom
// The teacher's own devices in the lesson, and the bar below it.

import { describe, expect, it } from "vitest";
import { zh } from "../../src/i18n/zh/index.ts";
import { FakeTrack } from "../lesson/asked_devices.ts";
import { FakeSocket } from "../lesson/fake_socket.ts";
import { lesson, seat } from "../lesson/views.ts";
import { find, isOff, later, press, seen, settled, words } from "../page_on_its_own.ts";
import {
  button,
  device,
  heard,
  inside,
  key,
  linked,
  lock,
  loudness,
  own,
  playsTeaching,
  profile,
  session,
} from "./scene.ts";

const played = playsTeaching();

describe("the teacher's own devices in the lesson", () => {
  it("are said to be broken above the pictures, with Retry and the way to choose", async () => {
    const root = await inside(played, { profile });
    const banner = (): string => words(seen(root, ".banner"));
    expect(banner()).toBe("");
    await played.media.last("audio").refuse("NotFoundError");
    expect(banner()).toBe(`麦克风：${zh.teach.missing} 重试 设备`);
    const before = played.media.last("audio");
    await press(root, ".banner [data-testid=retry]");
    expect(played.media.last("audio")).not.toBe(before);
    await played.media.last("audio").refuse("NotReadableError");
    await press(root, ".banner button:last-child");
    expect(banner()).toBe(`麦克风：${zh.teach.busy} 重试`);
    expect(words(device(root, "tk-device-panel", "room"))).toContain(zh.teach.busy);
    await key("Escape", find(root, "tk-device-panel", "[data-testid=close-panel]"));
    expect(seen(root, "tk-device-panel")).toBeNull();
  });

  it("open where there is nothing to switch on, and give way to the chat", async () => {
    const root = await inside(played, { profile });
    expect(words(find(root, ...button("own-room")))).toBe("麦克风已关");
    await press(root, ...button("own-room"));
    expect(seen(root, "tk-device-panel")).not.toBeNull();
    await press(root, ...button("chat"));
    expect(seen(root, "tk-device-panel")).toBeNull();
    expect(seen(root, "tk-chat")).not.toBeNull();
  });

  it("close and open by their keys, but not while one types", async () => {
    const root = await inside(played);
    const microphone = new FakeTrack();
    await own("room", microphone);
    expect(words(find(root, ...button("own-room")))).toBe("麦克风正在接通…"); // nobody hears it yet
    await linked();
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

  it("are not said to be on while nothing of them is sent", async () => {
    const root = await inside(played, { seats: [seat("lead", { sources: [] })] });
    await own("room", new FakeTrack());
    await own("teacher", new FakeTrack());
    await linked();
    const bar = (id: string): string => words(find(root, ...button(id)));
    expect([bar("own-room"), bar("own-teacher")]).toEqual(["麦克风正在接通…", "摄像头正在接通…"]);
    await heard({ type: "seat_changed", seat: seat("lead") });
    expect([bar("own-room"), bar("own-teacher")]).toEqual(["麦克风已开", "摄像头已开"]);
    session().store.dispatch({ type: "link", direction: "up", phase: "lost" });
    await settled();
    expect(bar("own-room")).toBe("麦克风正在接通…");
  });

  it("are said to have changed where one has vanished and another goes on", async () => {
    const root = await inside(played, { profile });
    const fell = (to: string | null): void =>
      session().store.dispatch({ type: "fell-back", source: "room", from: "桌面麦克风", to });
    fell("内置麦克风");
    await settled();
    const banner = (): string => words(seen(root, ".banner"));
    expect(banner()).toBe("麦克风：“桌面麦克风”已拔出，现在用的是“内置麦克风”。 设备 关闭");
    fell(null); // it is back
    await settled();
    expect(banner()).toBe("");
    fell("内置麦克风");
    await settled();
    await press(root, ".banner button:last-child");
    expect(banner()).toBe("");
  });

  it("say while one speaks how that sounds", async () => {
    const root = await inside(played);
    await own("room", new FakeTrack());
    expect(seen(root, "tk-control-bar", "tk-level-meter")).toBeNull(); // nobody hears it yet
    await linked();
    const word = async (amplitude: number): Promise<string> => {
      loudness.now = amplitude;
      await later(5);
      return words(find(root, "tk-control-bar", "tk-level-meter"));
    };
    expect(await word(0)).toBe("");
    expect(await word(0.004)).toBe("声音太小");
    expect(await word(0.1)).toBe("声音清楚");
    expect(await word(1)).toBe("声音太大");
    await press(root, ...button("own-room"));
    expect(seen(root, "tk-control-bar", "tk-level-meter")).toBeNull();
  });

  it("play three tones at the loudspeaker, and say what to do if they were not heard", async () => {
    const root = await inside(played);
    await key("d");
    const test = (): HTMLElement => find(root, "tk-device-panel", "tk-device-menu", "tk-speaker-test");
    expect(words(test())).toBe("测试扬声器");
    await press(test().shadowRoot ?? test(), "button");
    expect(words(test())).toBe("测试扬声器 正在播放三声提示音…");
    await later(2);
    expect(words(test())).toContain("没有听到？");
  });

  it("stand below the pictures, and the rooms stay as they were", async () => {
    const root = await inside(played);
    await key("d");
    expect(seen(root, ".pictures tk-device-panel")).not.toBeNull();
    expect(seen(root, "aside tk-device-panel")).toBeNull();
    expect(root.querySelectorAll("tk-room-card:not([density=whole])")).toHaveLength(0);
  });

  it("say whose microphone it is when another device has the sound", async () => {
    const root = await inside(played, { profile, carries_sound: false });
    await own("room", new FakeTrack());
    expect(words(find(root, ...button("own-room")))).toBe("声音由另一台设备传送");
    expect(isOff(find(root, ...button("own-room")))).toBe(true);
    await key("d");
    const menu = find(root, "tk-device-panel", "tk-device-menu");
    expect(words(menu)).toContain("声音由另一台设备传送");
    expect(seen(menu.shadowRoot ?? menu, "tk-level-meter")).toBeNull();
  });

  it("share a screen that everybody sees, and give the layout back", async () => {
    const root = await inside(played, { profile, lesson: lesson({ layout: "wall" }) });
    expect(words(find(root, ...button("share-screen")))).toBe("共享屏幕");
    await own("screen", new FakeTrack());
    expect(words(find(root, ...button("share-screen")))).toBe("停止共享");
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_layout", layout: "screen" });
    await heard({ type: "lesson_changed", lesson: lesson({ layout: "screen" }) });
    await own("screen", null);
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_layout", layout: "wall" });
  });
});

describe("the bars", () => {
  it("change the layout and the lock, and show what the server has made of it", async () => {
    const root = await inside(played);
    const pressed = (id: string): string | null =>
      find(root, ...button(id)).getAttribute("aria-pressed");
    expect(pressed("layout-speaker")).toBe("true");
    await press(root, ...button("layout-wall"));
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_layout", layout: "wall" });
    expect(pressed("layout-wall")).toBe("false");
    expect(words(find(root, ...lock))).toBe("锁定课堂");
    await press(root, ...lock);
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_lock", locked: true });
    await heard({ type: "lesson_changed", lesson: lesson({ layout: "wall", locked: true }) });
    expect([pressed("layout-wall"), pressed("layout-speaker")]).toEqual(["true", "false"]);
    expect(words(find(root, ...lock))).toBe("解除锁定");
    await press(root, ...lock);
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_lock", locked: false });
    expect(words(find(root, "tk-top-bar"))).toContain("已锁定");
  });

  it("count what was written while the chat was closed", async () => {
    const root = await inside(played);
    const line = (seat_id: string): object => ({ seat_id, name: seat_id, text: "你好", at: 1 });
    await heard({ type: "chat_posted", line: line("r1") });
    await heard({ type: "chat_posted", line: line("r2") });
    expect(words(find(root, ...button("chat")))).toBe("聊天 2");
    await press(root, ...button("chat"));
    expect(words(find(root, ...button("chat")))).toBe("聊天");
    expect(words(find(root, "tk-chat"))).toContain("你好");
  });

  it("keeps a line that was begun, closed and opened again, until it is sent", async () => {
    const root = await inside(played);
    const field = (): HTMLInputElement => find(root, "tk-chat", "input") as HTMLInputElement;
    await key("c");
    field().value = "请翻到第 12 页";
    field().dispatchEvent(new Event("input"));
    await key("Escape", field());
    expect(seen(root, "tk-chat")).toBeNull();
    await key("c");
    expect(field().value).toBe("请翻到第 12 页");
    document.body.replaceChildren(); // the session is over, and the same person signs in again
    sessionStorage.removeItem("tongke.entered.l1");
    const again = await inside(played);
    await key("c");
    expect((find(again, "tk-chat", "input") as HTMLInputElement).value).toBe("请翻到第 12 页");
    await press(again, "tk-chat", "[data-testid=chat-send]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "send_chat", text: "请翻到第 12 页" });
    await key("c");
    await key("c");
    expect((find(again, "tk-chat", "input") as HTMLInputElement).value).toBe("");
  });

  it("marks a chapter by button or key while it is recorded, and says when it stands", async () => {
    const root = await inside(played);
    const bar = (): string => words(find(root, "tk-top-bar"));
    expect(bar()).toContain(zh.teach.mark);
    await press(root, "tk-top-bar", "[data-testid=mark]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "mark_chapter" });
    expect(bar()).not.toContain(zh.teach.marked);
    FakeSocket.last.answer({ type: "done" });
    await settled();
    expect(bar()).toContain(zh.teach.marked);
    await key("b");
    const off = { record: false, recording: false, recording_fault: "switched-off" };
    await heard({ type: "lesson_changed", lesson: lesson(off) });
    expect(find(root, "tk-top-bar").shadowRoot?.querySelector("[data-testid=mark]")).toBeNull();
  });

  it("switches the recording, and says what the recorder makes of it", async () => {
    const root = await inside(played);
    const bar = (): string => words(find(root, "tk-top-bar"));
    const toggle = (): Promise<void> => press(root, "tk-top-bar", "[data-testid=recording]");
    expect(bar()).toContain("正在录制 暂停录制");
    await toggle();
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_recording", recording: false });
    const off = { record: false, recording: false, recording_fault: "switched-off" };
    await heard({ type: "lesson_changed", lesson: lesson(off) });
    expect(bar()).toContain("录制已暂停 开始录制");
    await toggle();
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_recording", recording: true });
  });
});
