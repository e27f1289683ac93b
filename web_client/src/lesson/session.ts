// One device in one lesson: ties the connection, the two peer connections, the devices and the
// store together, and turns what people do into messages. Decides nothing the reducer can decide.

import {
  type Join,
  type Refused,
  type ServerMessage,
  type SendProfile,
  type Source,
  type VideoCodec,
  type Welcome,
  PROTOCOL_VERSION,
} from "../protocol/messages.ts";
import {
  CLOSED,
  FINAL_REFUSALS,
  LEADS_ELSEWHERE,
  refusalOf,
  REMOVED,
  type SessionOptions,
  STALE_TOKEN,
  TurnedAway,
} from "./admission.ts";
import { type AfterRefusal, Connection, NoAnswer, RequestRefused } from "./connection.ts";
import { Devices } from "./devices.ts";
import { constraintsOf } from "./encodings.ts";
import { StallWatch } from "./health.ts";
import { LessonIntents } from "./intents.ts";
import { captureProfiles, isSent, playsSound, soundHasMoved, sourceProfile } from "./own_sources.ts";
import { hasProgram, type ProgramReason } from "./program.ts";
import { Publisher } from "./publisher.ts";
import { bytesReceived } from "./recovery.ts";
import { shownCodecs } from "./shown_codecs.ts";
import { LessonStore } from "./store.ts";
import { movingFrames, statisticsOf } from "./statistics.ts";
import { Subscriber } from "./subscriber.ts";
import type { RoomPictures } from "./room_pictures.ts";
import { ThinLine } from "./thin_line.ts";
import { TileSizes, wantsOf } from "./wants.ts";
import { WindowKey } from "./window_key.ts";

const WANTS_DEBOUNCE_MS = 120; // a layout change moves every tile: ask once
const CHECK_EVERY_MS = 1000;
const MAX_STOOD_S = 10; // as the protocol has it

/** What is to be received may be another after these. */
const WANTS_CHANGE = new Set<ServerMessage["type"]>([
  "seat_changed",
  "seat_removed",
  "lesson_changed",
]);

export class LessonSession extends LessonIntents {
  readonly store = new LessonStore();
  readonly devices: Devices;
  readonly tiles: TileSizes;
  private readonly key: WindowKey;
  private readonly connection: Connection;
  private publisher: Publisher | null = null;
  private subscriber: Subscriber | null = null;
  private readonly stalls = new StallWatch();
  private readonly thinLine = new ThinLine();
  private pictures: RoomPictures;
  private checker: ReturnType<typeof setInterval> | undefined;
  private wantsTimer: ReturnType<typeof setTimeout> | undefined;
  private renewToken = false;
  private sending = false;
  private joinsToEnter = false; // so the last join said
  private receives = true; // pictures and sounds
  private takesLead = false; // by somebody's hand, which the server has not answered yet
  private publishFailures = 0;
  private readonly onOnline = (): void => this.connection.hurry();

  constructor(private readonly options: SessionOptions) {
    super();
    this.pictures = options.pictures ?? "profile";
    this.key = new WindowKey(options.lessonId, options.oneWindow ?? false);
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
    this.takesLead ||= anew || this.key.wasTakenBack();
    if (this.checker !== undefined) return; // it was opened to look before one enters
    if (anew) this.key.forget();
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
    if (leave) this.key.forget();
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
    if (!this.store.view.me) return; // what it is to send is known when it has joined
    const profiles = captureProfiles(this.store.view);
    // Another device of the seat has taken the room's sound: its microphone is off, not just unheard.
    this.publisher?.keepOnly(new Set(profiles.map((one) => one.source)));
    for (const profile of profiles) {
      const track = this.devices.track(profile.source);
      if (!track) continue;
      // It may have been opened for the device check, before the profile was known.
      void track.applyConstraints(constraintsOf(profile)).catch(() => undefined);
      this.publisher?.set(profile.source, track, profile);
    }
    void this.devices.capture(profiles);
  }

  // --- what people do -------------------------------------------------------------------------

  setClosed(source: Source, closed: boolean): void {
    this.store.dispatch({ type: "own-closed", source, closed });
    this.applyClosed(source);
    if (isSent(this.store.view, source)) this.act({ type: "mute", source, muted: closed });
  }

