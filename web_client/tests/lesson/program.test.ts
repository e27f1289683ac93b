import { describe, expect, it } from "vitest";
import { roomCaption } from "../../src/lesson/captions.ts";
import { programPicture, programSound } from "../../src/lesson/program.ts";
import { ThinLine } from "../../src/lesson/thin_line.ts";
import type { View } from "../../src/lesson/state.ts";
import { PROGRAM, PROGRAM_ASIDE, wantsOf } from "../../src/lesson/wants.ts";
import type { LessonState, LessonStream, SendProfile } from "../../src/protocol/messages.ts";
import { apply, lesson, seat, source, viewOf } from "./views.ts";

const picture: LessonStream = {
  source: "program",
  producer_id: "p-program",
  kind: "video",
  codec: "H264",
  seat_id: null,
};
const mix = (seat_id: string | null): LessonStream => ({
  ...picture,
  source: "mix",
  producer_id: `p-mix-${seat_id ?? "all"}`,
  kind: "audio",
  codec: "opus",
  seat_id,
});

function taking(me: string, streams: LessonStream[], more: Partial<LessonState> = {}): View {
  const seats = [seat("lead"), seat("r1"), seat("quiet", { sources: [source("quiet", "students")] })];
  const view = viewOf(me, { lesson: lesson({ program: "running", streams, ...more }), seats });
  return apply(view, { type: "takes-program", reason: "chosen" });
}

const tile = { picture: PROGRAM, width: 1280, height: 720, priority: 5 } as const;
const wanted = (view: View, sound = true): string[] =>
  wantsOf(view, [tile], sound).map((one) => one.producer_id);

describe("who takes the program", () => {
  it("wants one picture and one sound in place of all", () => {
    expect(wanted(taking("quiet", [mix(null), picture]))).toEqual(["p-mix-all", "p-program"]);
    expect(wanted(taking("quiet", [mix(null), picture]), false)).toEqual(["p-program"]);
  });

  it("has it whatever its browser shows: the server sends it in what that has", () => {
    const view = taking("quiet", [mix(null), picture]);
    expect(wanted(apply(view, { type: "shows", codecs: ["VP8"] }))).toContain("p-program");
  });

  it("hears all but itself, and the others one by one until that mix is there", () => {
    const early = taking("r1", [mix(null), picture]);
    expect(programSound(early)).toBeNull();
    expect(wanted(early)).toEqual(["lead-room", "p-program"]);
    expect(wanted(taking("r1", [mix(null), mix("r1"), picture]))).toEqual([
      "p-mix-r1",
      "p-program",
    ]);
    expect(wanted(taking("quiet", [mix("r1"), mix(null), picture]))).toContain("p-mix-all");
  });

  it("goes on with separate pictures until it is there, and where nobody takes it", () => {
    expect(programPicture(taking("r1", [mix(null)]))).toBeNull();
    const left = apply(taking("r1", [mix(null), picture]), { type: "takes-program", reason: null });
    expect(wanted(left)).toEqual(["lead-room"]);
  });
});

describe("who only looks at the program", () => {
  it("has its picture beside the seats' own sound, while it is made for others", () => {
    const aside = { ...tile, picture: PROGRAM_ASIDE } as const;
    const wants = (streams: LessonStream[]): string[] => {
      const view = apply(taking("lead", streams), { type: "takes-program", reason: null });
      return wantsOf(view, [aside], true).map((one) => one.producer_id);
    };
    expect(wants([mix(null), picture])).toEqual(["r1-room", "p-program"]);
    expect(wants([mix(null)])).toEqual(["r1-room"]);
  });
});

describe("a room on a thin line", () => {
  const paused = { type: "stream_changed", producer_id: "lead-teacher", layer: -1 } as const;
  const thin = (
    program: LessonState["program"] = "idle",
    receives: SendProfile["receives"] = "either",
  ): View => ({
    ...apply(viewOf("r1", { lesson: lesson({ program }) }), {
      type: "server",
      message: { ...paused, reason: "bandwidth" },
      now: 0,
    }),
    profile: { name: "village", sources: [], receives, largest_shown: 0 },
  });

  it("keeps separate pictures where its profile does not say either", () => {
    const line = new ThinLine();
    line.update(thin("idle", "pictures"), 0);
    expect(line.update(thin("idle", "pictures"), 60)).toBeNull();
  });

  it("is moved to the program when a picture has been paused for six seconds", () => {
    const line = new ThinLine();
    expect(line.update(thin(), 0)).toBeNull();
    expect(line.update(thin(), 5)).toBeNull();
    expect(line.update(thin(), 6)).toBe("program");
  });

  it("is not moved by a short burst, nor where no program can be had", () => {
    const line = new ThinLine();
    line.update(thin(), 0);
    expect(line.update(viewOf("r1", { lesson: lesson({ program: "idle" }) }), 3)).toBeNull();
    expect(line.update(thin(), 7)).toBeNull();
    for (const program of ["none", "full", "failed"] as const) {
      const other = new ThinLine();
      other.update(thin(program), 0);
      expect(other.update(thin(program), 60)).toBeNull();
    }
  });

  it("is moved back after a good minute, and waits twice as long where that was too early", () => {
    const line = new ThinLine();
    const moved = apply(taking("r1", [mix("r1"), picture]), { type: "takes-program", reason: "line" });
    expect(line.update(moved, 0)).toBeNull();
    expect(line.update(moved, 59)).toBeNull();
    expect(line.update(moved, 60)).toBe("pictures");
    line.update(thin(), 61);
    expect(line.update(thin(), 67)).toBe("program");
    line.update(moved, 70);
    expect(line.update(moved, 189)).toBeNull();
    expect(line.update(moved, 190)).toBe("pictures");
  });

  it("stays while its line is weak, and where somebody has chosen the program", () => {
    const line = new ThinLine();
    const streams = [mix("r1"), picture];
    const chosen = taking("r1", streams);
    line.update(chosen, 0);
    expect(line.update(chosen, 600)).toBeNull();
    const weak = viewOf("r1", {
      lesson: lesson({ program: "running", streams }),
      seats: [seat("lead"), seat("r1", { link: "weak" })],
    });
    const moved = apply(weak, { type: "takes-program", reason: "line" });
    line.update(moved, 601);
    expect(line.update(moved, 1200)).toBeNull();
  });

  it("says in words why it sees one picture of all", () => {
    const moved = apply(taking("r1", [mix("r1"), picture]), {
      type: "server",
      message: { ...paused, reason: "bandwidth" },
      now: 0,
    });
    const why = (reason: "line" | "profile"): string =>
      roomCaption(apply(moved, { type: "takes-program", reason })).kind;
    expect(why("line")).toBe("program-for-line"); // what is not asked for any more is not paused
    expect(why("profile")).toBe("open-microphone");
  });
});
