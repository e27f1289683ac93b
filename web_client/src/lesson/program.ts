// The lesson's program on this page: whether it is taken, what of it is received. Pure.
//
// It is one picture and one sound in place of the seats' own. Until it is there, and whenever it is
// not, the page goes on with those.

import type { LessonStream } from "../protocol/messages.ts";
import { mySeat } from "./selectors.ts";
import type { View } from "./state.ts";

/** Why this page takes the program: somebody chose it, the room's profile says so, a thin line. */
export type ProgramReason = "chosen" | "profile" | "line";

/** Whether there is a program to be had. Who cannot show H.264 is sent it in VP8 by the server. */
export function hasProgram(view: View): boolean {
  return view.lesson !== null && view.lesson.program !== "none";
}

/** The program's picture, if it is there, whoever takes it. */
export function lessonProgram(view: View): LessonStream | null {
  if (!hasProgram(view)) return null;
  return view.lesson?.streams.find((one) => one.source === "program") ?? null;
}

/** The program's picture, if this page takes it and it is there. */
export function programPicture(view: View): LessonStream | null {
  return view.takesProgram ? lessonProgram(view) : null;
}

/**
 * The mix for this seat: all voices but its own. Null where its own voice would come back to it: the
 * mix for it alone is still to come.
 */
export function programSound(view: View): LessonStream | null {
  if (!programPicture(view)) return null;
  const mixes = view.lesson?.streams.filter((one) => one.source === "mix") ?? [];
  const own = mixes.find((one) => one.seat_id === view.me?.seatId);
  if (own) return own;
  const speaks = mySeat(view)?.sources.some((one) => one.kind === "audio") ?? false;
  return speaks ? null : (mixes.find((one) => one.seat_id === null) ?? null);
}

/** Whether a picture that this page is to show is paused because its line is too weak. */
export function isPictureHeld(view: View): boolean {
  const program = programPicture(view);
  // What is not asked for any more is left as it was last told.
  const streams = program
    ? [view.streams.get(program.producer_id)]
    : [...view.streams.values()];
  return streams.some((stream) => stream?.layer === -1 && stream.reason === "bandwidth");
}
