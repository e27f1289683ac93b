// @vitest-environment happy-dom
// The library page by page: what comes after, what has changed meanwhile, and whose turn it is.

import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Recording } from "../src/api/types.ts";
import { getAll } from "../src/api/client.ts";
import { zh } from "../src/i18n/zh/index.ts";
import type { RecordingCard } from "../src/pages/library/recording_card.ts";

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
  visibility: "lesson",
  parts: [],
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
