// The lesson's WebSocket, played: what was sent is kept, and the test is the server.

import type { Welcome } from "../../src/protocol/messages.ts";

export class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: Record<string, unknown>[] = [];

  constructor(readonly url: string) {
    super();
    FakeSocket.all.push(this);
  }

  static get last(): FakeSocket {
    const socket = FakeSocket.all.at(-1);
    if (!socket) throw new Error("no socket was made");
    return socket;
  }

  /** What was asked for last, by a person and not by the page itself. */
  get asked(): Record<string, unknown> | undefined {
    return this.sent.findLast((one) => !["ping", "subscribe"].includes(String(one.type)));
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  say(message: object): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  die(code: number): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }

  /** The server lets this device in. */
  letIn(message: Welcome): void {
    this.open();
    this.answer(message);
  }

  /** The server's answer to what was sent last. */
  answer(message: object): void {
    this.say({ ...message, request_id: this.sent.at(-1)?.request_id });
  }
}
