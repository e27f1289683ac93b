"""Who may do what with a lesson, from outside it: change, lead, end it, take it over.

Its teacher and administrators may do all. A lesson that nobody leads is the school's: a colleague
(of the school of the lead's classroom, or of its teacher) may take it over, or end it. Who may do
what within a lesson in progress is signaling's.
"""

from __future__ import annotations

from enum import StrEnum

from server.database.models import Lesson, LessonPhase, User, UserRole
from server.errors import Refusal, Text
from server.lessons.told import schools_leading, teacher_name, teacher_of
from signaling.protocol.messages import EndReason


class Right(StrEnum):
    """What somebody may do with a lesson now."""

    CHANGE = "change"  # and start, and cancel
    TAKE_OVER = "take-over"
    END = "end"


def is_its_teacher(user: User, lesson: Lesson) -> bool:
    """Whether this person may change, start, lead and end the lesson."""
    return user.role is UserRole.ADMINISTRATOR or lesson.teacher_id == user.id


def is_colleague(user: User, lesson: Lesson) -> bool:
    """Whether this person is of the school whose lesson it is."""
    return user.school_id is not None and user.school_id in schools_leading(lesson)


def refuse_others(user: User, lesson: Lesson) -> None:
    """Refuses (403) everybody but the lesson's teacher and administrators."""
    if not is_its_teacher(user, lesson):
        raise Refusal(
            403,
            "not-its-teacher",
            Text(
                "只有本课的主讲教师或管理员可以这样做。",
                "Only the lesson's teacher or an administrator may do this.",
            ),
        )


def rights_of(user: User, lesson: Lesson, *, led: bool) -> set[Right]:
    """What this person may do with the lesson now; `led` says whether somebody leads it."""
    if lesson.state is LessonPhase.ENDED:
        return set()
    live = lesson.state is LessonPhase.LIVE
    its, administrator = is_its_teacher(user, lesson), user.role is UserRole.ADMINISTRATOR
    deserted = not led if live else teacher_of(lesson) is None
    may_help = deserted and (administrator or is_colleague(user, lesson))
    rights = set()
    if its:
        rights.add(Right.CHANGE)
    if live and (its or may_help):
        rights.add(Right.END)
    if lesson.teacher_id != user.id and (may_help or (live and administrator)):
        rights.add(Right.TAKE_OVER)
    return rights


def end_reason(user: User, lesson: Lesson) -> EndReason:
    """Whose doing it is when this person ends the lesson."""
    if lesson.teacher_id == user.id:
        return "by-lead"
    return "by-administrator" if user.role is UserRole.ADMINISTRATOR else "by-colleague"


def not_yours(lesson: Lesson, *, led: bool) -> Refusal:
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
    return Refusal(
        403,
        "not-its-teacher",
        Text(
            "只有本课的主讲教师、管理员，或无人主讲时本校的同事可以这样做。",
            "Only the lesson's teacher, an administrator, or while nobody leads it a colleague of "
            "the school may do this.",
        ),
    )
