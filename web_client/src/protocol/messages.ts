// Generated from signaling/protocol/{terms,messages}.py. Do not edit:
// `python -m signaling.protocol.typescript`.
//
// The protocol is told in docs/protocol.md.

export const PROTOCOL_VERSION = 1;

export const MODE_VALUES = [
  "blended",
  "delivery",
  "research",
] as const;

/** What kind of lesson: its defaults follow from it. */
export type Mode = (typeof MODE_VALUES)[number];

export const ROLE_VALUES = [
  "lead",
  "room",
  "assistant",
  "observer",
] as const;

/** What a seat is in a lesson. */
export type Role = (typeof ROLE_VALUES)[number];

export const SOURCE_VALUES = [
  "teacher",
  "students",
  "board",
  "screen",
  "room",
] as const;

/** What a seat sends: four pictures and the room's sound. */
export type Source = (typeof SOURCE_VALUES)[number];

export const LESSON_SOURCE_VALUES = [
  "program", // the composited picture
  "mix", // the mixed sound
] as const;

/** What the lesson itself sends, and no seat: its program, made of what the seats send. */
export type LessonSource = (typeof LESSON_SOURCE_VALUES)[number];

export const VIDEO_CODEC_VALUES = [
  "H264",
  "VP8",
] as const;

/** What a picture is sent as, best first. Every browser has VP8 (RFC 7742 §5), not all H.264. */
export type VideoCodec = (typeof VIDEO_CODEC_VALUES)[number];

export const PICTURE_FAULT_VALUES = [
  "b-frames", // only those pictures are shown that need no later one
  "interlaced", // black in some browsers
] as const;

/** How a picture is coded that not all browsers can show as it is. */
export type PictureFault = (typeof PICTURE_FAULT_VALUES)[number];

export const LAYOUT_VALUES = [
  "speaker", // the lead (or the spotlight) large, the others in a strip
  "wall", // all equal
  "screen", // the shared screen or board large, the teacher first beside it
  "lead-and-screen", // both to be seen well, nobody else
  "spotlight", // one picture alone: the spotlight's, else the lead's
  "dialogue", // two side by side: the lead, and the spotlight or the first room
  "four", // the first four, two by two
] as const;

/** How the others stand on a room's screen and in the program, as the lead says. */
export type Layout = (typeof LAYOUT_VALUES)[number];

export const DIRECTING_VALUES = [
  "automatic", // all, until the lead has chosen something
  "semi-automatic", // floor and screen; a choice stands until the floor changes
  "manual", // nothing, but that nobody who is away is large
] as const;

/** How much the director of the program decides by itself. */
export type Directing = (typeof DIRECTING_VALUES)[number];

export const PROGRAM_STANDING_VALUES = [
  "none", // this server makes none
  "idle", // it is made as soon as somebody takes it
  "starting", // its streams are about to come
  "running",
  "full", // this server makes as many for other lessons as it may
  "failed", // it cannot be made for the moment; it is tried again
] as const;

/** Where a lesson's program stands: its one picture and one sound, made on the server. */
export type ProgramStanding = (typeof PROGRAM_STANDING_VALUES)[number];

export const LINK_QUALITY_VALUES = [
  "good",
  "weak",
  "lost",
] as const;

/** A seat's line, in a word. */
export type LinkQuality = (typeof LINK_QUALITY_VALUES)[number];

export const DEVICE_KIND_VALUES = [
  "browser",
  "room_pc",
  "tablet",
  "encoder", // WHIP
  "player", // WHEP
  "simulated",
] as const;

/** What joined. */
export type DeviceKind = (typeof DEVICE_KIND_VALUES)[number];

export const REMOVAL_CODE_VALUES = [
  "removed-by-lead",
  "removed-by-administrator",
  "account-deleted",
  "credential-revoked",
  "taken-over", // another teacher leads the lesson now
  "not-admitted", // their school takes no part any more, or they are of another
] as const;

/** Why a device was put out of a lesson; its bearer is refused with this code from then on. */
export type RemovalCode = (typeof REMOVAL_CODE_VALUES)[number];

/**
 * Why the server closes the WebSocket. After a code of 4100 and above do not come back by
 * yourself; after any other, or none, come back with `resume` at once, then ever slower.
 */
