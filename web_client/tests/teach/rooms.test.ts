// @vitest-environment happy-dom
// The rooms beside the stage: how they are, and what is done to them.

import { describe, expect, it } from "vitest";
import { FakeSocket } from "../lesson/fake_socket.ts";
import type { Layout, LessonState } from "../../src/protocol/messages.ts";
import { lesson, seat, source } from "../lesson/views.ts";
import { find, later, press, seen, settled, words } from "../page_on_its_own.ts";
import {
  all,
  button,
  card,
  heard,
  inside,
  onStage,
  playsTeaching,
  seats,
} from "./scene.ts";

const played = playsTeaching();

describe("the rooms beside the stage", () => {
  it("have a card each, in the lesson's order, with how they are in words", async () => {
    const root = await inside(played, 
      seats(
        seat("r2", { link: "weak" }),
        seat("r1", { present: false }),
        seat("r3", { present: false, away_since: 4980 }),
      ),
    );
    const cards = [...root.querySelectorAll("tk-room-card")];
    expect(cards.map((one) => words(find(one.shadowRoot ?? one, ".who h3")))).toEqual([
      "Room r2",
      "Room r1",
      "Room r3",
    ]);
    expect(words(find(card(root, "r2"), ".school"))).toBe("School r2");
    expect(words(find(card(root, "r2"), ".signs"))).toBe("网络较弱");
    expect(words(find(card(root, "r1"), ".signs"))).toBe("尚未进入");
    expect(words(find(card(root, "r3"), ".signs"))).toBe("网络中断，正在返回");
  });

  it("raise a hand: said once, its wait runs, and it is answered from the bar or put down", async () => {
    const root = await inside(played);
    const up = seat("r2", { hand: { place: 1, raised_at: 4995 } });
    await heard({ type: "seat_changed", seat: up });
    expect(words(find(root, "[aria-live]"))).toBe("Room r2举手了");
    expect(document.title).toBe("1 个教室举手 · 正在上课 · Fractions · 同课");
    const sign = (): string => words(find(card(root, "r2"), ".sign.warn"));
    expect(sign()).toBe("举手 1 · 已等 0:05"); // the server's clock is ten seconds ahead
    await later(3);
    expect(sign()).toBe("举手 1 · 已等 0:08");
    await press(root, ...button("hand-r2"));
    expect(FakeSocket.last.asked).toMatchObject({ type: "give_floor", seat_id: "r2" });
    await press(card(root, "r2"), ".signs button");
    expect(FakeSocket.last.asked).toMatchObject({ type: "lower_hand", seat_id: "r2" });
    await heard({ type: "seat_changed", seat: seat("r2") });
    expect(seen(root, ...button("hand-r2"))).toBeNull();
    expect(seen(card(root, "r2"), ".sign.warn")).toBeNull();
  });

  it("get the floor and give it back", async () => {
    const root = await inside(played);
    await press(card(root, "r1"), "[data-testid=give-floor-r1]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "give_floor", seat_id: "r1" });
    expect(seen(card(root, "r1"), ".sign.good:not(.line)")).toBeNull(); // not said yet
    await heard({ type: "lesson_changed", lesson: lesson({ floor: "r1" }) });
    expect(words(find(card(root, "r1"), ".sign.good:not(.line)"))).toBe("有发言权");
    expect(words(find(root, "[aria-live]"))).toBe("Room r1获得发言权");
    expect(words(find(card(root, "r1"), "[data-testid=take-floor-r1]"))).toBe("收回发言权");
    await press(card(root, "r1"), "[data-testid=take-floor-r1]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "take_floor" });
  });

  it("answer at one click: large on the stage, and back to what stood there before", async () => {
    const lit = { spotlight: { seat_id: "r2", source: null } };
    const root = await inside(played, { lesson: lesson(lit) });
    const large = (): string | undefined => find(root, "tk-stage", "[data-place=large]").dataset.seat;
    expect(large()).toBe("r2");
    const answering = lesson({ ...lit, floor: "r1", floor_forward: true });
    await heard({ type: "lesson_changed", lesson: answering });
    expect(large()).toBe("r1");
    await heard({ type: "lesson_changed", lesson: lesson(lit) });
    expect(large()).toBe("r2");
  });

  it("are all muted at once and heard again, and their hands go down at once", async () => {
    const hand = { place: 1, raised_at: 4995 };
    const root = await inside(played, seats(seat("r1", { hand }), seat("r2")));
    const silence = (): string => words(find(root, ...all("mute-all")));
    expect(silence()).toBe("全体静音");
    await press(root, ...all("mute-all"));
    expect(FakeSocket.last.asked).toMatchObject({ type: "mute_all", muted: true });
    await heard({ type: "seat_changed", seat: seat("r1", { hand, muted_by_lead: true }) });
    expect(silence()).toBe("全体静音"); // one of them is not
    await heard({ type: "seat_changed", seat: seat("r2", { muted_by_lead: true }) });
    expect(silence()).toBe("取消全体静音");
    await press(root, ...all("mute-all"));
    expect(FakeSocket.last.asked).toMatchObject({ type: "mute_all", muted: false });
    await press(root, ...all("lower-all-hands"));
    expect(FakeSocket.last.asked).toMatchObject({ type: "lower_all_hands" });
    await heard({ type: "seat_changed", seat: seat("r1") });
    expect(seen(root, ...all("lower-all-hands"))).toBeNull();
  });

  it("are muted and heard again, and stand in everybody's sight", async () => {
    const root = await inside(played, seats(seat("r1"), seat("r2", { muted_by_lead: true })));
    await press(card(root, "r1"), "[data-testid=mute-r1]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "mute_seat", seat_id: "r1", muted: true });
    expect(words(find(card(root, "r2"), ".sign.warn"))).toBe("已静音");
    await press(card(root, "r2"), "[data-testid=mute-r2]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "mute_seat", seat_id: "r2", muted: false });
    await press(card(root, "r1"), "[data-testid=spotlight-r1]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_spotlight", seat_id: "r1", source: null });
    await heard({
      type: "lesson_changed",
      lesson: lesson({ spotlight: { seat_id: "r1", source: null } }),
    });
    const large = find(root, "tk-stage", "[data-place=large]");
    expect(large.dataset.seat).toBe("r1");
    await press(card(root, "r1"), "[data-testid=spotlight-r1]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_spotlight", seat_id: null });
  });
});

describe("the stage", () => {
  const layout = (name: Layout, more: Partial<LessonState> = {}): Promise<void> =>
    heard({ type: "lesson_changed", lesson: lesson({ layout: name, ...more }) });
  const note = (root: ShadowRoot): string => words(seen(root, "tk-stage", ".note"));

  it("has each room's picture once on the page, the own one small, and none of who is not here", async () => {
    const root = await inside(
      played,
      seats(seat("r1"), seat("r2", { present: false }), seat("r3", { present: false, away_since: 1 })),
    );
    expect(onStage(root)).toEqual(["member r1/students", "member r3/students", "strip lead/teacher"]);
    for (const id of ["r1", "r2", "r3"]) expect(seen(card(root, id), "tk-tile")).toBeNull();
    await heard({ type: "seat_changed", seat: seat("r2") });
    expect(onStage(root)).toHaveLength(4);
  });

  it("follows each layout as the rooms' screens do, and says when they see the teacher large", async () => {
    const screen = [source("lead", "teacher"), source("lead", "screen"), source("lead", "room")];
    const root = await inside(played, {
      seats: [seat("lead", { sources: screen }), seat("r1"), seat("r2")],
    });
    const rooms = (place: string): string[] => [`${place} r1/students`, `${place} r2/students`];
    expect(onStage(root)).toEqual([...rooms("member"), "strip lead/teacher"]);
    expect(note(root)).toBe("各教室的大画面是您。");
    await layout("wall");
    expect(onStage(root)).toEqual([...rooms("member"), "member lead/teacher"]);
    await layout("screen");
    expect(onStage(root)).toEqual(["large lead/screen", ...rooms("strip"), "strip lead/teacher"]);
    expect(note(root)).toBe("");
    await layout("speaker", { floor: "r2", floor_forward: true });
    expect(onStage(root)).toEqual([
      "large r2/students",
      "strip r1/students",
      "strip lead/teacher",
    ]);
  });

  it("shows the picture of a room that the teacher chooses, and all see it in the spotlight", async () => {
    const two = { sources: [source("r1", "students"), source("r1", "board"), source("r1", "room")] };
    const root = await inside(played, seats(seat("r1", two)));
    const choices = (): HTMLElement[] => [
      ...card(root, "r1").querySelectorAll<HTMLElement>(".pictures button"),
    ];
    expect(choices().map((one) => words(one))).toEqual(["学生", "板书"]);
    choices()[1]?.click();
    await settled();
    expect(onStage(root)[0]).toBe("member r1/board");
    expect(choices()[1]?.getAttribute("aria-pressed")).toBe("true");
    await press(card(root, "r1"), "[data-testid=spotlight-r1]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_spotlight", source: "board" });
  });

  it("says what comes where no room is here yet", async () => {
    const root = await inside(played, seats(seat("r1", { present: false })));
    expect(onStage(root)).toEqual(["strip lead/teacher"]);
    expect(words(find(root, "tk-stage", ".empty"))).toBe("还没有教室进入，它们会自动进入。");
  });
});
