// @vitest-environment happy-dom
// What is asked and ticks while an element is on the page.

import type { ReactiveController } from "lit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Polling, Ticking } from "../src/components/polling.ts";
import { said } from "../src/i18n/index.ts";

/** An element, as controllers see it. */
class Host {
  readonly controllers: ReactiveController[] = [];
  readonly updateComplete = Promise.resolve(true);
  addController(one: ReactiveController): void {
    this.controllers.push(one);
  }
  removeController(): void {
    throw new Error("nobody does");
  }
  requestUpdate(): void {
    throw new Error("nobody does");
  }
  connect(): void {
    for (const one of this.controllers) one.hostConnected?.();
  }
  disconnect(): void {
    for (const one of this.controllers) one.hostDisconnected?.();
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("what ticks", () => {
  it("ticks while its element is there", () => {
    const [host, tick] = [new Host(), vi.fn()];
    new Ticking(host, tick, 100);
    vi.advanceTimersByTime(1000);
    expect(tick).toHaveBeenCalledTimes(0);
    host.connect();
    vi.advanceTimersByTime(1000);
    expect(tick).toHaveBeenCalledTimes(10);
    host.disconnect();
    vi.advanceTimersByTime(1000);
    expect(tick).toHaveBeenCalledTimes(10);
  });
});

describe("what is asked again and again", () => {
  it("is asked at once, then every so often, and never twice at once", async () => {
    const host = new Host();
    let answer = (): void => undefined;
    const ask = vi.fn(() => new Promise<void>((then) => (answer = then)));
    new Polling(host, ask, 1000);
    host.connect();
    expect(ask).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(ask).toHaveBeenCalledTimes(1);
    answer();
    await vi.advanceTimersByTimeAsync(1000);
    expect(ask).toHaveBeenCalledTimes(2);
    answer();
    host.disconnect();
    await vi.advanceTimersByTimeAsync(5000);
    expect(ask).toHaveBeenCalledTimes(2);
  });

  it("is not asked for a page that nobody sees, and at once when it is seen again", async () => {
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    const host = new Host();
    const ask = vi.fn(() => Promise.resolve());
    new Polling(host, ask, 1000);
    host.connect();
    await vi.advanceTimersByTimeAsync(5000);
    expect(ask).toHaveBeenCalledTimes(1);
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(ask).toHaveBeenCalledTimes(2);
    host.disconnect();
  });
});

describe("what is told in both languages", () => {
  it("is said in the page's", () => {
    expect(said({ zh: "好", en: "good" })).toBe("好"); // before a language is chosen
    expect(said({ message_zh: "好", message_en: "good" })).toBe("好");
  });
});
