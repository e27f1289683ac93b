// How a waiting room's camera, sound and line are, in the words that the server is told. Pure.

import type { Readiness } from "../api/types.ts";
import type { MediaWay } from "./line_probe.ts";
import type { PictureVerdict } from "./picture_watch.ts";
import type { SoundVerdict } from "./sound_watch.ts";
import type { DevicePhase } from "./state.ts";

/** Of a page's own small question. A lesson is still held with this, and felt. */
const SLOW_MS = 400;

export function cameraReadiness(phase: DevicePhase, picture: PictureVerdict): Readiness["camera"] {
  if (phase === "on") return picture;
  return phase === "starting" ? "checking" : phase;
}

export function soundReadiness(phase: DevicePhase, sound: SoundVerdict): Readiness["sound"] {
  if (phase === "on") return sound;
  return phase === "starting" ? "checking" : phase;
}

/**
 * `socket`: whether the lesson's own connection opens, `media`: how its pictures and sound would get
 * there; null while that is being tried.
 */
export function lineReadiness(
  rttMs: number | null,
  socket: boolean | null,
  media: MediaWay | null,
): Readiness["line"] {
  if (socket === false || media === "none") return "blocked";
  if (rttMs === null || socket === null || media === null) return "checking";
  if (media === "detour") return "detour";
  return rttMs > SLOW_MS ? "slow" : "ready";
}

export function sameReadiness(one: Readiness, other: Readiness | null): boolean {
  return (
    one.camera === other?.camera && one.sound === other.sound && one.line === other.line
  );
}
