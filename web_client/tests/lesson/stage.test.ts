import { describe, expect, it } from "vitest";
import { roomCaption } from "../../src/lesson/captions.ts";
import { bestColumns, leadStage, roomStage } from "../../src/lesson/stage.ts";
import { tileCondition } from "../../src/lesson/tile_condition.ts";
import { wantsOf } from "../../src/lesson/wants.ts";
import type { View } from "../../src/lesson/state.ts";
import type { LessonState, Source, SourceProfile } from "../../src/protocol/messages.ts";
import { apply, lesson, seat, source, viewOf } from "./views.ts";

const seats = [seat("lead"), seat("r1"), seat("r2"), seat("r3")];
const ids = (pictures: readonly { seatId: string }[]): string[] =>
  pictures.map(({ seatId }) => seatId);

describe("what a room sees", () => {
  it("the lead large, the others beside, itself last", () => {
    const stage = roomStage(viewOf("r1"));
    expect(ids(stage.large)).toEqual(["lead"]);
    expect(ids(stage.strip)).toEqual(["r2", "r3", "r1"]);
  });

  it("the spotlight large; the room under it goes on seeing its teacher", () => {
    const lit = lesson({ spotlight: { seat_id: "r2", source: null } });
    expect(ids(roomStage(viewOf("r1", { lesson: lit })).large)).toEqual(["r2"]);
    expect(ids(roomStage(viewOf("r1", { lesson: lit })).strip)).toEqual(["lead", "r3", "r1"]);
    expect(ids(roomStage(viewOf("r2", { lesson: lit })).large)).toEqual(["lead"]);
  });

  it("a spotlight on a room that has gone changes nothing", () => {
    const lit = lesson({ spotlight: { seat_id: "r2", source: null } });
    const gone = seats.map((one) => (one.seat_id === "r2" ? { ...one, present: false } : one));
    expect(ids(roomStage(viewOf("r1", { lesson: lit, seats: gone })).large)).toEqual(["lead"]);
  });

  it("the shared screen large with the teacher first beside it", () => {
    const sharing = seat("lead", {
      sources: [source("lead", "teacher"), source("lead", "screen"), source("lead", "room")],
    });
    const view = viewOf("r1", {
      lesson: lesson({ layout: "screen" }),
      seats: [sharing, ...seats.slice(1)],
    });
    const stage = roomStage(view);
    expect(stage.large).toEqual([{ seatId: "lead", source: "screen" }]);
    expect(stage.strip[0]).toEqual({ seatId: "lead", source: "teacher" });
    expect(ids(stage.strip)).toEqual(["lead", "r2", "r3", "r1"]);
  });

  it("the teacher while the layout waits for a screen that nobody shares", () => {
    const stage = roomStage(viewOf("r1", { lesson: lesson({ layout: "screen" }) }));
    expect(stage.large).toEqual([{ seatId: "lead", source: "teacher" }]);
  });

  it("who answers large, whatever layout and spotlight say; whoever answers sees who has asked", () => {
    const spotlight = { seat_id: "r3", source: null };
    for (const layout of ["speaker", "wall", "screen"] as const) {
      const asked = lesson({ floor: "r2", floor_forward: true, spotlight, layout });
      const stage = roomStage(viewOf("r1", { lesson: asked }));
      expect([stage.shape, ids(stage.large), ids(stage.strip)]).toEqual([
        "large",
        ["r2"],
        ["lead", "r3", "r1"],
      ]);
    }
    const asked = lesson({ floor: "r2", floor_forward: true });
    expect(ids(roomStage(viewOf("r2", { lesson: asked })).large)).toEqual(["lead"]);
    const back = lesson({ floor: "r2", spotlight }); // another picture was chosen since
    expect(ids(roomStage(viewOf("r1", { lesson: back })).large)).toEqual(["r3"]);
  });

  it("who answers before the shared screen, which stands beside; their own screen before their face", () => {
    const sharing = (id: string, face: "teacher" | "students") =>
      seat(id, { sources: [source(id, face), source(id, "screen"), source(id, "room")] });
    const asked = lesson({ floor: "r2", floor_forward: true, layout: "screen" });
    const shown = (...among: typeof seats) => {
      const stage = roomStage(viewOf("r1", { lesson: asked, seats: among }));
      return [...stage.large, ...stage.strip].map((one) => `${one.seatId}/${one.source}`);
    };
    expect(shown(sharing("lead", "teacher"), seat("r1"), seat("r2"))).toEqual([
      "r2/students",
      "lead/screen",
      "lead/teacher",
      "r1/students",
    ]);
    expect(shown(seat("lead"), seat("r1"), sharing("r2", "students"))).toEqual([
      "r2/screen",
      "r2/students",
      "lead/teacher",
      "r1/students",
    ]);
  });

  describe("by the layouts that leave some out, on every screen the same", () => {
    const lit = { spotlight: { seat_id: "r3", source: null } };
    const screen = [source("lead", "teacher"), source("lead", "screen")];
    const sharing = [seat("lead", { sources: screen }), ...seats.slice(1)];
    const stage = (me: string, more: object, among = seats): string[] => {
      const { shape, large, strip } = roomStage(
        viewOf(me, { lesson: lesson(more), seats: among }),
      );
      return [shape, ...large.map((one) => `${one.seatId}/${one.source}`), ...ids(strip)];
    };

    it.each([
      ["spotlight", {}, ["large", "lead/teacher"]],
      ["spotlight", lit, ["large", "r3/students"]],
      ["dialogue", {}, ["wall", "lead/teacher", "r1/students"]],
      ["dialogue", lit, ["wall", "lead/teacher", "r3/students"]],
      ["four", {}, ["wall", "lead/teacher", "r1/students", "r2/students", "r3/students"]],
    ] as const)("%s %o", (layout, more, expected) => {
      for (const me of ["r1", "r2"]) expect(stage(me, { layout, ...more })).toEqual(expected);
    });

    it("teacher and screen, and the teacher large while nobody shares one", () => {
      const both = ["wall", "lead/screen", "lead/teacher"];
      expect(stage("r1", { layout: "lead-and-screen" }, sharing)).toEqual(both);
      expect(stage("r1", { layout: "lead-and-screen" }).slice(0, 2)).toEqual([
        "large",
        "lead/teacher",
      ]);
    });

    it("four of five: the spotlight is among them, and nobody changes places", () => {
      const five = [...seats, seat("r4")];
      const shown = ["wall", "lead/teacher", "r1/students", "r2/students"];
      expect(stage("r1", { layout: "four" }, five)).toEqual([...shown, "r3/students"]);
      const spotlight = { seat_id: "r4", source: null };
      expect(stage("r1", { layout: "four", spotlight }, five)).toEqual([...shown, "r4/students"]);
    });

    it("the room under the spotlight alone goes on seeing its teacher", () => {
      expect(stage("r3", { layout: "spotlight", ...lit })).toEqual(["large", "lead/teacher"]);
    });

    it.each(["spotlight", "dialogue", "four", "lead-and-screen"] as const)(
      "%s: the lead goes on seeing every room",
      (layout) => {
        const five = [...sharing, seat("r4")];
        const { large, strip } = leadStage(
          viewOf("lead", { lesson: lesson({ layout }), seats: five }),
        );
        const seen = [...large, ...strip].filter((one) => one.source !== "screen");
        expect(ids(seen).sort()).toEqual(["lead", "r1", "r2", "r3", "r4"]);
      },
    );
  });

  describe("where the lead has put them, on every screen the same", () => {
    const screen = [source("lead", "teacher"), source("lead", "screen")];
    const sharing = [seat("lead", { sources: screen }), ...seats.slice(1)];
    const stage = (me: string, layout: LessonState["layout"], more: object): string[] => {
      const view = viewOf(me, { lesson: lesson({ layout, ...more }), seats: sharing });
      const { shape, large, strip } = roomStage(view);
      return [shape, ...[...large, ...strip].map((one) => `${one.seatId}/${one.source}`)];
    };
    const places = [
      { seat_id: "r2", source: "board" as const }, // not sent: its face
      { seat_id: "lead", source: "screen" as const },
      { seat_id: "nobody", source: null },
    ];
    const put = { places };

    it("they stand first, the others follow, and nobody twice", () => {
      const wall = ["wall", "r2/students", "lead/screen", "r3/students", "r1/students"];
      expect(stage("r1", "wall", put)).toEqual(wall);
      expect(stage("r1", "speaker", put)).toEqual(["large", ...wall.slice(1)]);
      expect(stage("r1", "four", put).slice(0, 3)).toEqual(wall.slice(0, 3));
      expect(stage("r1", "dialogue", put)).toEqual(["wall", "r2/students", "lead/screen"]);
      expect(stage("r1", "spotlight", put)).toEqual(["large", "r2/students"]);
    });

    it("what is shared stays large in its layouts, beside the first person among them", () => {
      expect(stage("r1", "screen", put).slice(0, 3)).toEqual(["large", "lead/screen", "r2/students"]);
      expect(stage("r1", "lead-and-screen", put)).toEqual(["wall", "lead/screen", "r2/students"]);
    });

    it("a spotlight stands before them, and who is large for others looks at its teacher", () => {
      const lit = { ...put, spotlight: { seat_id: "r3", source: null } };
      expect(stage("r1", "speaker", lit).slice(0, 3)).toEqual(["large", "r3/students", "r2/students"]);
      expect(stage("r2", "speaker", put).slice(0, 2)).toEqual(["large", "lead/teacher"]);
    });
  });

  it("everybody on the wall, observers nowhere", () => {
    const observer = seat("o1", { role: "observer", sources: [] });
    const view = viewOf("r1", { lesson: lesson({ layout: "wall" }), seats: [...seats, observer] });
    expect(ids(roomStage(view).large)).toEqual(["lead", "r2", "r3", "r1"]);
  });
});

