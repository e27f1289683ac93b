// How a device comes into a lesson, and whether it comes back after it was out.

import { type DeviceKind, type Refused, REMOVAL_CODE_VALUES } from "../protocol/messages.ts";
import type { RoomPictures } from "./room_pictures.ts";
import type { Refusal } from "./state.ts";

/** The close codes after which this page does not simply come back (docs/protocol.md). */
export const CLOSED = { replaced: 4101, left: 4103, removed: 4105 } as const;

/** Refusals to join that no waiting mends. */
export const FINAL_REFUSALS = new Set(["no-such-lesson", "lesson-ended", "no-such-seat"]);
export const REMOVED: ReadonlySet<string> = new Set(REMOVAL_CODE_VALUES);
/** This person leads from another window or computer: only their hand takes it back. */
export const LEADS_ELSEWHERE = "leads-elsewhere";
export const STALE_TOKEN = new Set(["token-invalid", "token-foreign", "token-expired"]);

export interface SessionOptions {
  readonly lessonId: string;
  readonly device: DeviceKind;
  /** A join token; called before every attempt. `TurnedAway` is shown; attempts go on. */
  token(renew: boolean): Promise<string>;
  /** Whether this device receives sound at all. */
  readonly listens: boolean;
  /** Of the windows of this browser only one is in the lesson: the next one takes its place. */
  readonly oneWindow?: boolean;
  /** What a room shows where there is a program. */
  readonly pictures?: RoomPictures;
}

/** Thrown by `token` when the server will not let this person in. */
export class TurnedAway extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.en);
  }
}

export function refusalOf(refused: Refused): Refusal {
  return { code: refused.code, zh: refused.message_zh, en: refused.message_en };
}
