// Above the rooms: what is done to all of them at once.

import { css, html, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base, controls } from "../../design/shared.ts";
import { hands, rooms } from "../../lesson/selectors.ts";
import type { LessonSession } from "../../lesson/session.ts";
import type { View } from "../../lesson/state.ts";

export class AllRooms extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: flex;
        gap: 8px;
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;

  override render(): TemplateResult | typeof nothing {
    const { view, m } = this;
    const places = rooms(view).filter((seat) => seat.role === "room");
    if (places.length === 0) return nothing;
    const muted = places.every((seat) => seat.muted_by_lead);
    const off = view.phase !== "live";
    return html`<button
        class="slim"
        data-testid="mute-all"
        ?disabled=${off}
        @click=${() => this.session.muteAll(!muted)}
      >
        ${icon(muted ? "microphone" : "microphoneOff", 18)}
        ${muted ? m.teach.unmuteAll : m.teach.muteAll}
      </button>
      ${hands(view).length
        ? html`<button
            class="slim"
            data-testid="lower-all-hands"
            ?disabled=${off}
            @click=${this.lowerAll}
          >
            ${icon("hand", 18)}${m.teach.lowerAllHands}
          </button>`
        : nothing}`;
  }

  private lowerAll(): void {
    this.session.lowerAllHands();
    this.focusOn('[data-testid="mute-all"]'); // the button goes with the hands
  }
}

define("tk-all-rooms", AllRooms);

declare global {
  interface HTMLElementTagNameMap {
    "tk-all-rooms": AllRooms;
  }
}
