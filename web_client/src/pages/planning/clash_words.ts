// What collides with a lesson, in words: whose other lesson it is, where, and what to do. Pure.

import type { Clash } from "../../api/types.ts";
import { list, timeOfDay } from "../../i18n/format.ts";
import type { Messages } from "../../i18n/index.ts";

/** A sentence for each other lesson: that one's own is told to its teacher as theirs. */
export function clashWords(m: Messages, clashes: readonly Clash[], userId: string): string[] {
  const others = new Map<string, Clash[]>();
  for (const clash of clashes) {
    others.set(clash.lesson_id, [...(others.get(clash.lesson_id) ?? []), clash]);
  }
  return [...others.values()].map((all) => oneClash(m, all, userId));
}

function oneClash(m: Messages, all: readonly Clash[], userId: string): string {
  const { planning } = m;
  const [other] = all;
  if (!other) return "";
  const { title, teacher, state } = other;
  const time = timeOfDay(other.starts_at);
  const mine = other.teacher_id === userId;
  const places = all.map((clash) => clash.place).filter(Boolean);
  if (places.length === 0) {
    if (!mine) return planning.teacherElsewhere(title, teacher, time);
    return state === "live" ? planning.mineElsewhereNow(title, time) : planning.mineElsewhere(title, time);
  }
  const where = list(places);
  if (mine && state === "live") return planning.mineNow(where, title, time);
  if (mine) return planning.mine(where, title, time);
  if (state === "live") return planning.takenNow(where, title, teacher, time);
  return planning.taken(where, title, teacher, time);
}

/** What to do about it. */
export function clashHint(m: Messages, clashes: readonly Clash[], userId: string): string {
  const { planning } = m;
  const live = clashes.filter((clash) => clash.teacher_id === userId && clash.state === "live");
  if (live.length === clashes.length) return planning.endYours;
  return clashes.every((clash) => clash.teacher_id === userId)
    ? planning.moveOne
    : planning.clashHint;
}
