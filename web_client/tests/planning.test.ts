// @vitest-environment happy-dom
// Planning: every week, changed, cancelled and taken back, and what collides said as whose it is.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Classroom, Community, Lesson, School, User } from "../src/api/types.ts";
import { timeOfDay } from "../src/i18n/format.ts";
import { messages, startLanguage } from "../src/i18n/index.ts";
import { zh } from "../src/i18n/zh/index.ts";
import { clashHint, clashWords } from "../src/pages/planning/clash_words.ts";
import {
  dayField,
  momentField,
  momentOf,
  MOST_WEEKS,
  nearest,
  weekly,
  weeksUntil,
} from "../src/pages/planning/weeks.ts";
import { FakeServer, find, mounted, press, seen, settled, words, write } from "./page_on_its_own.ts";
import { clashWith, planned } from "./timetable.ts";

const user: User = {
  id: "t",
  username: "li",
  display_name: "Ms Li",
  role: "teacher",
  school_id: "a",
  has_password: true,
};
const room = (id: string, school: string): Classroom => ({
  id,
  school_id: school,
  name: id,
  devices: 1,
  copied: false,
  profile: "standard",
  last_seen: null,
  online: true,
});
const place = {
  user,
  communities: [
    { id: "c", name: "C", lead_school_id: "a", partner_school_ids: ["b", "d"] } as Community,
  ],
  classrooms: [room("k0", "a"), room("k1", "b"), room("k2", "d")],
  schools: [{ id: "a", name: "A", kind: "urban" }] as School[],
};
const at = (day: number, month = 0): number => new Date(2030, month, day, 9).getTime() / 1000;
const button = (id: string): string => `[data-testid=${id}]`;

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/pages/today/today.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: at(1) * 1000 });
});

afterEach(() => {
  document.body.replaceChildren();
  sessionStorage.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the weeks", () => {
  it("are the same time on the same day of the week, over the end of a year", () => {
    const first = new Date(2029, 11, 19, 9).getTime() / 1000;
    const all = weekly(first, 4).map((one) => new Date(one * 1000));
    expect(all.map((date) => [date.getMonth(), date.getDate(), date.getDay(), date.getHours()])).toEqual([
      [11, 19, 3, 9],
      [11, 26, 3, 9],
      [0, 2, 3, 9],
      [0, 9, 3, 9],
    ]);
  });

  it.each([
    ["2030-01-02", 1],
    ["2030-01-08", 1],
    ["2030-01-09", 2],
    ["2030-01-01", 0],
    ["2040-01-01", MOST_WEEKS],
  ])("until %s are %i from the second of January", (day, count) => {
    expect(weeksUntil(at(2), day)).toBe(count);
  });

  it("stand in fields as this computer's clock has them", () => {
    expect(momentField(at(2))).toBe("2030-01-02T09:00");
    expect(dayField(at(2))).toBe("2030-01-02");
    expect(momentOf("2030-01-02T09:00")).toBe(at(2));
    expect(momentOf("")).toBeNaN();
    expect(nearest(at(9) + 60, [at(2), at(9), at(16)])).toBe(at(9));
  });
});

describe("what collides", () => {
  const time = timeOfDay(5000);
  it.each([
    [{}, zh.planning.taken("B One", "Fractions", "Ms Wang", time), zh.planning.clashHint],
    [
      { state: "live" },
      zh.planning.takenNow("B One", "Fractions", "Ms Wang", time),
      zh.planning.clashHint,
    ],
    [{ teacher_id: "t" }, zh.planning.mine("B One", "Fractions", time), zh.planning.moveOne],
    [
      { teacher_id: "t", state: "live" },
      zh.planning.mineNow("B One", "Fractions", time),
      zh.planning.endYours,
    ],
    [
      { teacher_id: "t", classroom_id: null, place: "" },
      zh.planning.mineElsewhere("Fractions", time),
      zh.planning.moveOne,
    ],
    [
      { teacher_id: "t", state: "live", classroom_id: null, place: "" },
      zh.planning.mineElsewhereNow("Fractions", time),
      zh.planning.endYours,
    ],
    [
      { classroom_id: null, place: "" },
      zh.planning.teacherElsewhere("Fractions", "Ms Wang", time),
      zh.planning.clashHint,
    ],
  ] as const)("%o is told as it is", (more, sentence, hint) => {
    const clashes = [clashWith("other", more)];
    expect(clashWords(messages(), clashes, "t")).toEqual([sentence]);
    expect(clashHint(messages(), clashes, "t")).toBe(hint);
  });
});

