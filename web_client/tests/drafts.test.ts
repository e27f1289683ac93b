// @vitest-environment happy-dom
// A session that ends keeps what was typed: in this tab, for this person, once, without passwords.

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { SIGNED_OUT } from "../src/api/client.ts";
import type { Community, Recording } from "../src/api/types.ts";
import { forgetDrafts, isSignedIn } from "../src/components/drafts.ts";
import { startLanguage } from "../src/i18n/index.ts";
import { zh } from "../src/i18n/zh/index.ts";
import { FakeServer, find, mounted, press, seen, settled, words, write } from "./page_on_its_own.ts";
import { planned } from "./timetable.ts";

const FIELD = "[data-testid=field-title]";
const li = { id: "li", username: "li", display_name: "Ms Li", role: "teacher", school_id: "a" };
const wang = { ...li, id: "wang", username: "wang" };
let server: FakeServer;

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/app.ts");
  await import("../src/pages/today/today.ts");
  await import("../src/pages/sign_in.ts");
  await import("../src/pages/library/library.ts");
  await import("../src/pages/account.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: 500_000 });
  history.replaceState(null, "", "/");
  server = new FakeServer({
    "GET /api/session": { user: li, may: [] },
    "GET /api/setup": { needed: false },
    "POST /api/session": { user: li, may: [] },
    "GET /api/lessons": [planned("l1", { may: ["change"] })],
    "GET /api/lessons/clashes": [],
    "GET /api/classrooms": [],
    "GET /api/communities": [
      { id: "c", name: "C", lead_school_id: "a", partner_school_ids: ["b"] } as Community,
    ],
    "GET /api/schools": [{ id: "a", name: "A", kind: "urban" }],
    "GET /api/recordings": [],
  });
});

afterEach(() => {
  document.body.replaceChildren();
  sessionStorage.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function allDone(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) {
    await vi.dynamicImportSettled();
    await settled();
  }
}

async function ends(): Promise<void> {
  server.answers["GET /api/session"] = { user: null, may: [] };
  dispatchEvent(new Event(SIGNED_OUT));
  await allDone();
}

async function signsIn(app: ShadowRoot, user = li): Promise<void> {
  server.answers["GET /api/session"] = { user, may: [] };
  await write(app.querySelector("tk-sign-in")?.shadowRoot ?? app, "[data-testid=field-username]", "x");
  await write(app.querySelector("tk-sign-in")?.shadowRoot ?? app, "[data-testid=field-password]", "y");
  await press(app, "tk-sign-in", "[data-testid=sign-in]");
  await allDone();
}

async function onToday(): Promise<ShadowRoot> {
  const app = await mounted("tk-app");
  await allDone();
  return app;
}

const title = (app: ShadowRoot): string =>
  (find(app, "tk-today", "tk-start-form", FIELD) as HTMLInputElement).value;

function startForm(app: ShadowRoot): ShadowRoot {
  const form = find(app, "tk-today", "tk-start-form").shadowRoot;
  if (!form) throw new Error("no form");
  return form;
}

it("gives back what was typed, where it was typed, once", async () => {
  const app = await onToday();
  await write(startForm(app), FIELD, "分数，第三课");
  await ends();
  expect(location.pathname + location.search).toBe("/sign-in?next=%2F");
  await signsIn(app);
  expect(location.pathname).toBe("/");
  expect(title(app)).toBe("分数，第三课");
  expect(words(startForm(app))).toContain(zh.app.typedIsBack);
  expect(sessionStorage.length).toBe(0);
});

it("opens the form again in which a lesson was being changed", async () => {
  const app = await onToday();
  await press(app, "tk-today", "tk-lesson-row", "[data-testid=edit]");
  const form = find(app, "tk-today", "tk-change-form").shadowRoot;
  if (!form) throw new Error("no form");
  await write(form, FIELD, "小数");
  await ends();
  await signsIn(app);
  const again = find(app, "tk-today", "tk-change-form", FIELD) as HTMLInputElement;
  expect(again.value).toBe("小数");
});

const recording = (id: string, title: string): Recording =>
  ({ id, title, state: "ready", subject: "", grade: "", teacher: "Li", schools: [], started_at: 1, duration_s: 60,
    poster: null, visibility: "lesson", incomplete: "", interrupted: null, parts: [], may: ["change"] }) as unknown as Recording;

async function inLibrary(): Promise<[ShadowRoot, ShadowRoot]> {
  history.replaceState(null, "", "/library");
  server.answers["GET /api/recordings"] = [recording("r1", "圆"), recording("r2", "分数")];
  const app = await onToday();
  return [app, find(app, "tk-library").shadowRoot ?? app];
}

it("keeps what was looked for in the library", async () => {
  const [app, library] = await inLibrary();
  await write(library, "[data-testid=library-search]", "分数");
  const day = find(library, "input[type=date]") as HTMLInputElement;
  day.value = "2026-11-02";
  day.dispatchEvent(new Event("change"));
  await ends();
  expect(location.search).toBe("?next=%2Flibrary");
  server.calls = [];
  await signsIn(app);
  const again = find(app, "tk-library").shadowRoot ?? app;
  expect((find(again, "[data-testid=library-search]") as HTMLInputElement).value).toBe("分数");
  expect((find(again, "input[type=date]") as HTMLInputElement).value).toBe("2026-11-02");
  const asked = server.calls.filter((call) => call.startsWith("GET /api/recordings"));
  expect(asked.every((call) => call.includes("text=") && call.includes("from="))).toBe(true);
  expect(asked).not.toEqual([]);
  expect(sessionStorage.length).toBe(0);
});

it("keeps a recording's new title", async () => {
  const [app, library] = await inLibrary();
  const path = ["tk-recording-card[data-id=r2]", "tk-card-actions"];
  await press(library, ...path, "[data-do=rename]");
  const actions = find(library, ...path).shadowRoot ?? library;
  await write(actions, FIELD, "分数（二）");
  await ends();
  await signsIn(app);
  expect((find(app, "tk-library", ...path, FIELD) as HTMLInputElement).value).toBe("分数（二）");
  expect(seen(app, "tk-library", "tk-recording-card[data-id=r1]", "tk-card-actions", FIELD)).toBeNull();
});

it("gives nothing to somebody else, nor after signing out", async () => {
  const app = await onToday();
  await write(startForm(app), FIELD, "分数");
  await ends();
  await signsIn(app, wang);
  expect(title(app)).toBe("");
  expect(sessionStorage.length).toBe(0);
  await write(startForm(app), FIELD, "分数");
  await ends();
  forgetDrafts();
  await signsIn(app, wang);
  expect(title(app)).toBe("");
});

it("keeps nothing that nobody has typed, and no password", async () => {
  const app = await onToday();
  await ends();
  expect(sessionStorage.length).toBe(0);
  expect(seen(app, "tk-sign-in")).not.toBeNull();
  document.body.replaceChildren();
  isSignedIn("li");
  const root = await mounted("tk-account", { user: li });
  await write(root, "[data-testid=field-password]", "a new password");
  dispatchEvent(new Event(SIGNED_OUT));
  expect(sessionStorage.length).toBe(0);
});
