import { describe, expect, it } from "vitest";
import type { Part, RecordedEvent, Recording } from "../src/api/types.ts";
import { AsSeen } from "../src/pages/player/as_seen.ts";
import { chaptersOf, chatOf, seatLanes, speakers } from "../src/pages/player/chapters.ts";
import { afterGap, follow, MasterClock } from "../src/pages/player/clock.ts";
import { keyAction } from "../src/pages/player/keys.ts";
import { faultWords } from "../src/i18n/format.ts";
import { mediaAddress } from "../src/pages/player/media.ts";
import { addressOf, momentIn } from "../src/pages/player/moment.ts";
import { programAlone } from "../src/pages/player/program_alone.ts";
import { besideLarge, type Box, inAWall } from "../src/pages/player/places.ts";

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
  codecs: "",
  playlist: "",
  index_bytes: 0,
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
  strip: null,
  visibility: "lesson",
  parts,
  program: [],
  events,
  incomplete: "",
  interrupted: null,
  pauses: [],
  missing: [],
  may: [],
});

describe("a recording of its program alone", () => {
  const program = { ...part("program", 0, 100), source: "program" as const };
  const steered = [
    event(0, "seat_joined", { seat_id: "lead", role: "lead" }),
    event(1, "floor_given", { seat_id: "room1" }),
    event(2, "spotlight", { seat_id: "room2", source: "students" }),
    event(3, "layout", { layout: "grid" }),
    event(4, "source_muted", { seat_id: "lead", source: "teacher", muted: true }),
  ];

  it("shows it large, whatever was chosen in the lesson", () => {
    const kept = programAlone({ ...recording(steered, []), program: [program] });
    const seen = new AsSeen(kept);
    for (const at of [0.5, 1.5, 2.5, 3.5, 50]) {
      const { large, wall } = seen.stage(at) as unknown as Record<string, unknown>;
      expect(JSON.stringify([large, wall])).toContain('"program"');
    }
    expect(chaptersOf(kept).length).toBeGreaterThan(1);
  });

  it("leaves one alone that has more", () => {
    const whole = { ...recording([], [part("a", 0, 5)]), program: [program] };
    expect(programAlone(whole)).toBe(whole);
  });
});