describe("a lesson of every week", () => {
  const form = (): Promise<ShadowRoot> => mounted("tk-start-form", place);
  const dates = (root: ShadowRoot): string[] =>
    [...root.querySelectorAll(".dates label")].map((one) => words(one));

  async function weeklyForm(): Promise<ShadowRoot> {
    const root = await form();
    await write(root, button("field-title"), "分数");
    await press(root, button("when-later"));
    await write(root, button("field-starts_at"), "2030-01-02T09:00");
    await press(root, button("weekly"));
    return root;
  }

  it("has its button below the last that is filled in, and at once above what need not be", async () => {
    new FakeServer({ "GET /api/lessons/clashes": [] });
    const root = await form();
    const after = (): boolean =>
      find(root, button("start")).compareDocumentPosition(find(root, "details")) ===
      Node.DOCUMENT_POSITION_PRECEDING;
    expect(after()).toBe(false);
    await press(root, button("when-later"));
    expect(after()).toBe(true);
  });

  it("shows its dates and what collides on which, and is sent without the days off", async () => {
    const server = new FakeServer({
      "GET /api/lessons/clashes": [clashWith("other", { starts_at: at(9) + 600 })],
      "POST /api/lessons/series": [
        planned("l1", { starts_at: at(2) }),
        planned("l3", { starts_at: at(16) }),
      ],
      "DELETE /api/lessons/l1": {},
      "DELETE /api/lessons/l3": {},
    });
    const root = await weeklyForm();
    await write(root, button("field-until"), "2030-01-20");
    expect(find(root, button("field-weeks"))).toHaveProperty("value", "3");
    expect(dates(root)).toEqual(["1月2日周三", "1月9日周三", "1月16日周三"]);
    const lines = [...root.querySelectorAll(".dates > *")].map((one) => words(one));
    expect(lines[3]).toContain("“Fractions”（Ms Wang）要用B One");
    const asked = server.calls.filter((call) => call.includes("clashes")).at(-1) ?? "";
    expect(new URLSearchParams(asked.split("?")[1]).getAll("starts_at")).toEqual(
      [at(2), at(9), at(16)].map(String),
    );
    root.querySelectorAll<HTMLInputElement>(button("date"))[1]?.click();
    await settled();
    await press(root, button("start"));
    expect(server.bodies.at(-1)).toMatchObject({ title: "分数", starts: [at(2), at(16)] });
    const undo = find(root, "tk-undo");
    expect(words(undo)).toContain("2 节课，1月2日周三至1月16日周三");
    await press(root, "tk-undo", button("undo"));
    expect(server.calls.filter((call) => call.startsWith("DELETE"))).toEqual([
      "DELETE /api/lessons/l1",
      "DELETE /api/lessons/l3",
    ]);
    expect(words(undo)).toBe(zh.planning.takenOut);
  });

  it.each(["1", "31", "", "2.5"])("is not sent for %j weeks", async (weeks) => {
    const server = new FakeServer({ "GET /api/lessons/clashes": [] });
    const root = await weeklyForm();
    await write(root, button("field-weeks"), weeks);
    await press(root, button("start"));
    expect(words(root)).toContain(zh.planning.weeksBetween(2, MOST_WEEKS));
    expect(server.calls.some((call) => call.startsWith("POST"))).toBe(false);
  });
});

