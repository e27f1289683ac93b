// What people ask of a lesson, a message each. Whoever carries them (`act`) says what was refused.

import type { ClientMessage, Directing, Layout, Source } from "../protocol/messages.ts";
import type { Picture } from "./selectors.ts";

export abstract class LessonIntents {
  /** Ask it of the server. */
  protected abstract act(message: ClientMessage): void;

  raiseHand = (): void => this.act({ type: "raise_hand" });
  lowerHand = (seatId?: string): void => this.act({ type: "lower_hand", seat_id: seatId ?? null });
  lowerAllHands = (): void => this.act({ type: "lower_all_hands" });
  giveFloor = (seatId: string): void => this.act({ type: "give_floor", seat_id: seatId });
  takeFloor = (): void => this.act({ type: "take_floor" });
  muteSeat = (seatId: string, muted: boolean): void =>
    this.act({ type: "mute_seat", seat_id: seatId, muted });
  muteAll = (muted: boolean): void => this.act({ type: "mute_all", muted });
  setLayout = (layout: Layout): void => this.act({ type: "set_layout", layout });
  /** These stand first, in this order; none: as the lesson has them. */
  setPlaces = (pictures: readonly Picture[]): void => {
    const places = pictures.map(({ seatId, source }) => ({ seat_id: seatId, source }));
    this.act({ type: "set_places", places });
  };
  setDirecting = (directing: Directing): void => this.act({ type: "set_directing", directing });
  setRecording = (recording: boolean): void => this.act({ type: "set_recording", recording });
  setLock = (locked: boolean): void => this.act({ type: "set_lock", locked });
  removeDevice = (deviceId: string): void =>
    this.act({ type: "remove_device", device_id: deviceId });
  readmit = (seatId: string): void => this.act({ type: "readmit", seat_id: seatId });
  sendChat = (text: string): void => this.act({ type: "send_chat", text });
  endLesson = (): void => this.act({ type: "end_lesson" });
  spotlight = (seatId: string | null, source: Source | null = null): void =>
    this.act({ type: "set_spotlight", seat_id: seatId, source });
}
