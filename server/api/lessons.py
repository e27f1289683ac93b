"""Lessons: the timetable, starting, ending, and the tokens that open the door."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.permissions import Right, refuse_without
from server.api.access import Person, ServicesOf
from server.api.areas import area
from server.api.fields import Body, Id, Moment, Title, View, Word
from server.api.lesson_views import ClashView, LessonView, clash_view, lesson_views
from server.api.pages import Pages
from server.database.models import Lesson, LessonPhase, User
from server.lessons.admission import admit
from server.lessons.clashes import Booking, find_clashes
from server.lessons.timetable import (
    LessonChanges,
    LessonDraft,
    change_lesson,
    get_visible_lesson,
    list_lessons,
    plan_lesson,
)
from server.lessons.told import classrooms_of
from server.services import DELETION, Services
from signaling.protocol.messages import Mode, Role

router = area("lessons", prefix="/api/lessons")

Rooms = Annotated[list[Id], Field(min_length=1, max_length=64)]


class LessonBody(Body):
    title: Title
    subject: Word = ""
    grade: Word = ""
    mode: Mode = Mode.BLENDED
    community_id: Id
    lead_classroom_id: Id
    room_classroom_ids: Rooms
    starts_at: Moment | None = None
    record: bool = True


class LessonChange(Body):
    title: Title | None = None
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


async def _view(
    session: AsyncSession, services: Services, person: User, lesson: Lesson
) -> LessonView:
    (view,) = await lesson_views(session, services, person, [lesson])
    return view


@router.get("")
async def lessons(
    person: Person,
    services: ServicesOf,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    state: LessonPhase | None = None,
    *,
    pages: Pages,
) -> list[LessonView]:
    """The lessons I may see, a page at a time: the last ones first, each page in the order of
    their start.
    """
    async with services.database.read() as session:
        found = await list_lessons(
            session, person, since=since, until=until, state=state, asked=pages.asked
        )
        return await lesson_views(session, services, person, pages.rows(found))


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
        return await _view(session, services, person, lesson)


@router.get("/clashes")
async def clashes(
    services: ServicesOf,
    classroom: Annotated[list[Id], Query(max_length=64)],
    starts_at: Moment | None = None,
) -> list[ClashView]:
    """Which lessons need these classrooms at the time that is being chosen for one (or now)."""
    now = services.clock()
    booking = Booking("", classroom, now if starts_at is None else starts_at)
    async with services.database.read() as session:
        found = await find_clashes(session, [booking], now=now)
    return [clash_view(clash) for clash in found[booking.lesson_id]]


@router.get("/{lesson_id}")
async def lesson(lesson_id: Id, person: Person, services: ServicesOf) -> LessonView:
    """One lesson."""
    async with services.database.read() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        return await _view(session, services, person, lesson)


@router.patch("/{lesson_id}")
async def update_lesson(
    lesson_id: Id, body: LessonChange, person: Person, services: ServicesOf
) -> LessonView:
    """Change a lesson: all of it while it is planned, its words later."""
    rooms = body.room_classroom_ids
    changes = LessonChanges(
        **{**dict(body), "room_classroom_ids": None if rooms is None else tuple(rooms)}
    )
    async with services.database.write() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        refuse_without(Right.CHANGE, person, lesson.teacher_id)
        await change_lesson(session, lesson, changes, now=services.clock())
        return await _view(session, services, person, lesson)


@router.delete("/{lesson_id}", status_code=204)
async def delete_lesson(lesson_id: Id, person: Person, services: ServicesOf) -> None:
    """Delete a lesson that is not going on."""
    async with services.database.write() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        refuse_without(Right.CHANGE, person, lesson.teacher_id)
        await DELETION.delete(session, lesson, services.clock())


@router.post("/{lesson_id}/start")
async def start_lesson(lesson_id: Id, person: Person, services: ServicesOf) -> LessonView:
    """Start now, whatever the timetable says. Starting a live lesson changes nothing."""
    async with services.database.read() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        refuse_without(Right.CHANGE, person, lesson.teacher_id)
    if lesson.state is LessonPhase.PLANNED:
        await services.lessons.free_classrooms(classrooms_of(lesson), but=lesson.id)
    async with services.database.write() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        await services.lessons.open(session, lesson)
        return await _view(session, services, person, lesson)


@router.post("/{lesson_id}/take-over")
async def take_over(lesson_id: Id, person: Person, services: ServicesOf) -> LessonView:
    """Be its teacher from now on: a lesson without one, or one that nobody leads."""
    await services.lessons.take_over(person, lesson_id)
    async with services.database.read() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        return await _view(session, services, person, lesson)


@router.post("/{lesson_id}/end")
async def end_lesson(lesson_id: Id, person: Person, services: ServicesOf) -> LessonView:
    """End a live lesson for all: its teacher's, and the school's while nobody leads it.

    Ending an ended one changes nothing.
    """
    await services.lessons.end_for(person, lesson_id)
    async with services.database.read() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        return await _view(session, services, person, lesson)


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
