// What a page knows of a lesson: one plain value, changed only by the reducer.

import {
  type ChatLine,
  type LessonEnded,
  type LessonState,
  type Role,
  type SeatState,
  type SendProfile,
  type ServerMessage,
  type Source,
  VIDEO_CODEC_VALUES,
  type VideoCodec,
} from "../protocol/messages.ts";

import type { ProgramReason } from "./program.ts";

/** Where the page stands with the server. */
export type Phase =
  | "idle"
  | "connecting" // never been in yet
  | "live"
  | "reconnecting" // was in, the line is lost
  | "refused" // not let in; `refusal` says why
  | "removed" // put out of the lesson; `refusal` says why
  | "replaced" // the same device is back elsewhere: another tab of this browser
  | "ended";

/** One of the two peer connections. */
export type LinkPhase = "new" | "connecting" | "connected" | "lost";

/** A camera or microphone; of one that is `unanswered` the browser has said nothing for long. */
export type DevicePhase =
  | "off"
  | "starting"
  | "unanswered"
  | "on"
  | "denied"
  | "missing"
  | "busy"
  | "lost";

export interface DeviceChoices {
  readonly cameras: readonly MediaDeviceInfo[];
  readonly microphones: readonly MediaDeviceInfo[];
  readonly speakers: readonly MediaDeviceInfo[];
  /** Where the others' sound is played; "" for the system's own choice. */
  readonly speaker: string;
}

export interface Refusal {
  readonly code: string;
  readonly zh: string;
  readonly en: string;
}

export interface Me {
  readonly seatId: string;
  readonly role: Role;
  readonly deviceId: string;
  readonly carriesSound: boolean;
}

/** What is received of a stream: the simulcast layer, −1 for nothing, and why. */
export interface StreamStatus {
  readonly layer: number;
  readonly reason: "" | "bandwidth" | "producer-paused" | "producer-silent";
}

export interface View {
  readonly phase: Phase;
  readonly attempt: number;
  readonly refusal: Refusal | null;
  readonly ended: LessonEnded["reason"] | null;
  readonly me: Me | null;
  readonly profile: SendProfile | null;
  readonly lesson: LessonState | null;
  readonly seats: ReadonlyMap<string, SeatState>;
  readonly chat: readonly ChatLine[];
  readonly unread: number;
  readonly chatOpen: boolean;
  /** Level in dBov of each seat that is heard now. */
  readonly speaking: ReadonlyMap<string, number>;
  readonly streams: ReadonlyMap<string, StreamStatus>;
  /** Received tracks by producer. */
  readonly tracks: ReadonlyMap<string, MediaStreamTrack>;
  /** Producers whose picture stands still although it should move. */
  readonly stalled: ReadonlySet<string>;
  readonly up: LinkPhase;
  readonly down: LinkPhase;
  readonly camera: DevicePhase;
  readonly microphone: DevicePhase;
  readonly choices: DeviceChoices;
  /** Own sources that another device serves since theirs vanished: from which to which. */
  readonly fallbacks: ReadonlyMap<Source, { readonly from: string; readonly to: string }>;
  /** Own pictures and sound, as captured here. */
  readonly own: ReadonlyMap<Source, MediaStreamTrack>;
  /** Own sources that this person has closed. */
  readonly closed: ReadonlySet<Source>;
  /** Own pictures are not sent for now: our line has room for sound alone. */
  readonly held: boolean;
  readonly soundBlocked: boolean;
  /** The video codecs that this browser can show. */
  readonly shows: readonly VideoCodec[];
  /** Why the program is taken in place of separate pictures; null where it is not. */
  readonly takesProgram: ProgramReason | null;
  /** The last request that was refused, to be said once. */
  readonly notice: Refusal | null;
  /** Server time minus this machine's, in seconds. */
  readonly clockOffsetS: number;
}

export type LessonEvent =
  | { type: "server"; message: ServerMessage; now: number }
  | { type: "connecting"; attempt: number }
  | { type: "lost" }
  | { type: "refused"; refusal: Refusal }
  | { type: "removed"; refusal: Refusal }
  | { type: "replaced" }
  | { type: "track"; producerId: string; track: MediaStreamTrack | null }
  | { type: "tracks-cleared" }
  | { type: "stalled"; producerIds: ReadonlySet<string> }
  | { type: "link"; direction: "up" | "down"; phase: LinkPhase }
  | { type: "device"; device: "camera" | "microphone"; phase: DevicePhase }
  | { type: "devices"; choices: DeviceChoices }
  | { type: "fell-back"; source: Source; from: string; to: string | null }
  | { type: "own"; source: Source; track: MediaStreamTrack | null }
  | { type: "profile"; profile: SendProfile }
  | { type: "own-closed"; source: Source; closed: boolean }
  | { type: "held"; held: boolean }
  | { type: "shows"; codecs: readonly VideoCodec[] }
  | { type: "sound-blocked"; blocked: boolean }
  | { type: "takes-program"; reason: ProgramReason | null }
  | { type: "chat-open"; open: boolean }
  | { type: "notice"; refusal: Refusal | null };

export const initialView: View = {
  phase: "idle",
  attempt: 0,
  refusal: null,
  ended: null,
  me: null,
  profile: null,
  lesson: null,
  seats: new Map(),
  chat: [],
  unread: 0,
  chatOpen: false,
  speaking: new Map(),
  streams: new Map(),
  tracks: new Map(),
  stalled: new Set(),
  up: "new",
  down: "new",
  camera: "off",
  microphone: "off",
  choices: { cameras: [], microphones: [], speakers: [], speaker: "" },
  fallbacks: new Map(),
  own: new Map(),
  closed: new Set(),
  held: false,
  soundBlocked: false,
  shows: VIDEO_CODEC_VALUES,
  takesProgram: null,
  notice: null,
  clockOffsetS: 0,
};
