// The nouns of the HTTP interface (docs/http_api.md) as the pages call them. Their shapes are
// generated from the server's own description (`make api`). Times are seconds since 1970.

import type { Source } from "../protocol/messages.ts";
import type { components } from "./shapes.ts";

type Shapes = components["schemas"];

export type User = Shapes["UserView"];
export type SessionAnswer = Shapes["SessionView"];
export type School = Shapes["SchoolView"];
export type Classroom = Shapes["ClassroomView"];
export type Credential = Shapes["CredentialView"];
export type Trust = Shapes["TrustView"];
export type Certificate = Shapes["CertificateView"];
export type NewCredential = Shapes["NewCredentialView"];
export type SourceKey = Shapes["SourceKeyView"];
export type Community = Shapes["CommunityView"];
export type Profile = Shapes["ProfileView"];
export type LessonSeat = Shapes["SeatView"];
export type Lesson = Shapes["LessonView"];
export type Clash = Shapes["ClashView"];
export type NewLesson = Shapes["LessonBody"];
export type JoinToken = Shapes["TokenView"];
export type RoomAnswer = Shapes["RoomView"];
export type Deleted = Shapes["DeletedView"];
export type LineStats = Shapes["LineView"];
export type LayerStats = Shapes["LayerView"];
export type SentStats = Shapes["SentView"];
export type ReceivedStats = Shapes["ReceivedView"];
export type DeviceStats = Shapes["DeviceStatsView"];
export type SeatStats = Shapes["SeatStatsView"];
export type LessonStats = Shapes["LessonStatsView"];
export type Measure = Shapes["MeasureView"];
export type NodeStats = Shapes["NodeView"];
export type LiveAnswer = Shapes["LiveView"];
export type WithheldReason = ReceivedStats["reason"];

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

/** A time in which nothing was recorded: why, by its code. */
export interface Pause {
  start_s: number;
  duration_s: number;
  code: string;
}

/** Something that was recorded and cannot be played. */
export interface Missing {
  seat_id: string;
  source: Source;
  start_s: number;
}

type FromManifest = "parts" | "events" | "pauses" | "missing";

/** What the manifest says of a recording stands in it as it is. */
export type Recording = Omit<Shapes["RecordingView"], FromManifest> & {
  parts: Part[];
  events: RecordedEvent[];
  pauses: Pause[];
  missing: Missing[];
};
