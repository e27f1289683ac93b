import { describe, expect, it } from "vitest";
import type { ReceivedStats } from "../../src/api/types.ts";
import { en } from "../../src/i18n/en/index.ts";
import { zh } from "../../src/i18n/zh/index.ts";
import { flowInWords, sizeInWords } from "../../src/pages/admin/live_words.ts";

const flow = (change: Partial<ReceivedStats>): ReceivedStats => ({
  producer_id: "p",
  from_seat_id: "lead",
  source: "teacher",
  kind: "video",
  layers: 3,
  layer: 2,
  target: 2,
  reason: "",
  width: 1280,
  height: 720,
  priority: 0,
  bitrate_bps: 1_234_567,
  packets: 0,
  bytes: 0,
  lost: 0,
  jitter_ms: 0,
  nacked: 0,
  retransmitted: 0,
  keyframe_requests: 0,
  switches: 0,
  ...change,
});

describe("what somebody gets, in words", () => {
  it.each([
    [{}, "Teacher: large · 1.23 Mb/s"],
    [{ layer: 0, target: 0, bitrate_bps: 150_400 }, "Teacher: small · 150 kb/s"],
    [{ layer: 0, target: 2 }, "Teacher: small · changing to large · 1.23 Mb/s"],
    [{ layer: -1, target: 1, bitrate_bps: 0 }, "Teacher: changing to medium · 0 kb/s"],
    [{ layer: -1, target: -1, reason: "bandwidth" }, "Teacher: held back: line too weak"],
    [{ layer: -1, target: -1, reason: "producer-paused" }, "Teacher: muted"],
    [{ layer: -1, target: -1 }, "Teacher: nothing"],
    [
      { source: "room", kind: "audio", layers: 1, layer: 0, target: 0, bitrate_bps: 32_000 },
      "Sound: 32 kb/s",
    ],
  ] as [Partial<ReceivedStats>, string][])("%j: %s", (change, words) => {
    expect(flowInWords(flow(change), en)).toBe(words);
  });

  it("speaks Chinese too", () => {
    const held = flow({ layer: -1, target: -1, reason: "bandwidth" });
    expect(flowInWords(held, zh)).toBe("教师：暂停：线路太弱");
  });

  it.each([
    [0, 1, ""],
    [0, 2, "small"],
    [1, 2, "large"],
    [1, 3, "medium"],
    [2, 3, "large"],
  ])("layer %d of %d is %s", (layer, layers, word) => {
    expect(sizeInWords(layer, layers, en)).toBe(word);
  });
});
