// Views and messages for tests: a lesson with its lead and three rooms.

import { reduce } from "../../src/lesson/reducer.ts";
import { initialView, type LessonEvent, type View } from "../../src/lesson/state.ts";
import type {
  LessonState,
  SeatState,
  Source,
  SourceState,
  Welcome,
} from "../../src/protocol/messages.ts";

export function source(seat: string, name: Source, more: Partial<SourceState> = {}): SourceState {
  return {
    source: name,
    producer_id: `${seat}-${name}`,
    device_id: `device-${seat}`,
    kind: name === "room" ? "audio" : "video",
    codec: name === "room" ? "opus" : "H264",
    muted: false,
    live: true,
    faults: [],
    ...more,
  };
}

export function seat(id: string, more: Partial<SeatState> = {}): SeatState {
  const lead = id === "lead";
  return {
    seat_id: id,
    role: lead ? "lead" : "room",
    name: lead ? "Ms Li" : `Room ${id}`,
    school: `School ${id}`,
    present: true,
    away_since: null,
    devices: [
      { device_id: `device-${id}`, kind: "browser", bearer: `bearer ${id}`, connected: true, takes_program: false },
    ],
    sound_device: `device-${id}`,
    sound_player: `device-${id}`,
    sources: [source(id, lead ? "teacher" : "students"), source(id, "room")],
    hand: null,
    muted_by_lead: false,
    may_speak: true,
    link: "good",
    ...more,
  };
}

export function lesson(more: Partial<LessonState> = {}): LessonState {
  return {
    lesson_id: "l1",
    title: "Fractions",
    mode: "blended",
    started_at: 1000,
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
    ...more,
  };
}

export function welcome(me: string, more: Partial<Welcome> = {}): Welcome {
  return {
    type: "welcome",
    protocol: 1,
    request_id: null,
    seat_id: me,
    role: me === "lead" ? "lead" : "room",
    device_id: `device-${me}`,
    resume: "key",
    carries_sound: true,
    media_kept: false,
    profile: { name: "standard", sources: [], receives: "pictures", largest_shown: 0 },
    ice_servers: [],
    lesson: lesson(),
    seats: [seat("lead"), seat("r1"), seat("r2"), seat("r3")],
    chat: [],
    server_time: 5000,
    ...more,
  };
}

export function viewOf(me: string, more: Partial<Welcome> = {}): View {
  return apply(initialView, { type: "server", message: welcome(me, more), now: 4990 });
}

export function apply(view: View, ...events: LessonEvent[]): View {
  return events.reduce(reduce, view);
}
