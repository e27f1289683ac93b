// What this device itself is to send in a lesson, and what it sends. Pure.

import type { SeatState, Source, SourceProfile } from "../protocol/messages.ts";
import { mySeat } from "./selectors.ts";
import type { View } from "./state.ts";

/** Cameras and the microphone to be opened: a seat's sound is carried by one of its devices. */
export function captureProfiles({ profile, me }: View): SourceProfile[] {
  return (profile?.sources ?? []).filter(
    (one) => one.source !== "screen" && (one.source !== "room" || me?.carriesSound),
  );
}

/**
 * Whether the others are heard here: by the device that carries the room's own sound, or by another
 * where that one has no loudspeaker.
 */
export function playsSound(view: View): boolean {
  if (view.me?.role === "observer") return true;
  const seat = mySeat(view);
  return seat !== null && seat.sound_player === view.me?.deviceId;
}

export function sourceProfile({ profile }: View, source: Source): SourceProfile | null {
  return profile?.sources.find((one) => one.source === source) ?? null;
}

export function isSent(view: View, source: Source): boolean {
  return mySeat(view)?.sources.some((one) => one.source === source) ?? false;
}

/** Here, or away from here: who only looks loses it to another that enters. */
export function soundHasMoved({ me }: View, { seat_id, sound_device }: SeatState): boolean {
  if (me?.seatId !== seat_id || sound_device === null) return false;
  return (sound_device === me.deviceId) !== me.carriesSound;
}
