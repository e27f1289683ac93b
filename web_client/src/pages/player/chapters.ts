// What the player shows beside the pictures, made from the recording's events. Pure.

import type { Part, Pause, RecordedEvent, Recording } from "../../api/types.ts";
import { pagesOf } from "./screen_pages.ts";

export type ChapterKind =
  | "start"
  | "joined"
  | "floor"
  | "spotlight"
  | "screen"
  | "page"
  | "mark"
  | "pause"
  | "end";

export interface Chapter {
  readonly kind: ChapterKind;
  readonly at: number;
  /** Whose it is; of a mark or a page, its number. */
  readonly name: string;
  /** Nothing was recorded here. */
  readonly pause?: Pause;
}

export interface ChatEntry {
  readonly at: number;
  readonly name: string;
  readonly text: string;
}

/** From when until when. */
export type Span = readonly [number, number];

/** One seat's lane under the seek bar: when it was there, had the floor, spoke. */
export interface SeatLane {
  readonly seatId: string;
  readonly name: string;
  readonly school: string;
  readonly present: readonly Span[];
  readonly floor: readonly Span[];
  readonly spoke: readonly Span[];
}

/** Rooms come in one after the other around the beginning: that is no chapter each. */
const BEGINNING_S = 60;
/** What is nearer than this share of the whole cannot be told apart on a lane. */
const APART = 1 / 500;

export function seatNames(recording: Recording): Map<string, string> {
  const names = new Map<string, string>();
  for (const event of recording.events) {
    const { seat_id: id, name } = event;
    if (typeof id === "string" && typeof name === "string") names.set(id, name);
  }
  for (const part of recording.parts) names.set(part.seat_id, part.name);
  return names;
}

export function chaptersOf(recording: Recording): Chapter[] {
  const names = seatNames(recording);
  const chapters: Chapter[] = [{ kind: "start", at: 0, name: "" }];
  let marks = 0;
  for (const event of recording.events) {
    const kind = chapterKind(event);
    const at = placeOf(recording, event);
    if (!kind || (kind === "joined" && at < BEGINNING_S)) continue;
    const name = kind === "mark" ? String(++marks) : (names.get(seatOf(event)) ?? "");
    chapters.push({ kind, at, name });
  }
  for (const { number, at } of pagesOf(recording)) {
    chapters.push({ kind: "page", at: Math.min(recording.duration_s, at), name: String(number) });
  }
  for (const pause of recording.pauses) {
    const at = Math.min(recording.duration_s, pause.start_s);
    chapters.push({ kind: "pause", at, name: "", pause });
  }
  return chapters.sort((a, b) => a.at - b.at);
}

function chapterKind(event: RecordedEvent): ChapterKind | null {
  switch (event.type) {
    case "seat_joined":
      return event.role === "room" ? "joined" : null;
    case "floor_given":
      return "floor";
    case "spotlight":
      return event.seat_id ? "spotlight" : null;
    case "source_added":
      return event.source === "screen" ? "screen" : null;
    case "chapter_marked":
      return "mark";
    case "lesson_ended":
      return "end";
    default:
      return null;
  }
}

export function chatOf(recording: Recording): ChatEntry[] {
  return recording.events
    .filter((event) => event.type === "chat")
    .map((event) => ({
      at: placeOf(recording, event),
      name: typeof event.name === "string" ? event.name : "",
      text: typeof event.text === "string" ? event.text : "",
    }));
}

export function seatLanes(recording: Recording): SeatLane[] {
  const lanes = new Map<string, SeatLane>();
  for (const part of recording.parts) {
    if (lanes.has(part.seat_id)) continue;
    lanes.set(part.seat_id, {
      seatId: part.seat_id,
      name: part.name,
      school: part.school,
      present: covered(recording.parts.filter((one) => one.seat_id === part.seat_id)),
      floor: floorOf(recording, part.seat_id),
      spoke: spokeOf(recording, part.seat_id),
    });
  }
  return [...lanes.values()];
}

/** Who speaks at this moment. */
export function speakers(lanes: readonly SeatLane[], position: number): ReadonlySet<string> {
  const speaking = lanes.filter((lane) =>
    lane.spoke.some(([from, to]) => position >= from && position < to),
  );
  return new Set(speaking.map((lane) => lane.seatId));
}

/** Of entries of one spell the last counts; one without a length was an echo (`signaling/log`). */
function spokeOf(recording: Recording, seatId: string): Span[] {
  const spells = new Map<number, number>();
  for (const event of recording.events) {
    if (event.type !== "speech" || seatOf(event) !== seatId) continue;
    const { since, until } = event;
    if (typeof since === "number" && typeof until === "number") spells.set(since, until);
  }
  const place = (at: number): number =>
    Math.min(recording.duration_s, Math.max(0, at - recording.started_at));
  const spans = [...spells]
    .filter(([since, until]) => until > since)
    .map(([since, until]): Span => [place(since), place(until)]);
  return joined(spans, recording.duration_s * APART);
}

function floorOf(recording: Recording, seatId: string): Span[] {
  const spans: Span[] = [];
  let since: number | null = null;
  for (const event of recording.events) {
    const given = event.type === "floor_given";
    if (!given && event.type !== "floor_taken") continue;
    const at = placeOf(recording, event);
    if (since !== null) spans.push([since, at]);
    since = given && seatOf(event) === seatId ? at : null;
  }
  if (since !== null) spans.push([since, recording.duration_s]);
  return spans;
}

/** The times that any of the parts covers. */
function covered(parts: readonly Part[]): Span[] {
  return joined(
    parts.map((part): Span => [part.start_s, part.start_s + part.duration_s]),
    1,
  );
}

/** In order; those that are nearer to each other than `apart` are one. */
function joined(spans: readonly Span[], apart: number): Span[] {
  const found: [number, number][] = [];
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last && from <= last[1] + apart) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
}

function placeOf(recording: Recording, event: RecordedEvent): number {
  const place = typeof event.start_s === "number" ? event.start_s : event.at - recording.started_at;
  return Math.min(recording.duration_s, Math.max(0, place));
}

function seatOf(event: RecordedEvent): string {
  return typeof event.seat_id === "string" ? event.seat_id : "";
}
