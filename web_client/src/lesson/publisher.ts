// The publish connection: this device's cameras, microphone and screen up to the server.
//
// Owns one RTCPeerConnection of which the client is always the offerer. Where tracks come from is
// `devices.ts`'s; when to mend is `recovery.ts`'s. All negotiations run one after the other.

import type {
  Published,
  ServerMessage,
  Source,
  SourceProfile,
  VideoCodec,
} from "../protocol/messages.ts";
import { NoAnswer, RequestRefused } from "./connection.ts";
import { codecOrder, contentHint, sendEncodings, withOpusRepairs } from "./encodings.ts";
import { Life, type LinkHealth, Recovery } from "./recovery.ts";
import { type Sending, fitted } from "./sending.ts";
import type { LinkPhase } from "./state.ts";
import { type PicturesBps, Uplink, uplinkMeasured } from "./uplink.ts";

// Every screen shared and stopped leaves an inactive m-line; past this we begin a clean connection.
const MOST_TRANSCEIVERS = 16;

export interface PublisherPort {
  publish(sdp: string, sources: Record<string, Source>): Promise<ServerMessage>;
  unpublish(source: Source): void;
  link(phase: LinkPhase): void;
  /** The server has these sources of ours now. */
  published(sources: ReadonlySet<Source>): void;
  /** The server refused what was added, or the browser failed; what was sent before goes on. */
  failed(error: unknown): void;
}

interface Sent {
  track: MediaStreamTrack;
  profile: SourceProfile;
  transceiver: RTCRtpTransceiver | null;
  /** Its encodings as the profile has them; smallest first. */
  encodings: RTCRtpEncodingParameters[];
  /** They are being set. */
  fitting: boolean;
}

export class Publisher {
  private connection: RTCPeerConnection | null = null;
  private readonly sent = new Map<Source, Sent>();
  private queue: Promise<void> = Promise.resolve();
  private readonly recovery = new Recovery();
  private readonly life = new Life();
  private uplink = new Uplink();
  private room: PicturesBps = Infinity;
  private accepted: ReadonlySet<Source> = new Set();
  /** Layers of our producers that anybody needs; all of those not named. */
  private readonly needed = new Map<string, number>();
  private producers: ReadonlyMap<Source, string> = new Map();
  /** A negotiation that waits for the signaling line. */
  private owed = false;
  private readonly stream = new MediaStream();
  /** The best that everybody can show. */
  private codec: VideoCodec = "H264";
  private stopped = false;

  constructor(
    private readonly port: PublisherPort,
    private iceServers: RTCIceServer[],
  ) {}

  get health(): LinkHealth {
    return healthOf(this.connection);
  }

  get peer(): RTCPeerConnection | null {
    return this.connection;
  }

  useIceServers(iceServers: RTCIceServer[]): void {
    this.iceServers = iceServers;
  }

  /** Send `track` as `source`, in place of what was sent before. */
  set(source: Source, track: MediaStreamTrack, profile: SourceProfile): void {
    track.contentHint = contentHint(source);
    const known = this.sent.get(source);
    if (known?.transceiver && this.connection) {
      known.track = track;
      void this.put(known).catch((error: unknown) => this.port.failed(error));
      return;
    }
    this.sent.set(source, { track, profile, transceiver: null, encodings: [], fitting: false });
    this.negotiate(false);
  }

  /**
   * Send pictures in nothing better than this: somebody cannot show it. They begin anew on m-lines
   * of their own, because a browser that goes on with its SSRCs no longer says whose they are.
   */
  useCodec(codec: VideoCodec): void {
    if (codec === this.codec) return;
    this.codec = codec;
    const pictures = [...this.sent].filter(([source, sent]) => source !== "room" && sent.transceiver);
    for (const [, sent] of pictures) {
      sent.transceiver?.stop();
      sent.transceiver = null;
    }
    if (pictures.length) this.negotiate(false);
  }

  /** Send none but these, and the screen: the server has ceased to take the others. */
  keepOnly(sources: ReadonlySet<Source>): void {
    for (const source of [...this.sent.keys()]) {
      if (source !== "screen" && !sources.has(source)) this.cease(source);
    }
  }

  /** Stop sending `source`. */
  remove(source: Source): void {
    if (!this.sent.has(source)) return;
    this.port.unpublish(source);
    this.cease(source);
  }

