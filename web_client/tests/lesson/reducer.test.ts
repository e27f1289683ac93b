import { describe, expect, it } from "vitest";
import { initialView } from "../../src/lesson/state.ts";
import type { ServerMessage } from "../../src/protocol/messages.ts";
import { apply, lesson, seat, viewOf, welcome } from "./views.ts";

const chat = (seatId: string) =>
  ({
    type: "server",
    now: 0,
    message: { type: "chat_posted", line: { seat_id: seatId, name: seatId, text: "hi", at: 1 } },
  }) as const;

describe("joining", () => {
  it("knows the lesson, the seats, itself and the server's clock", () => {
    const view = viewOf("r1");
    expect(view.phase).toBe("live");
    expect(view.me).toEqual({
      seatId: "r1",
      role: "room",
      deviceId: "device-r1",
      carriesSound: true,
    });
    expect([...view.seats.keys()]).toEqual(["lead", "r1", "r2", "r3"]);
    expect(view.clockOffsetS).toBe(10);
  });

  it("is connecting before the first welcome and reconnecting after it", () => {
    const before = apply(initialView, { type: "connecting", attempt: 2 });
    expect([before.phase, before.attempt]).toEqual(["connecting", 2]);
    const after = apply(viewOf("r1"), { type: "lost" }, { type: "connecting", attempt: 0 });
    expect(after.phase).toBe("reconnecting");
    expect(after.seats.size).toBe(4);
  });

  it("forgets the streams unless media went on, and those that no longer exist", () => {
    const view = apply(viewOf("r1"), {
      type: "server",
      now: 0,
      message: { type: "stream_changed", producer_id: "lead-teacher", layer: 1, reason: "" },
    });
    const back = (mediaKept: boolean) =>
      ({ type: "server", now: 0, message: welcome("r1", { media_kept: mediaKept }) }) as const;
    expect(apply(view, back(true)).streams.size).toBe(1);
    expect(apply(view, back(false)).streams.size).toBe(0);
    const stopped = apply(view, {
      type: "server",
      now: 0,
      message: { type: "seat_changed", seat: seat("lead", { sources: [] }) },
    });
    expect(stopped.streams.size).toBe(0);
  });

  it("keeps what is known of the lesson's own streams for as long as it has them", () => {
    const told = (message: ServerMessage) => ({ type: "server", now: 0, message }) as const;
    const program = { source: "program", producer_id: "p1", kind: "video", codec: "H264", seat_id: null } as const;
    const view = apply(
      viewOf("r1"),
      told({ type: "lesson_changed", lesson: lesson({ streams: [program] }) }),
      told({ type: "stream_changed", producer_id: "p1", layer: 1, reason: "" }),
      told({ type: "seat_changed", seat: seat("lead", { sources: [] }) }),
    );
    expect(view.streams.get("p1")).toEqual({ layer: 1, reason: "" });
    expect(view.lesson?.streams).toEqual([program]);
    const gone = apply(view, told({ type: "lesson_changed", lesson: lesson() }));
    expect(gone.streams.size).toBe(0);
  });

  it("shows a refusal until it is let in, and an ended lesson for good", () => {
    const refusal = { code: "lesson-locked", zh: "锁", en: "locked" };
    const refused = apply(initialView, { type: "refused", refusal }, { type: "lost" });
    expect([refused.phase, refused.refusal?.code]).toEqual(["refused", "lesson-locked"]);
    expect(apply(refused, { type: "connecting", attempt: 1 }).phase).toBe("refused");
    const ended = apply(
      viewOf("r1"),
      { type: "server", now: 0, message: { type: "lesson_ended", reason: "by-lead" } },
      { type: "lost" },
      { type: "connecting", attempt: 0 },
    );
    expect([ended.phase, ended.ended]).toEqual(["ended", "by-lead"]);
  });
});

describe("being put out", () => {
  const removed = {
    type: "server",
    now: 0,
    message: { type: "removed", code: "account-deleted", message_zh: "删", message_en: "deleted" },
  } as const;

  it("is for good, says why, and is not undone by the line", () => {
    const out = apply(viewOf("r1"), removed, { type: "lost" }, { type: "connecting", attempt: 1 });
    expect(out.phase).toBe("removed");
    expect(out.refusal).toEqual({ code: "account-deleted", zh: "删", en: "deleted" });
  });

  it("is heard of at the return, too", () => {
    const refusal = { code: "removed-by-lead", zh: "出", en: "out" };
    const out = apply(viewOf("r1"), { type: "lost" }, { type: "removed", refusal });
    expect([out.phase, out.refusal]).toEqual(["removed", refusal]);
  });
});

describe("events of the lesson", () => {
  it("replaces a seat whole and forgets a removed one", () => {
    const hand = { place: 1, raised_at: 5 };
    const raised = apply(viewOf("lead"), {
      type: "server",
      now: 0,
      message: { type: "seat_changed", seat: seat("r2", { hand }) },
    });
    expect(raised.seats.get("r2")?.hand).toEqual(hand);
    expect([...raised.seats.keys()]).toEqual(["lead", "r1", "r2", "r3"]);
    const gone = apply(raised, {
      type: "server",
      now: 0,
      message: { type: "seat_removed", seat_id: "r2" },
    });
    expect(gone.seats.has("r2")).toBe(false);
  });

  it("takes the lesson whole", () => {
    const view = apply(viewOf("r1"), {
      type: "server",
      now: 0,
      message: { type: "lesson_changed", lesson: lesson({ floor: "r1", layout: "wall" }) },
    });
    expect([view.lesson?.floor, view.lesson?.layout]).toEqual(["r1", "wall"]);
  });

  it("counts unread lines of others while the chat is closed", () => {
    let view = apply(viewOf("lead"), chat("r1"), chat("r2"), chat("r1"));
    expect([view.chat.length, view.unread]).toEqual([3, 3]);
    view = apply(view, { type: "chat-open", open: true }, chat("r3"));
    expect(view.unread).toBe(0);
    view = apply(view, { type: "chat-open", open: false }, chat("lead"));
    expect(view.unread).toBe(0);
  });

  it("keeps a bounded chat", () => {
    const view = apply(viewOf("lead"), ...Array.from({ length: 600 }, () => chat("r1")));
    expect(view.chat.length).toBe(500);
  });

  it("is silent when the line is lost", () => {
    const speaking = apply(viewOf("r1"), {
      type: "server",
      now: 0,
      message: { type: "speaking", seats: [["lead", -20]] },
    });
    expect(speaking.speaking.get("lead")).toBe(-20);
    expect(apply(speaking, { type: "lost" }).speaking.size).toBe(0);
  });

  it("does not change when nothing has changed", () => {
    const view = viewOf("r1");
    expect(apply(view, { type: "stalled", producerIds: new Set() })).toBe(view);
    expect(apply(view, { type: "tracks-cleared" })).toBe(view);
    expect(apply(view, { type: "sound-blocked", blocked: false })).toBe(view);
  });
});
