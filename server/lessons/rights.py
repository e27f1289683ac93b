"""What a person may do with a lesson now, from outside it: change, lead, end it, take it over.

For whom each of these is stands in the table (`server.accounts.permissions`); here is what somebody
is to a lesson, and what its state allows. A lesson that nobody leads is the school's: a colleague
(of the school of the lead's classroom, or of its teacher) may take it over, or end it.
"""

from __future__ import annotations

from server.accounts.permissions import (
    RIGHTS,
    SEATS,
    Right,
    Standing,
    only_for,
    rights_by,
    standings_of,
)
from server.database.models import Lesson, LessonPhase, User, UserRole
from server.errors import Refusal, Text
from server.lessons.told import schools_leading, teacher_name, teacher_of
from signaling.protocol.messages import EndReason, Role


def is_its_teacher(user: User, lesson: Lesson) -> bool:
    """Whether this person may lead the lesson."""
    return bool(SEATS[Role.LEAD] & standings_of(user, lesson.teacher_id))


def is_colleague(user: User, lesson: Lesson) -> bool:
    """Whether this person is of the school whose lesson it is."""
    return user.school_id is not None and user.school_id in schools_leading(lesson)


def rights_of(user: User, lesson: Lesson, *, led: bool) -> set[Right]:
    """What this person may do with the lesson now; `led` says whether somebody leads it."""
    live = lesson.state is LessonPhase.LIVE
    deserted = not led if live else teacher_of(lesson) is None
    standings = standings_of(user, lesson.teacher_id)
    if deserted and is_colleague(user, lesson):
        standings |= {Standing.COLLEAGUE}
    possible = set()
    if lesson.state is not LessonPhase.ENDED:
        possible.add(Right.CHANGE)
        if live:
            possible.add(Right.END)
        if (live or deserted) and lesson.teacher_id != user.id:
            possible.add(Right.TAKE_OVER)
    return possible & rights_by(standings)


def end_reason(user: User, lesson: Lesson) -> EndReason:
    """Whose doing it is when this person ends the lesson."""
    if lesson.teacher_id == user.id:
        return "by-lead"
    return "by-administrator" if user.role is UserRole.ADMINISTRATOR else "by-colleague"


def not_yours(right: Right, lesson: Lesson, *, led: bool) -> Refusal:
    """The refusal (403, 409) for a colleague, or a stranger, who may not take it over or end it."""
    if led:
        name = teacher_name(lesson)
        return Refusal(
            409,
            "lesson-is-led",
            Text(
                f"{name}正在主讲这节课。",
                f"{name} is leading this lesson.",
            ),
        )
    return only_for(RIGHTS[right])
