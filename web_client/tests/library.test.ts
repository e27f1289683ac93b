// @vitest-environment happy-dom
// The library page by page: what comes after, what has changed meanwhile, and whose turn it is.

import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Recording } from "../src/api/types.ts";
import { getAll } from "../src/api/client.ts";
import { zh } from "../src/i18n/zh/index.ts";
import { fileName } from "../src/pages/library/downloads.ts";
import type { RecordingCard } from "../src/pages/library/recording_card.ts";
import {
  FakeServer,
  find,
  later,
  mounted,
  press,
  Refused,
  seen,
  settled as done,
  words,
  write,
} from "./page_on_its_own.ts";

const recording = (id: number, changes: Partial<Recording> = {}): Recording => ({
  id: `r${id}`,
  lesson_id: null,
  title: `Lesson ${id}`,
  subject: "",
  grade: "",
  teacher: "Ms Li",
  teacher_id: null,
  schools: [],
  started_at: 1_800_000_000 - id,
  duration_s: 60,
  state: "ready",
  poster: null,
  strip: null,
  visibility: "lesson",
  parts: [],
  program: [],
  events: [],
  incomplete: "",
  interrupted: null,
  pauses: [],
  missing: [],
  may: [],
  ...changes,
});

let all: Recording[] = [];
let calls: string[] = [];

/** The server: `after` is the id of the last one told. */
function serve(_path: string): Promise<Response> {
  const address = new URL(_path, "http://server");
  calls.push(address.search);
  const limit = Number(address.searchParams.get("limit") ?? 2);
  const after = address.searchParams.get("after");
  const begin = after === null ? 0 : all.findIndex((one) => one.id === after) + 1;
  const rows = all.slice(begin, begin + limit);
  const last = rows.at(-1);
  const headers = new Headers();
  if (last && begin + limit < all.length) {
    headers.set("link", `</api/recordings?limit=${limit}&after=${last.id}>; rel="next"`);
  }
  return Promise.resolve(new Response(JSON.stringify(rows), { headers }));
}

type Shown = HTMLElement & { updateComplete: Promise<boolean> };

async function open(): Promise<ShadowRoot> {
  const element = document.createElement("tk-library") as Shown;
  document.body.append(element);
  await settled(element);
  if (!element.shadowRoot) throw new Error("no shadow root");
  return element.shadowRoot;
}

async function settled(element: Element): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
  await (element as Shown).updateComplete;
}

const cards = (root: ShadowRoot): string[] =>
  [...root.querySelectorAll<RecordingCard>("tk-recording-card")].map((card) => card.recording.id);
const more = (root: ShadowRoot): HTMLElement | null => root.querySelector("[data-testid=more]");
const status = (root: ShadowRoot): string => root.querySelector(".soft")?.textContent.trim() ?? "";

beforeAll(async () => {
  const { startLanguage } = await import("../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/pages/library/library.ts");
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  calls = [];
});

