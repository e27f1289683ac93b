// What the day holds and what somebody should look at. Pure.

import type { Clash, Classroom, Community, Lesson, Recording, School } from "../../api/types.ts";

const SOON_S = 3600; // a room that is off an hour before its lesson can still be switched on

export interface Day {
  readonly at: number;
  readonly lessons: readonly Lesson[];
}

/** Lessons by calendar day, in the order of their start. */
export function daysOf(lessons: readonly Lesson[]): Day[] {
  const days = new Map<string, Lesson[]>();
  for (const lesson of [...lessons].sort((a, b) => a.starts_at - b.starts_at)) {
    const day = new Date(lesson.starts_at * 1000).toDateString();
    days.set(day, [...(days.get(day) ?? []), lesson]);
  }
  return [...days.values()].map((all) => ({ at: all[0]?.starts_at ?? 0, lessons: all }));
}

export type Attention =
  | { kind: "no-schools" }
  | { kind: "no-community" }
  | { kind: "no-teacher"; lesson: string }
  | { kind: "clash"; lesson: string; clashes: readonly Clash[] }
  | { kind: "waits"; lesson: string; zh: string; en: string }
  | { kind: "room-offline"; room: string; lesson: string }
  | { kind: "recording-failed" | "recording-paused"; title: string }
  | { kind: "quota"; community: string; state: "near" | "over" };

export interface Situation {
  readonly schools: readonly School[];
  readonly communities: readonly Community[];
  readonly classrooms: readonly Classroom[];
  readonly lessons: readonly Lesson[];
  readonly recordings: readonly Recording[];
  readonly now: number;
  /** Whoever looks may change what is kept. */
  readonly administers: boolean;
}

export function attentionOf(situation: Situation): Attention[] {
  if (situation.schools.length === 0) return [{ kind: "no-schools" }];
  if (situation.communities.length === 0) return [{ kind: "no-community" }];
  const planned = situation.lessons.filter((lesson) => lesson.state === "planned");
  const unled = planned
    .filter((lesson) => lesson.teacher.id === null)
    .map((lesson) => ({ kind: "no-teacher" as const, lesson: lesson.title }));
  const waiting = planned.flatMap(({ title, teacher, waits }) =>
    waits && teacher.id !== null
      ? [{ kind: "waits" as const, lesson: title, zh: waits.message_zh, en: waits.message_en }]
      : [],
  );
  const clashing = clashesOf(planned);
  const online = new Set(
    situation.classrooms.filter((one) => one.online).map((classroom) => classroom.id),
  );
  const soon = situation.lessons.filter(
    (lesson) =>
      lesson.state === "live" ||
      (lesson.state === "planned" && lesson.starts_at - situation.now < SOON_S),
  );
  const offline = soon.flatMap((lesson) =>
    lesson.seats
      .filter((seat) => seat.role === "room" && seat.classroom_id && !online.has(seat.classroom_id))
      .map((seat) => ({
        kind: "room-offline" as const,
        room: `${seat.school} ${seat.name}`,
        lesson: lesson.title,
      })),
  );
  const failed = situation.recordings
    .filter((recording) => recording.state === "failed")
    .map((recording) => ({ kind: "recording-failed" as const, title: recording.title }));
  const paused = situation.recordings
    .filter((recording) => recording.interrupted?.over === false)
    .map((recording) => ({ kind: "recording-paused" as const, title: recording.title }));
  const quotas = situation.communities.flatMap(({ name, quota }) =>
    situation.administers && (quota === "near" || quota === "over")
      ? [{ kind: "quota" as const, community: name, state: quota }]
      : [],
  );
  return [...unled, ...waiting, ...clashing, ...offline, ...paused, ...failed, ...quotas];
}

/** What each lesson meets; two that meet each other are told of once. */
function clashesOf(planned: readonly Lesson[]): Attention[] {
  const told = new Set<string>();
  return planned.flatMap(({ id, title, clashes }) => {
    const unsaid = clashes.filter((clash) => !told.has(`${clash.lesson_id} ${id}`));
    for (const clash of unsaid) told.add(`${id} ${clash.lesson_id}`);
    return unsaid.length ? [{ kind: "clash" as const, lesson: title, clashes: unsaid }] : [];
  });
}
