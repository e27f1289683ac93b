// Behind the room's gear: all rooms in one picture, each by itself, or as it comes.

import { css, html, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { define, TongkeElement } from "../../components/element.ts";
import { base, fields } from "../../design/shared.ts";
import {
  ROOM_PICTURES,
  rememberRoomPictures,
  roomPictures,
} from "../../lesson/room_pictures.ts";
import type { LessonSession } from "../../lesson/session.ts";

export class PicturesSelect extends TongkeElement {
  static override styles = [
    base,
    fields,
    css`
      :host {
        display: block;
      }
    `,
  ];

  @property({ attribute: false }) session!: LessonSession;

  override render(): TemplateResult {
    const { pictures, picturesBy } = this.m.room;
    const chosen = roomPictures();
    return html`<label>
      ${pictures}
      <select data-testid="room-pictures" @change=${this.choose}>
        ${ROOM_PICTURES.map(
          (one) =>
            html`<option value=${one} ?selected=${one === chosen}>${picturesBy[one]}</option>`,
        )}
      </select>
    </label>`;
  }

  private readonly choose = (event: Event): void => {
    const { value } = event.currentTarget as HTMLSelectElement;
    const choice = ROOM_PICTURES.find((one) => one === value) ?? "profile";
    rememberRoomPictures(choice);
    this.session.choosePictures(choice);
  };
}

define("tk-pictures-select", PicturesSelect);

declare global {
  interface HTMLElementTagNameMap {
    "tk-pictures-select": PicturesSelect;
  }
}
