import { describe, expect, it } from "vitest";
import type { Classroom, Community, Lesson, Recording, School } from "../src/api/types.ts";
import { en } from "../src/i18n/en/index.ts";
import { pickLanguage } from "../src/i18n/index.ts";
import { zh } from "../src/i18n/zh/index.ts";
import { attentionOf, daysOf } from "../src/pages/today/agenda.ts";
import { fromFragment, isDark, needsPerson, parseRoute, safeNext } from "../src/router.ts";
import { clashWith, planned } from "./timetable.ts";

describe("addresses", () => {
  it.each([
    ["/", { page: "today" }],
    ["/account", { page: "account" }],
    ["/setup", { page: "setup" }],
    ["/room", { page: "room" }],
    ["/room/x", { page: "not-found" }],
    ["/teach/abc", { page: "teach", id: "abc" }],
    ["/teach", { page: "not-found" }],
    ["/observe/a%20b", { page: "observe", id: "a b" }],
    ["/library", { page: "library" }],
    ["/library/r1", { page: "player", id: "r1" }],
    ["/admin", { page: "admin", section: "live" }],
    ["/admin/users", { page: "admin", section: "users" }],
    ["/trust", { page: "trust" }],
    ["/pair/48271903", { page: "pair", code: "48271903" }],
    ["/pair", { page: "pair", code: "" }],
    ["/admin/certificate", { page: "admin", section: "certificate" }],
    ["/admin/nonsense", { page: "not-found" }],
    ["/a/b/c", { page: "not-found" }],
    ["/teach/%E0%A4%A", { page: "not-found" }],
  ])("%s", (path, route) => {
    expect(parseRoute(path)).toEqual(route);
  });

  it("knows what needs a person and what is dark", () => {
    expect(needsPerson(parseRoute("/room"))).toBe(false);
    expect(needsPerson(parseRoute("/account"))).toBe(true);
    expect(needsPerson(parseRoute("/trust"))).toBe(false);
    expect(needsPerson(parseRoute("/teach/a"))).toBe(true);
    expect(isDark(parseRoute("/library/a"))).toBe(true);
    expect(isDark(parseRoute("/library"))).toBe(false);
  });

  it.each([
    ["/teach/a", "/teach/a"],
    ["//evil.example/", "/"],
    ["/\\evil.example", "/"],
    ["https://evil.example", "/"],
    ["javascript:alert(1)", "/"],
    [null, "/"],
  ])("goes on only within these pages: %s", (next, expected) => {
    expect(safeNext(next)).toBe(expected);
  });

  it.each([
    ["#key=tkk_A-b_9&next=/teach/1", "key", "tkk_A-b_9"],
    ["#credential=abc", "credential", "abc"],
    ["#abc", "credential", "abc"],
    ["#other=1", "key", ""],
    ["", "key", ""],
  ])("the secret in %s", (hash, name, expected) => {
    expect(fromFragment(hash, name)).toBe(expected);
  });
});

describe("languages", () => {
  it.each([
    [null, ["de", "en-GB"], "en"],
    [null, ["zh-Hant-TW"], "zh-CN"],
    [null, ["fr"], "zh-CN"],
    ["en", ["zh-CN"], "en"],
    ["nonsense", ["en"], "en"],
  ])("remembered %s, browser %j", (remembered, preferred, expected) => {
    expect(pickLanguage(remembered, preferred)).toBe(expected);
  });

  it("have the same keys, and no word is empty", () => {
    const keys = (catalogue: object, path = ""): string[] =>
      Object.entries(catalogue).flatMap(([key, value]: [string, unknown]) => {
        if (typeof value === "object" && value !== null) return keys(value, `${path}${key}.`);
        expect(value, path + key).toBeTruthy();
        return [path + key];
      });
    expect(keys(zh).sort()).toEqual(keys(en).sort());
  });
});

describe("the day", () => {
  const lesson = (id: string, startsAt: number, state: Lesson["state"]): Lesson =>
    planned(id, { starts_at: startsAt, state });
  const classroom = (id: string, online: boolean): Classroom => ({
    id,
    school_id: "s",
    name: id,
    devices: 1,
    copied: false,
    profile: "standard",
    last_seen: null,
    online,
  });
  const situation = {
    schools: [{ id: "s", name: "S", kind: "urban" }] as School[],
    communities: [{ id: "c" }] as Community[],
    classrooms: [classroom("k1", true), classroom("k2", false)],
    lessons: [lesson("soon", 1000, "planned"), lesson("later", 90_000, "planned")],
    recordings: [
      { state: "failed", title: "Lost" },
      { state: "recording", interrupted: null, title: "Going on" },
      { state: "recording", interrupted: { code: "disk-full", over: true }, title: "Back" },
      { state: "recording", interrupted: { code: "disk-full", over: false }, title: "Waiting" },
    ] as Recording[],
    now: 0,
    administers: false,
  };

  it("stands in calendar days, in order", () => {
    const noon = new Date(2026, 10, 21, 12).getTime() / 1000;
    const days = daysOf([
      lesson("c", noon + 86_400, "planned"),
      lesson("b", noon + 3600, "planned"),
      lesson("a", noon, "planned"),
    ]);
    expect(days.map((day) => day.lessons.map((one) => one.id))).toEqual([["a", "b"], ["c"]]);
  });

  it("asks for attention where somebody can still do something", () => {
    expect(attentionOf(situation)).toEqual([
      { kind: "room-offline", room: "C Two", lesson: "soon" },
      { kind: "recording-paused", title: "Waiting" },
      { kind: "recording-failed", title: "Lost" },
    ]);
    const words = { message_zh: "等", message_en: "wait" };
    const teacher = { id: null, display_name: "Ms Li" };
    const later = { starts_at: 90_000 };
    const clash = clashWith("other");
    const lessons = [
      planned("left", { ...later, teacher, waits: { code: "no-teacher", ...words } }),
      planned("waits", { ...later, waits: { code: "classroom-busy", ...words } }),
      planned("clashes", { ...later, clashes: [clash] }),
    ];
    expect(attentionOf({ ...situation, lessons, recordings: [] })).toEqual([
      { kind: "no-teacher", lesson: "left" },
      { kind: "waits", lesson: "waits", zh: "等", en: "wait" },
      { kind: "clash", lesson: "clashes", clashes: [clash] },
    ]);
    const pair = [
      planned("one", { ...later, clashes: [clashWith("two")] }),
      planned("two", { ...later, clashes: [clashWith("one"), clash] }),
    ];
    expect(attentionOf({ ...situation, lessons: pair, recordings: [] })).toEqual([
      { kind: "clash", lesson: "one", clashes: [clashWith("two")] },
      { kind: "clash", lesson: "two", clashes: [clash] },
    ]);
    const communities = [
      { name: "Enough", quota: "free" },
      { name: "Nearly", quota: "near" },
      { name: "Full", quota: "over" },
    ] as Community[];
    const full = { ...situation, communities, lessons: [], recordings: [] };
    expect(attentionOf(full)).toEqual([]);
    expect(attentionOf({ ...full, administers: true })).toEqual([
      { kind: "quota", community: "Nearly", state: "near" },
      { kind: "quota", community: "Full", state: "over" },
    ]);
    expect(attentionOf({ ...situation, communities: [] })).toEqual([{ kind: "no-community" }]);
    expect(attentionOf({ ...situation, schools: [] })).toEqual([{ kind: "no-schools" }]);
  });
});
