// What the room page says in large type: one line, the most important first. Pure.

import type { SeatState } from "../protocol/messages.ts";
import {
  facePicture,
  leadSeat,
  mySeat,
  producerOf,
  sourceOf,
  videoSources,
} from "./selectors.ts";
import { playsSound } from "./own_sources.ts";
import { isPictureHeld, programPicture } from "./program.ts";
import { largeForOthers } from "./stage.ts";
import type { View } from "./state.ts";

export type Tone = "calm" | "good" | "warn" | "alarm";

export type Caption =
  | { kind: "connecting"; tone: "calm" }
  | { kind: "reconnecting"; tone: "warn" }
  | { kind: "media-lost"; tone: "warn" }
  | { kind: "ended"; tone: "calm" }
  | { kind: "floor-mine"; tone: "good" }
  | { kind: "floor-elsewhere"; tone: "good" }
  | { kind: "floor-muted"; tone: "warn" }
  | { kind: "microphone-closed"; tone: "warn"; floor: boolean }
  | { kind: "muted-by-lead"; tone: "warn" }
  | { kind: "spotlight-mine"; tone: "good" }
  | { kind: "hand-up"; tone: "good"; place: number }
  | { kind: "no-microphone"; tone: "warn" }
  | { kind: "own-picture-paused"; tone: "warn" }
  | { kind: "picture-paused"; tone: "warn" }
  | { kind: "program-for-line"; tone: "warn" }
  | { kind: "waiting-for"; tone: "calm"; name: string }
  | { kind: "lead-away"; tone: "calm"; name: string }
  | { kind: "floor-other"; tone: "calm"; name: string }
  | { kind: "no-camera"; tone: "warn" }
  | { kind: "sound-elsewhere"; tone: "calm"; plays: boolean }
  | { kind: "open-microphone"; tone: "calm" }
  | { kind: "listening"; tone: "calm"; name: string };

export function roomCaption(view: View): Caption {
  const me = mySeat(view);
  const lead = leadSeat(view);
  if (view.phase === "ended") return { kind: "ended", tone: "calm" };
  if (view.phase === "reconnecting") return { kind: "reconnecting", tone: "warn" };
  if (view.phase !== "live" || !me) return { kind: "connecting", tone: "calm" };
  if (view.down === "lost" || view.up === "lost") return { kind: "media-lost", tone: "warn" };
  const floor = view.lesson?.floor === me.seat_id;
  if (me.muted_by_lead) return { kind: floor ? "floor-muted" : "muted-by-lead", tone: "warn" };
  if (view.me?.carriesSound && isBroken(view.microphone, view.own.has("room"))) {
    return { kind: "no-microphone", tone: "warn" };
  }
  const closed = soundIsClosed(view, me);
  if (floor) {
    if (closed) return { kind: "microphone-closed", tone: "warn", floor };
    return { kind: view.me?.carriesSound ? "floor-mine" : "floor-elsewhere", tone: "good" };
  }
  if (ownPictureIsHeld(view)) return { kind: "own-picture-paused", tone: "warn" };
  if (allSeeMe(view)) return { kind: "spotlight-mine", tone: "good" };
  if (me.hand) return { kind: "hand-up", tone: "good", place: me.hand.place };
  if (isPictureHeld(view)) return { kind: "picture-paused", tone: "warn" };
  if (view.takesProgram === "line" && programPicture(view)) {
    return { kind: "program-for-line", tone: "warn" };
  }
  const led = view.lesson?.led === true || (lead !== null && isStillSeen(view, lead));
  if (!led || !lead || lead.sources.length === 0) {
    const kind = view.lesson?.begun && !led ? "lead-away" : "waiting-for";
    return { kind, tone: "calm", name: lead?.name ?? "" };
  }
  const speaker = view.lesson?.floor ? view.seats.get(view.lesson.floor) : undefined;
  if (speaker) return { kind: "floor-other", tone: "calm", name: speaker.name };
  if (isBroken(view.camera, sendsPicture(view)) && !isSeenElsewhere(view, me)) {
    return { kind: "no-camera", tone: "warn" };
  }
  if (!view.me?.carriesSound) {
    return { kind: "sound-elsewhere", tone: "calm", plays: playsSound(view) };
  }
  if (closed) return { kind: "microphone-closed", tone: "warn", floor };
  if (me.may_speak && sourceOf(me, "room")) return { kind: "open-microphone", tone: "calm" };
  return { kind: "listening", tone: "calm", name: lead.name };
}

/** Nobody hears this room although nothing is broken: its own people have closed its sound. */
function soundIsClosed(view: View, me: SeatState): boolean {
  const sent = sourceOf(me, "room");
  if (sent) return sent.muted;
  const mine = view.profile?.sources.some((one) => one.source === "room") ?? false;
  return mine && view.microphone === "off";
}

/** Its signaling is cut and its picture goes on: nobody who is seen is away. */
function isStillSeen(view: View, seat: SeatState): boolean {
  const id = seat.away_since === null ? undefined : producerOf(view, facePicture(seat))?.producer_id;
  return id !== undefined && view.tracks.has(id) && !view.stalled.has(id);
}

/** Another device of this room sends a picture of it. */
function isSeenElsewhere(view: View, me: SeatState): boolean {
  return videoSources(me).some((one) => one.device_id !== view.me?.deviceId && !one.muted);
}

function isBroken(device: View["camera"], works: boolean): boolean {
  if (device === "unanswered") return !works; // another one was chosen, and this one goes on
  return device === "denied" || device === "missing" || device === "busy" || device === "lost";
}

/** Whether our picture is large for all: the spotlight alone is not, where there is none to be seen. */
function allSeeMe(view: View): boolean {
  const large = largeForOthers(view);
  const mine = large && large.seatId === view.me?.seatId ? producerOf(view, large) : null;
  return mine !== null && !mine.muted;
}

/** Whether we send a picture in principle, but our line has room for our sound alone. */
export function ownPictureIsHeld(view: View): boolean {
  return view.held && sendsPicture(view);
}

function sendsPicture(view: View): boolean {
  return [...view.own.keys()].some((source) => source !== "room");
}
