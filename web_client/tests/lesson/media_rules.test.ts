import { describe, expect, it } from "vitest";
import { backoffMs } from "../../src/lesson/backoff.ts";
import {
  codecOrder,
  sendEncodings,
  soundConstraints,
  withOpusRepairs,
} from "../../src/lesson/encodings.ts";
import { StallWatch } from "../../src/lesson/health.ts";
import { judge, levelOf } from "../../src/lesson/level.ts";
import { bytesReceived, Life, Recovery } from "../../src/lesson/recovery.ts";
import { sessionOf } from "../../src/lesson/sdp.ts";
import { shownCodecs } from "../../src/lesson/shown_codecs.ts";
import type { SourceProfile } from "../../src/protocol/messages.ts";

const profile = (more: Partial<SourceProfile>): SourceProfile => ({
  source: "teacher",
  width: 1280,
  height: 720,
  frame_rate: 25,
  codec: "H264",
  encodings: [],
  max_bitrate_bps: 0,
  sound: null,
  from_network: false,
  ...more,
});

describe("waiting before the next attempt", () => {
  it.each([
    [0, 0, 300],
    [0, 0.99, 300],
    [1, 0.5, 375],
    [4, 1, 1519],
    [7, 1, 5000],
    [400, 1, 5000],
    [400, 0, 300],
  ])("attempt %i, random %f", (attempt, random, expected) => {
    expect(backoffMs(attempt, random)).toBe(expected);
  });
});

describe("mending a connection", () => {
  it("leaves a shaken connection alone, restarts it, then builds it anew, ever slower", () => {
    const recovery = new Recovery();
    const log: [number, string][] = [];
    recovery.update("connected", 0);
    for (let now = 1; now < 60; now++) {
      const remedy = recovery.update("disconnected", now);
      if (remedy !== "none") log.push([now, remedy]);
    }
    expect(log).toEqual([
      [3, "restart"],
      [11, "rebuild"],
      [23, "rebuild"],
      [41, "rebuild"],
    ]);
  });

  it("restarts a failed one at once", () => {
    const recovery = new Recovery();
    recovery.update("disconnected", 10);
    expect(recovery.update("failed", 10.1)).toBe("restart");
    expect(recovery.update("failed", 10.2)).toBe("none");
  });

  it("gives a new one time, and begins afresh after success", () => {
    const recovery = new Recovery();
    expect(recovery.update("connecting", 0)).toBe("none");
    expect(recovery.update("connecting", 7)).toBe("none");
    expect(recovery.update("connecting", 8)).toBe("restart");
    recovery.update("connected", 9);
    expect(recovery.update("disconnected", 10)).toBe("none");
    expect(recovery.update("disconnected", 12)).toBe("restart");
  });
});

describe("a connection that says it is disconnected", () => {
  it("is believed only while nothing comes over it", () => {
    const life = new Life();
    const bytes = [100, 100, 500, 900, 900, 900, 0, 80];
    const seen = bytes.map((received) => life.update("disconnected", received));
    const [yes, no] = ["connected", "disconnected"];
    expect(seen).toEqual([yes, no, yes, yes, no, no, no, yes]);
    expect(life.update("failed", 1000)).toBe("failed");
  });

  it("has received what all its candidate pairs have", () => {
    const report = [
      { type: "candidate-pair", bytesReceived: 5 },
      { type: "candidate-pair" },
      { type: "candidate-pair", bytesReceived: 7 },
      { type: "inbound-rtp", bytesReceived: 90 },
    ];
    expect(bytesReceived(report)).toBe(12);
  });
});

describe("pictures that stand still", () => {
  it("are named after four seconds; after ten the subscription is restarted, not too often", () => {
    const watch = new StallWatch();
    const still = new Map([
      ["a", 100],
      ["b", 7],
    ]);
    watch.update(still, 0);
    still.set("b", 8);
    expect(watch.update(still, 3)).toEqual({ stalled: new Set(), restart: false });
    expect(watch.update(still, 4)).toEqual({ stalled: new Set(["a"]), restart: false });
    expect(watch.update(still, 10).restart).toBe(true);
    expect(watch.update(still, 12).restart).toBe(false);
    expect(watch.update(still, 20).restart).toBe(true);
  });

  it("are forgotten when no longer wanted", () => {
    const watch = new StallWatch();
    watch.update(new Map([["a", 1]]), 0);
    watch.update(new Map(), 5);
    watch.update(new Map([["a", 1]]), 6);
    expect(watch.update(new Map([["a", 1]]), 8).stalled.size).toBe(0);
  });
});

