// Code that a page needs only after its beginning: fetched behind it, and again where the line was away.

const AGAIN_AFTER_MS = 3000;

/** Load it behind what is under way; its elements come to life when it is there. */
export function later(load: () => Promise<unknown>): void {
  load().catch(() => setTimeout(() => later(load), AGAIN_AFTER_MS));
}
