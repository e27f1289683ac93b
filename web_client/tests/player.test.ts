import { describe, expect, it } from "vitest";
import type { Part, RecordedEvent, Recording } from "../src/api/types.ts";
import { chaptersOf, chatOf, seatLanes } from "../src/pages/player/chapters.ts";
import { afterGap, follow, MasterClock } from "../src/pages/player/clock.ts";
import { keyAction } from "../src/pages/player/keys.ts";
import { faultWords } from "../src/i18n/format.ts";
import { mediaAddress } from "../src/pages/player/media.ts";

const part = (seat: string, start: number, duration: number): Part => ({
  part_id: `${seat}-${start}`,
  seat_id: seat,
  source: "students",
  name: `Room ${seat}`,
  school: "School",
  file: "part.mp4",
  mime: "video/mp4",
  start_s: start,
  duration_s: duration,
  has_video: true,
  has_audio: true,
});

const event = (at: number, type: string, more: Record<string, unknown> = {}): RecordedEvent => ({
  at: 1000 + at,
  start_s: at,
  type,
  ...more,
});

const recording = (events: RecordedEvent[], parts: Part[]): Recording => ({
  id: "r",
  lesson_id: "l",
  title: "Fractions",
  subject: "",
  grade: "",
  teacher: "Ms Li",
  teacher_id: "t",
  schools: [],
  started_at: 1000,
  duration_s: 100,
  state: "ready",
  poster: null,
  visibility: "lesson",
  parts,
  events,
  incomplete: "",
  interrupted: null,
  pauses: [],
  missing: [],
  may: [],
});

describe("what is missing", () => {
  const pause = { start_s: 20, duration_s: 4, before_s: 0, code: "disk-full" };

  it("stands among the chapters where it was", () => {
    const recorded = { ...recording([event(0, "lesson_ended")], []), pauses: [pause] };
    const found = chaptersOf(recorded).find((chapter) => chapter.kind === "pause");
    expect(found).toEqual({ kind: "pause", at: 20, name: "", pause });
  });

  it("is never behind the end of what can be played", () => {
    const late = { ...pause, start_s: 200 };
    const recorded = { ...recording([], []), pauses: [late] };
    expect(chaptersOf(recorded).map((chapter) => chapter.at)).toEqual([0, 100]);
  });

  it("is told in words, also with a code that this page does not know", () => {
    const words = { "disk-full": "the disk is full", other: "something failed" };
    expect(faultWords(words, "disk-full")).toBe("the disk is full");
    expect(faultWords(words, "constructor")).toBe("something failed");
  });
});

describe("the master clock", () => {
  it("runs, stops, is moved and is hurried, within the recording", () => {
    const clock = new MasterClock(100);
    clock.play(10);
    expect(clock.now(15)).toBe(5);
    clock.setRate(2, 15);
    expect(clock.now(20)).toBe(15);
    clock.pause(20);
    expect(clock.now(99)).toBe(15);
    clock.seek(98, 100);
    clock.play(100);
    expect(clock.now(200)).toBe(100);
    clock.seek(-5, 200);
    expect(clock.now(200)).toBe(0);
  });
});

describe("a part that follows the clock", () => {
  const here = part("r1", 10, 20);

  it.each([
    ["before its time", 5, 0, { do: "rest" }],
    ["after its time", 30, 20, { do: "rest" }],
    ["in step", 15, 5.02, { do: "run", rate: 1 }],
    ["far off", 25, 5, { do: "jump", to: 15 }],
  ])("%s", (_name, position, current, expected) => {
    expect(follow(here, position, current, 1)).toEqual(expected);
  });

  it("hurries when late, holds back when early, never by more than is heard", () => {
    const late = follow(here, 15, 4.9, 1);
    const early = follow(here, 15, 5.5, 1);
    expect(late).toEqual({ do: "run", rate: expect.closeTo(1.06, 5) as number });
    expect(early).toEqual({ do: "run", rate: expect.closeTo(0.92, 5) as number });
  });
});

describe("a hole in the recording", () => {
  const parts = [part("a", 0, 10), part("a", 12, 10), part("a", 60, 10)];

  it.each([
    [5, null], // something is there
    [11, null], // a short pause is kept
    [30, 60],
    [80, null], // nothing comes any more
  ])("at %i s", (position, next) => {
    expect(afterGap(parts, position)).toBe(next);
  });
});

describe("what the events tell", () => {
  const events = [
    event(0, "seat_joined", { seat_id: "lead", role: "lead", name: "Ms Li", school: "" }),
    event(2, "seat_joined", { seat_id: "r1", role: "room", name: "Gaoshan", school: "" }),
    event(20, "floor_given", { seat_id: "r1", by: "lead" }),
    event(25, "spotlight", { seat_id: "r1", source: null, by: "lead" }),
    event(30, "floor_given", { seat_id: "r2", by: "lead" }),
    event(35, "spotlight", { seat_id: null, source: null, by: "lead" }),
    event(40, "floor_taken", { seat_id: "r2", by: "lead" }),
    event(50, "source_added", { seat_id: "lead", source: "screen", producer_id: "p" }),
    event(60, "chat", { seat_id: "r1", name: "Gaoshan", text: "<b>hi</b>" }),
    event(100, "lesson_ended", { reason: "by-lead" }),
    event(101, "something_new"),
  ];
  const lesson = recording(events, [part("r1", 2, 30), part("r1", 32.5, 40), part("r1", 90, 10)]);

  it("chapters in order, with names", () => {
    expect(chaptersOf(lesson).map(({ kind, at, name }) => [kind, at, name])).toEqual([
      ["start", 0, ""],
      ["joined", 2, "Room r1"],
      ["floor", 20, "Room r1"],
      ["spotlight", 25, "Room r1"],
      ["floor", 30, ""],
      ["screen", 50, "Ms Li"],
      ["end", 100, ""],
    ]);
  });

  it("the chat as it was written", () => {
    expect(chatOf(lesson)).toEqual([{ at: 60, name: "Gaoshan", text: "<b>hi</b>" }]);
  });

  it("a line for each seat: there, and with the floor", () => {
    expect(seatLanes(lesson)).toEqual([
      {
        seatId: "r1",
        name: "Room r1",
        school: "School",
        present: [
          [2, 72.5],
          [90, 100],
        ],
        floor: [[20, 30]],
      },
    ]);
  });
});

describe("keys and addresses", () => {
  it.each([
    [" ", { do: "toggle" }],
    ["7", { do: "to", share: 0.7 }],
    ["ArrowLeft", { do: "by", seconds: -5 }],
    ["?", { do: "help" }],
    ["q", null],
  ])("%s", (key, action) => {
    expect(keyAction(key)).toEqual(action);
  });

  it("escapes what the server names", () => {
    expect(mediaAddress("r 1", "parts/a?b.mp4")).toBe("/media/recordings/r%201/parts/a%3Fb.mp4");
  });
});