describe("the library", () => {
  const begin = (rows: Recording[]): void => {
    vi.useFakeTimers();
    vi.stubGlobal("fetch", serve);
    all = rows;
  };

  it("shows what comes after when it is asked to, to the last", async () => {
    begin(Array.from({ length: 150 }, (_, id) => recording(id)));
    const root = await open();
    expect(cards(root)).toEqual(all.slice(0, 60).map((one) => one.id));
    expect(status(root)).toBe(zh.library.foundFirst(60));
    for (const shown of [120, 150]) {
      more(root)?.click();
      await settled(root.host);
      expect(cards(root)).toEqual(all.slice(0, shown).map((one) => one.id));
    }
    expect(more(root)).toBeNull();
    expect(status(root)).toBe(zh.library.found(150));
  });

  it("sees what has changed in all it shows, and keeps it", async () => {
    begin(Array.from({ length: 100 }, (_, id) => recording(id)));
    all[80] = recording(80, { state: "finishing" });
    const root = await open();
    more(root)?.click();
    await settled(root.host);
    all[80] = recording(80);
    all.unshift(recording(-1));
    await vi.advanceTimersByTimeAsync(3000);
    await settled(root.host);
    expect(cards(root)).toEqual(all.slice(0, 100).map((one) => one.id));
    expect(calls.at(-1)).toBe("?limit=100");
    const asked = calls.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(calls.length).toBe(asked); // nothing is unfinished any more
  });

  /** Answers come when they are told to, in whatever order. */
  const slow = (): Map<string, { answer: (rows: Recording[]) => void; fail: () => void }> => {
    const open = new Map<string, { answer: (rows: Recording[]) => void; fail: () => void }>();
    vi.stubGlobal("fetch", (path: string, options: RequestInit) => {
      if (options.method !== "GET") return Promise.resolve(new Response("{}"));
      const { searchParams: asked } = new URL(path, "http://server");
      return new Promise<Response>((resolve, reject) => {
        const answer = (rows: Recording[]): void => resolve(new Response(JSON.stringify(rows)));
        const fail = (): void => reject(new TypeError("no route"));
        open.set(asked.get("text") ?? "", { answer, fail });
      });
    });
    return open;
  };
  const typed = async (root: ShadowRoot, text: string): Promise<void> => {
    await write(root, "[data-testid=library-search]", text);
    await vi.advanceTimersByTimeAsync(400);
  };

  it("forgets a question that fails after a later one was answered", async () => {
    begin([recording(1)]);
    const root = await open();
    const asked = slow();
    await typed(root, "a");
    await typed(root, "ab");
    asked.get("ab")?.answer([recording(2)]);
    await settled(root.host);
    asked.get("a")?.fail();
    await settled(root.host);
    expect(cards(root)).toEqual(["r2"]);
  });

  it("keeps what it shows while nobody answers, and looks again", async () => {
    begin([recording(1, { state: "finishing" })]);
    const root = await open();
    const answers = fetch;
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no route")));
    await vi.advanceTimersByTimeAsync(7000);
    expect(cards(root)).toEqual(["r1"]);
    vi.stubGlobal("fetch", answers);
    all = [recording(1)];
    const before = calls.length;
    await vi.advanceTimersByTimeAsync(3500);
    expect(calls.length).toBe(before + 1);
  });

  it("looks for what was typed though more was asked for in the same breath", async () => {
    begin(Array.from({ length: 100 }, (_, id) => recording(id)));
    const root = await open();
    await write(root, "[data-testid=library-search]", "分数");
    more(root)?.click();
    await vi.advanceTimersByTimeAsync(400);
    expect(new URLSearchParams(calls.at(-1)).get("text")).toBe("分数");
  });

  it("does not bring back what was deleted while it looked", async () => {
    const rows = [recording(1, { may: ["change"] }), recording(2, { state: "finishing" })];
    begin(rows);
    const root = await open();
    const asked = slow();
    await vi.advanceTimersByTimeAsync(3500); // it looks again
    const before = asked.get("");
    await press(root, "tk-recording-card", "tk-card-actions", "[data-do=delete]");
    await press(root, "tk-recording-card", "tk-card-actions", "[data-testid=delete-yes]");
    before?.answer(rows); // as it was
    await settled(root.host);
    expect(cards(root)).toEqual(["r2"]);
    asked.get("")?.answer(rows.slice(1));
    await settled(root.host);
    expect(cards(root)).toEqual(["r2"]);
  });

  it.each([
    ["a year that is being typed", "0002-01-01", "0"],
    ["a year that no lesson has", "2999-01-01", "4000000000"],
  ])("asks for %s as the server takes it", async (_, day, from) => {
    begin([recording(1)]);
    const root = await open();
    const field = find(root, 'input[type="date"]') as HTMLInputElement;
    field.value = day;
    field.dispatchEvent(new Event("change"));
    await vi.advanceTimersByTimeAsync(400);
    expect(new URLSearchParams(calls.at(-1)).get("from")).toBe(from);
  });

  it("takes the tab of a table's cell for a space", async () => {
    begin([recording(1)]);
    const root = await open();
    await typed(root, "分数\t三年级\u0000");
    expect(new URLSearchParams(calls.at(-1)).get("text")).toBe("分数 三年级");
  });

  it("shows nobody twice who stands elsewhere by now", async () => {
    begin(Array.from({ length: 70 }, (_, id) => recording(id)));
    const root = await open();
    const [first] = all.splice(0, 1);
    if (first) all.push(first);
    more(root)?.click();
    await settled(root.host);
    expect(new Set(cards(root)).size).toBe(cards(root).length);
  });
});