describe("the timetable on Today", () => {
  let server: FakeServer;
  const lesson = (more: Partial<Lesson> = {}): Lesson =>
    planned("l1", { title: "分数", starts_at: at(2), may: ["change"], ...more });

  async function today(...lessons: Lesson[]): Promise<ShadowRoot> {
    server = new FakeServer({
      "GET /api/lessons": lessons,
      "GET /api/lessons/clashes": [],
      "GET /api/classrooms": place.classrooms,
      "GET /api/communities": place.communities,
      "GET /api/schools": place.schools,
      "GET /api/recordings": [],
      "PATCH /api/lessons/l1": lesson(),
      "DELETE /api/lessons/l1": {},
      "POST /api/lessons/l1/restore": lesson(),
    });
    return await mounted("tk-today", { user, may: [] });
  }

  const inRow = (id: string, what: string): [string, string] => [
    `tk-lesson-row[data-id=${id}]`,
    button(what),
  ];
  const active = (): Element | null => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at;
  };

  it("changes a lesson in its place: only what is other is sent", async () => {
    const root = await today(lesson(), planned("l2", { starts_at: at(3) }));
    await press(root, ...inRow("l1", "edit"));
    const form = find(root, "tk-change-form").shadowRoot;
    if (!form) throw new Error("no form");
    expect(active()).toBe(find(form, button("field-title")));
    const asked = server.calls.filter((call) => call.includes("clashes")).map((call) => call.split("?")[1]);
    expect(asked).toContain(
      `classroom=k0&classroom=k1&classroom=k2&starts_at=${at(2)}&but=l1`,
    );
    await write(form, button("field-starts_at"), "2030-01-03T10:00");
    await write(form, button("field-title"), "小数");
    await press(form, button("save"));
    expect(server.bodies.at(-1)).toEqual({ title: "小数", starts_at: at(3) + 3600 });
    expect(seen(root, "tk-change-form")).toBeNull();
    expect(active()).toBe(find(root, ...inRow("l1", "edit")));
  });

  it("leaves it as it is", async () => {
    const root = await today(lesson());
    await press(root, ...inRow("l1", "edit"));
    await press(root, "tk-change-form", button("leave-as-is"));
    expect(seen(root, "tk-change-form")).toBeNull();
    expect(active()).toBe(find(root, ...inRow("l1", "edit")));
    expect(server.calls.some((call) => call.startsWith("PATCH"))).toBe(false);
  });

  it("cancels a lesson and takes that back", async () => {
    const root = await today(lesson(), planned("l2", { starts_at: at(3), may: ["change"] }));
    await press(root, ...inRow("l1", "cancel"));
    server.answers["GET /api/lessons"] = [planned("l2", { starts_at: at(3), may: ["change"] })];
    await press(root, ...inRow("l1", "yes"));
    await settled();
    expect(seen(root, ...inRow("l1", "edit"))).toBeNull();
    expect(seen(root, ...inRow("l2", "yes"))).toBeNull(); // it was not asked about this one
    expect(words(find(root, "tk-undo"))).toBe("已取消“分数”。 撤销");
    expect(active()).toBe(find(root, "tk-undo", button("undo")));
    server.answers["GET /api/lessons"] = [lesson()];
    await press(root, "tk-undo", button("undo"));
    await settled();
    expect(server.calls).toContain("POST /api/lessons/l1/restore");
    expect(words(find(root, "tk-undo"))).toBe("“分数”已恢复。");
    expect(active()).toBe(find(root, ...inRow("l1", "edit")));
  });

  it("shows what is planned for later than the coming week", async () => {
    const root = await today();
    const until = (): number =>
      Number(new URLSearchParams(server.calls.findLast((call) => call.includes("to="))?.split("?")[1]).get("to"));
    expect(until()).toBe(at(1) + 7 * 86_400);
    await press(root, button("far"));
    expect(until()).toBeGreaterThan(at(1) + 200 * 86_400);
    expect(words(root)).toContain(zh.planning.nothingPlanned);
  });
});
