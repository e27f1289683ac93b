// What the class saw at each moment of a recording, made from its events by the rule of the live
// pages (`lesson/stage.ts`). Pure.
//
// Whose picture there is to be shown is what was recorded: a source is there while one of its parts
// covers the moment. What was chosen of them (floor, spotlight, layout, what was closed) is in the
// events. A seat of which no event tells is known by its parts.

import type { Part, RecordedEvent, Recording } from "../../api/types.ts";
import type { Picture } from "../../lesson/selectors.ts";
import { roomStage, type Stage } from "../../lesson/stage.ts";
import { initialView, type View } from "../../lesson/state.ts";
import {
  type Layout,
  LAYOUT_VALUES,
  type LessonState,
  type Role,
  ROLE_VALUES,
  type SeatState,
  SOURCE_VALUES,
} from "../../protocol/messages.ts";
import { covers } from "./clock.ts";

/** What had been chosen at a moment, and from when on. */
interface Choice {
  readonly from: number;
  readonly floor: string | null;
  readonly forward: boolean;
  readonly spotlight: LessonState["spotlight"];
  readonly layout: Layout;
  readonly places: LessonState["places"];
  readonly roles: ReadonlyMap<string, Role>;
  /** Sources that their seats had closed, as `seat/source`. */
  readonly closed: ReadonlySet<string>;
}

const AT_FIRST: Choice = {
  from: 0,
  floor: null,
  forward: false,
  spotlight: null,
  layout: "speaker",
  places: [],
  roles: new Map(),
  closed: new Set(),
};

export class AsSeen {
  private readonly choices: readonly Choice[];
  private readonly parts: readonly Part[];

  constructor(recording: Recording) {
    this.parts = recording.parts;
    const choices = [{ ...AT_FIRST, roles: rolesOf(recording.parts) }];
    for (const event of recording.events) {
      const last = choices.at(-1) ?? AT_FIRST;
      const next = chosen(last, event);
      if (next !== last) choices.push({ ...next, from: Math.max(last.from, event.start_s) });
    }
    this.choices = choices;
  }

  /** How the pictures stood on the screens of those who looked on. */
  stage(position: number): Stage {
    return roomStage(this.view(position));
  }

  private view(position: number): View {
    const choice = this.choiceAt(position);
    const seats = new Map<string, SeatState>();
    for (const part of this.parts) {
      const { seat_id: id } = part;
      const known = seats.get(id) ?? absent(part, choice.roles.get(id) ?? "room");
      seats.set(id, covers(part, position) ? withPart(known, part, choice) : known);
    }
    // A seat without any picture now has no tile: there is none to be shown.
    const seen = [...seats].filter(([, seat]) => seat.sources.some((one) => one.kind === "video"));
    const { floor, forward, spotlight, layout, places } = choice;
    const lesson = { ...NO_LESSON, floor, floor_forward: forward, spotlight, layout, places };
    return { ...initialView, lesson, seats: new Map(seen) };
  }

  private choiceAt(position: number): Choice {
    let first = 0;
    let last = this.choices.length - 1;
    while (first < last) {
      const middle = Math.ceil((first + last) / 2);
      if ((this.choices[middle]?.from ?? 0) <= position) first = middle;
      else last = middle - 1;
    }
    return this.choices[first] ?? AT_FIRST;
  }
}

/** The part that shows a picture at this moment. */
export function partOf(
  parts: readonly Part[],
  picture: Picture | undefined,
  position: number,
): Part | null {
  return (
    parts.find(
      (part) =>
        part.has_video &&
        part.seat_id === picture?.seatId &&
        part.source === picture.source &&
        covers(part, position),
    ) ?? null
  );
}

/** The same rules as the lesson's own (`signaling/lesson/conduct.py`). */
function chosen(before: Choice, event: RecordedEvent): Choice {
  const seat = textOf(event.seat_id);
  switch (event.type) {
    case "floor_given":
      return seat ? { ...before, floor: seat, forward: true } : before;
    case "floor_taken":
      return { ...before, floor: null, forward: false };
    case "spotlight": {
      const source = known(SOURCE_VALUES, event.source);
      return { ...before, spotlight: seat ? { seat_id: seat, source } : null, forward: false };
    }
    case "layout": {
      const layout = known(LAYOUT_VALUES, event.layout) ?? before.layout;
      return { ...before, layout, forward: false };
    }
    case "places":
      return { ...before, places: placesOf(event.places), forward: false };
    case "seat_joined": {
      const role = known(ROLE_VALUES, event.role);
      return role ? { ...before, roles: new Map(before.roles).set(seat, role) } : before;
    }
    case "source_muted": {
      const closed = new Set(before.closed);
      const key = `${seat}/${textOf(event.source)}`;
      if (event.muted === true) closed.add(key);
      else closed.delete(key);
      return { ...before, closed };
    }
    default:
      return before;
  }
}

function placesOf(told: unknown): LessonState["places"] {
  if (!Array.isArray(told)) return [];
  return told.flatMap((one: Readonly<Record<string, unknown>> | null) => {
    const seat = textOf(one?.seat_id);
    return seat ? [{ seat_id: seat, source: known(SOURCE_VALUES, one?.source) }] : [];
  });
}

/** Whoever sends a teacher's picture leads, as far as no event says otherwise. */
function rolesOf(parts: readonly Part[]): ReadonlyMap<string, Role> {
  const lead = parts.find(sends("teacher")) ?? parts.find(sends("screen"));
  return new Map(lead ? [[lead.seat_id, "lead"]] : []);
}

function sends(source: Part["source"]): (part: Part) => boolean {
  return (part) => part.source === source;
}

function absent(part: Part, role: Role): SeatState {
  return {
    seat_id: part.seat_id,
    role,
    name: part.name,
    school: part.school,
    present: false,
    away_since: null,
    devices: [],
    sound_device: null,
    sound_player: null,
    sources: [],
    hand: null,
    muted_by_lead: false,
    may_speak: true,
    link: "good",
  };
}

function withPart(seat: SeatState, part: Part, choice: Choice): SeatState {
  const source = {
    source: part.source,
    producer_id: part.part_id,
    device_id: "",
    kind: part.has_video ? ("video" as const) : ("audio" as const),
    codec: "",
    muted: choice.closed.has(`${part.seat_id}/${part.source}`),
    live: true,
    faults: [],
  };
  return { ...seat, present: true, sources: [...seat.sources, source] };
}

const NO_LESSON: LessonState = {
  lesson_id: "",
  title: "",
  mode: "blended",
  started_at: 0,
  led: true,
  begun: true,
  ends_at: null,
  floor: null,
  floor_forward: false,
  spotlight: null,
  layout: "speaker",
  places: [],
  directing: "automatic",
  locked: false,
  removed: [],
  record: true,
  recording: true,
  recording_fault: "",
  video_codec: "H264",
  streams: [],
  program: "none",
  ended: false,
};

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function known<T extends string>(values: readonly T[], value: unknown): T | null {
  return values.find((one) => one === value) ?? null;
}