describe("what the lead sees", () => {
  const shown = (view: View, chosen?: Map<string, Source>): unknown[] => {
    const stage = leadStage(view, chosen);
    return [stage.shape, ids(stage.large), ids(stage.strip)];
  };
  const rooms = ["r1", "r2", "r3"];

  it("where the rooms see it large: them in that place, and itself small", () => {
    expect(shown(viewOf("lead"))).toEqual(["wall", rooms, ["lead"]]);
    const waits = lesson({ layout: "screen" }); // for a screen that nobody shares
    expect(shown(viewOf("lead", { lesson: waits }))).toEqual(["wall", rooms, ["lead"]]);
  });

  it("the wall of all, itself last", () => {
    const wall = viewOf("lead", { lesson: lesson({ layout: "wall" }) });
    expect(shown(wall)).toEqual(["wall", [...rooms, "lead"], []]);
  });

  it("its own screen large, all others and itself beside", () => {
    const sources = [source("lead", "teacher"), source("lead", "screen")];
    const view = viewOf("lead", {
      lesson: lesson({ layout: "screen" }),
      seats: [seat("lead", { sources }), ...seats.slice(1)],
    });
    const { large, strip } = leadStage(view);
    expect(large).toEqual([{ seatId: "lead", source: "screen" }]);
    expect(strip.at(-1)).toEqual({ seatId: "lead", source: "teacher" });
    expect(ids(strip)).toEqual([...rooms, "lead"]);
  });

  it("the spotlight large, the others and itself beside", () => {
    const lit = lesson({ spotlight: { seat_id: "r3", source: "students" } });
    expect(shown(viewOf("lead", { lesson: lit }))).toEqual(["large", ["r3"], ["r1", "r2", "lead"]]);
  });

  it("a room that answers large, and the rooms again when the floor is back", () => {
    const answers = lesson({ floor: "r2", floor_forward: true });
    const view = viewOf("lead", { lesson: answers });
    expect(shown(view)).toEqual(["large", ["r2"], ["r1", "r3", "lead"]]);
    expect(shown(viewOf("lead"))).toEqual(["wall", rooms, ["lead"]]);
  });

  it("the others where it has the floor itself, in a meeting", () => {
    const asked = lesson({ mode: "research", floor: "lead", floor_forward: true });
    expect(shown(viewOf("lead", { lesson: asked }))).toEqual(["wall", rooms, ["lead"]]);
  });

  it("the picture it has chosen of a room, but what all see large as they do", () => {
    const two = seat("r1", { sources: [source("r1", "students"), source("r1", "board")] });
    const among = [seat("lead"), two];
    const chosen = new Map<string, Source>([["r1", "board"], ["r9", "board"]]);
    const board = { seatId: "r1", source: "board" };
    expect(leadStage(viewOf("lead", { seats: among }), chosen).large).toEqual([board]);
    const lit = lesson({ spotlight: { seat_id: "r1", source: "students" } });
    const { large, strip } = leadStage(viewOf("lead", { seats: among, lesson: lit }), chosen);
    expect(large).toEqual([{ seatId: "r1", source: "students" }]);
    expect(ids(strip)).toEqual(["lead"]);
    const closed = new Map<string, Source>([["r1", "screen"]]); // it is sent no more
    expect(leadStage(viewOf("lead", { seats: among }), closed).large).toEqual([
      { seatId: "r1", source: "students" },
    ]);
  });
});

