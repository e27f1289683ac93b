// The one place where a lesson's view changes: `(view, event) => view`. Pure; no I/O, no clock.

import type { SeatState, ServerMessage, Welcome } from "../protocol/messages.ts";
import type { LessonEvent, View } from "./state.ts";

const CHAT_KEPT = 500; // lines; a lesson of forty minutes has far fewer

export function reduce(view: View, event: LessonEvent): View {
  switch (event.type) {
    case "server":
      return heard(view, event.message, event.now);
    case "connecting":
      if (isOver(view)) return view;
      return {
        ...view,
        attempt: event.attempt,
        phase: view.me ? "reconnecting" : view.phase === "refused" ? "refused" : "connecting",
      };
    case "lost":
      if (isOver(view) || view.phase === "refused") return view;
      return { ...view, phase: view.me ? "reconnecting" : "connecting", speaking: new Map() };
    case "refused":
      return { ...view, phase: "refused", refusal: event.refusal, speaking: new Map() };
    case "removed":
      return { ...view, phase: "removed", refusal: event.refusal, speaking: new Map() };
    case "replaced":
      return { ...view, phase: "replaced", speaking: new Map() };
    case "track":
      return { ...view, tracks: put(view.tracks, event.producerId, event.track) };
    case "tracks-cleared":
      return view.tracks.size ? { ...view, tracks: new Map(), stalled: new Set() } : view;
    case "stalled":
      return sameSet(view.stalled, event.producerIds)
        ? view
        : { ...view, stalled: event.producerIds };
    case "link":
      if (view[event.direction] === event.phase) return view;
      return { ...view, [event.direction]: event.phase };
    case "device":
      return { ...view, [event.device]: event.phase };
    case "devices":
      return { ...view, choices: event.choices };
    case "fell-back": {
      const { source, from, to } = event;
      if (to === null && !view.fallbacks.has(source)) return view;
      return { ...view, fallbacks: put(view.fallbacks, source, to === null ? null : { from, to }) };
    }
    case "own":
      return { ...view, own: put(view.own, event.source, event.track) };
    case "profile":
      return { ...view, profile: event.profile };
    case "own-closed": {
      const closed = new Set(view.closed);
      if (event.closed) closed.add(event.source);
      else closed.delete(event.source);
      return { ...view, closed };
    }
    case "held":
      return view.held === event.held ? view : { ...view, held: event.held };
    case "shows":
      return { ...view, shows: event.codecs };
    case "sound-blocked":
      return view.soundBlocked === event.blocked ? view : { ...view, soundBlocked: event.blocked };
    case "takes-program":
      return { ...view, takesProgram: event.reason };
    case "chat-open":
      return { ...view, chatOpen: event.open, unread: event.open ? 0 : view.unread };
    case "notice":
      return { ...view, notice: event.refusal };
  }
}

function heard(view: View, message: ServerMessage, now: number): View {
  switch (message.type) {
    case "welcome":
      return welcomed(view, message, now);
    case "seat_changed":
      return withSeats(view, put(view.seats, message.seat.seat_id, message.seat));
    case "seat_removed":
      return withSeats(view, put(view.seats, message.seat_id, null));
    case "lesson_changed":
      return withStreams({ ...view, lesson: message.lesson });
    case "speaking":
      return { ...view, speaking: new Map(message.seats) };
    case "chat_posted":
      return {
        ...view,
        chat: [...view.chat, message.line].slice(-CHAT_KEPT),
        unread: view.chatOpen || message.line.seat_id === view.me?.seatId ? 0 : view.unread + 1,
      };
    case "stream_changed": {
      const { producer_id: id, layer, reason } = message;
      return { ...view, streams: put(view.streams, id, { layer, reason }) };
    }
    case "removed": {
      const { code, message_zh: zh, message_en: en } = message;
      return { ...view, phase: "removed", refusal: { code, zh, en }, speaking: new Map() };
    }
    case "lesson_ended":
      return { ...view, phase: "ended", ended: message.reason, speaking: new Map() };
    case "layers_needed":
    case "published":
    case "subscribe_offer":
    case "done":
    case "refused":
    case "pong":
      return view; // answers: whoever asked has them
  }
}

/** Whether this page has no more part in the lesson, whatever its line does. */
function isOver(view: View): boolean {
  return view.phase === "ended" || view.phase === "replaced" || view.phase === "removed";
}

function welcomed(view: View, welcome: Welcome, now: number): View {
  const known = welcome.media_kept ? view.streams : new Map<string, never>();
  const seats = new Map(welcome.seats.map((seat: SeatState) => [seat.seat_id, seat]));
  return withStreams({
    ...view,
    seats,
    streams: known,
    phase: welcome.lesson.ended ? "ended" : "live",
    attempt: 0,
    refusal: null,
    notice: null,
    me: {
      seatId: welcome.seat_id,
      role: welcome.role,
      deviceId: welcome.device_id,
      carriesSound: welcome.carries_sound,
    },
    profile: welcome.profile,
    lesson: welcome.lesson,
    chat: welcome.chat.slice(-CHAT_KEPT),
    unread: view.chatOpen || !view.me ? 0 : view.unread,
    speaking: new Map(),
    clockOffsetS: welcome.server_time - now,
  });
}

function withSeats(view: View, seats: ReadonlyMap<string, SeatState>): View {
  return withStreams({ ...view, seats });
}

/** What was known of streams that no longer exist, of a seat or the lesson's own, is forgotten. */
function withStreams(view: View): View {
  const present = new Set(view.lesson?.streams.map((stream) => stream.producer_id));
  for (const seat of view.seats.values()) {
    for (const source of seat.sources) present.add(source.producer_id);
  }
  const gone = [...view.streams.keys()].some((id) => !present.has(id));
  return gone
    ? { ...view, streams: new Map([...view.streams].filter(([id]) => present.has(id))) }
    : view;
}

function put<K, V>(map: ReadonlyMap<K, V>, key: K, value: V | null): ReadonlyMap<K, V> {
  const next = new Map(map);
  if (value === null) next.delete(key);
  else next.set(key, value);
  return next;
}

function sameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((item) => other.has(item));
}
