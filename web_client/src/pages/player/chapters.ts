// What the player shows beside the pictures, made from the recording's events. Pure.

import type { Part, Pause, RecordedEvent, Recording } from "../../api/types.ts";

export type ChapterKind = "start" | "joined" | "floor" | "spotlight" | "screen" | "pause" | "end";

export interface Chapter {
  readonly kind: ChapterKind;
  readonly at: number;
  readonly name: string;
  /** Nothing was recorded here. */
  readonly pause?: Pause;
}

export interface ChatEntry {
  readonly at: number;
  readonly name: string;
  readonly text: string;
}

/** One seat's lane under the seek bar: when it was there, when it had the floor. */
export interface SeatLane {
  readonly seatId: string;
  readonly name: string;
  readonly school: string;
  readonly present: readonly (readonly [number, number])[];
  readonly floor: readonly (readonly [number, number])[];
}

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
  for (const event of recording.events) {
    const kind = chapterKind(event);
    if (!kind) continue;
    chapters.push({ kind, at: placeOf(recording, event), name: names.get(seatOf(event)) ?? "" });
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
      present: merged(recording.parts.filter((one) => one.seat_id === part.seat_id)),
      floor: floorOf(recording, part.seat_id),
    });
  }
  return [...lanes.values()];
}

function floorOf(recording: Recording, seatId: string): (readonly [number, number])[] {
  const spans: (readonly [number, number])[] = [];
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
function merged(parts: readonly Part[]): (readonly [number, number])[] {
  const spans: [number, number][] = [];
  for (const part of [...parts].sort((a, b) => a.start_s - b.start_s)) {
    const end = part.start_s + part.duration_s;
    const last = spans.at(-1);
    if (last && part.start_s <= last[1] + 1) last[1] = Math.max(last[1], end);
    else spans.push([part.start_s, end]);
  }
  return spans;
}

function placeOf(recording: Recording, event: RecordedEvent): number {
  const place = typeof event.start_s === "number" ? event.start_s : event.at - recording.started_at;
  return Math.min(recording.duration_s, Math.max(0, place));
}

function seatOf(event: RecordedEvent): string {
  return typeof event.seat_id === "string" ? event.seat_id : "";
}
