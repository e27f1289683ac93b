// Questions about a view that several pages ask. Pure.

import type { ChatLine, SeatState, Source, SourceState } from "../protocol/messages.ts";
import type { View } from "./state.ts";

/** Pictures of people, best first: what stands for a seat when nobody says which. */
const FACE_SOURCES: Readonly<Record<string, readonly Source[]>> = {
  lead: ["teacher", "students", "board"],
  room: ["students", "teacher", "board"],
  assistant: ["teacher", "students", "board"],
  observer: [],
};

const CONTENT_SOURCES: readonly Source[] = ["screen", "board"];

const LINE_SHOWN_S = 20; // time to read it aloud to a class
const LINES_SHOWN = 2; // a second one does not push the first away unread

/** A picture on the page: whose, and which. */
export interface Picture {
  readonly seatId: string;
  readonly source: Source;
}

export function leadSeat(view: View): SeatState | null {
  return find(view, (seat) => seat.role === "lead");
}

export function mySeat(view: View): SeatState | null {
  return view.me ? (view.seats.get(view.me.seatId) ?? null) : null;
}

export function rooms(view: View): SeatState[] {
  return [...view.seats.values()].filter(
    (seat) => seat.role === "room" || (seat.role === "assistant" && seat.present),
  );
}

/** Who else is here and has no card of their own: observers, and the other devices of my seat. */
export function others(view: View): SeatState[] {
  const own = view.me?.deviceId;
  return [...view.seats.values()].filter(
    (seat) =>
      (seat.role === "observer" || seat.seat_id === view.me?.seatId) &&
      seat.devices.some((device) => device.device_id !== own),
  );
}

/** Seats with a raised hand, first raised first. */
export function hands(view: View): SeatState[] {
  return [...view.seats.values()]
    .filter((seat) => seat.hand)
    .sort((a, b) => (a.hand?.place ?? 0) - (b.hand?.place ?? 0));
}

export function sourceOf(seat: SeatState | null | undefined, source: Source): SourceState | null {
  return seat?.sources.find((one) => one.source === source) ?? null;
}

export function videoSources(seat: SeatState): SourceState[] {
  return seat.sources.filter((one) => one.kind === "video");
}

/** Whether this device's source reaches the server: it is known there, and the line carries it. */
export function isSent(view: View, source: Source): boolean {
  const known = sourceOf(mySeat(view), source);
  return known !== null && known.device_id === view.me?.deviceId && view.up === "connected";
}

/** The picture that stands for a seat; a source even if nothing is sent, so its tile has a name. */
export function facePicture(seat: SeatState): Picture {
  const order = FACE_SOURCES[seat.role] ?? [];
  const sent = order.filter((source) => sourceOf(seat, source));
  const open = sent.find((source) => sourceOf(seat, source)?.muted === false);
  return { seatId: seat.seat_id, source: open ?? sent[0] ?? order[0] ?? "students" };
}

/** The shared screen or board to be shown large, the lead's before the rooms'. */
export function contentPicture(view: View): Picture | null {
  const lead = leadSeat(view);
  const others = [...view.seats.values()].filter((seat) => seat !== lead);
  for (const source of CONTENT_SOURCES) {
    for (const seat of lead ? [lead, ...others] : others) {
      const state = sourceOf(seat, source);
      if (state && !state.muted) return { seatId: seat.seat_id, source };
    }
  }
  return null;
}

/** Whoever answers: has the floor and is large for all, until another picture is chosen. */
export function answeringPicture(view: View): Picture | null {
  const { floor, floor_forward: forward } = view.lesson ?? {};
  const seat = floor && forward ? view.seats.get(floor) : undefined;
  return seat?.present ? facePicture(seat) : null;
}

/** What the spotlight shows now, if it stands on a seat that is here. */
export function spotlightPicture(view: View): Picture | null {
  const spotlight = view.lesson?.spotlight;
  const seat = spotlight ? view.seats.get(spotlight.seat_id) : undefined;
  if (!spotlight || !seat?.present) return null;
  if (spotlight.source && sourceOf(seat, spotlight.source)) {
    return { seatId: seat.seat_id, source: spotlight.source };
  }
  return facePicture(seat);
}

export function producerOf(view: View, picture: Picture): SourceState | null {
  return sourceOf(view.seats.get(picture.seatId), picture.source);
}

/** The chat's last lines, while they are new enough to stand on a screen that nobody scrolls. */
export function freshLines(view: View, nowMs: number): ChatLine[] {
  const now = serverNow(view, nowMs);
  // A clock that was set back puts a line into the future: it goes too, and does not stand for ever.
  return view.chat.slice(-LINES_SHOWN).filter((line) => Math.abs(now - line.at) < LINE_SHOWN_S);
}

/** The server's clock, in seconds since 1970. */
export function serverNow(view: View, nowMs: number): number {
  return nowMs / 1000 + view.clockOffsetS;
}

function find(view: View, test: (seat: SeatState) => boolean): SeatState | null {
  for (const seat of view.seats.values()) if (test(seat)) return seat;
  return null;
}
