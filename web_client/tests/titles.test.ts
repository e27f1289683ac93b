// @vitest-environment happy-dom
// The window's title tells page, lesson and state: a tab is found among twenty.

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { startLanguage, switchLanguage } from "../src/i18n/index.ts";
import type { Recording } from "../src/api/types.ts";
import { FakeSocket } from "./lesson/fake_socket.ts";
import { FakeServer, later, mounted, settled } from "./page_on_its_own.ts";
import { planned } from "./timetable.ts";

let server: FakeServer;

/** The application at an address; what it loads is there. */
async function at(path: string): Promise<void> {
  history.replaceState(null, "", path);
  await mounted("tk-app");
  await vi.dynamicImportSettled();
  await settled();
}

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/app.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: 4990 * 1000 });
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("RTCPeerConnection", vi.fn());
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("RTCRtpReceiver", { getCapabilities: () => null });
  server = new FakeServer({
    "GET /api/session": { user: { id: "u", display_name: "Ms Li" }, may: ["administer"] },
    "GET /api/lessons/l1": planned("l1", { title: "分数" }),
    "GET /api/classrooms": [],
    "GET /api/lessons": [],
    "GET /api/communities": [],
    "GET /api/schools": [],
    "GET /api/recordings": [],
    "POST /api/lessons/l1/token": { token: "t", expires_at: 1e9, lesson_id: "l1", seat_id: "o1" },
    "GET /api/recordings/r1": {
      state: "finishing",
      title: "分数",
      parts: [],
      program: [],
    } satisfies Partial<Recording>,
  });
});

afterEach(() => {
  document.body.replaceChildren();
  history.replaceState(null, "", "/");
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it.each([
  ["/", "今日 · 同课"],
  ["/account", "修改密码 · 同课"],
  ["/library", "课程库 · 同课"],
  ["/library/r1", "正在整理 · 分数 · 同课"],
  ["/admin/users", "人员 · 管理 · 同课"],
  ["/admin", "正在上课 · 管理 · 同课"],
  ["/sign-in", "登录 · 同课"],
  ["/setup", "设置服务器 · 同课"],
  ["/trust", "让这台电脑信任服务器 · 同课"],
  ["/nowhere", "没有这个页面 · 同课"],
  ["/teach/l1", "课前检查 · 分数 · 同课"],
  ["/observe/l1", "正在进入课堂… · 同课"],
  ["/room", "本教室尚未设置 · 同课"],
])("%s is titled %s", async (path, title) => {
  await at(path);
  expect(document.title).toBe(title);
});

it("is what the page says: that the server is away, and then the page", async () => {
  server.away = true;
  await at("/");
  expect(document.title).toBe("服务器没有应答 · 同课");
  server.away = false;
  await later(3);
  expect(document.title).toBe("今日 · 同课");
});

it("says on Today which lesson is going on", async () => {
  server.answers["GET /api/lessons"] = [planned("l1", { title: "分数", state: "live" })];
  await at("/");
  expect(document.title).toBe("正在进行 · 分数 · 今日 · 同课");
});

it("follows the language, and the way from page to page", async () => {
  await at("/teach/l1");
  await switchLanguage("en");
  await settled();
  expect(document.title).toBe("Before you begin · 分数 · Tongke");
  history.replaceState(null, "", "/library");
  dispatchEvent(new PopStateEvent("popstate"));
  await vi.dynamicImportSettled();
  await settled();
  expect(document.title).toBe("Library · Tongke");
  await switchLanguage("zh-CN");
});
