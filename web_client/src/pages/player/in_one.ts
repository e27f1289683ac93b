// A recording's program: all rooms in one picture, all voices in one sound, as long as one was made.
// Where there is none of it, the separate pictures are shown. Pure.

import type { Part, Recording } from "../../api/types.ts";
import { covers } from "./clock.ts";

/** At which seat the program is said to sit (docs/http_api.md). */
const PROGRAM_SEAT = "program";

export function isProgram(part: Part): boolean {
  return part.seat_id === PROGRAM_SEAT;
}

/** Whether there is a program to be seen at all. */
export function hasProgram({ program }: Recording): boolean {
  return program.some((part) => part.has_video);
}

export class InOne {
  private readonly alone: Recording;

  constructor(private readonly recording: Recording) {
    // A program's part is played as any other; only its source is nobody's.
    this.alone = { ...recording, parts: recording.program as unknown as Part[] };
  }

  /** What is played at this moment of who wants the program. */
  at(position: number): Recording {
    const there = this.alone.parts.some((part) => part.has_video && covers(part, position));
    return there ? this.alone : this.recording;
  }
}