describe("codecs", () => {
  const codecs = [
    { mimeType: "video/VP8" },
    { mimeType: "video/rtx", sdpFmtpLine: "apt=96" },
    { mimeType: "video/VP9" },
    {
      mimeType: "video/H264",
      sdpFmtpLine: "packetization-mode=0;profile-level-id=42e01f",
    },
    {
      mimeType: "video/H264",
      sdpFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42E01F",
    },
    { mimeType: "video/H264", sdpFmtpLine: "packetization-mode=1;profile-level-id=640c1f" },
    { mimeType: "video/AV1" },
  ];
  const names = (preferred: string) =>
    codecOrder(codecs, preferred).map((codec) => codec.mimeType.slice(6));

  it("H.264 with VP8 as a fallback, or VP8 alone; repairs last, nothing else", () => {
    expect(names("H264")).toEqual(["H264", "VP8", "rtx"]);
    expect(names("VP8")).toEqual(["VP8", "rtx"]);
  });

  it.each([
    ["Chromium", ["VP8", "rtx", "H264", "VP9"], ["H264", "VP8"]],
    ["Firefox without OpenH264", ["VP8", "rtx", "VP9", "AV1"], ["VP8"]],
    ["a browser that does not say", [], ["H264", "VP8"]],
  ])("%s shows", (_browser, names, shown) => {
    expect(shownCodecs(names.map((name) => ({ mimeType: `video/${name}` })))).toEqual(shown);
  });

  it("no preference at all for a browser that knows neither", () => {
    expect(codecOrder([{ mimeType: "video/AV1" }], "H264")).toEqual([]);
  });
});

describe("what is sent", () => {
  const layer = (rid: string, scale: number) => ({
    rid,
    scale_down_by: scale,
    max_bitrate_bps: 100_000 * scale,
    max_frame_rate: 15,
  });

  it("layers as the profile has them", () => {
    const layers = sendEncodings(profile({ encodings: [layer("q", 4), layer("h", 2)] }));
    expect(layers.map((one) => [one.rid, one.scaleResolutionDownBy, one.maxBitrate])).toEqual([
      ["q", 4, 400_000],
      ["h", 2, 200_000],
    ]);
  });

  it.each([
    ["720p", 1280, 720, [4, 2, 1]],
    ["unknown", 0, 0, [4, 2, 1]],
    ["360p: Chromium would leave out the whole picture", 640, 360, [2, 1]],
    ["240p", 320, 240, [1]],
  ])("fewer layers of a small camera: %s", (_name, width, height, scales) => {
    const three = profile({ encodings: [layer("q", 4), layer("h", 2), layer("f", 1)] });
    const layers = sendEncodings(three, { width, height });
    expect(layers.map((one) => one.scaleResolutionDownBy)).toEqual(scales);
    expect(layers[0]?.maxBitrate).toBe(400_000);
  });

  it("one layer without a rid", () => {
    expect(sendEncodings(profile({ encodings: [layer("f", 1)] }))).toEqual([
      { scaleResolutionDownBy: 1, maxBitrate: 100_000, maxFramerate: 15 },
    ]);
  });

  it("sound first of all, as the room's hardware needs it", () => {
    const sound = profile({
      source: "room",
      max_bitrate_bps: 40_000,
      sound: {
        channels: 2,
        echo_cancellation: false,
        noise_suppression: true,
        auto_gain_control: false,
      },
    });
    expect(sendEncodings(sound)).toEqual([
      { priority: "high", networkPriority: "high", maxBitrate: 40_000 },
    ]);
    expect(soundConstraints(sound, "m1")).toEqual({
      deviceId: { exact: "m1" },
      echoCancellation: false,
      noiseSuppression: true,
      autoGainControl: false,
      channelCount: 2,
    });
  });
});

describe("session descriptions", () => {
  it("asks for Opus error correction and repeats where they are not asked for", () => {
    const map = "a=rtpmap:111 opus/48000/2\r\n";
    const nack = "a=rtcp-fb:111 nack\r\n";
    const asked = `${map}${nack}a=fmtp:111 minptime=10;useinbandfec=1\r\n`;
    expect(withOpusRepairs(asked)).toBe(asked);
    expect(withOpusRepairs(`${map}a=fmtp:111 minptime=10\r\n`)).toBe(asked);
    expect(withOpusRepairs(map)).toBe(asked);
    expect(withOpusRepairs("a=rtpmap:96 VP8/90000\r\n")).toBe("a=rtpmap:96 VP8/90000\r\n");
  });

  it("knows an ICE restart from another peer", () => {
    const sdp = (id: string, version: number, print: string, ufrag: string) =>
      `v=0\r\no=- ${id} ${version} IN IP4 0.0.0.0\r\na=ice-ufrag:${ufrag}\r\n` +
      `a=fingerprint:sha-256 ${print}\r\na=fingerprint:sha-256 ${print}\r\n`;
    const first = sessionOf(sdp("17", 1, "AA:BB", "u"));
    expect(sessionOf(sdp("17", 2, "aa:bb", "v"))).toBe(first);
    expect(sessionOf(sdp("18", 1, "AA:BB", "u"))).not.toBe(first);
    expect(sessionOf(sdp("17", 1, "CC:DD", "u"))).not.toBe(first);
  });
});

describe("the level meter", () => {
  it("measures a full-scale square wave as 0 dB", () => {
    const { rmsDb, peakDb } = levelOf(new Float32Array([1, -1, 1, -1]));
    expect([rmsDb, peakDb]).toEqual([0, 0]);
  });

  it.each([
    ["waiting", [-80, -75]],
    ["quiet", [-80, -50]],
    ["clear", [-80, -25]],
  ])("%s", (word, levels) => {
    expect(judge(levels.map((rmsDb) => ({ rmsDb, peakDb: rmsDb + 10 })))).toBe(word);
  });

  it("loud when it clips", () => {
    expect(judge([{ rmsDb: -8, peakDb: -1 }])).toBe("loud");
  });
});
