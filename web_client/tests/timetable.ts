// A lesson of the timetable, as the server tells it.

import type { Clash, Lesson } from "../src/api/types.ts";

/** Another lesson that needs a classroom at the same time. */
export function clashWith(id: string, more: Partial<Clash> = {}): Clash {
  return {
    lesson_id: id,
    title: "Fractions",
    teacher: "Ms Wang",
    teacher_id: "w",
    state: "planned",
    starts_at: 5000,
    classroom_id: "k1",
    place: "B One",
    ...more,
  };
}

export function planned(id: string, more: Partial<Lesson> = {}): Lesson {
  const seat = { name: "Lead", school: "A", gone: false };
  return {
    id,
    title: id,
    subject: "",
    grade: "",
    mode: "blended",
    state: "planned",
    starts_at: 1000,
    started_at: null,
    ended_at: null,
    record: true,
    community_id: "c",
    teacher: { id: "t", display_name: "Ms Li" },
    seats: [
      { ...seat, seat_id: "lead", role: "lead", classroom_id: "k0" },
      { ...seat, seat_id: "room-1", role: "room", classroom_id: "k1", name: "One", school: "B" },
      { ...seat, seat_id: "room-2", role: "room", classroom_id: "k2", name: "Two", school: "C" },
    ],
    clashes: [],
    waits: null,
    may: [],
    ...more,
  };
}