describe("a recording in the library", () => {
  const mine = recording(1, { may: ["change"] });
  const part = {
    part_id: "p1",
    seat_id: "lead",
    source: "teacher" as const,
    name: "李老师",
    school: "一小",
    file: "part-0001.mp4",
    mime: "video/mp4",
    start_s: 0,
    duration_s: 2400,
    has_video: true,
    has_audio: true,
    codecs: "",
    playlist: "",
    index_bytes: 0,
  };
  let server: FakeServer;
  const CARD = ["tk-recording-card", "tk-card-actions"];
  const shown = async (...rows: Recording[]): Promise<ShadowRoot> => {
    vi.useFakeTimers();
    server = new FakeServer({
      "GET /api/recordings?limit=60": rows,
      "GET /api/recordings/r1": { ...mine, parts: [part] },
      "PATCH /api/recordings/r1": { ...mine, title: "圆的面积" },
      "DELETE /api/recordings/r1": {},
      "POST /api/recordings/r1/restore": mine,
    });
    return mounted("tk-library");
  };
  const titles = (root: ShadowRoot): string[] =>
    [...root.querySelectorAll<RecordingCard>("tk-recording-card")].map((one) => one.recording.title);

  it("gets another title", async () => {
    const root = await shown(mine, recording(2));
    await press(root, ...CARD, "[data-do=rename]");
    const actions = find(root, ...CARD).shadowRoot;
    if (!actions) throw new Error("no shadow root");
    await write(actions, "input", "  ");
    await press(actions, "form .main");
    expect(words(find(actions, "#wrong-title"))).toBe(zh.app.required);
    await write(actions, "input", " 圆的面积 ");
    await press(actions, "form .main");
    expect(server.bodies).toEqual([{ title: "圆的面积" }]);
    expect(titles(root)).toEqual(["圆的面积", "Lesson 2"]);
    expect(seen(actions, "form")).toBeNull();
  });

  it("is deleted, asked first, and comes back", async () => {
    const root = await shown(mine, recording(2));
    await press(root, ...CARD, "[data-do=delete]");
    expect(titles(root)).toHaveLength(2);
    await press(root, ...CARD, ".least");
    await press(root, ...CARD, "[data-do=delete]");
    await press(root, ...CARD, "[data-testid=delete-yes]");
    expect(titles(root)).toEqual(["Lesson 2"]);
    expect(words(find(root, ".undo"))).toContain(zh.admin.deleted("Lesson 1"));
    await press(root, ".undo button");
    await done();
    expect(server.calls).toContain("POST /api/recordings/r1/restore");
    expect(titles(root)).toEqual(["Lesson 1", "Lesson 2"]);
    expect(words(find(root, ".undo"))).toBe(zh.admin.restored("Lesson 1"));
  });

  it("that cannot be deleted now stays, and says why", async () => {
    const root = await shown(mine);
    server.answers["DELETE /api/recordings/r1"] = new Refused(409, "busy", "正在整理");
    await press(root, ...CARD, "[data-do=delete]");
    await press(root, ...CARD, "[data-testid=delete-yes]");
    expect(titles(root)).toEqual(["Lesson 1"]);
    expect(words(find(root, ...CARD, ".wrong"))).toBe("正在整理");
  });

  it("is downloaded file by file, each with a name that is found again", async () => {
    const root = await shown(recording(1));
    expect(seen(root, ...CARD, "[data-do=rename]")).toBeNull(); // somebody else's
    expect(seen(root, ...CARD, "[data-do=delete]")).toBeNull();
    await press(root, ...CARD, "[data-do=files]");
    const link = find(root, ...CARD, "tk-downloads", "a") as HTMLAnchorElement;
    expect(link.getAttribute("href")).toBe("/media/recordings/r1/part-0001.mp4?ordinary=true");
    expect(link.download).toMatch(/^Lesson 1 - .*李老师.* - 0\.00\.mp4$/);
    expect(fileName(recording(1, { title: 'a/b: "c"' }), part, "x")).toBe("a b c - x - 0.00.mp4");
  });

  it("has what comes of leaving and coming back apart from what is looked for", async () => {
    const root = await shown(recording(1));
    const brief = { ...part, duration_s: 1.5, file: "part-0002.mp4" };
    const links = (within: string): number => find(root, ...CARD, "tk-downloads", within).querySelectorAll("a").length;
    server.answers["GET /api/recordings/r1"] = { ...mine, parts: [part, brief, brief] };
    await press(root, ...CARD, "[data-do=files]");
    expect(links("details > ul")).toBe(1);
    expect(links(".fragments")).toBe(2);
    expect(words(find(root, ...CARD, "tk-downloads", ".fragments summary"))).toBe(
      "另有 2 个不到十秒的片段（进出课堂时留下）",
    );
  });

  it("has all its files in one list where all of them are short", async () => {
    const root = await shown(recording(1));
    const brief = { ...part, duration_s: 1.5 };
    server.answers["GET /api/recordings/r1"] = { ...mine, parts: [brief, brief] };
    await press(root, ...CARD, "[data-do=files]");
    expect(seen(root, ...CARD, "tk-downloads", ".fragments")).toBeNull();
    expect(seen(root, ...CARD, "tk-downloads", "li:nth-child(2) a")).not.toBeNull();
  });

  it.each([
    ["recording", []],
    ["finishing", []],
    ["failed", ["rename", "delete"]],
    ["ready", ["files", "rename", "delete"]],
  ] as const)("that is %s offers its owner %j", async (state, offered) => {
    const root = await shown(recording(1, { may: ["change"], state }));
    const buttons = find(root, ...CARD).shadowRoot?.querySelectorAll<HTMLElement>("[data-do]") ?? [];
    expect([...buttons].map((button) => button.dataset.do)).toEqual([...offered]);
  });
});

