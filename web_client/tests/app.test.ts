// @vitest-environment happy-dom
// The application around the pages: who is signed in, and where a session that ends leads.

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { SIGNED_OUT } from "../src/api/client.ts";
import "../src/app.ts";
import { FakeServer, find, later, mounted, settled } from "./page_on_its_own.ts";

beforeAll(async () => {
  const { startLanguage } = await import("../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
});

beforeEach(() => {
  vi.useFakeTimers();
  history.replaceState(null, "", "/sign-in");
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("leads back to the page at which the session ended, however many requests heard of it", async () => {
  const server = new FakeServer({
    "GET /api/session": { user: null, may: [] },
    "GET /api/setup": { needed: false },
  });
  await mounted("tk-app");
  history.replaceState(null, "", "/admin/live");
  dispatchEvent(new PopStateEvent("popstate"));
  for (let refused = 0; refused < 3; refused++) dispatchEvent(new Event(SIGNED_OUT));
  await settled();
  await settled();
  expect(location.pathname + location.search).toBe("/sign-in?next=%2Fadmin%2Flive");
  expect(server.calls.filter((call) => call === "GET /api/setup").length).toBeGreaterThan(1);
});

it("leads back to the very moment of a recording that was asked for", async () => {
  new FakeServer({
    "GET /api/session": { user: null, may: [] },
    "GET /api/setup": { needed: false },
  });
  history.replaceState(null, "", "/library/r1?t=1m5s");
  await mounted("tk-app");
  await settled();
  expect(location.pathname + location.search).toBe(
    `/sign-in?next=${encodeURIComponent("/library/r1?t=1m5s")}`,
  );
});

it("begins at the new page's content when the link that led there is gone with the old page", async () => {
  const person = { id: "u1", username: "chen", display_name: "Chen", role: "administrator" };
  new FakeServer({
    "GET /api/session": { user: person, may: ["administer"] },
    "GET /api/schools": [],
    "GET /api/classrooms": [],
    "GET /api/communities": [],
    "GET /api/users": [],
    "GET /api/profiles": [],
  });
  history.replaceState(null, "", "/nowhere");
  const app = await mounted("tk-app");
  await vi.waitFor(() => find(app, "#content tk-state a"));
  find(app, "#content tk-state a").focus();
  find(app, "#content tk-state a").click();
  await later(1);
  expect(location.pathname).toBe("/");
  expect(app.activeElement).toBe(find(app, "#content")); // not "skip to the content"
});
