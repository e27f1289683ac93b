// Curves from readings: what is kept of the last minutes, and rates between two readings. Pure.

import type { DeviceStats, LessonStats, Measure, NodeStats, SeatStats } from "../../api/types.ts";

/** Five minutes at one reading in two seconds. */
export const READINGS_KEPT = 150;

/** Values by key over time; every row is as long as `times`. */
export interface History {
  readonly times: readonly number[];
  readonly rows: Readonly<Record<string, readonly (number | null)[]>>;
}

export const NO_HISTORY: History = { times: [], rows: {} };

/** One more reading. A key that is new begins with gaps, one of which nothing is left is dropped. */
export function remember(
  history: History,
  at: number,
  values: Readonly<Record<string, number | null>>,
): History {
  const last = history.times.at(-1);
  if (last !== undefined && at <= last) return history; // the same reading, or a clock set back
  const times = [...history.times, at].slice(-READINGS_KEPT);
  const rows: Record<string, (number | null)[]> = {};
  for (const key of new Set([...Object.keys(history.rows), ...Object.keys(values)])) {
    const before = history.rows[key] ?? history.times.map(() => null);
    const row = [...before, values[key] ?? null].slice(-READINGS_KEPT);
    if (row.some((value) => value !== null)) rows[key] = row;
  }
  return { times, rows };
}

export interface NodeRates {
  readonly forwardedPerS: number;
  readonly receivedBps: number;
  readonly sentBps: number;
  /** Of one processor core. */
  readonly cpu: number;
  /** Of the forwarded packets; null when there were none. */
  readonly delayMedianMs: number | null;
  readonly delayP99Ms: number | null;
  /** Mean lateness of the node's regular work. */
  readonly tickLateMs: number;
  /** Per second, the most frequent first; what did not occur is left out. */
  readonly drops: readonly { reason: string; perS: number }[];
}

const DROP = "drop_";

/** What happened between two readings; null when the server began anew in between. */
export function ratesBetween(before: NodeStats, after: NodeStats): NodeRates | null {
  const seconds = after.at - before.at;
  const old = total(before);
  const now = total(after);
  if (seconds <= 0 || after.ticks < before.ticks || after.cpu_s < before.cpu_s) return null;
  const perS = (name: string): number => ((now[name] ?? 0) - (old[name] ?? 0)) / seconds;
  const [bounds, counts] = delaysBetween(before, after);
  const inMs = (ns: number | null): number | null => (ns === null ? null : ns / 1e6);
  const ticks = after.ticks - before.ticks;
  return {
    forwardedPerS: perS("forwarded_packets"),
    receivedBps: 8 * perS("received_bytes"),
    sentBps: 8 * perS("sent_bytes"),
    cpu: (after.cpu_s - before.cpu_s) / seconds,
    delayMedianMs: inMs(quantile(bounds, counts, 0.5)),
    delayP99Ms: inMs(quantile(bounds, counts, 0.99)),
    tickLateMs: ticks ? (1000 * (after.tick_late_s - before.tick_late_s)) / ticks : 0,
    drops: Object.keys(now)
      .filter((name) => name.startsWith(DROP))
      .map((name) => ({ reason: name.slice(DROP.length), perS: perS(name) }))
      .filter(({ perS }) => perS > 0)
      .sort((a, b) => b.perS - a.perS),
  };
}

function total(stats: NodeStats): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const port of stats.ports)
    for (const [name, value] of Object.entries(port.counters))
      sum[name] = (sum[name] ?? 0) + value;
  return sum;
}

function delaysBetween(before: NodeStats, after: NodeStats): [readonly number[], number[]] {
  const measures = (stats: NodeStats): Measure[] =>
    stats.ports.flatMap((port) => port.measures.added_delay_ns ?? []);
  const now = measures(after);
  const counts = (now[0]?.counts ?? []).map(
    (_count, bucket) => sumAt(now, bucket) - sumAt(measures(before), bucket),
  );
  return [now[0]?.bounds ?? [], counts];
}

function sumAt(measures: readonly Measure[], bucket: number): number {
  return measures.reduce((sum, one) => sum + (one.counts[bucket] ?? 0), 0);
}

/** A quantile of a histogram, even within a bucket; null for an empty one. What is above the last
 * bound counts as the last bound. */
export function quantile(
  bounds: readonly number[],
  counts: readonly number[],
  share: number,
): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all <= 0) return null;
  let left = share * all;
  for (const [bucket, bound] of bounds.entries()) {
    const count = counts[bucket] ?? 0;
    if (count > 0 && left <= count) {
      const low = bounds[bucket - 1] ?? 0;
      return low + ((bound - low) * left) / count;
    }
    left -= count;
  }
  return bounds.at(-1) ?? null;
}

/** One seat's lines in four numbers; null where nothing is known. */
export interface SeatLine {
  readonly sendsBps: number | null;
  readonly getsBps: number | null;
  /** The worse of the two ways, 0 to 1. */
  readonly loss: number | null;
  readonly rttMs: number | null;
}

/** All connected devices of a seat taken together. */
export function lineOf(seat: SeatStats): SeatLine {
  const devices = seat.devices.filter((device) => device.connected);
  const ups = devices.flatMap((device) => connected(device.up));
  const downs = devices.flatMap((device) => connected(device.down));
  const lines = [...ups, ...downs];
  const known = lines.flatMap((line) => line.rtt_ms ?? []);
  const sum = (rates: readonly number[]): number | null =>
    rates.length ? rates.reduce((all, one) => all + one, 0) : null;
  return {
    sendsBps: sum(ups.map((line) => line.bitrate_bps)),
    getsBps: sum(downs.map((line) => line.bitrate_bps)),
    loss: lines.length ? Math.max(...lines.map((line) => line.loss)) : null,
    rttMs: known.length ? Math.max(...known) : null,
  };
}

function connected(line: DeviceStats["up"]): NonNullable<DeviceStats["up"]>[] {
  return line?.state === "connected" ? [line] : [];
}

/** A measure of every seat, by seat. */
export function bySeat(stats: LessonStats, measure: keyof SeatLine): Record<string, number | null> {
  return Object.fromEntries(stats.seats.map((seat) => [seat.seat_id, lineOf(seat)[measure]]));
}
