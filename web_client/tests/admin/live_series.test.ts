import { describe, expect, it } from "vitest";
import type { DeviceStats, LineStats, NodeStats, SeatStats } from "../../src/api/types.ts";
import {
  bySeat,
  lineOf,
  NO_HISTORY,
  quantile,
  ratesBetween,
  READINGS_KEPT,
  remember,
} from "../../src/pages/admin/live_series.ts";

describe("the last minutes", () => {
  it("keep every key as long as the times, with gaps", () => {
    let history = remember(NO_HISTORY, 1, { a: 10 });
    history = remember(history, 2, { a: 11, b: 5 });
    history = remember(history, 3, { b: 6 });
    expect(history).toEqual({ times: [1, 2, 3], rows: { a: [10, 11, null], b: [null, 5, 6] } });
  });

  it("pass over a reading that is not newer", () => {
    const history = remember(NO_HISTORY, 5, { a: 1 });
    expect(remember(history, 5, { a: 2 })).toBe(history);
    expect(remember(history, 4, { a: 2 })).toBe(history);
  });

  it("forget what is older, and who is long gone", () => {
    let history = remember(NO_HISTORY, 0, { gone: 1, here: 1 });
    for (let at = 1; at <= READINGS_KEPT; at++) history = remember(history, at, { here: at });
    expect(history.times).toHaveLength(READINGS_KEPT);
    expect(history.times[0]).toBe(1);
    expect(Object.keys(history.rows)).toEqual(["here"]);
    expect(history.rows.here).toHaveLength(READINGS_KEPT);
  });
});

describe("quantiles of a histogram", () => {
  it.each([
    [[0, 0, 0], 0.5, null],
    [[], 0.5, null],
    [[10, 0, 0], 0.5, 50],
    [[0, 10, 0], 0.5, 150],
    [[10, 10, 0], 0.5, 100],
    [[98, 0, 2], 0.99, 200], // above the last bound: at least that
    [[50, 50, 0], 0.99, 198],
  ])("%j at %d is %s", (counts, share, expected) => {
    expect(quantile([100, 200], counts, share)).toBe(expected);
  });
});

function reading(at: number, forwarded: number, change: Partial<NodeStats> = {}): NodeStats {
  return {
    at,
    lessons: 1,
    lessons_admitted: 4,
    cpu_s: at / 10,
    resident_bytes: 1e8,
    ticks: at * 10,
    tick_busy_s: 0,
    tick_late_s: at * 0.05,
    ports: [0, 1].map((port) => ({
      port,
      lessons: 1,
      transports: 2,
      pending: 0,
      gauges: {},
      counters: {
        forwarded_packets: forwarded,
        received_bytes: forwarded * 100,
        sent_bytes: forwarded * 1000,
        drop_duplicate: 7,
        drop_unknown_source: forwarded / 10,
        drop_replay: forwarded / 5,
      },
      measures: {
        added_delay_ns: { bounds: [1e6, 2e6], counts: [forwarded, 0, 0], sum: 0 },
      },
    })),
    ...change,
  };
}

describe("what happened between two readings of the node", () => {
  const rates = ratesBetween(reading(10, 100), reading(12, 300));

  it("is summed over its ports, per second", () => {
    expect(rates).toMatchObject({
      forwardedPerS: 200,
      receivedBps: 8 * 20_000,
      sentBps: 8 * 200_000,
    });
    expect(rates?.cpu).toBeCloseTo(0.1);
    expect(rates?.tickLateMs).toBeCloseTo(5);
  });

  it("tells the delay of the packets in between alone", () => {
    expect(rates?.delayMedianMs).toBeCloseTo(0.5);
    expect(rates?.delayP99Ms).toBeCloseTo(0.99);
    const quiet = ratesBetween(reading(10, 100), reading(12, 100));
    expect([quiet?.delayMedianMs, quiet?.forwardedPerS]).toEqual([null, 0]);
  });

  it("names drops that occurred, the most frequent first", () => {
    expect(rates?.drops).toEqual([
      { reason: "replay", perS: 40 },
      { reason: "unknown_source", perS: 20 },
    ]);
  });

  it("is nothing when the server began anew, or time stood still", () => {
    expect(ratesBetween(reading(10, 100), reading(12, 5, { ticks: 3 }))).toBeNull();
    expect(ratesBetween(reading(10, 100), reading(12, 5, { cpu_s: 0 }))).toBeNull();
    expect(ratesBetween(reading(10, 100), reading(10, 100))).toBeNull();
  });
});

const line = (change: Partial<LineStats>): LineStats => ({
  state: "connected",
  failure: "",
  address: "",
  loss: 0,
  rtt_ms: null,
  bitrate_bps: 0,
  available_bps: null,
  wanted_bps: 0,
  used_bps: 0,
  packets_received: 0,
  bytes_received: 0,
  packets_sent: 0,
  bytes_sent: 0,
  packets_retransmitted: 0,
  nacks_received: 0,
  packets_refused: 0,
  ...change,
});
const device = (up: LineStats | null, down: LineStats | null, here = true): DeviceStats => ({
  device_id: "d",
  kind: "browser",
  connected: here,
  up,
  down,
  sends: [],
  receives: [],
});
const seat = (...devices: DeviceStats[]): SeatStats => ({
  seat_id: "room-1",
  role: "room",
  name: "One",
  school: "A",
  present: true,
  link: "good",
  devices,
});

describe("a seat's line", () => {
  it("adds its devices up, and takes the worst of what cannot be added", () => {
    const two = seat(
      device(line({ bitrate_bps: 100, loss: 0.01 }), line({ bitrate_bps: 900, rtt_ms: 20 })),
      device(null, line({ bitrate_bps: 50, loss: 0.2, rtt_ms: 90 })),
    );
    expect(lineOf(two)).toEqual({ sendsBps: 100, getsBps: 950, loss: 0.2, rttMs: 90 });
  });

  it("knows nothing of lines that are not connected and devices that are away", () => {
    const nothing = { sendsBps: null, getsBps: null, loss: null, rttMs: null };
    expect(lineOf(seat())).toEqual(nothing);
    expect(lineOf(seat(device(line({ state: "lost", bitrate_bps: 5 }), null)))).toEqual(nothing);
    expect(lineOf(seat(device(line({ bitrate_bps: 5 }), null, false)))).toEqual(nothing);
  });

  it("goes by its seat", () => {
    const stats = { lesson_id: "l", at: 1, seats: [seat()], strangers: [] };
    expect(bySeat(stats, "loss")).toEqual({ "room-1": null });
  });
});
