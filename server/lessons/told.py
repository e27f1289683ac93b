"""What a lesson says of its people and places.

While it is planned they are as they are *now*: a room that was renamed, moved to another school or
given other hardware, a teacher who changed their name. When it opens (or is missed) what it says is
copied into it and stays true when they change. A room that is no more, or whose school has left the
community, is told as `gone` and does not come into the lesson; back in time, it does.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.database.models import (
    Classroom,
    Community,
    Lesson,
    LessonPhase,
    LessonSeat,
    User,
    UserRole,
)
from signaling.protocol.messages import Role


@dataclass(frozen=True, slots=True)
class SeatTold:
    """One seat as it is told. `place` is where it stands; `gone`: nobody can come from there."""

    seat_id: str
    role: Role
    classroom_id: str | None
    name: str
    school: str
    profile: str
    place: str
    gone: bool


def teacher_of(lesson: Lesson) -> User | None:
    """Its teacher; None if there is none any more.

    Of a planned lesson that is neither who has gone to a school outside its community: whoever may
    not plan a lesson in its rooms does not open one there.
    """
    teacher = lesson.teacher
    if teacher is None or teacher.deleted_at is not None:
        return None
    if lesson.state is LessonPhase.PLANNED and not _may_plan(teacher, lesson.community):
        return None
    return teacher


def _may_plan(teacher: User, community: Community | None) -> bool:
    if community is None or teacher.role is UserRole.ADMINISTRATOR:
        return True
    return teacher.school_id in _schools(community)


def _schools(community: Community) -> set[str]:
    return {community.lead_school_id, *(partner.school_id for partner in community.partners)}


def teacher_name(lesson: Lesson) -> str:
    """The teacher's name; the last one that is known."""
    teacher = teacher_of(lesson) if lesson.state is LessonPhase.PLANNED else None
    return lesson.teacher_name if teacher is None else teacher.display_name


def seats_told(lesson: Lesson) -> list[SeatTold]:
    """Its seats in their order."""
    if lesson.state is LessonPhase.PLANNED:
        return [_as_now(lesson, seat) for seat in lesson.seats]
    return [_as_written(seat) for seat in lesson.seats]


def classrooms_of(lesson: Lesson) -> list[str]:
    """The ids of the classrooms it needs."""
    return [seat.classroom_id for seat in seats_told(lesson) if seat.classroom_id]


def schools_leading(lesson: Lesson) -> set[str]:
    """The schools whose lesson it is: that of the lead's classroom, and its teacher's."""
    rooms = [seat.classroom for seat in lesson.seats if seat.role == Role.LEAD]
    schools = {room.school_id for room in rooms if room is not None}
    if lesson.teacher is not None and lesson.teacher.school_id is not None:
        schools.add(lesson.teacher.school_id)
    return schools


def room_of(lesson: Lesson, seat: LessonSeat) -> Classroom | None:
    """The classroom that takes a seat: one that is there, of a school of the community as it is."""
    room, community = seat.classroom, lesson.community
    if room is None or room.deleted_at is not None:
        return None
    if community is None:
        return room
    return room if room.school_id in _schools(community) else None


def write_down(lesson: Lesson, *, but_gone: bool) -> None:
    """Copy what a planned lesson says into it: from now on it is history.

    With `but_gone` the rooms that cannot come are left out; the lead's seat stays without a room.
    """
    told = {seat.seat_id: seat for seat in seats_told(lesson)}
    lesson.teacher_name = teacher_name(lesson)
    for seat in list(lesson.seats):
        now = told[seat.seat_id]
        seat.name, seat.school, seat.profile = now.name, now.school, now.profile
        if now.gone and seat.role == Role.LEAD:
            seat.classroom_id, seat.classroom = None, None
        elif now.gone and but_gone:
            lesson.seats.remove(seat)


def _as_now(lesson: Lesson, seat: LessonSeat) -> SeatTold:
    role, room = Role(seat.role), room_of(lesson, seat)
    name = teacher_name(lesson) if role is Role.LEAD else seat.name
    if room is None:
        return SeatTold(
            seat_id=seat.seat_id,
            role=role,
            classroom_id=None,
            name=name,
            school=seat.school,
            profile=seat.profile,
            place=_place(seat.school, name),
            gone=True,
        )
    return SeatTold(
        seat_id=seat.seat_id,
        role=role,
        classroom_id=room.id,
        name=name if role is Role.LEAD else room.name,
        school=room.school.name,
        profile=room.profile,
        place=_place(room.school.name, room.name),
        gone=False,
    )


def _as_written(seat: LessonSeat) -> SeatTold:
    role = Role(seat.role)
    room = seat.classroom if role is Role.LEAD else None  # its seat has the teacher's name
    return SeatTold(
        seat_id=seat.seat_id,
        role=role,
        classroom_id=seat.classroom_id,
        name=seat.name,
        school=seat.school,
        profile=seat.profile,
        place=_place(seat.school, seat.name if room is None else room.name),
        gone=False,
    )


def _place(school: str, room: str) -> str:
    return f"{school} {room}".strip()
