// @vitest-environment happy-dom
// A room's screen without a credential, and the administrator who says where it stands.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Classroom, Pairing, RoomAnswer, School, WaitingScreen } from "../src/api/types.ts";
import { zh } from "../src/i18n/zh/index.ts";
import {
  FakeServer,
  find,
  later,
  mounted,
  press,
  Refused,
  seen,
  settled,
  words,
  write,
} from "./page_on_its_own.ts";

const BEGIN = "POST /api/pairing";
const ASK = "GET /api/pairing";
const waiting: WaitingScreen = { code: "48271903", secret: "tkr_new", poll_after_s: 3 };
const still: Pairing = { paired: false, code: "48271903", poll_after_s: 3 };
const answer: RoomAnswer = {
  classroom: { id: "k1", name: "One", profile: "standard", school: "B" },
  lesson: null,
  next: null,
  poll_after_s: 5,
  removed: null,
  server_time: 1,
  token: null,
};

let server: FakeServer;

/** The room's page; what it loads is there. */
async function opened(): Promise<ShadowRoot> {
  const root = await mounted("tk-room");
  await vi.dynamicImportSettled();
  await settled();
  return root;
}

const figures = (root: ShadowRoot): string =>
  words(seen(root, "tk-room-pairing", "[data-testid=pairing-code]"));

beforeAll(async () => {
  const { startLanguage } = await import("../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/pages/room/room.ts");
  await import("../src/pages/pair.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  server = new FakeServer({ [BEGIN]: waiting, [ASK]: still, "GET /api/room": answer });
});

afterEach(() => {
  document.body.replaceChildren();
  localStorage.removeItem("tongke.room.credential");
  localStorage.removeItem("tongke.room.pairing");
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a room's screen without a credential", () => {
  it("shows eight figures, and comes in when they were entered", async () => {
    const root = await opened();
    expect(words(seen(root, ".say"))).toBe("本教室尚未设置");
    expect(figures(root)).toBe("4827 1903");
    expect(words(seen(root, "tk-room-pairing"))).toContain(zh.pairing.tell);
    await later(3);
    expect(server.bearer).toBe("Bearer tkr_new");
    server.answers[ASK] = { ...still, paired: true, code: "" };
    await later(3);
    expect(words(seen(root, ".say"))).toBe("现在没有课");
    expect(words(seen(root, ".place"))).toBe("B · One");
    expect(localStorage.getItem("tongke.room.credential")).toBe("tkr_new");
    expect(localStorage.getItem("tongke.room.pairing")).toBeNull();
    expect(seen(root, "tk-room-pairing")).toBeNull();
  });

  it("leads a phone by its QR code to the page that asks which classroom it is", async () => {
    const root = await opened();
    const code = find(root, "tk-room-pairing", "tk-qr") as HTMLElement & { text: string };
    expect(code.text).toBe(`${location.origin}/pair/48271903`);
    expect(find(root, "tk-room-pairing", "tk-qr", "path").getAttribute("d")).toMatch(/^M0 0h7v1H0z/);
  });

  it("shows the same figures after a power cut, and is paired by what it kept", async () => {
    await opened();
    document.body.replaceChildren();
    expect(server.calls).toEqual([BEGIN]);
    const root = await opened();
    expect(figures(root)).toBe("4827 1903");
    expect(new Set(server.calls.slice(1))).toEqual(new Set([ASK]));
  });

  it("shows other figures when its time is over, by itself", async () => {
    const root = await opened();
    server.answers[ASK] = new Refused(404, "not-found", "没有");
    server.answers[BEGIN] = { ...waiting, code: "11112224", secret: "tkr_other" };
    await later(3.1);
    expect(figures(root)).toBe("1111 2224");
    server.answers[ASK] = { ...still, code: "11112224" };
    await later(3);
    expect(server.bearer).toBe("Bearer tkr_other");
  });

  it("says that the server is away, or refuses, and asks on", async () => {
    server.away = true;
    const root = await opened();
    expect(words(seen(root, "tk-room-pairing", "[role=status]"))).toBe(zh.room.serverAway);
    server.away = false;
    server.answers[BEGIN] = new Refused(503, "too-many-screens", "等待的屏幕过多。");
    await later(2);
    expect(words(seen(root, "tk-room-pairing", "[role=status]"))).toBe("等待的屏幕过多。");
    server.answers[BEGIN] = waiting;
    await later(15);
    expect(figures(root)).toBe("4827 1903");
  });
});

describe("who says where a screen stands", () => {
  const PAIR = "POST /api/classrooms/k2/pair";
  const code = (root: ShadowRoot): HTMLInputElement =>
    find(root, "tk-pair-form", "[name=code]") as HTMLInputElement;

  beforeEach(() => {
    server.answers["GET /api/schools"] = [{ id: "s", name: "青山小学" }] as School[];
    server.answers["GET /api/classrooms"] = [
      { id: "k1", school_id: "s", name: "1号教室" },
      { id: "k2", school_id: "s", name: "2号教室" },
    ] as Classroom[];
    server.answers[PAIR] = { id: "d1", label: "教室电脑", created_at: 1, last_used_at: null };
  });

  async function choose(root: ShadowRoot, id: string): Promise<void> {
    const select = find(root, "tk-pair-form", "select") as HTMLSelectElement;
    select.value = id;
    select.dispatchEvent(new Event("change"));
    await settled();
  }

  it("comes by the QR code, chooses the classroom, and is done", async () => {
    const root = await mounted("tk-pair", { code: "48271903", may: ["administer"] });
    expect(code(root).value).toBe("48271903");
    await press(root, "tk-pair-form", "[data-testid=pair]");
    expect(server.bodies).toEqual([]); // which classroom?
    await choose(root, "k2");
    await press(root, "tk-pair-form", "[data-testid=pair]");
    expect(server.bodies).toEqual([{ code: "48271903", label: "教室电脑" }]);
    expect(words(find(root, "tk-pair-form", "[role=status]"))).toBe(zh.pairing.done);
    expect(code(root).value).toBe("");
  });

  it("types what was read aloud, with or without a gap, and is told what is wrong", async () => {
    server.answers[PAIR] = new Refused(404, "no-such-screen", "没有屏幕显示这组数字。", {
      code: { zh: "没有屏幕显示这组数字。", en: "none" },
    });
    const root = await mounted("tk-pair-form", { classroomId: "k2" });
    await write(root, "[name=code]", "4827 19");
    await press(root, "[data-testid=pair]");
    expect(words(find(root, "#wrong-code"))).toBe(zh.pairing.eightFigures);
    await write(root, "[name=code]", "4827-1904");
    await press(root, "[data-testid=pair]");
    expect(server.bodies).toEqual([{ code: "48271904", label: "教室电脑" }]);
    expect(words(find(root, "#wrong-code"))).toBe("没有屏幕显示这组数字。");
    expect(seen(root, ".done")).toBeNull();
  });

  it("is an administrator", async () => {
    const root = await mounted("tk-pair", { code: "48271903", may: [] });
    expect(words(root)).toContain(zh.pairing.onlyAdministrators);
    expect(seen(root, "tk-pair-form")).toBeNull();
  });
});
