// The window's title: what the page is about and how it stands, so that it is found among others.

import type { ReactiveController, ReactiveControllerHost } from "lit";
import { messages } from "../i18n/index.ts";

/** Keeps the window's title to what `parts` says after each drawing; null: another one says it. */
export class Title implements ReactiveController {
  constructor(
    private readonly host: ReactiveControllerHost & Element,
    private readonly parts: () => readonly string[] | null,
  ) {
    host.addController(this);
  }

  hostUpdated(): void {
    const parts = this.host.isConnected ? this.parts() : null;
    if (!parts) return;
    const title = [...parts.filter(Boolean), messages().app.name].join(" · ");
    if (document.title !== title) document.title = title;
  }
}
