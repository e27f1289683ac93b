// One device in one lesson: ties the connection, the two peer connections, the devices and the
// store together, and turns what people do into messages. Decides nothing the reducer can decide.

import {
  type Join,
  type DeviceKind,
  type Layout,
  type Refused,
  type SeatState,
  type ServerMessage,
  type Source,
  type SourceProfile,
  type VideoCodec,
  type Welcome,
  PROTOCOL_VERSION,
  REMOVAL_CODE_VALUES,
} from "../protocol/messages.ts";
import { type AfterRefusal, Connection, NoAnswer, RequestRefused } from "./connection.ts";
import { Devices } from "./devices.ts";
import { constraintsOf } from "./encodings.ts";
import { StallWatch } from "./health.ts";
import { Publisher } from "./publisher.ts";
import { bytesReceived } from "./recovery.ts";
import { mySeat } from "./selectors.ts";
import { shownCodecs } from "./shown_codecs.ts";
import type { Refusal } from "./state.ts";
import { LessonStore } from "./store.ts";
import { Subscriber } from "./subscriber.ts";
import { TileSizes, wantsOf } from "./wants.ts";

const WANTS_DEBOUNCE_MS = 120; // a layout change moves every tile: ask once
const CHECK_EVERY_MS = 1000;

/** The close codes after which this page does not simply come back (docs/protocol.md). */
const CLOSED = { replaced: 4101, left: 4103, removed: 4105 } as const;

/** Refusals to join that no waiting mends. */
const FINAL_REFUSALS = new Set(["no-such-lesson", "lesson-ended", "no-such-seat"]);
const REMOVED: ReadonlySet<string> = new Set(REMOVAL_CODE_VALUES);
/** This person leads from another window or computer: only their hand takes it back. */
const LEADS_ELSEWHERE = "leads-elsewhere";
const STALE_TOKEN = new Set(["token-invalid", "token-foreign", "token-expired"]);

type Report = ReadonlyMap<string, Record<string, unknown>>;

export interface SessionOptions {
  readonly lessonId: string;
  readonly device: DeviceKind;
  /** A join token; called before every attempt. `TurnedAway` is shown; attempts go on. */
  token(renew: boolean): Promise<string>;
  /** Whether this device receives sound at all. */
  readonly listens: boolean;
  /** Of the windows of this browser only one is in the lesson: the next one takes its place. */
  readonly oneWindow?: boolean;
}

/** Thrown by `token` when the server will not let this person in. */
export class TurnedAway extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.en);
  }
}

export class LessonSession {
  readonly store = new LessonStore();
  readonly devices: Devices;
  readonly tiles: TileSizes;
  private readonly connection: Connection;
  private publisher: Publisher | null = null;
  private subscriber: Subscriber | null = null;
  private readonly stalls = new StallWatch();
  private checker: ReturnType<typeof setInterval> | undefined;
  private wantsTimer: ReturnType<typeof setTimeout> | undefined;
  private renewToken = false;
  private sending = false;
  private joinsToEnter = false; // so the last join said
  private takesLead = false; // by somebody's hand, which the server has not answered yet
  private publishFailures = 0;
  private readonly onOnline = (): void => this.connection.hurry();

