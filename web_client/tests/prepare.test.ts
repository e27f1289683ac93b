// @vitest-environment happy-dom
// The teacher's page of a lesson that is to come: prepared, not begun. And by the keyboard: out of
// the chat's field, with the keys working again.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Lesson } from "../src/api/types.ts";
import { timeOfDay } from "../src/i18n/format.ts";
import { zh } from "../src/i18n/zh/index.ts";
import { AskedDevices } from "./lesson/asked_devices.ts";
import { FakeSocket } from "./lesson/fake_socket.ts";
import { welcome } from "./lesson/views.ts";
import { FakeServer, find, later, mounted, press, seen, settled, words } from "./page_on_its_own.ts";
import { planned } from "./timetable.ts";

const NOW_S = 4990;
const START = "POST /api/lessons/l1/start";
const inCheck = (id: string): [string, string] => ["tk-device-check", `[data-testid=${id}]`];

let server: FakeServer;

function opened(more: Partial<Lesson>): Promise<ShadowRoot> {
  server = new FakeServer({
    "GET /api/lessons/l1": planned("l1", more),
    "GET /api/classrooms": [],
    [START]: {},
    "POST /api/lessons/l1/token": { token: "t", expires_at: 1e9, lesson_id: "l1", seat_id: "lead" },
  });
  return mounted("tk-teach", { lessonId: "l1" });
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
  vi.stubGlobal("navigator", { mediaDevices: new AskedDevices() });
});

afterEach(() => {
  document.body.replaceChildren();
  sessionStorage.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("before its time a lesson", () => {
  it("is prepared without being begun: the start is asked for twice", async () => {
    const root = await opened({ starts_at: NOW_S + 600 });
    expect(seen(root, ...inCheck("device-start"))).toBeNull();
    expect(words(find(root, ...inCheck("planned-at")))).toBe(`计划 ${timeOfDay(NOW_S + 600)} 开始`);
    await press(root, ...inCheck("start-early"));
    expect(words(root)).toContain(zh.teach.startEarlySure);
    await press(root, "tk-device-check", ".no");
    expect(words(root)).not.toContain(zh.teach.startEarlySure);
    expect(server.calls).not.toContain(START);
    await press(root, ...inCheck("start-early"));
    await press(root, ...inCheck("start-early-yes"));
    expect(server.calls).toContain(START);
    expect(seen(root, "tk-control-bar")).not.toBeNull();
  });

  it("offers the start when it has come", async () => {
    const root = await opened({ starts_at: NOW_S + 60 });
    await later(59);
    expect(seen(root, ...inCheck("device-start"))).toBeNull();
    await later(1);
    expect(seen(root, ...inCheck("device-start"))).not.toBeNull();
  });
});

it("is left from the chat's field by Escape: the letters are keys again", async () => {
  const root = await opened({ state: "live" });
  FakeSocket.last.letIn(welcome("lead"));
  await settled();
  await press(root, ...inCheck("device-start"));
  const key = async (name: string, on: EventTarget): Promise<void> => {
    on.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, composed: true }));
    await settled();
  };
  await key("c", window);
  const field = find(root, "tk-chat", "input");
  await key("c", field);
  expect(seen(root, "tk-chat")).not.toBeNull(); // a letter
  await key("Escape", field);
  expect(seen(root, "tk-chat")).toBeNull();
  const bar = find(root, "tk-control-bar").shadowRoot;
  expect(bar?.activeElement).toBe(find(root, "tk-control-bar", "[data-testid=chat]"));
  await key("c", window);
  expect(seen(root, "tk-chat")).not.toBeNull();
});