describe("who is not here", () => {
  const gone = { present: false } as const;

  it("takes no tile, but whose line was cut a moment ago, and the lead for whom all wait", () => {
    const among = [seat("lead", gone), seat("r1"), seat("r2", gone), seat("r3", { ...gone, away_since: 3 })];
    const stage = roomStage(viewOf("r1", { seats: among }));
    expect([ids(stage.large), ids(stage.strip)]).toEqual([["lead"], ["r3", "r1"]]);
    const wall = viewOf("r1", { seats: among, lesson: lesson({ layout: "wall" }) });
    expect(ids(roomStage(wall).large)).toEqual(["lead", "r3", "r1"]);
  });
});

describe("columns of a wall", () => {
  it.each([
    [1, 1600, 900, 1],
    [2, 1600, 900, 2],
    [2, 1600, 600, 2],
    [3, 1600, 900, 2],
    [4, 1600, 900, 2],
    [9, 1600, 900, 3],
    [3, 900, 1600, 1],
  ])("%i tiles in %i × %i", (count, width, height, columns) => {
    expect(bestColumns(count, width, height)).toBe(columns);
  });
});

describe("what is asked for", () => {
  const tile = (seatId: string, width: number, height: number, priority: number) =>
    ({ picture: { seatId, source: "students" }, width, height, priority }) as const;

  it("every other seat's sound, and each visible picture once at its largest", () => {
    const wants = wantsOf(
      viewOf("lead"),
      [tile("r1", 200, 112, 1), tile("r1", 1281, 720, 5), tile("r9", 100, 100, 1)],
      true,
    );
    expect(wants.map((want) => want.producer_id)).toEqual([
      "r1-room",
      "r2-room",
      "r3-room",
      "r1-students",
    ]);
    expect(wants.at(-1)).toEqual({
      producer_id: "r1-students",
      width: 1296,
      height: 720,
      priority: 5,
    });
  });

  it("nothing of oneself, no sound on a device without it, nothing invisible", () => {
    expect(wantsOf(viewOf("r1"), [tile("r1", 300, 200, 1), tile("r2", 0, 0, 1)], false)).toEqual([]);
  });
});

