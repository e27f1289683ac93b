// The connection against a fake socket, in the virtual time of the test runner.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection, NoAnswer, RequestRefused } from "../../src/lesson/connection.ts";
import { FakeSocket } from "./fake_socket.ts";
import { welcome } from "./views.ts";

function setup(refused: "retry" | "knock" | "stop" = "retry") {
  const log: string[] = [];
  const connection = new Connection(
    "ws://test/ws",
    {
      join: () => Promise.resolve({ type: "join", token: "t" }),
      joined: () => log.push("joined"),
      refused: (refusal) => {
        log.push(`refused ${refusal.code}`);
        return refused;
      },
      message: (message) => log.push(message.type),
      connecting: (attempt) => log.push(`connecting ${attempt}`),
      lost: (code) => {
        log.push(`lost ${code}`);
        return code === 4101 ? "stop" : "retry";
      },
    },
    () => 0,
  );
  return { connection, log };
}

async function joined() {
  const all = setup();
  all.connection.open();
  await vi.advanceTimersByTimeAsync(0);
  FakeSocket.last.open();
  FakeSocket.last.say({ ...welcome("r1"), request_id: FakeSocket.last.sent[0]?.request_id });
  await vi.advanceTimersByTimeAsync(0);
  return all;
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  vi.stubGlobal("WebSocket", FakeSocket);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a connection", () => {
  it("joins first, then is live and pings every two seconds", async () => {
    const { connection, log } = await joined();
    expect(log).toEqual(["connecting 0", "joined"]);
    expect(connection.live).toBe(true);
    await vi.advanceTimersByTimeAsync(4000);
    expect(FakeSocket.last.sent.map((message) => message.type)).toEqual(["join", "ping", "ping"]);
  });

  it("takes silence for a dead line and comes back on a new socket", async () => {
    const { connection, log } = await joined();
    await vi.advanceTimersByTimeAsync(8000);
    expect(log).toContain("lost 0");
    await vi.advanceTimersByTimeAsync(300);
    expect(FakeSocket.all.length).toBe(2);
    expect(connection.live).toBe(false);
  });

  it("stays while pongs come", async () => {
    const { log } = await joined();
    for (let second = 0; second < 20; second++) {
      FakeSocket.last.say({ type: "pong", request_id: null, server_time: 1 });
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(log).toEqual(["connecting 0", "joined"]);
  });

  it("never gives up, ever slower", async () => {
    const { connection, log } = setup();
    connection.open();
    for (let attempt = 0; attempt < 30; attempt++) {
      await vi.advanceTimersByTimeAsync(0);
      FakeSocket.last.die(1006);
      await vi.advanceTimersByTimeAsync(5000);
    }
    expect(log.filter((line) => line.startsWith("connecting")).length).toBe(31);
  });

  it("gives the answer to whoever asked, and a refusal as an error", async () => {
    const { connection } = await joined();
    const good = connection.request({ type: "raise_hand" });
    const bad = connection.request({ type: "end_lesson" });
    const [, first, second] = FakeSocket.last.sent;
    FakeSocket.last.say({
      type: "refused",
      request_id: second?.request_id,
      code: "lead-only",
      message_zh: "不",
      message_en: "no",
    });
    FakeSocket.last.say({ type: "done", request_id: first?.request_id });
    await expect(good).resolves.toMatchObject({ type: "done" });
    await expect(bad).rejects.toBeInstanceOf(RequestRefused);
  });

  it("fails what is asked when the line is lost, and what is never answered", async () => {
    const { connection } = await joined();
    const lost = connection.request({ type: "raise_hand" });
    FakeSocket.last.die(1006);
    await expect(lost).rejects.toBeInstanceOf(NoAnswer);
    await expect(connection.request({ type: "raise_hand" })).rejects.toBeInstanceOf(NoAnswer);
  });

  it.each([
    ["stop", 60_000, 1],
    ["knock", 3900, 1],
    ["knock", 4100, 2],
    ["retry", 400, 2],
  ] as const)("after a refusal: %s", async (decision, afterMs, sockets) => {
    const { connection, log } = setup(decision);
    connection.open();
    await vi.advanceTimersByTimeAsync(0);
    const socket = FakeSocket.last;
    socket.open();
    socket.say({
      type: "refused",
      request_id: socket.sent[0]?.request_id,
      code: "lesson-locked",
      message_zh: "锁",
      message_en: "locked",
    });
    await vi.advanceTimersByTimeAsync(afterMs);
    expect(log).toContain("refused lesson-locked");
    expect(FakeSocket.all.length).toBe(sockets);
  });

  it("does not come back when another window has taken its place", async () => {
    await joined();
    FakeSocket.last.die(4101);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.all.length).toBe(1);
  });

  it("says goodbye and is silent after being closed", async () => {
    const { connection } = await joined();
    connection.close({ type: "leave" });
    expect(FakeSocket.last.sent.at(-1)).toEqual({ type: "leave" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.all.length).toBe(1);
  });

  it("survives words that are no messages", async () => {
    const { connection } = await joined();
    for (const data of ["<html>", "null", "7", '"x"', "{}"]) {
      FakeSocket.last.dispatchEvent(new MessageEvent("message", { data }));
    }
    expect(connection.live).toBe(true);
  });
});
