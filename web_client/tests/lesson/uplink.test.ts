// Our own line in virtual time: a browser, a queue before a line, and what `Uplink` makes of them.

import { describe, expect, it } from "vitest";
import { type PicturesBps, Uplink, type UplinkMeasured, uplinkMeasured } from "../../src/lesson/uplink.ts";

const WAY_S = 0.06; // there and back, without a queue
const MOST_QUEUE_S = 0.3; // what comes on top is lost

/** A browser sends over a line: its pictures try for more until the queue was full for a while. */
class Line {
  rateBps = 1_000_000;
  queueS = 0;
  lostS = 0;
  private picturesBps = 100_000;
  private reportedS = 0;
  private fullS = 0;

  /** A second passes with this room for pictures; what the browser then says of the line. */
  pass(room: PicturesBps): UplinkMeasured {
    this.reportedS = this.queueS; // a report is a second old
    const soundBps = room === Infinity ? 65_000 : 45_000;
    this.fullS = this.queueS > 0.25 ? this.fullS + 1 : 0;
    const tried = this.fullS > 3 ? 0.85 * this.rateBps - 65_000 : 1.08 * this.picturesBps;
    this.picturesBps = room === 0 ? 0 : Math.max(30_000, Math.min(tried, room, 150_000));
    const sentBps = soundBps + this.picturesBps;
    this.queueS = Math.max(0, this.queueS + (sentBps - this.rateBps) / this.rateBps);
    if (this.queueS > MOST_QUEUE_S) {
      this.lostS += 1;
      this.queueS = MOST_QUEUE_S;
    }
    return { availableBps: Math.min(this.rateBps, 1.5 * sentBps), roundTripS: WAY_S + this.reportedS };
  }
}

/** What there is room for, second by second. */
function rooms(uplink: Uplink, line: Line, seconds: number, begin = 0): PicturesBps[] {
  const seen: PicturesBps[] = [];
  let room = uplink.update(line.pass(Infinity), begin);
  for (let second = 1; second <= seconds; second += 1) {
    room = uplink.update(line.pass(room), begin + second);
    seen.push(room);
  }
  return seen;
}

describe("our own line", () => {
  it("has room for all while it is wide", () => {
    expect(new Set(rooms(new Uplink(), new Line(), 60))).toEqual(new Set([Infinity]));
  });

  it.each([90_000, 100_000, 130_000])("of %d b/s carries sound and few pictures", (rateBps) => {
    const [uplink, line] = [new Uplink(), new Line()];
    rooms(uplink, line, 5);
    line.rateBps = rateBps;
    rooms(uplink, line, 15, 6);
    line.lostS = 0;
    const seen = rooms(uplink, line, 200, 22);
    expect(line.lostS, "seconds in which words are lost").toBeLessThan(20);
    expect(Math.min(...seen)).toBeGreaterThan(0);
  });

  it("loses words every few seconds when nobody looks after it", () => {
    const line = new Line();
    line.rateBps = 100_000;
    for (let second = 0; second < 200; second += 1) line.pass(Infinity);
    expect(line.lostS).toBeGreaterThan(50);
  });

  it("of 50 kb/s carries sound alone; pictures are tried again, ever more seldom", () => {
    const [uplink, line] = [new Uplink(), new Line()];
    rooms(uplink, line, 5);
    line.rateBps = 50_000;
    const seen = rooms(uplink, line, 200, 6);
    const tries = seen.flatMap((room, second) => (room > 0 && seen[second - 1] === 0 ? [second] : []));
    const waits = tries.slice(1).map((second, place) => second - (tries[place] ?? 0));
    expect(waits.length).toBeGreaterThan(2);
    expect(waits[0]).toBeLessThan(waits[1] ?? 0);
    expect(Math.max(...waits)).toBeLessThan(60);
  });

  it.each([50_000, 100_000])("has room for all again soon after %d b/s", (rateBps) => {
    const [uplink, line] = [new Uplink(), new Line()];
    line.rateBps = rateBps;
    const before = rooms(uplink, line, 60);
    expect(before.at(-1)).toBeLessThan(Infinity);
    line.rateBps = 1_000_000;
    const back = rooms(uplink, line, 60, 61).indexOf(Infinity);
    expect(back).toBeGreaterThanOrEqual(0);
    expect(back).toBeLessThan(rateBps === 100_000 ? 30 : 60);
  });

  const told = (measured: (second: number) => UplinkMeasured) => {
    const uplink = new Uplink();
    return new Set(Array.from({ length: 120 }, (_, second) => uplink.update(measured(second), second)));
  };

  it.each([
    ["only loses", () => ({ availableBps: 95_000, roundTripS: 0.07 })],
    ["is wide and slow", () => ({ availableBps: 500_000, roundTripS: 0.6 })],
    ["is unknown", () => ({ availableBps: 0, roundTripS: 0 })],
    [
      "has a queue for one report",
      (second: number) => ({ availableBps: 95_000, roundTripS: second % 3 ? 0.06 : 0.4 }),
    ],
  ])("is left alone when it %s", (_, measured) => {
    expect(told(measured)).toEqual(new Set([Infinity]));
  });

  it("gets over a way that has become longer", () => {
    const uplink = new Uplink();
    uplink.update({ availableBps: 90_000, roundTripS: 0.05 }, 0);
    const rooms = Array.from({ length: 600 }, (_, second) =>
      uplink.update({ availableBps: 90_000, roundTripS: 0.3 }, second + 1),
    );
    expect(rooms[1]).toBe(45_000);
    expect(rooms).toContain(0);
    expect(rooms.at(-1), "as much as the browser finds").toBeGreaterThan(70_000);
  });

  it("is known by a connection's statistics", () => {
    expect(
      uplinkMeasured([
        { type: "candidate-pair", nominated: true, availableOutgoingBitrate: 90_000 },
        { type: "candidate-pair", nominated: false, availableOutgoingBitrate: 1 },
        { type: "remote-inbound-rtp", kind: "audio", roundTripTime: 0.3 },
        { type: "remote-inbound-rtp", kind: "video", roundTripTime: 9 },
      ]),
    ).toEqual({ availableBps: 90_000, roundTripS: 0.3 });
  });
});
