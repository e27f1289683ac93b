// The subscribe connection: the others' pictures and sound down to this device.
//
// Owns one RTCPeerConnection of which the server is always the offerer. What to ask for is
// `wants.ts`'s. Offers are answered strictly one after the other.

import type { ServerMessage, SubscribeOffer, Want } from "../protocol/messages.ts";
import { NoAnswer } from "./connection.ts";
import { withOpusRepairs } from "./encodings.ts";
import { healthOf, phaseOf, tellChange } from "./publisher.ts";
import { Life, type LinkHealth, Recovery } from "./recovery.ts";
import { sessionOf } from "./sdp.ts";
import { SoundDelay, soundsReceived } from "./sound_delay.ts";
import type { LinkPhase } from "./state.ts";

export interface SubscriberPort {
  subscribe(wants: Want[]): Promise<ServerMessage>;
  answer(sdp: string): Promise<ServerMessage>;
  /** Ask for a fresh offer. */
  restart(): void;
  track(producerId: string, track: MediaStreamTrack | null): void;
  tracksCleared(): void;
  link(phase: LinkPhase): void;
  failed(error: unknown): void;
}

export class Subscriber {
  private connection: RTCPeerConnection | null = null;
  private session = "";
  private tracks = new Map<string, MediaStreamTrack>();
  private queue: Promise<void> = Promise.resolve();
  private asked = "";
  /** The server waits for an answer that was lost: it shall offer anew. */
  private owed = false;
  private readonly recovery = new Recovery();
  private readonly life = new Life();
  private readonly soundDelays = new Map<string, SoundDelay>();
  private stopped = false;

  constructor(
    private readonly port: SubscriberPort,
    private iceServers: RTCIceServer[],
  ) {}

  get peer(): RTCPeerConnection | null {
    return this.connection;
  }

  get health(): LinkHealth {
    return healthOf(this.connection);
  }

  useIceServers(iceServers: RTCIceServer[]): void {
    this.iceServers = iceServers;
  }

  /** Ask for exactly these; nothing is sent when nothing has changed. */
  want(wants: Want[]): void {
    const text = JSON.stringify(wants);
    if (text === this.asked || this.stopped) return;
    this.asked = text;
    this.port.subscribe(wants).catch((error: unknown) => {
      this.asked = ""; // a producer may have gone meanwhile: the next change asks again
      this.port.failed(error);
    });
  }

  /** The server may have forgotten what we want: say it again at the next `want`. */
  forget(): void {
    this.asked = "";
  }

  /** The server has forgotten us altogether. */
  reset(): void {
    this.forget();
    this.discard();
  }

  offered(offer: SubscribeOffer): void {
    this.queue = this.queue
      .then(() => (this.stopped ? undefined : this.accept(offer)))
      .catch((error: unknown) => {
        if (this.stopped) return;
        if (error instanceof NoAnswer) {
          this.owed = true; // our side has taken the offer; the line was cut before the answer
          return;
        }
        this.discard();
        this.port.failed(error);
        this.port.restart();
      });
  }

  /**
   * Look at the connection about once a second; mends it while `canAsk` (the line stands). `received`
   * are the bytes that have come over it so far.
   */
  check(now: number, canAsk: boolean, received = 0): void {
    if (!this.connection || this.stopped) return;
    const health = this.life.update(this.health, received);
    this.port.link(phaseOf(health));
    if (!canAsk) return;
    if (this.owed) {
      this.owed = false;
      this.port.restart();
    }
    const remedy = this.recovery.update(health, now);
    if (remedy === "none") return;
    if (remedy === "rebuild") {
      // Keep the clock of the ladder: the new connection is one more try of the same repair.
      this.discard();
      this.connection = this.create();
    }
    this.port.restart();
  }

  /** Take the connection's statistics, about once a second: sound waits for its repairs. */
  tune(report: ReadonlyMap<string, Record<string, unknown>>, now: number): void {
    const sounds = soundsReceived(report.values());
    for (const receiver of this.connection?.getReceivers() ?? []) {
      const sound = sounds.get(receiver.track.id);
      if (!sound || !("jitterBufferTarget" in receiver)) continue;
      const delay = this.soundDelays.get(receiver.track.id) ?? new SoundDelay();
      this.soundDelays.set(receiver.track.id, delay);
      const target = delay.update(sound, now);
      if (receiver.jitterBufferTarget !== target) receiver.jitterBufferTarget = target;
    }
  }

  /** Ask for everything anew although the connection says it is well: pictures stand still. */
  restart(): void {
    if (this.connection) this.port.restart();
  }

  close(): void {
    this.stopped = true;
    this.discard();
  }

  private async accept(offer: SubscribeOffer): Promise<void> {
    const connection = this.connectionFor(offer.sdp);
    await connection.setRemoteDescription({ type: "offer", sdp: offer.sdp });
    await connection.setLocalDescription(await this.makeAnswer(connection));
    this.takeTracks(connection, offer.consumers);
    await this.port.answer(connection.localDescription?.sdp ?? "");
  }

  private async makeAnswer(connection: RTCPeerConnection): Promise<RTCSessionDescriptionInit> {
    const answer = await connection.createAnswer();
    return { type: "answer", sdp: withOpusRepairs(answer.sdp ?? "") };
  }

  /** DTLS does not survive a new peer: an offer of another session needs a new connection. */
  private connectionFor(sdp: string): RTCPeerConnection {
    const session = sessionOf(sdp);
    if (this.connection && this.session && session !== this.session) this.discard();
    this.session = session;
    return (this.connection ??= this.create());
  }

  private create(): RTCPeerConnection {
    const connection = new RTCPeerConnection({
      iceServers: this.iceServers,
      bundlePolicy: "max-bundle",
    });
    connection.onconnectionstatechange = () => {
      if (connection === this.connection) tellChange(this.health, this.port);
    };
    this.port.link("connecting");
    return connection;
  }

  private takeTracks(connection: RTCPeerConnection, consumers: Record<string, string>): void {
    const current = new Map<string, MediaStreamTrack>();
    for (const transceiver of connection.getTransceivers()) {
      const producerId = transceiver.mid === null ? undefined : consumers[transceiver.mid];
      if (producerId) current.set(producerId, transceiver.receiver.track);
    }
    for (const [producerId, track] of current) {
      if (this.tracks.get(producerId) !== track) this.port.track(producerId, track);
    }
    for (const producerId of this.tracks.keys()) {
      if (!current.has(producerId)) this.port.track(producerId, null);
    }
    this.tracks = current;
  }

  private discard(): void {
    const old = this.connection;
    this.connection = null;
    this.session = "";
    this.owed = false;
    this.tracks.clear();
    this.soundDelays.clear();
    if (old) {
      old.onconnectionstatechange = null;
      old.close();
      this.port.tracksCleared();
    }
    this.port.link("new");
  }
}
