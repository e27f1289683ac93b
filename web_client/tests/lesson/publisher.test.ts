// The publisher against a fake peer connection: what survives a refusal and a lost line.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NoAnswer, RequestRefused } from "../../src/lesson/connection.ts";
import { Publisher } from "../../src/lesson/publisher.ts";
import type { ServerMessage, Source, SourceProfile } from "../../src/protocol/messages.ts";

class FakeTransceiver {
  mid: string | null = null;
  direction = "sendonly";
  stopped = false;
  encodings: RTCRtpEncodingParameters[] = [{ rid: "q" }, { rid: "f" }];
  /** The browser refuses so many more settings. */
  refusals = 0;
  settings = 0;
  sender = {
    track: null as MediaStreamTrack | null,
    replaceTrack: vi.fn((track: MediaStreamTrack | null) => {
      this.sender.track = track;
      return Promise.resolve();
    }),
    getParameters: () => ({ encodings: structuredClone(this.encodings) }),
    setParameters: async ({ encodings }: { encodings: RTCRtpEncodingParameters[] }) => {
      this.settings += 1;
      await Promise.resolve();
      if (this.refusals-- > 0) throw new DOMException("InvalidStateError");
      this.encodings = encodings;
    },
  };
  codecs: string[] = [];
  setCodecPreferences(codecs: { mimeType: string }[]): void {
    this.codecs = codecs.map((codec) => codec.mimeType);
  }
  stop(): void {
    this.stopped = true;
  }
}

class FakePeer {
  static all: FakePeer[] = [];
  transceivers: FakeTransceiver[] = [];
  connectionState = "new";
  signalingState = "stable";
  localDescription: { sdp: string } | null = null;
  closed = false;
  restarts = 0;
  onconnectionstatechange: (() => void) | null = null;

  constructor() {
    FakePeer.all.push(this);
  }

  readonly added: MediaStreamTrack[] = [];

  addTransceiver(track: MediaStreamTrack): FakeTransceiver {
    this.added.push(track);
    const transceiver = new FakeTransceiver();
    transceiver.sender.track = track;
    this.transceivers.push(transceiver);
    return transceiver;
  }

  getTransceivers(): FakeTransceiver[] {
    return this.transceivers.filter((one) => !one.stopped);
  }

  createOffer({ iceRestart }: { iceRestart: boolean }): Promise<object> {
    if (iceRestart) this.restarts += 1;
    return Promise.resolve({ type: "offer" });
  }

  setLocalDescription(description: { type: string }): Promise<void> {
    if (description.type === "rollback") {
      this.signalingState = "stable";
      return Promise.resolve();
    }
    this.signalingState = "have-local-offer";
    this.transceivers.forEach((one, place) => (one.mid ??= String(place)));
    this.localDescription = { sdp: "offer" };
    return Promise.resolve();
  }

  setRemoteDescription(): Promise<void> {
    this.signalingState = "stable";
    return Promise.resolve();
  }

  close(): void {
    this.closed = true;
  }
}

const profile = (source: Source): SourceProfile => ({
  source,
  width: 0,
  height: 0,
  frame_rate: 0,
  codec: "H264",
  encodings: [],
  max_bitrate_bps: 0,
  sound: null,
  from_network: false,
});

const track = { getSettings: () => ({}) } as MediaStreamTrack;
const refusal = new RequestRefused({
  type: "refused",
  request_id: null,
  code: "source-taken",
  message_zh: "占用",
  message_en: "taken",
});

function setup() {
  const asked: string[][] = [];
  const failures: unknown[] = [];
  const unpublished: Source[] = [];
  let answer: (sources: Record<string, Source>) => Promise<ServerMessage> = (sources) =>
    Promise.resolve({ type: "published", request_id: null, sdp: "answer", producers: sources });
  const publisher = new Publisher(
    {
      publish: (_sdp, sources) => {
        asked.push(Object.values(sources));
        return answer(sources);
      },
      unpublish: (source) => unpublished.push(source),
      link: () => undefined,
      published: () => undefined,
      failed: (error) => failures.push(error),
    },
    [],
  );
  const accepting = answer;
  return {
    publisher,
    asked,
    failures,
    unpublished,
    failWith: (error: Error) => (answer = () => Promise.reject(error)),
    accept: () => (answer = accepting),
    /** Until all promises have run: everything here is promises. */
    settle: () => new Promise((resolve) => setTimeout(resolve)),
  };
}

