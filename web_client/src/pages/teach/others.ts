// Below the rooms: who else is here, and who was put out and may be let in again.

import { css, html, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { define, TongkeElement } from "../../components/element.ts";
import { foldStyles } from "../../components/fold.ts";
import "../../components/seat_devices.ts";
import { base, controls } from "../../design/shared.ts";
import { others, rooms } from "../../lesson/selectors.ts";
import type { LessonSession } from "../../lesson/session.ts";
import type { View } from "../../lesson/state.ts";
import type { SeatState } from "../../protocol/messages.ts";

export class Others extends TongkeElement {
  static override styles = [
    base,
    controls,
    foldStyles,
    css`
      .all {
        display: grid;
        gap: 8px;
        padding-top: 8px;
      }
      .out {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 8px;
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;

  override render(): TemplateResult | typeof nothing {
    const { view, m } = this;
    const here = others(view);
    const cards = new Set(rooms(view).map((seat) => seat.seat_id));
    const out = (view.lesson?.removed ?? []).filter((one) => !cards.has(one.seat_id));
    if (here.length + out.length === 0) return nothing;
    return html`<details data-testid="others">
      <summary>${m.teach.others(here.length, out.length)}</summary>
      <div class="all">
        ${here.map((seat) => this.seat(seat))}
        ${out.map(
          (one) =>
            html`<div class="out">
              <span>${m.devices.wasPutOut(one.bearer)}</span>
              <button
                class="slim"
                data-testid="readmit-${one.seat_id}"
                ?disabled=${view.phase !== "live"}
                @click=${() => this.session.readmit(one.seat_id)}
              >
                ${m.devices.letIn}
              </button>
            </div>`,
        )}
      </div>
    </details>`;
  }

  private seat(seat: SeatState): TemplateResult {
    const { view, m } = this;
    const mine = seat.seat_id === view.me?.seatId;
    return html`<section aria-label=${mine ? m.teach.mySeat : seat.name}>
      <span class="soft small">${mine ? m.teach.mySeat : m.roles[seat.role]}</span>
      <tk-seat-devices
        .devices=${seat.devices}
        .own=${view.me?.deviceId ?? ""}
        ?disabled=${view.phase !== "live"}
        @remove-device=${this.putOut}
      ></tk-seat-devices>
    </section>`;
  }

  private readonly putOut = (event: CustomEvent<string>): void => {
    this.focusOn("summary"); // the question goes, and soon the device
    this.session.removeDevice(event.detail);
  };
}

define("tk-others", Others);

declare global {
  interface HTMLElementTagNameMap {
    "tk-others": Others;
  }
}
