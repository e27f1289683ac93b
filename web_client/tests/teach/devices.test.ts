// @vitest-environment happy-dom
// The teacher's own devices in the lesson, and the bar below it.

import { describe, expect, it } from "vitest";
import { zh } from "../../src/i18n/zh/index.ts";
import { FakeTrack } from "../lesson/asked_devices.ts";
import { FakeSocket } from "../lesson/fake_socket.ts";
import { lesson } from "../lesson/views.ts";
import { find, isOff, press, seen, words } from "../page_on_its_own.ts";
import {
  button,
  device,
  heard,
  inside,
  key,
  own,
  playsTeaching,
  profile,
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
    await key("Escape", find(root, "tk-device-panel", "[data-testid=close-devices]"));
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
    const root = await inside(played, { carries_sound: false });
    await own("room", new FakeTrack());
    expect(words(find(root, ...button("own-room")))).toBe("声音由另一台设备传送");
    expect(isOff(find(root, ...button("own-room")))).toBe(true);
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

describe("the bar below", () => {
  it("changes the layout and the lock, and shows what the server has made of it", async () => {
    const root = await inside(played);
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
    const root = await inside(played);
    const line = (seat_id: string): object => ({ seat_id, name: seat_id, text: "你好", at: 1 });
    await heard({ type: "chat_posted", line: line("r1") });
    await heard({ type: "chat_posted", line: line("r2") });
    expect(words(find(root, ...button("chat")))).toBe("聊天 2");
    await press(root, ...button("chat"));
    expect(words(find(root, ...button("chat")))).toBe("聊天");
    expect(words(find(root, "tk-chat"))).toContain("你好");
  });
});