describe("a tile", () => {
  const picture = { seatId: "r1", source: "students" } as const;
  const stream = (layer: number, reason: "" | "bandwidth" | "producer-silent") =>
    ({
      type: "server",
      now: 0,
      message: { type: "stream_changed", producer_id: "r1-students", layer, reason },
    }) as const;
  const track = { type: "track", producerId: "r1-students", track: {} as MediaStreamTrack } as const;

  it("moves when frames come", () => {
    expect(tileCondition(apply(viewOf("lead"), track), picture, true)).toBe("moving");
    expect(tileCondition(apply(viewOf("lead"), track), picture, false)).toBe("starting");
  });

  it("says in a word why it does not", () => {
    const condition = (change: Parameters<typeof seat>[1]) =>
      tileCondition(
        viewOf("lead", { seats: [seat("lead"), seat("r1", change)] }),
        picture,
        true,
      );
    expect(condition({ present: false })).toBe("absent");
    expect(condition({ present: false, away_since: 3 })).toBe("away");
    const cut = viewOf("lead", {
      seats: [seat("lead"), seat("r1", { present: false, away_since: 3 })],
    });
    expect(tileCondition(apply(cut, track), picture, true)).toBe("moving"); // its media goes on
    const led = (begun: boolean, change: Parameters<typeof seat>[1]) =>
      tileCondition(
        viewOf("r1", { lesson: lesson({ led: false, begun }), seats: [seat("lead", change)] }),
        { seatId: "lead", source: "teacher" },
        true,
      );
    expect(led(false, { present: false })).toBe("absent");
    expect(led(true, { present: false })).toBe("away-a-while"); // left for a while
    expect(led(true, { present: false, away_since: 3 })).toBe("away-a-while"); // the line is lost
    expect(condition({ sources: [] })).toBe("no-picture");
    expect(condition({ sources: [source("r1", "students", { muted: true })] })).toBe("picture-off");
    const other = { seatId: "r1", source: "students" } as const;
    const sentBy = (device_id: string) =>
      viewOf("r1", {
        seats: [seat("lead"), seat("r1", { sources: [source("r1", "students", { device_id })] })],
      });
    expect(tileCondition(sentBy("the tablet"), other, false)).toBe("elsewhere");
    expect(tileCondition(sentBy("device-r1"), other, false)).toBe("no-picture"); // closed just now
    const without = apply(viewOf("lead"), track, { type: "shows", codecs: ["VP8"] });
    expect(tileCondition(without, picture, false)).toBe("unshowable");
    const weak = apply(viewOf("lead"), track, stream(-1, "bandwidth"));
    expect(tileCondition(weak, picture, true)).toBe("paused");
    const held = apply(viewOf("lead"), track, stream(-1, "producer-silent"));
    expect(tileCondition(held, picture, true)).toBe("paused");
    expect(tileCondition(held, picture, false)).toBe("starting");
    const still = apply(viewOf("lead"), track, stream(0, ""), {
      type: "stalled",
      producerIds: new Set(["r1-students"]),
    });
    expect(tileCondition(still, picture, true)).toBe("stalled");
  });
});