export const CloseCode = {
  SERVER_RESTARTS: 1012, // RFC 6455's registry: service restart
  TOO_SLOW: 4001, // messages for this device piled up unread
  SILENT: 4002, // no message, no ping for too long
  LESSON_FAILED: 4003, // a fault of the server; the lesson is restored from its saved state
  JOIN_TIMED_OUT: 4004, // no `join` in time
  REFUSED: 4100, // the join was refused; the `Refused` before says why
  REPLACED: 4101, // the same device, or who leads, is here on another connection
  LESSON_ENDED: 4102, // for all; `lesson_ended` before says why
  LEFT: 4103, // the answer to `leave`
  ABUSE: 4104, // too many bad messages
  REMOVED: 4105, // put out of the lesson; the `removed` before says why
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/**
 * The first message. `resume` is the key of an earlier `Welcome`: the same device is back.
 *
 * With `keep_media` it asks to go on with the peer connections it still has; `media_kept` in the
 * `Welcome` answers. Otherwise the server has closed them and the device negotiates anew.
 * `shows` are the codecs of which it can show pictures. Without `enters` a lead's device only
 * looks whether all is ready: the lesson begins, or goes on, when it says `Enter`. `takes_lead`
 * says that somebody's hand brings the lead here, wherever else the same person leads; without it
 * a browser that enters is refused then (`leads-elsewhere`). Without `offers_sound` it has no
 * microphone and no loudspeaker: it does not carry the seat's sound, unless it says `OfferSound`
 * later. With `claims_sound` it is what the room's sound was set up for: the seat's other devices
 * give theirs up to it. Without `plays_sound` it has a microphone alone, and another device plays.
 */
export interface Join {
  type: "join";
  protocol?: number;
  token: string;
  device?: DeviceKind;
  resume?: string | null;
  keep_media?: boolean;
  shows?: VideoCodec[];
  enters?: boolean;
  takes_lead?: boolean;
  offers_sound?: boolean;
  claims_sound?: boolean;
  plays_sound?: boolean;
  request_id?: string | null;
}

/**
 * This device's microphone is lost, or there again: another device of the seat carries the
 * sound meanwhile. What it claimed when it joined it gets back.
 */
export interface OfferSound {
  type: "offer_sound";
  offers: boolean;
  request_id?: string | null;
}

/**
 * The device that has only looked until now takes part; where the same person leads from
 * another, that one is replaced.
 */
export interface Enter {
  type: "enter";
  request_id?: string | null;
}

/** The device goes for good; its seat stands empty at once. */
export interface Leave {
  type: "leave";
  request_id?: string | null;
}

/**
 * An SDP offer for the publish connection; `sources` names each sending m-line by its mid.
 *
 * The same message renegotiates and restarts ICE. An m-line not named here sends nothing.
 * Answered by `Published`.
 */
export interface Publish {
  type: "publish";
  sdp: string;
  sources: Record<string, Source>;
  request_id?: string | null;
}

/** Stop one source (the browser may later renegotiate; the server stops forwarding now). */
export interface Unpublish {
  type: "unpublish";
  source: Source;
  request_id?: string | null;
}

/** A producer to be sent to this device, shown at about this size in pixels (sound: 0). */
export interface Want {
  producer_id: string;
  width?: number;
  height?: number;
  priority?: number;
}

/** All this device wants to receive now: what is not named is stopped. */
export interface Subscribe {
  type: "subscribe";
  wants: Want[];
  request_id?: string | null;
}

/** The answer to the last `SubscribeOffer`. */
export interface SubscribeAnswer {
  type: "subscribe_answer";
  sdp: string;
  request_id?: string | null;
}

/** The subscribe connection has failed: offer it anew with fresh ICE credentials. */
export interface RestartSubscribe {
  type: "restart_subscribe";
  request_id?: string | null;
}

/** Open or close one's own source; the sound is `room`. */
export interface Mute {
  type: "mute";
  source?: Source;
  muted: boolean;
  request_id?: string | null;
}

/** Lead: close a seat's sound, or let it be open again as the mode says. */
export interface MuteSeat {
  type: "mute_seat";
  seat_id: string;
  muted: boolean;
  request_id?: string | null;
}

/** Lead: close the sound of every room, of those that are still to come too; or let all be. */
export interface MuteAll {
  type: "mute_all";
  muted: boolean;
  request_id?: string | null;
}

/** Ask for the floor. */
export interface RaiseHand {
  type: "raise_hand";
  request_id?: string | null;
}

/** Take one's hand down; the lead may name another's seat. */
export interface LowerHand {
  type: "lower_hand";
  seat_id?: string | null;
  request_id?: string | null;
}

/** Lead: take every hand down. */
export interface LowerAllHands {
  type: "lower_all_hands";
  request_id?: string | null;
}

/** Lead: this seat may speak now and comes forward on every screen; its hand goes down. */
export interface GiveFloor {
  type: "give_floor";
  seat_id: string;
  request_id?: string | null;
}

/**
 * Lead: the floor comes back, and every screen to what it showed before.
 *
 * Its holder may hand it back with the same message.
 */
export interface TakeFloor {
  type: "take_floor";
  request_id?: string | null;
}

/** Lead: show this seat's picture large to all; without a seat, nobody's. */
export interface SetSpotlight {
  type: "set_spotlight";
  seat_id?: string | null;
  source?: Source | null;
  request_id?: string | null;
}

/** Lead: how the others stand on every screen. */
export interface SetLayout {
  type: "set_layout";
  layout: Layout;
  request_id?: string | null;
}

/** One picture of the lesson: whose, and which; null: the one that stands for the seat. */
export interface PicturePlace {
  seat_id: string;
  source?: Source | null;
}

/**
 * Lead: these pictures stand first, in this order, in every layout on every screen.
 *
 * The others follow as the lesson has them, the lead first; so do all without `places`.
 */
export interface SetPlaces {
  type: "set_places";
  places: PicturePlace[];
  request_id?: string | null;
}

/** Lead: how much the director of the program decides by itself. */
export interface SetDirecting {
  type: "set_directing";
  directing: Directing;
  request_id?: string | null;
}

/** A line to all. */
export interface SendChat {
  type: "send_chat";
  text: string;
  request_id?: string | null;
}

/** Lead: nobody new comes in. Seats that were here may always return. */
export interface SetLock {
  type: "set_lock";
  locked: boolean;
  request_id?: string | null;
}

/**
 * This device receives the lesson's program in place of separate pictures, or no longer.
 *
 * The server makes it while somebody takes it: its streams come with the lesson's `streams`.
 */
export interface TakeProgram {
  type: "take_program";
  taken: boolean;
  request_id?: string | null;
}

/** Lead: from now on the lesson is recorded, or it is not. All are told. */
export interface SetRecording {
  type: "set_recording";
  recording: boolean;
  request_id?: string | null;
}

/** A new part of the lesson begins here: recordings have a chapter at this moment. */
export interface MarkChapter {
  type: "mark_chapter";
  request_id?: string | null;
}

/**
 * The shared screen shows another page, and has for `stood_s`: who sends it looks, and says so.
 *
 * Recordings have a chapter where it came. Pages that follow one another at once are one.
 */
export interface ScreenPage {
  type: "screen_page";
  stood_s?: number;
  request_id?: string | null;
}

/** Lead: this device is put out of its seat, and whoever it belongs to is let in no more. */
export interface RemoveDevice {
  type: "remove_device";
  device_id: string;
  request_id?: string | null;
}

/** Lead: all who were put out of this seat may come in again. */
export interface Readmit {
  type: "readmit";
  seat_id: string;
  request_id?: string | null;
}

/** Lead: the lesson is over for all. */
export interface EndLesson {
  type: "end_lesson";
  request_id?: string | null;
}

/** Is the line alive? Answered by `Pong`; a client sends one every 2 s. */
export interface Ping {
  type: "ping";
  request_id?: string | null;
}

/** One source of a seat, as everybody may see it. */
export interface SourceState {
  source: Source;
  producer_id: string;
  device_id: string;
  kind: "audio" | "video";
  codec: string;
  /** closed by its own device */
  muted: boolean;
  /** media has arrived */
  live: boolean;
  /** what browsers cannot show of it; recordings have all */
  faults: PictureFault[];
}

/** A raised hand: its place in the order (from 1) and since when. */
export interface Hand {
  place: number;
  raised_at: number;
}

/** One device of a seat, and whose it is: a person's name, or what a room device is called. */
export interface DeviceState {
  device_id: string;
  kind: DeviceKind;
  bearer: string;
  /** false: its connection is lost, its place is kept for a while */
  connected: boolean;
  /** it shows the lesson's program in place of separate pictures */
  takes_program: boolean;
}

/** One seat, whole: an event about a seat always carries all of it. */
export interface SeatState {
  seat_id: string;
  role: Role;
  name: string;
  school: string;
  /** at least one of its devices is connected */
  present: boolean;
  /** a device was here, its connection is lost, we wait for it */
  away_since: number | null;
  devices: DeviceState[];
  /** which of its devices carries the room's sound */
  sound_device: string | null;
  /** which of them plays the others' sound: mostly the same */
  sound_player: string | null;
  sources: SourceState[];
  hand: Hand | null;
  muted_by_lead: boolean;
  /** mode, floor and mutes taken together: its sound goes to the others */
  may_speak: boolean;
  link: LinkQuality;
}

export interface SpotlightState {
  seat_id: string;
  source: Source | null;
}

/** Who was put out of a seat and is let in no more, by the name others know them by. */
export interface RemovedBearer {
  seat_id: string;
  bearer: string;
}

/**
 * A stream of the lesson itself, which no seat sends; it is wanted like any other.
 *
 * A mix with a `seat_id` is what that seat hears: all voices but its own.
 */
export interface LessonStream {
  source: LessonSource;
  producer_id: string;
  kind: "audio" | "video";
  codec: string;
  seat_id: string | null;
}

/** The lesson without its seats. */
export interface LessonState {
  lesson_id: string;
  title: string;
  mode: Mode;
  started_at: number;
  /** the lead is here in person; a device of the lead's room alone leads nothing */
  led: boolean;
  /** the lead was here in person: when it is not led, they are only away */
  begun: boolean;
  /** told when the longest length is near: it ends by itself then */
  ends_at: number | null;
  floor: string | null;
  /** who has the floor is large, before the spotlight and the layout */
  floor_forward: boolean;
  spotlight: SpotlightState | null;
  layout: Layout;
  /** who stands first in it, by the lead's choice */
  places: PicturePlace[];
  directing: Directing;
  locked: boolean;
  removed: RemovedBearer[];
  /** it is to be recorded: as planned, or as the lead has switched it since */
  record: boolean;
  /** it is being recorded now */
  recording: boolean;
  /** why it is not, at the moment */
  recording_fault: string;
  /** the best that every seat's devices can show */
  video_codec: VideoCodec;
  /** its own, of no seat */
  streams: LessonStream[];
  program: ProgramStanding;
  ended: boolean;
}

export interface ChatLine {
  seat_id: string;
  name: string;
  text: string;
  at: number;
}

/** One simulcast layer a device shall send (layer order: smallest first). */
export interface EncodingProfile {
  rid: string;
  scale_down_by: number;
  max_bitrate_bps: number;
  max_frame_rate: number;
}

/** How a room's sound shall be taken: what the device's own processing does to it. */
export interface SoundProfile {
  channels: 1 | 2;
  echo_cancellation: boolean;
  noise_suppression: boolean;
  auto_gain_control: boolean;
}

/** What a source shall be captured and sent as (from the room's hardware profile). */
export interface SourceProfile {
  source: Source;
  width: number;
  height: number;
  frame_rate: number;
  codec: string;
  encodings: EncodingProfile[];
  max_bitrate_bps: number;
  /** with the source `room` alone */
  sound: SoundProfile | null;
  /** by a network camera: a browser is not told of it */
  from_network: boolean;
}

/**
 * What this device shall send, by its hardware profile and the lesson's mode; and whether it
 * shall show the others' pictures or, where the server makes one, the lesson's program; `either`:
 * the program while its line is too weak for pictures. No picture it is sent has more than
 * `largest_shown` lines, as far as its sender has smaller ones; 0: any.
 */
export interface SendProfile {
  name: string;
  sources: SourceProfile[];
  receives: "pictures" | "program" | "either";
  largest_shown: number;
}

export interface IceServer {
  urls: string[];
  username: string;
  credential: string;
}

/** The answer to `Join`: who you are, what to send, and the whole lesson. */
export interface Welcome {
  type: "welcome";
  protocol: number;
  seat_id: string;
  role: Role;
  device_id: string;
  resume: string;
  /** this device carries the room's sound; the seat's other devices do not */
  carries_sound: boolean;
  /** the peer connections from before the cut go on */
  media_kept: boolean;
  profile: SendProfile;
  ice_servers: IceServer[];
  lesson: LessonState;
  seats: SeatState[];
  chat: ChatLine[];
  server_time: number;
  request_id: string | null;
}

/** The answer to `Publish`. */
export interface Published {
  type: "published";
  sdp: string;
  producers: Record<string, string>;
  request_id: string | null;
}

/** An SDP offer for the subscribe connection; `consumers` names each m-line's producer. */
export interface SubscribeOffer {
  type: "subscribe_offer";
  sdp: string;
  consumers: Record<string, string>;
  request_id: string | null;
}

/** The request took effect. */
export interface Done {
  type: "done";
  request_id: string | null;
}

/** The request was refused and changed nothing. `code` is stable; the texts are for people. */
export interface Refused {
  type: "refused";
  code: string;
  message_zh: string;
  message_en: string;
  request_id: string | null;
}

/** A seat joined, left, raised its hand, …: here it is whole. */
export interface SeatChanged {
  type: "seat_changed";
  seat: SeatState;
}

/** A seat (an observer's, mostly) is gone for good. */
export interface SeatRemoved {
  type: "seat_removed";
  seat_id: string;
}

/** Floor, spotlight, layout, lock, recording: here the lesson is whole. */
export interface LessonChanged {
  type: "lesson_changed";
  lesson: LessonState;
}

/** Who is heard now, loudest first; levels in dBov (0 loudest, −127 silence). */
export interface Speaking {
  type: "speaking";
  seats: [string, number][];
}

export interface ChatPosted {
  type: "chat_posted";
  line: ChatLine;
}

/** What this device receives of a stream now; layer −1 is nothing, and `reason` says why. */
export interface StreamChanged {
  type: "stream_changed";
  producer_id: string;
  layer: number;
  reason: "" | "bandwidth" | "producer-paused" | "producer-silent";
}

/**
 * Of this device's own picture so many layers, from the smallest on, are needed by anybody.
 *
 * The others need not be sent until more are needed again. A device sends all until it is told,
 * and may pass this over.
 */
export interface LayersNeeded {
  type: "layers_needed";
  producer_id: string;
  layers: number;
}

/**
 * This device was put out of the lesson, and its connection closes after this.
 *
 * `code` and texts are a refusal's: the same that whoever tries to come in again is told.
 */
export interface Removed {
  type: "removed";
  code: RemovalCode;
  message_zh: string;
  message_en: string;
}

/** The lesson is over; the connection closes after this. */
export interface LessonEnded {
  type: "lesson_ended";
  reason: "by-lead" | "by-colleague" | "by-administrator" | "by-server" | "timed-out" | "made-way" | "too-long";
}

export interface Pong {
  type: "pong";
  server_time: number;
  request_id: string | null;
}

export type ClientMessage =
  | Join
  | Enter
  | OfferSound
  | Leave
  | Publish
  | Unpublish
  | Subscribe
  | SubscribeAnswer
  | RestartSubscribe
  | Mute
  | MuteSeat
  | MuteAll
  | RaiseHand
  | LowerHand
  | LowerAllHands
  | GiveFloor
  | TakeFloor
  | SetSpotlight
  | SetLayout
  | SetPlaces
  | SetDirecting
  | SendChat
  | SetLock
  | TakeProgram
  | SetRecording
  | MarkChapter
  | ScreenPage
  | RemoveDevice
  | Readmit
  | EndLesson
  | Ping;

export type ServerMessage =
  | Welcome
  | Published
  | SubscribeOffer
  | Done
  | Refused
  | SeatChanged
  | SeatRemoved
  | LessonChanged
  | Speaking
  | ChatPosted
  | StreamChanged
  | LayersNeeded
  | Removed
  | LessonEnded
  | Pong;