describe("a library without lessons", () => {
  it("has nothing to filter, and leads on", async () => {
    vi.useFakeTimers();
    new FakeServer({ "GET /api/recordings?limit=60": [] });
    const root = await mounted("tk-library");
    expect(seen(root, "aside")).toBeNull();
    expect(words(find(root, "tk-state a"))).toBe("回到今日");
  });

  it("that fit says so, and shows all again at one click", async () => {
    vi.useFakeTimers();
    const server = new FakeServer({
      "GET /api/recordings?limit=60": [recording(1)],
      "GET /api/recordings?text=zzz&limit=60": [],
    });
    const root = await mounted("tk-library");
    expect(seen(root, "[data-testid=clear]")).toBeNull(); // nothing is filtered
    await write(root, "[data-testid=library-search]", "zzz");
    await later(0.5);
    expect(seen(root, "aside [data-testid=clear]")).not.toBeNull();
    await press(root, "[data-testid=show-all]");
    await later(0.5);
    expect(root.querySelectorAll("tk-recording-card")).toHaveLength(1);
    expect(server.calls.at(-1)).toBe("GET /api/recordings?limit=60");
  });
});

describe("a whole list", () => {
  it("is read to its last page", async () => {
    vi.stubGlobal("fetch", serve);
    all = Array.from({ length: 5 }, (_, id) => recording(id));
    expect((await getAll<Recording>("/api/recordings")).map((one) => one.id)).toEqual(
      all.map((one) => one.id),
    );
    expect(calls).toEqual(["", "?limit=2&after=r1", "?limit=2&after=r3"]);
  });
});