  private cease(source: Source): void {
    const known = this.sent.get(source);
    this.sent.delete(source);
    if (known?.transceiver) {
      known.transceiver.direction = "inactive";
      void known.transceiver.sender.replaceTrack(null).catch(() => undefined);
      this.negotiate(false);
    }
  }

  /** The server knows nothing of us (any more): begin anew with all that is to be sent. */
  rebuild(): void {
    this.discard();
    if (this.sent.size) this.negotiate(false);
  }

  /**
   * Look at the connection about once a second; mends it while `canAsk` (the line stands). `received`
   * are the bytes that have come over it so far.
   */
  check(now: number, canAsk: boolean, received = 0): void {
    if (this.stopped) return;
    const health = this.life.update(this.health, received);
    if (this.connection) this.port.link(phaseOf(health));
    if (!canAsk) return;
    if (this.owed) this.negotiate(false);
    if (!this.connection) return;
    for (const sent of this.sent.values()) void this.put(sent).catch(() => undefined);
    const remedy = this.recovery.update(health, now);
    if (remedy === "restart") this.negotiate(true);
    if (remedy === "rebuild") this.rebuild();
  }

  /** Take the connection's statistics, about once a second. Returns what the line has room for. */
  tune(report: ReadonlyMap<string, Record<string, unknown>>, now: number): PicturesBps {
    this.room = this.uplink.update(uplinkMeasured(report.values()), now);
    this.fit();
    return this.room;
  }

  /** So many layers of this producer, from the smallest on, are needed by anybody. */
  need(producerId: string, layers: number): void {
    this.needed.set(producerId, layers);
    this.fit();
  }

  close(): void {
    this.stopped = true;
    this.sent.clear();
    this.discard();
  }

  /**
   * Have the sender take the track that is to be sent. Of two that follow each other, around a
   * negotiation at that, browsers do not promise the last: `check` looks what has come of it.
   */
  private async put({ track, transceiver }: Sent): Promise<void> {
    if (transceiver && transceiver.sender.track !== track) await transceiver.sender.replaceTrack(track);
  }

  private discard(): void {
    const old = this.connection;
    this.connection = null;
    this.accepted = new Set();
    this.owed = false;
    this.producers = new Map();
    this.needed.clear();
    this.uplink = new Uplink();
    this.room = Infinity;
    for (const sent of this.sent.values()) sent.transceiver = null;
    if (old) {
      old.onconnectionstatechange = null;
      old.close();
    }
    this.port.link("new");
  }

  private negotiate(restartIce: boolean): void {
    this.owed = false;
    this.queue = this.queue
      .then(() => (this.stopped ? undefined : this.exchange(restartIce)))
      .catch((error: unknown) => this.mend(error));
  }

  private async exchange(restartIce: boolean): Promise<void> {
    if ((this.connection?.getTransceivers().length ?? 0) > MOST_TRANSCEIVERS) this.discard();
    const connection = this.connection ?? this.create();
    for (const [source, sent] of this.sent) {
      sent.transceiver ??= this.addTransceiver(connection, source, sent);
    }
    const offer = await connection.createOffer({ iceRestart: restartIce });
    const sdp = withOpusRepairs(offer.sdp ?? "");
    await connection.setLocalDescription({ type: "offer", sdp });
    const answer = await this.port.publish(
      connection.localDescription?.sdp ?? "",
      this.sourcesByMid(),
    );
    if (connection !== this.connection || answer.type !== "published") return;
    await this.accept(connection, answer);
  }

  /** An exchange has failed: go back to what stood before it, if that can be done. */
  private async mend(error: unknown): Promise<void> {
    if (this.stopped) return;
    const refused = error instanceof RequestRefused;
    const fresh = [...this.sent.keys()].filter((source) => !this.accepted.has(source));
    const standing = this.accepted.size > 0 && (error instanceof NoAnswer || fresh.length > 0);
    if (!standing || !(await this.rollBack())) this.discard();
    if (refused) for (const source of fresh) this.drop(source);
    if (error instanceof NoAnswer) this.owed = true;
    else this.port.failed(error);
  }

