// Which pages of shared screens are chapters: those at which the lesson stayed. Pure; the exported
// page and WebVTT have the same (`recorder/exchange/screen_pages.py`).

import type { RecordedEvent, Recording } from "../../api/types.ts";

/** Nobody speaks about a page in less: it is leafed over, to the one where they stop. */
const STAYED_S = 10;
/** More than one a minute of a lesson, and a list in which the other chapters are still found. */
const MOST_PAGES = 60;
/** A page is told within some seconds; another's journal may say anything. */
const TOLD_WITHIN_S = 10;
const BEYOND = 1_000_000;

/** The `number`th page of a sharing stood from `at` until `until`. */
export interface StayedPage {
  readonly number: number;
  readonly at: number;
  readonly until: number;
}

/** In order. */
export function pagesOf(recording: Recording): StayedPage[] {
  return allPages(recording)
    .filter(({ at, until }) => until - at >= STAYED_S)
    .sort((a, b) => b.until - b.at - (a.until - a.at))
    .slice(0, MOST_PAGES)
    .sort((a, b) => a.at - b.at);
}

function allPages(recording: Recording): StayedPage[] {
  const open = new Map<unknown, { number: number; at: number }>(); // by seat
  const found: StayedPage[] = [];
  for (const event of recording.events) {
    const number = numberOf(event);
    const stopped = event.type === "source_removed" && event.source === "screen";
    if (!number && !stopped) continue;
    const at = beginsAt(event, recording.started_at);
    const before = open.get(event.seat_id);
    if (before) found.push({ ...before, until: at });
    open.delete(event.seat_id);
    if (number) open.set(event.seat_id, { number, at });
  }
  for (const page of open.values()) found.push({ ...page, until: recording.duration_s });
  return found;
}

/** Which page an event tells of; 0: none. */
function numberOf(event: RecordedEvent): number {
  const { page } = event;
  if (event.type !== "screen_page" || typeof page !== "number") return 0;
  return Number.isInteger(page) && page > 0 && page < BEYOND ? page : 0;
}

function beginsAt(event: RecordedEvent, startedAt: number): number {
  const told = typeof event.start_s === "number" ? event.start_s : event.at - startedAt;
  const stood = typeof event.since === "number" ? event.at - event.since : 0;
  return Math.max(0, told - Math.min(Math.max(0, stood), TOLD_WITHIN_S));
}