beforeEach(() => {
  FakePeer.all = [];
  vi.stubGlobal("RTCPeerConnection", FakePeer);
  vi.stubGlobal("MediaStream", EventTarget); // anything that can be made
  vi.stubGlobal("RTCRtpSender", { getCapabilities: () => ({ codecs: [] }) });
});

afterEach(() => vi.unstubAllGlobals());

describe("the publisher", () => {
  it("offers what is set, one negotiation after the other, on one connection", async () => {
    const { publisher, asked, settle } = setup();
    publisher.set("room", track, profile("room"));
    publisher.set("teacher", track, profile("teacher"));
    await settle();
    expect(asked.at(-1)).toEqual(["room", "teacher"]);
    expect(FakePeer.all.length).toBe(1);
  });

  it("keeps sending what was accepted when a further source is refused", async () => {
    const { publisher, asked, failures, failWith, accept, settle } = setup();
    publisher.set("room", track, profile("room"));
    await settle();
    failWith(refusal);
    publisher.set("screen", track, profile("screen"));
    await settle();
    expect(failures).toEqual([refusal]);
    expect(FakePeer.all[0]?.closed).toBe(false);
    accept();
    publisher.set("teacher", track, profile("teacher"));
    await settle();
    expect(asked.at(-1)).toEqual(["room", "teacher"]);
  });

  it("keeps its connection over a cut of the signaling line, and asks again after it", async () => {
    const { publisher, asked, failures, failWith, accept, settle } = setup();
    publisher.set("room", track, profile("room"));
    await settle();
    failWith(new NoAnswer());
    publisher.set("teacher", track, profile("teacher"));
    await settle();
    accept();
    publisher.check(0, false);
    await settle();
    expect(asked.length).toBe(2);
    publisher.check(1, true);
    await settle();
    expect(asked.at(-1)).toEqual(["room", "teacher"]);
    expect([failures, FakePeer.all.length]).toEqual([[], 1]);
  });

  it("begins anew when nothing was accepted yet", async () => {
    const { publisher, asked, failWith, accept, settle } = setup();
    failWith(new NoAnswer());
    publisher.set("room", track, profile("room"));
    await settle();
    accept();
    publisher.check(0, true);
    await settle();
    expect(asked).toEqual([["room"], ["room"]]);
    expect(FakePeer.all.map((peer) => peer.closed)).toEqual([true, false]);
  });

  it("offers its pictures anew, without H.264, when somebody cannot show it", async () => {
    const codecs = [
      { mimeType: "video/H264", sdpFmtpLine: "packetization-mode=1;profile-level-id=42e01f" },
      { mimeType: "video/VP8" },
    ];
    vi.stubGlobal("RTCRtpSender", { getCapabilities: () => ({ codecs }) });
    const { publisher, asked, settle } = setup();
    publisher.useCodec("H264");
    publisher.set("room", track, profile("room"));
    publisher.set("teacher", track, profile("teacher"));
    await settle();
    const [sound, picture] = FakePeer.all[0]?.transceivers ?? [];
    expect([sound?.codecs, picture?.codecs]).toEqual([[], ["video/H264", "video/VP8"]]);
    const before = asked.length;
    publisher.useCodec("VP8");
    publisher.useCodec("VP8");
    await settle();
    const anew = FakePeer.all[0]?.transceivers[2];
    expect([picture?.stopped, sound?.stopped, anew?.codecs]).toEqual([true, false, ["video/VP8"]]);
    expect([asked.at(-1), asked.length]).toEqual([["room", "teacher"], before + 1]);
    publisher.rebuild();
    await settle();
    expect(FakePeer.all[1]?.transceivers[1]?.codecs).toEqual(["video/VP8"]);
  });

  it("sends the device taken last, over the connection that stands and over a new one", async () => {
    const { publisher, settle } = setup();
    publisher.set("room", track, profile("room"));
    await settle();
    const other = { getSettings: () => ({}) } as MediaStreamTrack;
    publisher.set("room", other, profile("room"));
    const [standing] = FakePeer.all;
    expect(standing?.transceivers[0]?.sender.replaceTrack).toHaveBeenCalledWith(other);
    publisher.rebuild();
    await settle();
    expect(FakePeer.all.at(-1)?.added).toEqual([other]);
  });

  it("puts the track right that a browser has left behind or refused", async () => {
    const { publisher, settle } = setup();
    publisher.set("room", track, profile("room"));
    await settle();
    const sender = FakePeer.all[0]?.transceivers[0]?.sender;
    if (!sender) throw new Error("nothing is sent");
    const other = { getSettings: () => ({}) } as MediaStreamTrack;
    publisher.set("room", other, profile("room"));
    sender.track = track; // an earlier change that was carried out later
    publisher.check(0, true);
    await settle();
    expect(sender.track).toBe(other);
    const calls = sender.replaceTrack.mock.calls.length;
    publisher.check(1, true);
    expect(sender.replaceTrack.mock.calls.length).toBe(calls);
  });

  it("ceases to send what another device sends now, and goes on with the rest", async () => {
    const { publisher, asked, unpublished, settle } = setup();
    publisher.set("room", track, profile("room"));
    publisher.set("students", track, profile("students"));
    publisher.set("screen", track, profile("screen"));
    await settle();
    publisher.keepOnly(new Set<Source>(["students"]));
    await settle();
    const [sound] = FakePeer.all[0]?.transceivers ?? [];
    expect(asked.at(-1)).toEqual(["students", "screen"]);
    expect([sound?.direction, sound?.sender.track]).toEqual(["inactive", null]);
    expect(unpublished).toEqual([]); // the server has taken it away itself, and would refuse
    publisher.set("room", track, profile("room"));
    await settle();
    expect(asked.at(-1)).toEqual(["students", "screen", "room"]);
    publisher.remove("screen");
    expect([unpublished, FakePeer.all.length]).toEqual([["screen"], 1]);
  });

  it("restarts ICE first, builds a new connection second", async () => {
    const { publisher, settle } = setup();
    publisher.set("room", track, profile("room"));
    await settle();
    const [peer] = FakePeer.all;
    if (peer) peer.connectionState = "failed";
    publisher.check(0, true);
    await settle();
    expect([peer?.restarts, FakePeer.all.length]).toEqual([1, 1]);
    publisher.check(9, true);
    await settle();
    expect([peer?.closed, FakePeer.all.length]).toEqual([true, 2]);
  });
});