  private async rollBack(): Promise<boolean> {
    try {
      if (this.connection?.signalingState === "have-local-offer") {
        await this.connection.setLocalDescription({ type: "rollback" });
      }
      return this.connection?.signalingState === "stable";
    } catch {
      return false;
    }
  }

  /** The server does not want this source: it is not offered again by itself. */
  private drop(source: Source): void {
    this.sent.get(source)?.transceiver?.stop();
    this.sent.delete(source);
  }

  private async accept(connection: RTCPeerConnection, answer: Published): Promise<void> {
    await connection.setRemoteDescription({ type: "answer", sdp: withOpusRepairs(answer.sdp) });
    const byMid = this.sourcesByMid();
    this.producers = new Map(
      Object.entries(answer.producers).flatMap(([mid, id]) => (byMid[mid] ? [[byMid[mid], id]] : [])),
    );
    this.accepted = new Set(this.producers.keys());
    const ids = new Set(this.producers.values());
    for (const id of this.needed.keys()) if (!ids.has(id)) this.needed.delete(id);
    this.port.published(this.accepted);
    this.fit();
  }

  private fit(): void {
    for (const [source, sent] of this.sent) void this.fitOne(source, sent);
  }

  /** Send of a source what is needed and what the line has room for. What fails is tried again. */
  private async fitOne(source: Source, sent: Sent): Promise<void> {
    const sender = sent.transceiver?.sender;
    if (!sender || sent.fitting || !this.accepted.has(source)) return;
    const asked = this.sending(source);
    const parameters = sender.getParameters();
    const encodings = fitted(parameters.encodings, sent.encodings, asked);
    if (!encodings) return;
    parameters.encodings = encodings;
    sent.fitting = true;
    try {
      await sender.setParameters(parameters);
    } catch {
      return; // the transceiver was stopped or is being negotiated: `tune` comes back to it
    } finally {
      sent.fitting = false;
    }
    const now = this.sending(source);
    if (now.room !== asked.room || now.needed !== asked.needed) await this.fitOne(source, sent);
  }

  private sending(source: Source): Sending {
    const needed = this.needed.get(this.producers.get(source) ?? "") ?? Infinity;
    const pictures = [...this.accepted].filter((one) => one !== "room").length;
    return { source, room: this.room, pictures, needed };
  }

  private create(): RTCPeerConnection {
    const connection = new RTCPeerConnection({
      iceServers: this.iceServers,
      bundlePolicy: "max-bundle",
    });
    connection.onconnectionstatechange = () => {
      if (connection === this.connection) tellChange(this.health, this.port);
    };
    this.connection = connection;
    this.recovery.reset();
    this.port.link("connecting");
    return connection;
  }

  private addTransceiver(
    connection: RTCPeerConnection,
    source: Source,
    sent: Sent,
  ): RTCRtpTransceiver {
    // One stream id for the device's cameras and microphone: receivers keep those in step.
    const stream = source === "screen" ? new MediaStream() : this.stream;
    sent.encodings = sendEncodings(sent.profile, sent.track.getSettings());
    const transceiver = connection.addTransceiver(sent.track, {
      direction: "sendonly",
      streams: [stream],
      sendEncodings: sent.encodings,
    });
    if (source !== "room") {
      const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
      const order = codecOrder(codecs, this.codec === "VP8" ? "VP8" : sent.profile.codec);
      if (order.length) transceiver.setCodecPreferences(order);
    }
    return transceiver;
  }

  private sourcesByMid(): Record<string, Source> {
    const sources: Record<string, Source> = {};
    for (const [source, { transceiver }] of this.sent) {
      if (transceiver?.mid) sources[transceiver.mid] = source;
    }
    return sources;
  }
}

export function healthOf(connection: RTCPeerConnection | null): LinkHealth {
  switch (connection?.connectionState) {
    case "connected":
    case "disconnected":
    case "failed":
    case "closed":
      return connection.connectionState;
    case "new":
    case "connecting":
    case undefined:
      return "connecting";
  }
}

/** A change of state is told at once, but for `disconnected`: `check` looks whether it is so. */
export function tellChange(health: LinkHealth, port: { link(phase: LinkPhase): void }): void {
  if (health !== "disconnected") port.link(phaseOf(health));
}

export function phaseOf(health: LinkHealth): LinkPhase {
  if (health === "connected" || health === "connecting") return health;
  return "lost";
}
