// A shared screen is there to be seen, before whoever answers too: the layout follows it, and returns
// with its end.

import type { LessonSession } from "../../lesson/session.ts";
import type { Layout } from "../../protocol/messages.ts";

export class SharingLayout {
  private before: Layout | null = null;

  /** Sharing has begun or ended. */
  changed(sharing: boolean, session: LessonSession | null): void {
    const lesson = session?.store.view.lesson;
    const { layout = "speaker", floor_forward: answered = false } = lesson ?? {};
    if (sharing && (layout !== "screen" || answered)) {
      if (layout !== "screen") this.before = layout;
      session?.setLayout("screen");
    } else if (!sharing && layout === "screen") {
      session?.setLayout(this.before ?? "speaker");
      this.before = null;
    }
  }
}
