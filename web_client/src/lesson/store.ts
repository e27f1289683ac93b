// Holds the current view, lets the reducer change it, tells whoever watches.

import { reduce } from "./reducer.ts";
import { initialView, type LessonEvent, type View } from "./state.ts";

export class LessonStore {
  private current: View = initialView;
  private readonly watchers = new Set<(view: View) => void>();

  get view(): View {
    return this.current;
  }

  dispatch(event: LessonEvent): void {
    const next = reduce(this.current, event);
    if (next === this.current) return;
    this.current = next;
    for (const watcher of [...this.watchers]) watcher(next);
  }

  /** Call `watcher` after every change; returns how to stop. */
  watch(watcher: (view: View) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
}
