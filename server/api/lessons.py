"""Lessons: the timetable, starting, ending, and the tokens that open the door."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from server.accounts.access import Person, ServicesOf
from server.api.fields import Body, Id, Moment, Name, View, Word
from server.database.deletion import delete_row
from server.database.models import Lesson, LessonPhase
from server.errors import Refusal, Text
from server.lessons.admission import admit
from server.lessons.timetable import (
    LessonDraft,
    change_lesson,
    draft_of,
    get_visible_lesson,
    list_lessons,
    plan_lesson,
    refuse_others,
)
from signaling.protocol.messages import Mode, Role

router = APIRouter(prefix="/api/lessons", tags=["lessons"])

Rooms = Annotated[list[Id], Field(min_length=1, max_length=64)]


class TeacherView(View):
    id: str | None
    display_name: str


class SeatView(View):
    seat_id: str
    role: str
    classroom_id: str | None
    name: str
    school: str


class LessonView(View):
    id: str
    title: str
    subject: str
    grade: str
    mode: Mode
    state: LessonPhase
    starts_at: float
    started_at: float | None
    ended_at: float | None
    record: bool
    community_id: str | None
    teacher: TeacherView
    seats: list[SeatView]


class LessonBody(Body):
    title: Name
    subject: Word = ""
    grade: Word = ""
    mode: Mode = Mode.BLENDED
    community_id: Id
    lead_classroom_id: Id
    room_classroom_ids: Rooms
    starts_at: Moment | None = None
    record: bool = True


class LessonChange(Body):
    title: Name | None = None
    subject: Word | None = None
    grade: Word | None = None
    mode: Mode | None = None
    community_id: Id | None = None
    lead_classroom_id: Id | None = None
    room_classroom_ids: Rooms | None = None
    starts_at: Moment | None = None
    record: bool | None = None


class TokenBody(Body):
    role: Role
    seat_id: Id | None = None


class TokenView(View):
    token: str
    expires_at: float
    lesson_id: str
    seat_id: str


def lesson_view(lesson: Lesson) -> LessonView:
    """A lesson as the API tells it."""
    return LessonView(
        id=lesson.id,
        title=lesson.title,
        subject=lesson.subject,
        grade=lesson.grade,
        mode=Mode(lesson.mode),
        state=lesson.state,
        starts_at=lesson.starts_at,
        started_at=lesson.started_at,
        ended_at=lesson.ended_at,
        record=lesson.record,
        community_id=lesson.community_id,
        teacher=TeacherView(id=lesson.teacher_id, display_name=lesson.teacher_name),
        seats=[
            SeatView(
                seat_id=seat.seat_id,
                role=seat.role,
                classroom_id=seat.classroom_id,
                name=seat.name,
                school=seat.school,
            )
            for seat in lesson.seats
        ],
    )


@router.get("")
async def lessons(
    person: Person,
    services: ServicesOf,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    state: LessonPhase | None = None,
) -> list[LessonView]:
    """The lessons I may see, in the order of their start."""
    async with services.database.read() as session:
        found = await list_lessons(session, person, since=since, until=until, state=state)
    return [lesson_view(lesson) for lesson in found]


@router.post("", status_code=201)
async def create_lesson(body: LessonBody, person: Person, services: ServicesOf) -> LessonView:
    """Plan a lesson, or start one now."""
    draft = LessonDraft(**{**dict(body), "room_classroom_ids": tuple(body.room_classroom_ids)})
    if draft.starts_at is None:
        await services.lessons.free_classrooms([draft.lead_classroom_id, *draft.room_classroom_ids])
    async with services.database.write() as session:
        lesson = await plan_lesson(session, person, draft, now=services.clock())
        if draft.starts_at is None:
            await services.lessons.open(session, lesson)
    return lesson_view(lesson)


@router.get("/{lesson_id}")
async def lesson(lesson_id: Id, person: Person, services: ServicesOf) -> LessonView:
    """One lesson."""
    async with services.database.read() as session:
        return lesson_view(await get_visible_lesson(session, person, lesson_id))


@router.patch("/{lesson_id}")
async def update_lesson(
    lesson_id: Id, body: LessonChange, person: Person, services: ServicesOf
) -> LessonView:
    """Change a lesson: all of it while it is planned, its words later."""
    given = {name: getattr(body, name) for name in body.model_fields_set}
    given = {name: value for name, value in given.items() if value is not None}
    if "room_classroom_ids" in given:
        given["room_classroom_ids"] = tuple(given["room_classroom_ids"])
    async with services.database.write() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        refuse_others(person, lesson)
        await change_lesson(session, lesson, replace(draft_of(lesson), **given))
    return lesson_view(lesson)


@router.delete("/{lesson_id}", status_code=204)
async def delete_lesson(lesson_id: Id, person: Person, services: ServicesOf) -> None:
    """Delete a lesson that is not going on."""
    async with services.database.write() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        refuse_others(person, lesson)
        await delete_row(session, lesson, services.clock())


@router.post("/{lesson_id}/start")
async def start_lesson(lesson_id: Id, person: Person, services: ServicesOf) -> LessonView:
    """Start now, whatever the timetable says. Starting a live lesson changes nothing."""
    async with services.database.read() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        refuse_others(person, lesson)
    if lesson.state is LessonPhase.PLANNED:
        rooms = [seat.classroom_id for seat in lesson.seats if seat.classroom_id]
        await services.lessons.free_classrooms(rooms, but=lesson.id)
    async with services.database.write() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        await services.lessons.open(session, lesson)
    return lesson_view(lesson)


@router.post("/{lesson_id}/end")
async def end_lesson(lesson_id: Id, person: Person, services: ServicesOf) -> LessonView:
    """End a live lesson for all. Ending an ended one changes nothing."""
    async with services.database.read() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        refuse_others(person, lesson)
    if lesson.state is LessonPhase.PLANNED:
        raise Refusal(
            409,
            "lesson-not-open",
            Text("这节课还没有开始。", "This lesson has not begun."),
        )
    if lesson.state is LessonPhase.LIVE:
        await services.lessons.end(lesson_id, "by-lead")
    async with services.database.read() as session:
        return lesson_view(await get_visible_lesson(session, person, lesson_id))


@router.post("/{lesson_id}/token")
async def join_token(
    lesson_id: Id, body: TokenBody, person: Person, services: ServicesOf
) -> TokenView:
    """A join token: the lead's for its teacher, a room's for its school, others for all who see."""
    async with services.database.read() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        identity = await admit(session, person, lesson, body.role, body.seat_id)
    issued = services.tokens.issue(identity, services.clock())
    return TokenView(
        token=issued.token,
        expires_at=issued.expires_at,
        lesson_id=lesson.id,
        seat_id=identity.seat_id,
    )