describe("what is missing", () => {
  const pause = { start_s: 20, duration_s: 4, before_s: 0, code: "disk-full" };

  it("stands among the chapters where it was", () => {
    const recorded = { ...recording([event(0, "lesson_ended")], []), pauses: [pause] };
    const found = chaptersOf(recorded).find((chapter) => chapter.kind === "pause");
    expect(found).toEqual({ kind: "pause", at: 20, name: "", pause });
  });

  it("stands among what the teacher has marked, which is counted", () => {
    const marks = [event(10, "chapter_marked", { by: "lead" }), event(30, "chapter_marked")];
    const recorded = { ...recording(marks, []), pauses: [{ ...pause, start_s: 20 }] };
    expect(chaptersOf(recorded).map(({ kind, at, name }) => [kind, at, name])).toEqual([
      ["start", 0, ""],
      ["mark", 10, "1"],
      ["pause", 20, ""],
      ["mark", 30, "2"],
    ]);
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
    event(12, "speech", { seat_id: "r1", since: 1012, until: 1012, over: false }),
    event(14, "speech", { seat_id: "r1", since: 1012, until: 1014, over: true }),
    event(16, "speech", { seat_id: "r1", since: 1016, until: 1016, over: true }), // an echo
    event(20, "floor_given", { seat_id: "r1", by: "lead" }),
    event(21, "speech", { seat_id: "r1", since: 1020.5, until: 1025.5, over: false }), // killed
    event(25, "spotlight", { seat_id: "r1", source: null, by: "lead" }),
    event(30, "floor_given", { seat_id: "r2", by: "lead" }),
    event(35, "spotlight", { seat_id: null, source: null, by: "lead" }),
    event(40, "floor_taken", { seat_id: "r2", by: "lead" }),
    event(50, "source_added", { seat_id: "lead", source: "screen", producer_id: "p" }),
    event(61, "seat_joined", { seat_id: "r2", role: "room", name: "Late", school: "" }),
    event(60, "chat", { seat_id: "r1", name: "Gaoshan", text: "<b>hi</b>" }),
    event(100, "lesson_ended", { reason: "by-lead" }),
    event(101, "something_new"),
  ];
  const lesson = recording(events, [part("r1", 2, 30), part("r1", 32.5, 40), part("r1", 90, 10)]);

  it("chapters in order, with names", () => {
    expect(chaptersOf(lesson).map(({ kind, at, name }) => [kind, at, name])).toEqual([
      ["start", 0, ""], // who comes within the first minute is no chapter
      ["floor", 20, "Room r1"],
      ["spotlight", 25, "Room r1"],
      ["floor", 30, "Late"],
      ["screen", 50, "Ms Li"],
      ["joined", 61, "Late"],
      ["end", 100, ""],
    ]);
  });

  const page = (at: number, number: unknown, more: Record<string, unknown> = {}): RecordedEvent =>
    event(at, "screen_page", { seat_id: "lead", page: number, since: 998.5 + at, ...more });
  const pages = (events: RecordedEvent[], duration_s = 3000): [number, string][] =>
    chaptersOf({ ...recording(events, []), duration_s })
      .filter(({ kind }) => kind === "page")
      .map(({ at, name }) => [at, name]);

  it("pages of a shared screen where they came, not when that was told", () => {
    expect(pages([page(31.5, 2), page(61.5, 3)])).toEqual([
      [30, "2"],
      [60, "3"],
    ]);
  });

  it("no page that was leafed over, or that stood for a moment before the sharing ended", () => {
    const leafed = [2, 3, 4, 5, 6, 7, 8].map((number) => page(100 + 6 * number, number));
    expect(pages(leafed)).toEqual([[146.5, "8"]]);
    const stops = event(55, "source_removed", { seat_id: "lead", source: "screen" });
    expect(pages([page(50, 2), stops])).toEqual([]);
    expect(pages([page(50, 2), page(52, 2, { seat_id: "r1" })])).toHaveLength(2);
  });

  it("of very many pages those that stood the longest, and all other chapters", () => {
    let at = 0;
    const many = Array.from({ length: 120 }, (_, n) => page((at += n % 2 ? 11 : 25), n + 2));
    const found = pages([event(1, "chapter_marked"), ...many], at + 10);
    const odd = Array.from({ length: 60 }, (_, n) => 2 * n + 3); // those after which it took longer
    expect(found.map(([, name]) => Number(name))).toEqual(odd);
  });

  it.each(["2", -1, null, 2.5, true, 1e9])("no page of %s", (number) => {
    expect(pages([page(50, number)])).toEqual([]);
  });

  it.each([
    ["soon", 50],
    [1900, 50],
    [-1e12, 40],
  ])("a page that stood since %s not far from where it was told", (since, begins) => {
    expect(pages([page(50, 2, { since })])).toEqual([[begins, "2"]]);
  });

  it("the chat as it was written", () => {
    expect(chatOf(lesson)).toEqual([{ at: 60, name: "Gaoshan", text: "<b>hi</b>" }]);
  });

  it("a line for each seat: there, speaking, and with the floor", () => {
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
        spoke: [
          [12, 14],
          [20.5, 25.5],
        ],
      },
    ]);
  });

  it("who speaks at a moment", () => {
    const lanes = seatLanes(lesson);
    expect([11.9, 12, 14, 16, 25.4].map((at) => speakers(lanes, at).has("r1"))).toEqual([
      false,
      true,
      false,
      false,
      true,
    ]);
  });

  it("speech that cannot be told apart is one stroke: a lane has no thousands of them", () => {
    const spells = Array.from({ length: 3000 }, (_, at) =>
      event(at / 30, "speech", { seat_id: "r1", since: 1000 + at / 30, until: 1000.01 + at / 30 }),
    );
    const [lane] = seatLanes(recording(spells, [part("r1", 0, 100)]));
    expect(lane?.spoke.length).toBe(1);
  });
});

describe("what the class saw", () => {
  const source = (seat: string, name: Part["source"], start = 0, duration = 100): Part => ({
    ...part(seat, start, duration),
    part_id: `${seat}-${name}`,
    source: name,
  });
  const parts = [
    source("lead", "teacher"),
    source("lead", "screen", 30, 40),
    source("r1", "students"),
    source("r2", "students", 0, 50),
  ];
  const seen = (at: number, events: RecordedEvent[], of = parts): string[] => {
    const { shape, large } = new AsSeen(recording(events, of)).stage(at);
    return [shape, ...large.map((picture) => `${picture.seatId}/${picture.source}`)];
  };
  const roles = [
    event(0, "seat_joined", { seat_id: "r1", role: "room", name: "", school: "" }),
    event(0, "seat_joined", { seat_id: "lead", role: "lead", name: "", school: "" }),
  ];
  const floor = event(10, "floor_given", { seat_id: "r1", by: "lead" });
  const spot = (at: number, seat: string | null): RecordedEvent =>
    event(at, "spotlight", { seat_id: seat, source: null, by: "lead" });
  const layout = (at: number, name: string): RecordedEvent =>
    event(at, "layout", { layout: name, by: "lead" });

  it.each<[string, number, RecordedEvent[], string[]]>([
    ["the teacher, as nothing was chosen", 5, [], ["large", "lead/teacher"]],
    ["who answers", 12, [floor], ["large", "r1/students"]],
    ["not yet", 9.9, [floor], ["large", "lead/teacher"]],
    [
      "the spotlight from before, when the floor is taken back",
      25,
      [spot(5, "r2"), floor, event(20, "floor_taken", { seat_id: "r1", by: "lead" })],
      ["large", "r2/students"],
    ],
    ["a picture that is chosen while somebody answers", 16, [floor, spot(15, "r2")], ["large", "r2/students"]],
    ["the layout that is chosen while somebody answers", 16, [floor, layout(15, "speaker")], ["large", "lead/teacher"]],
    ["nobody's any more", 20, [spot(5, "r1"), spot(15, null)], ["large", "lead/teacher"]],
    ["the shared screen", 40, [layout(29, "screen")], ["large", "lead/screen"]],
    ["no screen that is not shared any more", 80, [layout(29, "screen")], ["large", "lead/teacher"]],
    [
      "no screen that is closed",
      40,
      [layout(29, "screen"), event(35, "source_muted", { seat_id: "lead", source: "screen", muted: true })],
      ["large", "lead/teacher"],
    ],
    ["all", 40, [layout(20, "wall")], ["wall", "lead/teacher", "r1/students", "r2/students"]],
    ["all who are left", 60, [layout(20, "wall")], ["wall", "lead/teacher", "r1/students"]],
    ["somebody else, where the spotlight is on one who has gone", 60, [spot(5, "r2")], ["large", "lead/teacher"]],
    ["what a later version chose is passed over", 5, [layout(1, "cube"), event(2, "nova")], ["large", "lead/teacher"]],
  ])("%s", (_name, at, events, expected) => {
    expect(seen(at, [...roles, ...events])).toEqual(expected);
  });

  it("who sends a teacher's picture leads, where no event tells it", () => {
    const [lead, , room] = parts;
    expect(seen(5, [], [room, lead].filter((one) => one !== undefined))).toEqual(["large", "lead/teacher"]);
  });
});

