"""Lessons: the timetable, starting, ending, and the tokens that open the door."""

from __future__ import annotations

from itertools import chain
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
from server.lessons.readiness import DeviceReadiness, LineReadiness
from server.lessons.timetable import (
    LessonChanges,
    LessonDraft,
    change_lesson,
    classrooms_to_choose,
    get_visible_lesson,
    list_lessons,
    plan_lesson,
    plan_series,
    refuse_unplannable,
)
from server.lessons.told import SeatTold, classrooms_of, seats_told
from server.services import DELETION, Services
from signaling.protocol.messages import Mode, Role

router = area("lessons", prefix="/api/lessons")

MOST_TIMES = 30  # of a series: a school's term has some twenty weeks

Rooms = Annotated[list[Id], Field(min_length=1, max_length=64)]
Starts = Annotated[list[Moment], Field(min_length=1, max_length=MOST_TIMES)]


class PlanBody(Body):
    title: Title
    subject: Word = ""
    grade: Word = ""
    mode: Mode = Mode.BLENDED
    community_id: Id
    lead_classroom_id: Id
    room_classroom_ids: Rooms
    record: bool = True

    def draft(self, starts_at: float | None) -> LessonDraft:
        """The lesson at this time (None: now)."""
        return LessonDraft(
            title=self.title,
            subject=self.subject,
            grade=self.grade,
            mode=self.mode,
            community_id=self.community_id,
            lead_classroom_id=self.lead_classroom_id,
            room_classroom_ids=tuple(self.room_classroom_ids),
            starts_at=starts_at,
            record=self.record,
        )


class LessonBody(PlanBody):
    starts_at: Moment | None = None


class SeriesBody(PlanBody):
    starts: Starts


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


class ReadinessView(View):
    """As the room's own page has found it a moment ago."""

    camera: DeviceReadiness
    sound: DeviceReadiness
    line: LineReadiness
    rtt_ms: float | None


class SeatReadinessView(View):
    """`readiness` is null where the room has said nothing of late: it is away, or in a lesson."""

    seat_id: str
    classroom_id: str | None
    online: bool
    readiness: ReadinessView | None


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


def _seat_readiness(services: Services, seat: SeatTold, online: bool) -> SeatReadinessView:
    said = services.readiness.of(seat.classroom_id or "", services.steady())
    return SeatReadinessView(
        seat_id=seat.seat_id,
        classroom_id=seat.classroom_id,
        online=online,
        readiness=None
        if said is None
        else ReadinessView(
            camera=said.camera, sound=said.sound, line=said.line, rtt_ms=said.rtt_ms
        ),
    )


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
    draft = body.draft(body.starts_at)
    if draft.starts_at is None:
        async with services.database.read() as session:
            await refuse_unplannable(session, person, draft)
        await services.lessons.free_classrooms([draft.lead_classroom_id, *draft.room_classroom_ids])
    async with services.database.write() as session:
        lesson = await plan_lesson(session, person, draft, now=services.clock())
        if draft.starts_at is None:
            await services.lessons.open(session, lesson)
        return await _view(session, services, person, lesson)


@router.post("/series", status_code=201)
async def create_series(body: SeriesBody, person: Person, services: ServicesOf) -> list[LessonView]:
    """Plan a lesson at several times, say every week: each a lesson of its own; all or none."""
    async with services.database.write() as session:
        made = await plan_series(
            session, person, body.draft(None), body.starts, now=services.clock()
        )
        return await lesson_views(session, services, person, made)


@router.get("/clashes")
async def clashes(
    person: Person,
    services: ServicesOf,
    classroom: Annotated[list[Id], Query(max_length=64)],
    starts_at: Annotated[list[Moment] | None, Query(max_length=MOST_TIMES)] = None,
    but: Annotated[Id | None, Query()] = None,
) -> list[ClashView]:
    """Which lessons need these classrooms, or the teacher, at the times that are being chosen for
    a lesson of mine (or now); with `but`, for that lesson, which is in nobody's way. Of classrooms
    that I could not choose nothing is told.
    """
    now = services.clock()
    async with services.database.read() as session:
        teacher_id: str | None = person.id
        rooms = set(await classrooms_to_choose(session, person, classroom))
        if but is not None:
            lesson = await get_visible_lesson(session, person, but)
            teacher_id = lesson.teacher_id
            rooms.update(classrooms_of(lesson))
        asked = [one for one in classroom if one in rooms]
        bookings = [Booking(but or "", asked, at, teacher_id) for at in starts_at or [now]]
        found = await find_clashes(session, bookings, now=now)
    return [clash_view(clash) for clash in dict.fromkeys(chain.from_iterable(found))]


@router.get("/{lesson_id}")
async def lesson(lesson_id: Id, person: Person, services: ServicesOf) -> LessonView:
    """One lesson."""
    async with services.database.read() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        return await _view(session, services, person, lesson)


@router.get("/{lesson_id}/readiness")
async def readiness(lesson_id: Id, person: Person, services: ServicesOf) -> list[SeatReadinessView]:
    """How each room of a lesson is before the bell: whether it is there; camera, sound, line."""
    async with services.database.read() as session:
        seats = seats_told(await get_visible_lesson(session, person, lesson_id))
    online = await services.rooms.online()
    return [_seat_readiness(services, seat, seat.classroom_id in online) for seat in seats]


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


@router.post("/{lesson_id}/restore")
async def restore_lesson(lesson_id: Id, person: Person, services: ServicesOf) -> LessonView:
    """A cancelled lesson stands in the timetable again (within the time for undoing deletions).

    What stands there stays as it is: two windows may both undo.
    """
    async with services.database.write() as session:
        lesson = await get_visible_lesson(session, person, lesson_id, cancelled=True)
        refuse_without(Right.CHANGE, person, lesson.teacher_id)
        if lesson.deleted_at is not None:
            await DELETION.restore(session, "lessons", lesson.id)
        return await _view(session, services, person, lesson)


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