  constructor(private readonly options: SessionOptions) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.connection = new Connection(`${scheme}://${location.host}/ws`, {
      join: () => this.join(),
      joined: (welcome) => this.joined(welcome),
      refused: (refusal) => this.refusedToJoin(refusal),
      message: (message) => this.heard(message),
      connecting: (attempt) => this.store.dispatch({ type: "connecting", attempt }),
      lost: (code) => this.lost(code),
    });
    this.tiles = new TileSizes(() => this.scheduleWants());
    this.devices = new Devices(
      {
        track: (source, track) => this.captured(source, track),
        phase: (device, phase) => this.store.dispatch({ type: "device", device, phase }),
        fellBack: (source, from, to) =>
          this.store.dispatch({ type: "fell-back", source, from, to }),
        changed: (choices) => this.store.dispatch({ type: "devices", choices }),
      },
      options.device === "room_pc",
    );
  }

  get peers(): { publish: RTCPeerConnection | null; subscribe: RTCPeerConnection | null } {
    return { publish: this.publisher?.peer ?? null, subscribe: this.subscriber?.peer ?? null };
  }

  /**
   * `anew`: somebody's hand brings the lesson to this window, wherever else they are in it. By
   * itself a window only comes back as the device that it was.
   */
  open({ anew = false } = {}): void {
    this.takesLead ||= anew || this.wasTakenBack();
    if (this.checker !== undefined) return; // it was opened to look before one enters
    if (anew) this.forgetKey();
    addEventListener("online", this.onOnline);
    document.addEventListener("visibilitychange", this.onOnline);
    this.checker = setInterval(() => void this.check(), CHECK_EVERY_MS);
    void this.devices.look();
    this.connection.open();
  }

  /** Stop. With `leave` the seat stands empty at once; without, it is kept for a return. */
  close(leave: boolean): void {
    removeEventListener("online", this.onOnline);
    document.removeEventListener("visibilitychange", this.onOnline);
    clearInterval(this.checker);
    this.checker = undefined;
    clearTimeout(this.wantsTimer);
    if (leave) this.forgetKey();
    this.publisher?.close();
    this.subscriber?.close();
    this.devices.close();
    this.connection.close(leave ? { type: "leave" } : undefined);
  }

  /**
   * Enter, and begin (and keep on) sending what the profile says, as far as there are devices. Until
   * then this device only looks whether all is ready.
   */
  send(): void {
    if (!this.sending && this.connection.live) this.enter();
    this.sending = true;
    const profiles = this.captureProfiles();
    for (const profile of profiles) {
      const track = this.devices.track(profile.source);
      if (!track) continue;
      // It may have been opened for the device check, before the profile was known.
      void track.applyConstraints(constraintsOf(profile)).catch(() => undefined);
      this.publisher?.set(profile.source, track, profile);
    }
    if (profiles.length) void this.devices.capture(profiles);
  }

  // --- what people do -------------------------------------------------------------------------

  raiseHand = (): void => this.act({ type: "raise_hand" });
  lowerHand = (seatId?: string): void => this.act({ type: "lower_hand", seat_id: seatId ?? null });
  lowerAllHands = (): void => this.act({ type: "lower_all_hands" });
  giveFloor = (seatId: string): void => this.act({ type: "give_floor", seat_id: seatId });
  takeFloor = (): void => this.act({ type: "take_floor" });
  muteSeat = (seatId: string, muted: boolean): void =>
    this.act({ type: "mute_seat", seat_id: seatId, muted });
  muteAll = (muted: boolean): void => this.act({ type: "mute_all", muted });
  setLayout = (layout: Layout): void => this.act({ type: "set_layout", layout });
  setRecording = (recording: boolean): void => this.act({ type: "set_recording", recording });
  setLock = (locked: boolean): void => this.act({ type: "set_lock", locked });
  removeDevice = (deviceId: string): void =>
    this.act({ type: "remove_device", device_id: deviceId });
  readmit = (seatId: string): void => this.act({ type: "readmit", seat_id: seatId });
  sendChat = (text: string): void => this.act({ type: "send_chat", text });
  endLesson = (): void => this.act({ type: "end_lesson" });
  spotlight = (seatId: string | null, source: Source | null = null): void =>
    this.act({ type: "set_spotlight", seat_id: seatId, source });

  setClosed(source: Source, closed: boolean): void {
    this.store.dispatch({ type: "own-closed", source, closed });
    this.applyClosed(source);
    if (this.sent(source)) this.act({ type: "mute", source, muted: closed });
  }

  async shareScreen(): Promise<boolean> {
    return (await this.devices.shareScreen(this.sourceProfile("screen"))) !== null;
  }

  stopScreen(): void {
    this.devices.stopScreen();
  }

  dismissNotice(): void {
    this.store.dispatch({ type: "notice", refusal: null });
  }

  private enter(): void {
    this.connection.request({ type: "enter" }).then(
      () => (this.takesLead = false),
      (error: unknown) => this.say(error), // unanswered, the next join says it
    );
  }

  private act(message: Parameters<Connection["request"]>[0]): void {
    this.connection.request(message).catch((error: unknown) => this.say(error));
  }

  private say(error: unknown): void {
    if (error instanceof RequestRefused) {
      this.store.dispatch({ type: "notice", refusal: refusalOf(error.refusal) });
    } else if (!(error instanceof NoAnswer)) {
      throw error;
    }
  }

  // --- joining --------------------------------------------------------------------------------

  // Each window has its own key, which it keeps over a reload: with another's it would come back as
  // that one's device. Windows that take each other's place leave theirs where all see it, too.

  /** A window of this browser is in this lesson, or was a moment ago. */
  get isKnown(): boolean {
    const place = this.options.oneWindow ? localStorage : sessionStorage;
    return place.getItem(this.resumeName) !== null;
  }

  private keepKey(key: string): void {
    sessionStorage.setItem(this.resumeName, key);
    if (this.options.oneWindow) localStorage.setItem(this.resumeName, key);
  }

  /** What this window was in the lesson is over: the next join is another device's. */
  private forgetKey(): void {
    const own = sessionStorage.getItem(this.resumeName);
    sessionStorage.removeItem(this.resumeName);
    if (this.options.oneWindow && own !== null && localStorage.getItem(this.resumeName) === own) {
      localStorage.removeItem(this.resumeName);
    }
  }

  /** Somebody's hand brings the lesson back to this window, whose page is then loaded anew. */
  takeBack(): void {
    if (this.options.oneWindow) sessionStorage.setItem(this.takesName, "yes");
  }

  /** The page was loaded for that; a hand counts once. */
  private wasTakenBack(): boolean {
    const said = sessionStorage.getItem(this.takesName) !== null;
    sessionStorage.removeItem(this.takesName);
    return said;
  }

  private get resumeName(): string {
    return `tongke.resume.${this.options.lessonId}`;
  }

  private get takesName(): string {
    return `tongke.takes.${this.options.lessonId}`;
  }

  private async join(): Promise<Join> {
    try {
      const token = await this.options.token(this.renewToken);
      this.renewToken = false;
      const resume = sessionStorage.getItem(this.resumeName);
      const { device } = this.options;
      return {
        type: "join",
        protocol: PROTOCOL_VERSION,
        token,
        device,
        resume,
        keep_media: this.mediaGoesOn(),
        shows: this.learnCodecs(),
        enters: (this.joinsToEnter = this.sending),
        takes_lead: this.takesLead,
      };
    } catch (error) {
      if (error instanceof TurnedAway) {
        this.store.dispatch({ type: "refused", refusal: error.refusal });
      }
      throw error;
    }
  }

  /** Asked at every join: Firefox may have got its H.264 meanwhile. */
  private learnCodecs(): VideoCodec[] {
    const codecs = shownCodecs();
    this.store.dispatch({ type: "shows", codecs });
    return codecs;
  }

  /** Whether media still flows although the signaling line was cut: then it need not begin anew. */
  private mediaGoesOn(): boolean {
    const { publish, subscribe } = this.peers;
    const peers = [publish, subscribe].filter((peer) => peer !== null);
    return peers.length > 0 && peers.every((peer) => peer.connectionState === "connected");
  }

  private refusedToJoin(refused: Refused): AfterRefusal {
    if (STALE_TOKEN.has(refused.code) && !this.renewToken) {
      this.renewToken = true;
      return "retry";
    }
    if (REMOVED.has(refused.code)) {
      // Put out while the line was lost: this is how it is heard.
      this.putOut();
      this.store.dispatch({ type: "removed", refusal: refusalOf(refused) });
      return "stop";
    }
    if (refused.code === LEADS_ELSEWHERE) return this.replaced();
    this.renewToken = STALE_TOKEN.has(refused.code);
    this.store.dispatch({ type: "refused", refusal: refusalOf(refused) });
    return FINAL_REFUSALS.has(refused.code) ? "stop" : "knock";
  }

  private joined(welcome: Welcome): void {
    this.keepKey(welcome.resume);
    if (this.joinsToEnter) this.takesLead = false;
    this.store.dispatch({ type: "server", message: welcome, now: Date.now() / 1000 });
    const iceServers = welcome.ice_servers.map((server) => ({ ...server }));
    if (this.sending && !this.joinsToEnter) this.enter(); // said while it was joining
    this.publisher ??= this.makePublisher(iceServers);
    this.subscriber ??= this.makeSubscriber(iceServers);
    this.publisher.useIceServers(iceServers);
    this.publisher.useCodec(welcome.lesson.video_codec);
    this.subscriber.useIceServers(iceServers);
    if (!welcome.media_kept) {
      this.publisher.rebuild();
      this.subscriber.reset();
    }
    this.subscriber.forget();
    this.scheduleWants();
    if (this.sending) this.send();
    const screen = this.devices.track("screen");
    if (screen) this.captured("screen", screen);
  }

  private lost(code: number): "retry" | "stop" {
    if (this.store.view.phase === "ended") return "stop";
    if (code === CLOSED.left || code === CLOSED.removed) return "stop";
    if (code === CLOSED.replaced) return this.replaced();
    this.store.dispatch({ type: "lost" });
    return "retry";
  }

  /**
   * Another window or computer has the lesson: nothing is sent or played here any more, and no
   * reload comes back as what this one was.
   */
  private replaced(): "stop" {
    if (this.options.oneWindow) this.forgetKey();
    this.store.dispatch({ type: "replaced" });
    this.publisher?.close();
    this.subscriber?.close();
    this.devices.close();
    return "stop";
  }

  /** Nothing more is sent or received here, and no key brings this device back. */
  private putOut(): void {
    this.forgetKey();
    this.close(false);
  }

  private heard(message: ServerMessage): void {
    if (message.type === "subscribe_offer") this.subscriber?.offered(message);
    if (message.type === "lesson_changed") this.publisher?.useCodec(message.lesson.video_codec);
    if (message.type === "layers_needed") this.publisher?.need(message.producer_id, message.layers);
    // Another device carries the room's sound than did: a new welcome says how it is to be taken.
    if (message.type === "seat_changed" && this.soundHasMoved(message.seat)) {
      this.connection.rejoin();
    }
    this.store.dispatch({ type: "server", message, now: Date.now() / 1000 });
    if (message.type === "lesson_ended" || message.type === "removed") this.putOut();
    if (message.type === "seat_changed" || message.type === "seat_removed") this.scheduleWants();
  }

  /** Here, or away from here: who only looks loses it to another that enters. */
  private soundHasMoved({ seat_id, sound_device }: SeatState): boolean {
    const { me } = this.store.view;
    if (me?.seatId !== seat_id || sound_device === null) return false;
    return (sound_device === me.deviceId) !== me.carriesSound;
  }

  // --- media ----------------------------------------------------------------------------------

  private makePublisher(iceServers: RTCIceServer[]): Publisher {
    return new Publisher(
      {
        publish: (sdp, sources) => this.connection.request({ type: "publish", sdp, sources }),
        unpublish: (source) => this.act({ type: "unpublish", source }),
        link: (phase) => this.store.dispatch({ type: "link", direction: "up", phase }),
        published: (sources) => {
          this.publishFailures = 0;
          for (const source of sources) {
            if (this.store.view.closed.has(source)) this.act({ type: "mute", source, muted: true });
          }
        },
        failed: (error) => this.publishFailed(error),
      },
      iceServers,
    );
  }

  private publishFailed(error: unknown): void {
    if (error instanceof RequestRefused) this.say(error);
    this.publishFailures += 1;
    setTimeout(
      () => {
        if (!this.connection.live) return;
        if (!this.publisher?.peer) this.publisher?.rebuild();
        if (this.sending) this.send(); // what was refused may be free by now
      },
      Math.min(30_000, 2000 * this.publishFailures),
    );
  }

  private makeSubscriber(iceServers: RTCIceServer[]): Subscriber {
    return new Subscriber(
      {
        subscribe: (wants) => this.connection.request({ type: "subscribe", wants }),
        answer: (sdp) => this.connection.request({ type: "subscribe_answer", sdp }),
        restart: () => this.connection.send({ type: "restart_subscribe" }),
        track: (producerId, track) => this.store.dispatch({ type: "track", producerId, track }),
        tracksCleared: () => this.store.dispatch({ type: "tracks-cleared" }),
        link: (phase) => this.store.dispatch({ type: "link", direction: "down", phase }),
        failed: () => this.scheduleWants(1000),
      },
      iceServers,
    );
  }

  private captured(source: Source, track: MediaStreamTrack | null): void {
    this.store.dispatch({ type: "own", source, track });
    const profile = this.sourceProfile(source);
    if (track && profile) {
      this.applyClosed(source);
      if (this.sending) this.publisher?.set(source, track, profile);
    } else if (!track && source === "screen") {
      this.publisher?.remove(source);
    }
  }

  private captureProfiles(): SourceProfile[] {
    const { profile, me } = this.store.view;
    return (profile?.sources ?? []).filter(
      (one) => one.source !== "screen" && (one.source !== "room" || me?.carriesSound),
    );
  }

  private sourceProfile(source: Source): SourceProfile | null {
    return this.store.view.profile?.sources.find((one) => one.source === source) ?? null;
  }

  private sent(source: Source): boolean {
    return mySeat(this.store.view)?.sources.some((one) => one.source === source) ?? false;
  }

  private applyClosed(source: Source): void {
    const track = this.store.view.own.get(source);
    if (track) track.enabled = !this.store.view.closed.has(source);
  }

  private scheduleWants(delayMs = WANTS_DEBOUNCE_MS): void {
    clearTimeout(this.wantsTimer);
    this.wantsTimer = setTimeout(() => {
      const { view } = this.store;
      if (!this.connection.live || !view.me) return;
      const sound = this.options.listens && (view.me.carriesSound || view.me.role === "observer");
      this.subscriber?.want(wantsOf(view, this.tiles.all(), sound));
    }, delayMs);
  }

  private async check(): Promise<void> {
    const now = performance.now() / 1000;
    const { live } = this.connection;
    const { publish, subscribe } = this.peers;
    const sending = await statisticsOf(publish);
    const report = await statisticsOf(subscribe);
    this.publisher?.check(now, live, bytesReceived(sending?.values() ?? []));
    this.subscriber?.check(now, live, bytesReceived(report?.values() ?? []));
    if (sending && this.publisher) {
      const room = this.publisher.tune(sending, now);
      this.store.dispatch({ type: "held", held: room === 0 });
    }
    if (report) this.subscriber?.tune(report, now);
    const { stalled, restart } = this.stalls.update(this.movingFrames(report), now);
    this.store.dispatch({ type: "stalled", producerIds: stalled });
    if (restart && live) this.subscriber?.restart();
  }

  /** Decoded frames of every picture that the server says it is sending us. */
  private movingFrames(report: Report | null): Map<string, number> {
    const frames = new Map<string, number>();
    // A hidden page need not decode: its pictures stand still and nothing is wrong.
    if (!report || document.hidden) return frames;
    const { tracks, streams } = this.store.view;
    const byTrack = new Map([...tracks].map(([id, track]) => [track.id, id]));
    for (const one of report.values()) {
      if (one.type !== "inbound-rtp" || one.kind !== "video") continue;
      const id = byTrack.get(String(one.trackIdentifier));
      const sentNow = id !== undefined && (streams.get(id)?.layer ?? -1) >= 0;
      if (id && sentNow) frames.set(id, Number(one.framesDecoded ?? 0));
    }
    return frames;
  }
}

async function statisticsOf(peer: RTCPeerConnection | null): Promise<Report | null> {
  const stands = peer?.connectionState === "connected" || peer?.connectionState === "disconnected";
  return stands ? await peer.getStats() : null;
}

export function refusalOf(refused: Refused): Refusal {
  return { code: refused.code, zh: refused.message_zh, en: refused.message_en };
}
