// Asks again every so often while its element is shown: never twice at once, and not for a page that
// nobody sees.

import type { ReactiveController, ReactiveControllerHost } from "lit";

export class Polling implements ReactiveController {
  private timer: ReturnType<typeof setInterval> | undefined;
  private asking = false;

  constructor(
    host: ReactiveControllerHost,
    private readonly ask: () => Promise<void>,
    private readonly everyMs: number,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    void this.now();
    this.timer = setInterval(() => {
      if (!document.hidden) void this.now();
    }, this.everyMs);
    document.addEventListener("visibilitychange", this.shown);
  }

  hostDisconnected(): void {
    clearInterval(this.timer);
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
