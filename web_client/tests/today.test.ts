// @vitest-environment happy-dom
// What *Today* says of a lesson, and what can be done with it: by the rights the server tells.

import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Classroom, Community, Lesson, Recording, School, User } from "../src/api/types.ts";
import { timeOfDay } from "../src/i18n/format.ts";
import { zh } from "../src/i18n/zh/index.ts";
import { clashWith, planned } from "./timetable.ts";

const user: User = {
  id: "u",
  username: "chen",
  display_name: "Mr Chen",
  role: "teacher",
  school_id: "a",
  has_password: true,
};
const clash = clashWith("other");
const clashWords = zh.planning.taken("B One", "Fractions", "Ms Wang", timeOfDay(5000));

type Shown = HTMLElement & { updateComplete: Promise<boolean> };

async function shown(tag: string, properties: object): Promise<[Shown, ShadowRoot]> {
  const element = Object.assign(document.createElement(tag), properties) as Shown;
  document.body.append(element);
  await element.updateComplete;
  if (!element.shadowRoot) throw new Error("no shadow root");
  return [element, element.shadowRoot];
}

const calls: string[] = [];

function answer(body: unknown): void {
  vi.stubGlobal("fetch", (path: string, options: RequestInit) => {
    calls.push(`${options.method} ${path}`);
    return Promise.resolve(new Response(JSON.stringify(body), { status: 200 }));
  });
}

beforeAll(async () => {
  const { startLanguage } = await import("../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/pages/today/lesson_row.ts");
  await import("../src/pages/today/start_form.ts");
});

afterEach(() => {
  calls.length = 0;
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

describe("a lesson in the day's line", () => {
  const row = (more: Partial<Lesson>): Promise<[Shown, ShadowRoot]> =>
    shown("tk-lesson-row", { lesson: planned("l", more), user });
  const notices = (root: ShadowRoot): string[] =>
    [...root.querySelectorAll(".notice span")].map((one) => one.textContent.trim());

  it("says what stands between it and its beginning", async () => {
    const gone = planned("l").seats.map((seat) => ({ ...seat, gone: seat.seat_id === "room-2" }));
    const words = { message_zh: "等一等", message_en: "wait" };
    expect(notices((await row({}))[1])).toEqual([]);
    expect(notices((await row({ clashes: [clash] }))[1])).toEqual([clashWords]);
    const both = zh.planning.taken("B One、C Two", "Fractions", "Ms Wang", timeOfDay(5000));
    const second = { ...clash, classroom_id: "k2", place: "C Two" };
    expect(notices((await row({ clashes: [clash, second] }))[1])).toEqual([both]);
    expect(
      notices((await row({ clashes: [clash], waits: { code: "classroom-busy", ...words } }))[1]),
    ).toEqual(["等一等"]);
    const [, root] = await row({
      teacher: { id: null, display_name: "Ms Li" },
      seats: gone,
      waits: { code: "no-teacher", ...words },
    });
    expect(notices(root)).toEqual([zh.today.withoutTeacher, zh.today.roomsGone("C Two")]);
    expect(root.textContent).toContain(zh.today.with("One"));
  });

  it.each([
    ["ready", "看录像"],
    ["finishing", "正在整理"],
    ["failed", "失败"],
    [null, ""],
  ] as const)("that is over leads to its recording, %s, under the name that has", async (state, told) => {
    const recording = state && ({ id: "r1", lesson_id: "l", title: "圆的面积", state } as Recording);
    const over = planned("l", { state: "ended", started_at: 1000 });
    const [, root] = await shown("tk-lesson-row", { lesson: over, user, recording });
    expect(root.querySelector("h3")?.textContent).toBe(state ? "圆的面积" : "l");
    const said = [...root.querySelectorAll(".actions > *")].map((one) => one.textContent.trim());
    expect(said).toEqual(["已结束", told].filter(Boolean));
    const way = root.querySelector(".actions a")?.getAttribute("href") ?? null;
    expect(way).toBe(state === "ready" ? "/library/r1" : null);
    const going = { lesson: planned("l", { state: "live" }), user, recording };
    const [, live] = await shown("tk-lesson-row", going);
    expect(live.querySelector("h3")?.textContent).toBe("l");
  });

  it.each([
    [[], []],
    [["take-over"], ["take-over"]],
    [["change"], ["edit", "cancel"]],
    [
      ["change", "end", "take-over"],
      ["take-over", "end"],
    ],
  ] as [Lesson["may"], string[]][])("with the right to %j has %j", async (may, actions) => {
    const state = may.includes("end") ? "live" : "planned";
    const [, root] = await row({ may, state });
    const found = ["take-over", "end", "edit", "cancel"].filter((one) =>
      root.querySelector(`[data-testid="${one}"]`),
    );
    expect(found).toEqual(actions);
  });

  it.each([
    ["take-over", "POST /api/lessons/l/take-over"],
    ["end", "POST /api/lessons/l/end"],
    ["cancel", "DELETE /api/lessons/l"],
  ])("asks before %s is done", async (deed, call) => {
    answer({});
    const state = deed === "end" ? "live" : "planned";
    const [element, root] = await row({ may: ["change", "end", "take-over"], state });
    let changed = 0;
    const told = deed === "cancel" ? "cancelled" : "changed";
    element.addEventListener(told, () => (changed += 1));
    root.querySelector<HTMLButtonElement>(`[data-testid="${deed}"]`)?.click();
    await element.updateComplete;
    expect(root.querySelector('[role="alertdialog"]')).not.toBeNull();
    expect(calls).toEqual([]);
    root.querySelector<HTMLButtonElement>('[data-testid="yes"]')?.click();
    await vi.waitFor(() => expect(changed).toBe(1));
    expect(calls).toEqual([call]);
  });
});

describe("the form that plans a lesson", () => {
  it("tells of other lessons in these rooms before it is sent", async () => {
    answer([clash]);
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
    const [element, root] = await shown("tk-start-form", {
      user,
      communities: [
        { id: "c", name: "C", lead_school_id: "a", partner_school_ids: ["b"] } as Community,
      ],
      classrooms: [room("k0", "a"), room("k1", "b")],
      schools: [] as School[],
    });
    const told = (): string => root.querySelector('[data-testid="clashes"]')?.textContent ?? "";
    await vi.waitFor(() => expect(told()).toContain(clashWords));
    expect(calls).toEqual(["GET /api/lessons/clashes?classroom=k0&classroom=k1"]);
    answer([]);
    root.querySelector<HTMLInputElement>('[data-testid="check-k1"]')?.click();
    await vi.waitFor(() => expect(told()).toBe(""));
    expect(calls[1]).toBe("GET /api/lessons/clashes?classroom=k0");
    root.querySelector<HTMLInputElement>('[data-testid="when-later"]')?.click();
    await element.updateComplete;
    const time = root.querySelector<HTMLInputElement>('[data-testid="field-starts_at"]');
    if (time) time.value = "2030-01-02T09:00";
    time?.dispatchEvent(new Event("input"));
    await vi.waitFor(() => expect(calls).toHaveLength(3));
    const at = new Date("2030-01-02T09:00").getTime() / 1000;
    expect(calls[2]).toBe(`GET /api/lessons/clashes?classroom=k0&starts_at=${at}`);
  });
});
