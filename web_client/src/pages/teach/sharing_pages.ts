// The pages of a shared screen are told while it is shared, for the chapters of the recording.

import type { LessonSession } from "../../lesson/session.ts";

export class SharingPages {
  private shared: MediaStreamTrack | null = null;
  private stop: (() => void) | null = null;

  /** This is shared now; null: nothing. */
  async changed(shared: MediaStreamTrack | null, session: LessonSession | null): Promise<void> {
    if (this.shared === shared) return;
    this.shared = shared;
    this.stop?.();
    this.stop = null;
    if (!shared) return;
    // Code that is not what one comes for. Where it cannot be loaded the recording lacks chapters.
    const code = await import("../../lesson/screen_pages.ts").catch(() => null);
    if (this.shared !== shared || !code) return;
    this.stop = code.watchPages(shared, (stoodS) => session?.tellPage(stoodS));
  }
}
