// A recording of which its program alone is kept: that is what the player shows, as the teacher's own
// picture, for nobody else's is there. Pure.

import type { Recording } from "../../api/types.ts";

export function programAlone(recording: Recording): Recording {
  if (recording.state !== "ready" || recording.parts.length > 0) return recording;
  if (recording.program.length === 0) return recording;
  const parts = recording.program.map((part) => ({ ...part, source: "teacher" as const }));
  return { ...recording, parts, program: [] };
}