describe("the room's line of state", () => {
  const on = [
    { type: "device", device: "microphone", phase: "on" },
    { type: "device", device: "camera", phase: "on" },
  ] as const;
  const kind = (view: ReturnType<typeof viewOf>): string => roomCaption(view).kind;
  const lit = lesson({ spotlight: { seat_id: "r1", source: null } });
  const closed = { may_speak: false, sources: [source("r1", "room", { muted: true })] };
  const unseen = { sources: [source("r1", "students", { muted: true }), source("r1", "room")] };

  it.each([
    ["open-microphone", viewOf("r1")],
    [
      "own-picture-paused",
      apply(
        viewOf("r1"),
        { type: "own", source: "students", track: {} as MediaStreamTrack },
        { type: "held", held: true },
      ),
    ],
    [
      "open-microphone",
      apply(
        viewOf("r1"),
        { type: "own", source: "room", track: {} as MediaStreamTrack },
        { type: "held", held: true },
      ),
    ],
    ["floor-mine", viewOf("r1", { lesson: lesson({ floor: "r1" }) })],
    ["floor-other", viewOf("r1", { lesson: lesson({ floor: "r2" }) })],
    [
      "spotlight-mine",
      viewOf("r1", { lesson: lesson({ spotlight: { seat_id: "r1", source: null } }) }),
    ],
    [
      "waiting-for",
      viewOf("r1", { seats: [seat("lead", { present: false, sources: [] }), seat("r1")] }),
    ],
    // The lead classroom's PC alone is not Ms Li, whatever its camera shows.
    ["waiting-for", viewOf("r1", { lesson: lesson({ led: false, begun: false }) })],
    ["lead-away", viewOf("r1", { lesson: lesson({ led: false }) })],
    [
      "hand-up",
      viewOf("r1", { seats: [seat("lead"), seat("r1", { hand: { place: 2, raised_at: 1 } })] }),
    ],
    ["muted-by-lead", viewOf("r1", { seats: [seat("lead"), seat("r1", { muted_by_lead: true })] })],
    ["sound-elsewhere", viewOf("r1", { carries_sound: false })],
    ["floor-elsewhere", viewOf("r1", { carries_sound: false, lesson: lesson({ floor: "r1" }) })],
    [
      "floor-muted",
      viewOf("r1", {
        lesson: lesson({ floor: "r1" }),
        seats: [seat("lead"), seat("r1", { muted_by_lead: true })],
      }),
    ],
    ["microphone-closed", viewOf("r1", { seats: [seat("lead"), seat("r1", closed)] })],
    [
      "microphone-closed",
      viewOf("r1", { lesson: lesson({ floor: "r1" }), seats: [seat("lead"), seat("r1", closed)] }),
    ],
    // Under the spotlight, but there is nothing to be seen, or something else is large.
    ["open-microphone", viewOf("r1", { lesson: lit, seats: [seat("lead"), seat("r1", unseen)] })],
    ["open-microphone", viewOf("r1", { lesson: { ...lit, layout: "wall" } })],
    ["floor-other", viewOf("r1", { lesson: { ...lit, floor: "r2", floor_forward: true } })],
    ["listening", viewOf("r1", { seats: [seat("lead"), seat("r1", { may_speak: false })] })],
  ])("%s", (expected, view) => {
    expect(kind(apply(view, ...on))).toBe(expected);
  });

  it("does not say that a teacher is away who is still seen", () => {
    const cut = viewOf("r1", {
      lesson: lesson({ led: false }),
      seats: [seat("lead", { present: false, away_since: 3 }), seat("r1")],
    });
    const track = {} as MediaStreamTrack;
    const seen = apply(cut, ...on, { type: "track", producerId: "lead-teacher", track });
    expect(kind(seen)).toBe("open-microphone");
    const stalled = { type: "stalled", producerIds: new Set(["lead-teacher"]) } as const;
    expect(kind(apply(seen, stalled))).toBe("lead-away");
  });

  it("says first what is broken", () => {
    const view = apply(viewOf("r1"), ...on);
    expect(kind(apply(view, { type: "lost" }))).toBe("reconnecting");
    expect(kind(apply(view, { type: "link", direction: "down", phase: "lost" }))).toBe("media-lost");
    expect(kind(apply(view, { type: "device", device: "microphone", phase: "missing" }))).toBe(
      "no-microphone",
    );
    const blind = { type: "device", device: "camera", phase: "lost" } as const;
    expect(kind(apply(view, blind))).toBe("no-camera");
    const byTablet = source("r1", "students", { device_id: "the tablet" });
    const shown = seat("r1", { sources: [byTablet, source("r1", "room")] });
    const seen = apply(viewOf("r1", { seats: [seat("lead"), shown] }), ...on, blind);
    expect(kind(seen)).toBe("open-microphone");
    const room = { source: "room" } as SourceProfile;
    const none = viewOf("r1", {
      lesson: lesson({ floor: "r1" }),
      seats: [seat("r1", { sources: [] })],
      profile: { name: "standard", sources: [room], receives: "pictures", largest_shown: 0 },
    });
    const off = { type: "device", device: "microphone", phase: "off" } as const;
    expect(kind(apply(none, ...on, off))).toBe("microphone-closed"); // by choice, behind the gear
  });
});
