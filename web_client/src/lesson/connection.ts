// The lesson's WebSocket: joins, matches answers to requests, notices a dead line, comes back.
//
// Owns the socket's life and nothing of the lesson: what a message means is the reducer's and the
// session's. A connection never gives up by itself; only `close()` or a final refusal ends it.

import type { ClientMessage, Join, Refused, ServerMessage, Welcome } from "../protocol/messages.ts";
import { backoffMs } from "./backoff.ts";

const PING_EVERY_MS = 2000;
const DEAD_AFTER_MS = 5000; // two pings unanswered and some jitter
const JOIN_TIMEOUT_MS = 8000; // token, TCP, TLS and the server's answer, over a slow line
const REQUEST_TIMEOUT_MS = 10_000;
const KNOCK_EVERY_MS = 4000; // a locked or full lesson: ask again, it may open

/** What to do after the server refused to let us in. */
export type AfterRefusal = "retry" | "knock" | "stop";

export interface ConnectionPort {
  /** The message to join with; may fetch a token. A rejection counts as a lost connection. */
  join(): Promise<Join>;
  joined(welcome: Welcome): void;
  refused(refusal: Refused): AfterRefusal;
  message(message: ServerMessage): void;
  connecting(attempt: number): void;
  /** The line is gone; `code` is the WebSocket's close code. "stop" ends it for good. */
  lost(code: number): "retry" | "stop";
}

/** The server said no; nothing has changed. The texts are for people. */
export class RequestRefused extends Error {
  constructor(readonly refusal: Refused) {
    super(refusal.message_en);
  }
}

/** No answer: the line went away or is too slow. */
export class NoAnswer extends Error {}

interface Pending {
  resolve(message: ServerMessage): void;
  reject(reason: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

type State = "idle" | "waiting" | "opening" | "joining" | "live" | "closed";

export class Connection {
  private state: State = "idle";
  private socket: WebSocket | null = null;
  private attempt = 0;
  private lastHeard = 0;
  private requestCount = 0;
  private readonly pending = new Map<string, Pending>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pinger: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly url: string,
    private readonly port: ConnectionPort,
    private readonly random: () => number = Math.random,
  ) {}

  get live(): boolean {
    return this.state === "live";
  }

  open(): void {
    if (this.state === "idle") void this.connect();
  }

  /** Try now instead of at the end of the wait: the network has come back, the page is shown. */
  hurry(): void {
    if (this.state !== "waiting") return;
    clearTimeout(this.timer);
    this.attempt = 0;
    void this.connect();
  }

  /** Drop the line and join again at once (with whatever `port.join()` says then). */
  rejoin(): void {
    if (this.state === "closed") return;
    this.drop();
    this.attempt = 0;
    this.wait(0);
  }

  /** For good. A `last` message is sent if the line stands. */
  close(last?: ClientMessage): void {
    if (last && this.state === "live") this.send(last);
    this.state = "closed";
    this.drop();
  }

  /** Send without waiting for an answer; silently nothing when the line is down. */
  send(message: ClientMessage): void {
    if (this.state === "live" && this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }

  /** Send and wait for the answer; rejects with `RequestRefused` or `NoAnswer`. */
  request(message: ClientMessage): Promise<ServerMessage> {
    if (this.state !== "live") return Promise.reject(new NoAnswer("not connected"));
    return this.ask(message, REQUEST_TIMEOUT_MS);
  }

  private ask(message: ClientMessage, timeoutMs: number): Promise<ServerMessage> {
    const id = `r${++this.requestCount}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new NoAnswer(`${message.type} was not answered`));
      }, timeoutMs);
      this.pending.set(id, { resolve, reject, timer });
      this.socket?.send(JSON.stringify({ ...message, request_id: id }));
    });
  }

  private async connect(): Promise<void> {
    this.state = "opening";
    this.port.connecting(this.attempt);
    let join: Join;
    try {
      join = await this.port.join();
    } catch {
      if (this.isOpening()) this.retry(0);
      return;
    }
    if (!this.isOpening()) return;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    const mine = (): boolean => this.socket === socket;
    this.timer = setTimeout(() => mine() && this.retry(0), JOIN_TIMEOUT_MS);
    socket.addEventListener("open", () => mine() && void this.introduce(join));
    socket.addEventListener("message", (event) => mine() && this.receive(event.data));
    socket.addEventListener("close", (event) => mine() && this.retry(event.code));
  }

  private isOpening(): boolean {
    return this.state === "opening";
  }

  private async introduce(join: Join): Promise<void> {
    this.state = "joining";
    this.lastHeard = Date.now();
    try {
      const answer = await this.ask(join, JOIN_TIMEOUT_MS);
      if (answer.type === "welcome") this.enter(answer);
    } catch (error) {
      if (error instanceof RequestRefused) this.turnedAway(error.refusal);
      // NoAnswer: the join timer or the socket's close has already arranged the next attempt.
    }
  }

  private enter(welcome: Welcome): void {
    clearTimeout(this.timer);
    this.state = "live";
    this.attempt = 0;
    this.pinger = setInterval(() => this.pulse(), PING_EVERY_MS);
    this.port.joined(welcome);
  }

  private turnedAway(refusal: Refused): void {
    const next = this.port.refused(refusal);
    this.drop();
    if (next === "stop") this.state = "closed";
    else if (next === "knock") this.wait(KNOCK_EVERY_MS);
    else this.wait(backoffMs(this.attempt++, this.random()));
  }

  private pulse(): void {
    if (Date.now() - this.lastHeard > DEAD_AFTER_MS) this.retry(0);
    else this.send({ type: "ping" });
  }

  private receive(data: unknown): void {
    this.lastHeard = Date.now();
    const message = parse(data);
    if (!message) return;
    const id = "request_id" in message ? message.request_id : null;
    const waiting = id ? this.pending.get(id) : undefined;
    if (id && waiting) {
      this.pending.delete(id);
      clearTimeout(waiting.timer);
      if (message.type === "refused") waiting.reject(new RequestRefused(message));
      else waiting.resolve(message);
      if (message.type === "welcome") return; // `enter` hands it on, once
    } else if (message.type === "refused" && this.state === "joining") {
      this.turnedAway(message);
      return;
    }
    if (message.type !== "pong") this.port.message(message);
  }

  private retry(code: number): void {
    if (this.state === "closed") return;
    this.drop();
    if (this.port.lost(code) === "stop") {
      this.state = "closed";
      return;
    }
    this.wait(backoffMs(this.attempt++, this.random()));
  }

  private wait(delayMs: number): void {
    this.state = "waiting";
    this.timer = setTimeout(() => void this.connect(), delayMs);
  }

  private drop(): void {
    clearTimeout(this.timer);
    clearInterval(this.pinger);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    for (const waiting of this.pending.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(new NoAnswer("the connection was lost"));
    }
    this.pending.clear();
  }
}

function parse(data: unknown): ServerMessage | null {
  if (typeof data !== "string") return null;
  try {
    const message: unknown = JSON.parse(data);
    return typeof message === "object" && message !== null && "type" in message
      ? (message as ServerMessage)
      : null;
  } catch {
    return null; // a proxy's own words: the ping decides whether the line is alive
  }
}
