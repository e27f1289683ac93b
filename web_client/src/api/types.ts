// The nouns of the HTTP interface (docs/http_api.md). Times are seconds since 1970.

import type { LinkQuality, Mode, Role, SeatState, Source } from "../protocol/messages.ts";

export interface User {
  id: string;
  username: string;
  display_name: string;
  role: "administrator" | "teacher";
  school_id: string | null;
}

export interface SessionAnswer {
  user: User | null;
  server_time: number;
}

export interface School {
  id: string;
  name: string;
  kind: "urban" | "rural";
}

export interface Classroom {
  id: string;
  school_id: string;
  name: string;
  profile: string;
  last_seen: number | null;
  online: boolean;
}

export interface Credential {
  id: string;
  label: string;
  created_at: number;
  last_used_at: number | null;
}

export interface NewCredential {
  id: string;
  secret: string;
  address: string;
}

export interface Community {
  id: string;
  name: string;
  lead_school_id: string;
  partner_school_ids: string[];
  max_partners: number;
}

export interface Profile {
  name: string;
  title_zh: string;
  title_en: string;
}

export interface LessonSeat {
  seat_id: string;
  role: Role;
  classroom_id: string | null;
  name: string;
  school: string;
}

export interface Lesson {
  id: string;
  title: string;
  subject: string;
  grade: string;
  mode: Mode;
  state: "planned" | "live" | "ended";
  starts_at: number;
  started_at: number | null;
  ended_at: number | null;
  record: boolean;
  community_id: string | null;
  teacher: { id: string | null; display_name: string };
  seats: LessonSeat[];
}

export interface NewLesson {
  title: string;
  subject: string;
  grade: string;
  mode: Mode;
  community_id: string;
  lead_classroom_id: string;
  room_classroom_ids: string[];
  starts_at: number | null;
  record: boolean;
}

export interface JoinToken {
  token: string;
  expires_at: number;
  lesson_id: string;
  seat_id: string;
}

export interface RoomAnswer {
  classroom: { id: string; name: string; school: string };
  lesson: Lesson | null;
  token: string | null;
  next: Lesson | null;
  poll_after_s: number;
  server_time: number;
}

export interface Part {
  part_id: string;
  seat_id: string;
  source: Source;
  name: string;
  school: string;
  file: string;
  mime: string;
  start_s: number;
  duration_s: number;
  has_video: boolean;
  has_audio: boolean;
}

/** One entry of the lesson's event log: when, what, and the type's own fields. */
export interface RecordedEvent {
  at: number;
  /** Seconds from the beginning of the recording. */
  start_s: number;
  type: string;
  [field: string]: unknown;
}

export interface Recording {
  id: string;
  lesson_id: string | null;
  title: string;
  subject: string;
  grade: string;
  teacher: string;
  teacher_id: string | null;
  schools: string[];
  started_at: number;
  duration_s: number;
  state: "recording" | "finishing" | "ready" | "failed";
  poster: string | null;
  visibility: "community" | "region";
  parts: Part[];
  events: RecordedEvent[];
}

export interface Deleted {
  kind: "schools" | "classrooms" | "communities" | "users" | "lessons" | "recordings";
  id: string;
  name: string;
  deleted_at: number;
}

/** One of a device's two connections. Bitrates and loss are of the last four seconds. */
export interface LineStats {
  state: "new" | "connected" | "lost" | "closed";
  failure: string;
  address: string;
  loss: number;
  rtt_ms: number | null;
  bitrate_bps: number;
  available_bps: number | null;
  wanted_bps: number;
  used_bps: number;
  packets_received: number;
  packets_sent: number;
  packets_retransmitted: number;
  nacks_received: number;
  packets_refused: number;
}

/** One simulcast encoding as it arrives, 0 the smallest; counters since it began. */
export interface LayerStats {
  layer: number;
  live: boolean;
  bitrate_bps: number;
  packets: number;
  lost: number;
  recovered: number;
  nacks_sent: number;
  keyframe_requests: number;
  keyframes: number;
  jitter_ms: number;
}

export interface SentStats {
  producer_id: string;
  source: Source;
  kind: "audio" | "video";
  codec: string;
  live: boolean;
  paused: boolean;
  layers: LayerStats[];
}

export type WithheldReason =
  | ""
  | "bandwidth"
  | "producer-paused"
  | "producer-silent"
  | "not-wanted";

/** A stream going out: `layer` of `layers` now (−1: none), `target` being switched to. */
export interface ReceivedStats {
  producer_id: string;
  from_seat_id: string | null;
  source: Source;
  kind: "audio" | "video";
  layers: number;
  layer: number;
  target: number;
  reason: WithheldReason;
  width: number;
  height: number;
  bitrate_bps: number;
  lost: number;
  retransmitted: number;
}

export interface DeviceStats {
  device_id: string;
  kind: string;
  connected: boolean;
  up: LineStats | null;
  down: LineStats | null;
  sends: SentStats[];
  receives: ReceivedStats[];
}

export interface SeatStats {
  seat_id: string;
  role: Role;
  name: string;
  school: string;
  present: boolean;
  link: LinkQuality;
  devices: DeviceStats[];
}

export interface LessonStats {
  lesson_id: string;
  at: number;
  seats: SeatStats[];
  strangers: DeviceStats[];
}

/** A histogram: `counts` has one more entry than `bounds`. */
export interface Measure {
  bounds: number[];
  counts: number[];
  sum: number;
}

export interface NodeStats {
  at: number;
  lessons: number;
  lessons_admitted: number;
  cpu_s: number;
  resident_bytes: number;
  ticks: number;
  tick_busy_s: number;
  tick_late_s: number;
  ports: {
    port: number;
    lessons: number;
    transports: number;
    counters: Record<string, number>;
    gauges: Record<string, number>;
    measures: Record<string, Measure>;
  }[];
}

export interface LiveAnswer {
  lessons: { lesson: Lesson; seats: SeatState[] }[];
  lessons_admitted: number;
  classrooms_online: number;
  server_time: number;
}
