// When a room's line is too thin for separate pictures, and when it may try them again: of rooms whose
// profile says `either`. Pure: time is handed in, in seconds.
//
// One picture and one sound go where several do not. A room is moved when pictures have been paused
// for want of bandwidth for a while, and moved back after its line has been good for long; where
// that was too early, the next try waits twice as long.

import { hasProgram, isPictureHeld, programPicture } from "./program.ts";
import { mySeat } from "./selectors.ts";
import type { View } from "./state.ts";

const MOVE_AFTER_S = 6; // a burst of another's traffic is over by then
const BACK_AFTER_S = 60;
const LONGEST_BACK_S = 960; // a lesson has two such tries
const TOO_EARLY_S = 120; // moved again within this, the line is what it was

export class ThinLine {
  private pausedSince: number | null = null;
  private goodSince: number | null = null;
  private backAt = -Infinity;
  private backAfterS = BACK_AFTER_S;

  /** What is to be changed now, about once a second: take the program, or separate pictures. */
  update(view: View, now: number): "program" | "pictures" | null {
    if (view.takesProgram === null) return this.isTooThin(view, now) ? "program" : null;
    if (view.takesProgram === "line" && this.isGoodAgain(view, now)) return "pictures";
    return null;
  }

  private isTooThin(view: View, now: number): boolean {
    const program = view.lesson?.program;
    const isThere = program === "idle" || program === "starting" || program === "running";
    const may = isThere && view.profile?.receives === "either";
    if (!may || !hasProgram(view) || view.phase !== "live" || !isPictureHeld(view)) {
      this.pausedSince = null;
      return false;
    }
    this.pausedSince ??= now;
    if (now - this.pausedSince < MOVE_AFTER_S) return false;
    if (now - this.backAt < TOO_EARLY_S) {
      this.backAfterS = Math.min(LONGEST_BACK_S, 2 * this.backAfterS);
    }
    this.pausedSince = this.goodSince = null;
    return true;
  }

  private isGoodAgain(view: View, now: number): boolean {
    if (!programPicture(view) || mySeat(view)?.link !== "good" || isPictureHeld(view)) {
      this.goodSince = null;
      return false;
    }
    this.goodSince ??= now;
    if (now - this.goodSince < this.backAfterS) return false;
    this.goodSince = null;
    this.backAt = now;
    return true;
  }
}
