// What happens every so often while an element is on the page: a tick, or a question to the server.

import type { ReactiveController, ReactiveControllerHost } from "lit";

/** Ticks, seen or not. */
export class Ticking implements ReactiveController {
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    host: ReactiveControllerHost,
    private readonly tick: () => void,
    private readonly everyMs: number,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    this.timer = setInterval(this.tick, this.everyMs);
  }

  hostDisconnected(): void {
    clearInterval(this.timer);
  }
}

/** Asks at once and then every so often: never twice at once, and not for a page nobody sees. */
export class Polling implements ReactiveController {
  private asking = false;

  constructor(
    host: ReactiveControllerHost,
    private readonly ask: () => Promise<void>,
    everyMs: number,
  ) {
    host.addController(this);
    new Ticking(host, this.shown, everyMs);
  }

  hostConnected(): void {
    void this.now();
    document.addEventListener("visibilitychange", this.shown);
  }

  hostDisconnected(): void {
    document.removeEventListener("visibilitychange", this.shown);
  }

  /** Ask at once; nothing happens while an answer is awaited. */
  async now(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      await this.ask();
    } finally {
      this.asking = false;
    }
  }

  private readonly shown = (): void => {
    if (!document.hidden) void this.now();
  };
}