describe("where the pictures stand", () => {
  const inside = (box: Box, width: number, height: number): boolean =>
    box.left >= -0.01 &&
    box.top >= -0.01 &&
    box.left + box.width <= width + 0.01 &&
    box.top + box.height <= height + 0.01;
  const apart = (one: Box, other: Box): boolean =>
    one.left + one.width <= other.left + 0.01 ||
    other.left + other.width <= one.left + 0.01 ||
    one.top + one.height <= other.top + 0.01 ||
    other.top + other.height <= one.top + 0.01;

  it.each([
    [1, 1038, 400],
    [3, 1038, 400],
    [4, 390, 291],
    [4, 820, 533],
    [9, 1038, 400],
    [14, 390, 291],
    [3, 100, 4000],
  ])("%i small ones in %i × %i: none is cut, none covers another", (count, width, height) => {
    const { large, small } = besideLarge(count, width, height);
    const all = [large, ...small];
    expect(small.length).toBe(count);
    expect(all.filter((box) => !inside(box, width, height))).toEqual([]);
    expect(all.every((one) => all.every((other) => one === other || apart(one, other)))).toBe(true);
    const wall = inAWall(count, width, height);
    expect(wall.filter((box) => !inside(box, width, height))).toEqual([]);
    expect(wall.every((one) => wall.every((other) => one === other || apart(one, other)))).toBe(true);
  });

  it("the small ones stand where they leave more for the large one", () => {
    const [wide] = besideLarge(3, 1038, 400).small;
    const [tall] = besideLarge(3, 390, 500).small;
    expect(wide?.left).toBeGreaterThan(700);
    expect(tall?.top).toBeGreaterThan(250);
  });

  it("one alone has all of it", () => {
    expect(besideLarge(0, 1600, 900).large).toEqual({ left: 0, top: 0, width: 1600, height: 900 });
  });
});

describe("a moment's address", () => {
  it.each([
    ["?t=90", 90],
    ["?t=90s", 90],
    ["?t=1h2m3s", 3723],
    ["?t=2M", 120],
    ["?t=1h5", 3605],
    ["?t=", null],
    ["?t=-5", null],
    ["?t=soon", null],
    ["?x=1", null],
    ["", null],
  ])("%s", (search, seconds) => {
    expect(momentIn(search)).toBe(seconds);
  });

  it.each([0, 59.9, 60, 3600, 3723.4])("of %f s is read back", (seconds) => {
    const address = addressOf("https://s", "r 1", seconds);
    expect(address).toMatch(/^https:\/\/s\/library\/r%201\?t=/);
    expect(momentIn(new URL(address).search)).toBe(Math.floor(seconds));
  });
});

describe("keys and addresses", () => {
  it.each([
    [" ", { do: "toggle" }],
    ["7", { do: "to", share: 0.7 }],
    ["ArrowLeft", { do: "by", seconds: -5 }],
    ["f", { do: "fullscreen" }],
    ["C", { do: "as-seen" }],
    ["p", { do: "program" }],
    ["q", null],
  ])("%s", (key, action) => {
    expect(keyAction(key)).toEqual(action);
  });

  it("escapes what the server names", () => {
    expect(mediaAddress("r 1", "parts/a?b.mp4")).toBe("/media/recordings/r%201/parts/a%3Fb.mp4");
  });
});