describe("what is sent of what is published", () => {
  const wide = new Map([["pair", { type: "candidate-pair", nominated: true }]]);

  async function published() {
    const made = setup();
    made.publisher.set("teacher", track, profile("teacher"));
    await made.settle();
    const transceiver = FakePeer.all.at(-1)?.transceivers[0];
    if (!transceiver) throw new Error("nothing was published");
    const active = () => transceiver.encodings.map((one) => one.active ?? true);
    return { ...made, transceiver, active };
  }

  it("is all of it until fewer layers are needed, and all again when more are", async () => {
    const { publisher, settle, active } = await published();
    publisher.tune(wide, 1);
    await settle();
    expect(active()).toEqual([true, true]);
    publisher.need("teacher", 1);
    publisher.need("somebody-elses", 2);
    await settle();
    expect(active()).toEqual([true, false]);
    publisher.need("teacher", 2);
    await settle();
    expect(active()).toEqual([true, true]);
  });

  it("follows what is asked for while the browser is still setting", async () => {
    const { publisher, settle, active } = await published();
    publisher.need("teacher", 1);
    publisher.need("teacher", 2);
    await settle();
    expect(active()).toEqual([true, true]);
  });

  it("is set again when the browser refused, and left alone when it is right", async () => {
    const { publisher, settle, active, transceiver } = await published();
    transceiver.refusals = 1;
    publisher.need("teacher", 1);
    await settle();
    expect(active()).toEqual([true, true]);
    publisher.tune(wide, 1);
    await settle();
    expect(active()).toEqual([true, false]);
    publisher.tune(wide, 2);
    await settle();
    expect(transceiver.settings).toBe(2);
  });

  it("begins anew with a new connection", async () => {
    const { publisher, settle, active } = await published();
    publisher.need("teacher", 1);
    await settle();
    expect(active()).toEqual([true, false]);
    publisher.rebuild();
    await settle();
    publisher.tune(wide, 1);
    await settle();
    const encodings = FakePeer.all.at(-1)?.transceivers[0]?.encodings ?? [];
    expect(encodings.map((one) => one.active ?? true)).toEqual([true, true]);
  });
});