  async shareScreen(): Promise<boolean> {
    return (await this.devices.shareScreen(sourceProfile(this.store.view, "screen"))) !== null;
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

  protected act(message: Parameters<Connection["request"]>[0]): void {
    this.connection.request(message).catch((error: unknown) => this.say(error));
  }

  /** A chapter begins here; whether the server has taken it. */
  markChapter(): Promise<boolean> {
    return this.connection.request({ type: "mark_chapter" }).then(
      () => true,
      (error: unknown) => {
        this.say(error);
        return false;
      },
    );
  }

  /** The shared screen shows another page. Where that is refused a chapter lacks: nobody is told. */
  tellPage(stoodS: number): void {
    const stood_s = Math.min(stoodS, MAX_STOOD_S);
    this.connection.request({ type: "screen_page", stood_s }).catch(() => undefined);
  }

  private say(error: unknown): void {
    if (error instanceof RequestRefused) {
      this.store.dispatch({ type: "notice", refusal: refusalOf(error.refusal) });
    } else if (!(error instanceof NoAnswer)) {
      throw error;
    }
  }

  /**
   * Show the program in place of separate pictures, or those again (null). Said again at every
   * return; where the server cannot, the page goes on with separate pictures.
   */
  takeProgram(reason: ProgramReason | null): void {
    if (this.store.view.takesProgram === reason) return;
    this.store.dispatch({ type: "takes-program", reason });
    if (this.connection.live) this.sayProgram();
    this.scheduleWants();
  }

  /** Of a room: the program, separate pictures, or as its profile says and its line allows. */
  choosePictures(choice: RoomPictures): void {
    this.pictures = choice;
    this.takeProgram(this.programReason(this.store.view.profile));
  }

  private programReason(profile: SendProfile | null): ProgramReason | null {
    if (this.pictures === "program") return "chosen";
    return this.pictures === "profile" && profile?.receives === "program" ? "profile" : null;
  }

  /** Whether anything is to be received here: who watches the broadcast needs nothing besides. */
  receive(receives: boolean): void {
    if (this.receives === receives) return;
    this.receives = receives;
    this.scheduleWants();
  }

  private sayProgram(): void {
    const taken = this.store.view.takesProgram !== null;
    this.act({ type: "take_program", taken });
  }

  // --- joining --------------------------------------------------------------------------------

  /** A window of this browser is in this lesson, or was a moment ago. */
  get isKnown(): boolean {
    return this.key.isKnown;
  }

  /** Somebody's hand brings the lesson back to this window, whose page is then loaded anew. */
  takeBack(): void {
    this.key.takeBack();
  }

  private async join(): Promise<Join> {
    try {
      const token = await this.options.token(this.renewToken);
      this.renewToken = false;
      const resume = this.key.own;
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
    this.key.keep(welcome.resume);
    if (this.joinsToEnter) this.takesLead = false;
    this.store.dispatch({ type: "server", message: welcome, now: Date.now() / 1000 });
    this.programAfter(welcome);
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

  /** A new device of the server's knows nothing of what this page shows. */
  private programAfter({ profile }: Welcome): void {
    if (!hasProgram(this.store.view)) {
      this.store.dispatch({ type: "takes-program", reason: null });
      return;
    }
    const room = this.options.device === "room_pc";
    if (room && this.store.view.takesProgram === null) {
      this.store.dispatch({ type: "takes-program", reason: this.programReason(profile) });
    }
    if (this.store.view.takesProgram !== null) this.sayProgram();
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
    if (this.options.oneWindow) this.key.forget();
    this.store.dispatch({ type: "replaced" });
    this.publisher?.close();
    this.subscriber?.close();
    this.devices.close();
    return "stop";
  }

  /** Nothing more is sent or received here, and no key brings this device back. */
  private putOut(): void {
    this.key.forget();
    this.close(false);
  }

  private heard(message: ServerMessage): void {
    if (message.type === "subscribe_offer") this.subscriber?.offered(message);
    if (message.type === "lesson_changed") this.publisher?.useCodec(message.lesson.video_codec);
    if (message.type === "layers_needed") this.publisher?.need(message.producer_id, message.layers);
    // Another device carries the room's sound than did: a new welcome says how it is to be taken.
    if (message.type === "seat_changed" && soundHasMoved(this.store.view, message.seat)) {
      this.connection.rejoin();
    }
    this.store.dispatch({ type: "server", message, now: Date.now() / 1000 });
    if (message.type === "lesson_ended" || message.type === "removed") this.putOut();
    if (WANTS_CHANGE.has(message.type)) this.scheduleWants();
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
    const profile = sourceProfile(this.store.view, source);
    if (track && profile) {
      this.applyClosed(source);
      if (this.sending) this.publisher?.set(source, track, profile);
    } else if (!track && source === "screen") {
      this.publisher?.remove(source);
    }
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
      const sound = this.options.listens && playsSound(view);
      this.subscriber?.want(this.receives ? wantsOf(view, this.tiles.all(), sound) : []);
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
    const { stalled, restart } = this.stalls.update(movingFrames(report, this.store.view), now);
    this.store.dispatch({ type: "stalled", producerIds: stalled });
    if (restart && live) this.subscriber?.restart();
    this.lookAtLine(now);
  }

  /** A room whose line is too thin for separate pictures is moved to the program, and back. */
  private lookAtLine(now: number): void {
    if (this.options.device !== "room_pc" || this.pictures !== "profile") return;
    const change = this.thinLine.update(this.store.view, now);
    if (change) this.takeProgram(change === "program" ? "line" : null);
  }
}
