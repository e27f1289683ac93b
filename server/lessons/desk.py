"""The desk between the timetable and the lessons in progress.

Opens a lesson when its time has come or its teacher says so (if the server has room and its
classrooms are free), keeps signaling's state over a crash (`signaling.ports.LessonStore`), and ends
what was forgotten before anybody joined. A lesson that somebody has joined ends by signaling's own
rules. Of lessons that another node holds it knows what the database says, and leaves them alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.permissions import Right
from server.clock import Clock
from server.database.engine import Database
from server.database.models import Lesson, LessonPhase, LessonSeat, LessonSnapshot, User
from server.errors import Refusal, Text
from server.lessons.bars import UnwrittenBars, saved_state
from server.lessons.endings import Ending, Endings
from server.lessons.live import LiveLessons
from server.lessons.ownership import Ownership
from server.lessons.presence import find_unwelcome, refusal_of_token
from server.lessons.rights import end_reason, is_its_teacher, not_yours, rights_of
from server.lessons.timetable import (
    get_visible_lesson,
    give_to,
    lessons_due,
    lessons_in_progress,
)
from server.lessons.told import classrooms_of, seats_told, teacher_of, write_down
from server.node.hardware import first_layout, load_send_profile
from signaling.errors import LessonRefusal
from signaling.ports import Identity, LessonPlan, SeatPlan
from signaling.protocol.messages import EndReason, Layout, Mode, RemovalCode, Role
from signaling.protocol.refusals import REFUSALS

YIELDS_AFTER_S = 300.0  # a lead with a broken line is back before that, or not at all
KEPT_WITHIN_S = 1.0  # a database that takes it answers sooner
KEEP_WAIT_S = 0.3  # the lesson waits for it, and the file takes what the database does not
SAVE_WAIT_S = 1.0  # signaling tries again by itself, and an ending lesson waits for its last saving
MISSED_AFTER_S = 3600.0  # the server was down, or the rooms busy, for the whole lesson

_log = structlog.get_logger("tongke.lessons")


class LessonDesk:
    """Opens and ends lessons; keeps what signaling saves. `live` is given after it is made."""

    live: LiveLessons

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        lessons_admitted: int,
        devices_admitted: int,
        doors_open_s: float,
        empty_lesson_s: float,
        away_grace_s: float,
        endings: Endings,
        bars: UnwrittenBars,
        ownership: Ownership,
        profile_folders: Sequence[Path] = (),
    ) -> None:
        self._database = database
        self._endings = endings
        self._bars = bars
        self._ownership = ownership
        self._clock = clock
        self.lessons_admitted = lessons_admitted
        self._devices_admitted = devices_admitted
        self._doors_open_s = doors_open_s
        self._empty_lesson_s = empty_lesson_s
        # As long as a lead's place is kept for a device whose line is lost, the lesson is led.
        self._deserted_after_s = away_grace_s
        self._profile_folders = profile_folders
        self._began_at = clock()
        self._savings: set[asyncio.Task[None]] = set()
        self._led_at: dict[str, float] = {}  # when a live lesson's lead was last seen
        self._in_person_at: dict[str, float] = {}  # when somebody led it, if anybody ever did
        self._elsewhere: Set[str] = frozenset()  # live lessons that other nodes hold
        self._waiting: dict[str, Refusal] = {}  # due lessons that could not open, and why

    # --- signaling.ports.LessonStore ------------------------------------------------------

    async def plan(self, lesson_id: str) -> LessonPlan | None:
        """The plan of a lesson that may be joined now: a live one, which is ours from now on.

        Refuses one that another node holds.
        """
        async with self._database.read() as session:
            lesson = await session.get(Lesson, lesson_id)
            if lesson is None or not _is_live(lesson):
                return None
            if not await self._ownership.claim(lesson_id):
                raise LessonRefusal("lesson-elsewhere")
            return self._plan_of(lesson)

    async def is_live(self, lesson_id: str) -> bool:
        """Whether the lesson is in progress, here or elsewhere."""
        async with self._database.read() as session:
            lesson = await session.get(Lesson, lesson_id)
            return lesson is not None and _is_live(lesson)

    async def refusal_of(self, identity: Identity) -> RemovalCode | None:
        """Why who bears this token may not come in any more; None if they may."""
        async with self._database.read() as session:
            return await refusal_of_token(session, identity)

    async def load_state(self, lesson_id: str) -> str | None:
        """What signaling saved last, None if nothing yet."""
        async with self._database.read() as session:
            return await saved_state(session, lesson_id)

    async def save_state(self, lesson_id: str, state: str) -> None:
        """Keep signaling's state of a live lesson of ours; of others there is nothing to keep."""
        if not await self._ownership.claim(lesson_id):
            return
        await self._save_state(lesson_id, state, SAVE_WAIT_S)

    async def keep_bars(self, lesson_id: str, state: str) -> None:
        """Keep who is let in no more: with all of the state, or while that cannot be, alone."""
        if not await self._ownership.claim(lesson_id):
            return
        self._bars.add(lesson_id, state)
        # A database that hangs refuses nothing: it goes on by itself, if it ever does.
        saving = asyncio.create_task(self._save_state(lesson_id, state, KEEP_WAIT_S))
        self._savings.add(saving)
        saving.add_done_callback(self._savings.discard)
        done, _ = await asyncio.wait({saving}, timeout=KEPT_WITHIN_S)
        error = saving.exception() if done else TimeoutError(f"after {KEPT_WITHIN_S} s")
        if error is not None:  # whatever it is: the bars must not be lost by it
            _log.warning("bars are not in the database yet", lesson=lesson_id, why=repr(error))
            await self._bars.keep()

    async def _save_state(self, lesson_id: str, state: str, wait_s: float) -> None:
        async with self._database.write(wait_s=wait_s) as session:
            lesson = await session.get(Lesson, lesson_id)
            if lesson is not None and lesson.state is LessonPhase.LIVE:
                await session.merge(
                    LessonSnapshot(lesson_id=lesson_id, state=state, saved_at=self._clock())
                )
        await self._bars.saved(lesson_id, state)

    async def ended(self, lesson_id: str, at: float, reason: str) -> None:
        """The lesson is over, whether the database can be written now or not.

        It is so from this call on, before anything is waited for.
        """
        self._led_at.pop(lesson_id, None)
        self._in_person_at.pop(lesson_id, None)
        _log.info("lesson ended", lesson=lesson_id, reason=reason)
        await self._endings.add(Ending(lesson_id, at, reason))
        await self._bars.written(lesson_id)

    # --- opening and ending ---------------------------------------------------------------

    async def end(self, lesson_id: str, reason: EndReason) -> None:
        """End a live lesson: those who are in it are told, and the timetable says so.

        Refuses (409) one that another node holds.
        """
        if await self._is_elsewhere(lesson_id):
            raise _elsewhere()
        begun = lesson_id in self.live.present() or await self.load_state(lesson_id) is not None
        if begun:  # signaling closes it, its recording is finished, and `ended` is called
            try:
                await self.live.end(lesson_id, reason)
            except LessonRefusal as refusal:
                _log.warning("lesson could not be closed", lesson=lesson_id, why=refusal.code)
        async with self._database.read() as session:
            lesson = await session.get(Lesson, lesson_id)
        if lesson is not None and lesson.state is LessonPhase.LIVE:
            await self.ended(lesson_id, self._clock(), reason)

    async def free_classrooms(self, classroom_ids: Sequence[str], *, but: str = "") -> None:
        """End the live lessons there whose lead has been away for long: forgotten ones make way.

        Call it before `open`, outside any transaction.
        """
        async with self._database.read() as session:
            busy = await _live_in(session, classroom_ids, but=but)
        led = self.live.led()
        for lesson in busy:
            if not await self._is_elsewhere(lesson.id) and not self._is_led(lesson.id, led):
                await self.end(lesson.id, "made-way")

    async def open(self, session: AsyncSession, lesson: Lesson) -> None:
        """A planned lesson goes live with its people and places as they are now.

        An already live one stays as it is. Refuses (409) an ended lesson, one without a teacher or
        without rooms, and a classroom that is in another lesson, (503) one more lesson than this
        server's profile admits it.
        """
        if lesson.state is LessonPhase.LIVE:
            return
        if lesson.state is LessonPhase.ENDED:
            raise Refusal(409, "lesson-over", Text("这节课已经结束。", "This lesson is over."))
        _refuse_incomplete(lesson)
        live = [one.id for one in await lessons_in_progress(session)]
        self._refuse_too_many(lesson, len([one for one in live if one not in self._elsewhere]))
        classroom_ids = classrooms_of(lesson)
        for other in await _live_in(session, classroom_ids, but=lesson.id):
            seat = next(s for s in seats_told(other) if s.classroom_id in classroom_ids)
            raise Refusal(
                409,
                "classroom-busy",
                Text(
                    f"“{seat.place}”正在上另一节课“{other.title}”（{other.teacher_name}）。"
                    "请先结束那节课，或换一间教室。",
                    f"“{seat.place}” is in another lesson, “{other.title}” "
                    f"({other.teacher_name}). "
                    "End that lesson first, or choose another classroom.",
                ),
            )
        if not await self._ownership.claim(lesson.id):
            raise _elsewhere()
        now = self._clock()
        write_down(lesson, but_gone=True)
        lesson.state = LessonPhase.LIVE
        lesson.started_at = now
        self._led_at[lesson.id] = now
        self._waiting.pop(lesson.id, None)
        await session.flush()
        _log.info("lesson open", lesson=lesson.id, title=lesson.title)

    async def remove_unwelcome(self) -> None:
        """Put those out of the live lessons who may not be there any more.

        Called every few seconds, and at once after a change of who may: outside any transaction.
        """
        seated = self.live.seated_devices()
        there = {lesson_id: devices for lesson_id, devices in seated.items() if devices}
        if not there:
            return
        async with self._database.read() as session:
            found = await find_unwelcome(session, there)
        for lesson_id, devices in found.items():
            for device_id, code in devices.items():
                _log.info("device put out", lesson=lesson_id, device=device_id, why=code)
                await self.live.remove(lesson_id, [device_id], code, bars=False)

    async def readmit(self, lesson_id: str, seat_id: str) -> None:
        """Let those in again who were put out of a seat of a live lesson; refuses others."""
        with _told_in_both_languages():
            await self.live.readmit(lesson_id, seat_id)

    async def put_out(self, lesson_id: str, device_id: str) -> None:
        """Put a device out of a live lesson, and its bearer for good; refuses one that is over."""
        with _told_in_both_languages():
            code = RemovalCode.BY_ADMINISTRATOR
            await self.live.remove(lesson_id, [device_id], code, bars=True)

    def is_led(self, lesson: Lesson) -> bool:
        """Whether somebody leads this lesson in person, or did until a moment ago."""
        if lesson.id in self._elsewhere:
            return True  # who knows better is asked there
        self._note_who_leads(self.live.led())
        led_at = self._in_person_at.get(lesson.id)
        if led_at is None and lesson.started_at is not None and lesson.started_at < self._began_at:
            led_at = self._began_at  # the server was away, and whoever led it is on the way back
        return led_at is not None and self._clock() - led_at < self._deserted_after_s

    def waits_for(self, lesson_id: str) -> Refusal | None:
        """Why a lesson whose time has come has not opened; None if it does not wait."""
        return self._waiting.get(lesson_id)

    async def take_over(self, user: User, lesson_id: str) -> None:
        """This person is the lesson's teacher from now on; in a live lesson all are told.

        Refuses (403) strangers, (409) a lesson that somebody leads, or that is over.
        """
        async with self._database.write() as session:
            lesson = await get_visible_lesson(session, user, lesson_id)
            if lesson.state is LessonPhase.ENDED:
                raise Refusal(409, "lesson-over", Text("这节课已经结束。", "This lesson is over."))
            if lesson.teacher_id == user.id:
                return
            led = self.is_led(lesson)
            if Right.TAKE_OVER not in rights_of(user, lesson, led=led):
                raise not_yours(Right.TAKE_OVER, lesson, led=led)
            give_to(lesson, user)
        _log.info("lesson taken over", lesson=lesson_id, teacher=user.username)
        if lesson.state is LessonPhase.LIVE:
            await self.live.rename_lead(lesson_id, user.display_name)
            await self.remove_unwelcome()

    async def end_for(self, user: User, lesson_id: str) -> None:
        """This person ends a live lesson for all; an ended one stays as it is.

        Refuses (403) strangers, (409) a lesson that another leads, or that has not begun.
        """
        async with self._database.read() as session:
            lesson = await get_visible_lesson(session, user, lesson_id)
        if lesson.state is LessonPhase.ENDED:  # two press the button at once
            return
        led = self.is_led(lesson)
        if Right.END not in rights_of(user, lesson, led=led):
            if lesson.state is LessonPhase.PLANNED and is_its_teacher(user, lesson):
                raise Refusal(
                    409, "lesson-not-open", Text("这节课还没有开始。", "This lesson has not begun.")
                )
            raise not_yours(Right.END, lesson, led=led)
        await self.end(lesson_id, end_reason(user, lesson))

    async def keep_time(self) -> None:
        """Open what is due, end what was forgotten. Called every few seconds."""
        await self.remove_unwelcome()
        now = self._clock()
        async with self._database.read() as session:
            live = await lessons_in_progress(session)
            due = await lessons_due(session, by=now + self._doors_open_s)
        present, led = self.live.present(), self.live.led()
        self._note_who_leads(led)
        ours = await self._hold(live)
        self._waiting = {one.id: self._waiting[one.id] for one in due if one.id in self._waiting}
        for lesson in ours:
            forgotten = not self._is_led(lesson.id, led) and lesson.id not in present
            if forgotten and now - self._led_at[lesson.id] >= self._empty_lesson_s:
                await self.end(lesson.id, "timed-out")
        for lesson in due:
            await self._open_due(lesson, now)

    async def _hold(self, live: Sequence[Lesson]) -> list[Lesson]:
        """Those of the lessons in progress that are ours: what was so, and what is nobody's."""
        held = await self._ownership.renew([lesson.id for lesson in live])
        ours = [one for one in live if one.id in held or await self._ownership.claim(one.id)]
        self._elsewhere = {one.id for one in live} - {one.id for one in ours}
        for lesson_id in self._elsewhere & self.live.present().keys():
            _log.error("another node holds a lesson of ours: it goes on there", lesson=lesson_id)
            await self.live.let_go(lesson_id)
        return ours

    async def _is_elsewhere(self, lesson_id: str) -> bool:
        return await self._ownership.owner_of(lesson_id) not in {None, self._ownership.node_id}

    async def _open_due(self, lesson: Lesson, now: float) -> None:
        await self.free_classrooms(classrooms_of(lesson), but=lesson.id)
        try:
            async with self._database.write() as session:
                fresh = await session.get(Lesson, lesson.id)
                if fresh is None or fresh.deleted_at or fresh.state is not LessonPhase.PLANNED:
                    return
                if now - fresh.starts_at > MISSED_AFTER_S:
                    write_down(fresh, but_gone=False)
                    _close(fresh, now, "missed")
                    self._waiting.pop(fresh.id, None)
                    _log.warning("lesson never held", lesson=fresh.id, title=fresh.title)
                else:
                    await self.open(session, fresh)
        except Refusal as refusal:
            before, self._waiting[lesson.id] = self._waiting.get(lesson.id), refusal
            if before is None or before.text != refusal.text:
                _log.warning("due lesson waits", lesson=lesson.id, why=refusal.text.en)

    def _note_who_leads(self, led: Set[str]) -> None:
        self._in_person_at |= dict.fromkeys(led, self._clock())

    def _is_led(self, lesson_id: str, led: Set[str]) -> bool:
        """Whether the lead is there in person, or was a moment ago."""
        now = self._clock()
        if lesson_id in led:
            self._led_at[lesson_id] = now
        return now - self._led_at.setdefault(lesson_id, now) < YIELDS_AFTER_S

    def _refuse_too_many(self, lesson: Lesson, live: int) -> None:
        if live >= self.lessons_admitted:
            raise Refusal(
                503,
                "server-full",
                Text(
                    f"服务器最多同时进行 {self.lessons_admitted} 节课，现已满。请稍后再试。",
                    f"This server holds {self.lessons_admitted} lessons at a time and is full. "
                    "Try again when one has ended.",
                ),
                retry_after_s=60,
            )
        if len([seat for seat in seats_told(lesson) if not seat.gone]) > self._devices_admitted:
            raise Refusal(
                503,
                "lesson-too-large",
                Text(
                    f"这台服务器每节课最多 {self._devices_admitted} 台设备，请减少教室。",
                    f"This server admits {self._devices_admitted} devices in a lesson: "
                    "choose fewer rooms.",
                ),
            )

    def _plan_of(self, lesson: Lesson) -> LessonPlan:
        mode = Mode(lesson.mode)
        return LessonPlan(
            lesson_id=lesson.id,
            title=lesson.title,
            mode=mode,
            started_at=lesson.started_at or lesson.starts_at,
            record=lesson.record,
            seats=tuple(
                SeatPlan(
                    seat_id=seat.seat_id,
                    role=Role(seat.role),
                    name=seat.name,
                    school=seat.school,
                    profile=load_send_profile(
                        seat.profile, mode, Role(seat.role), self._profile_folders
                    ),
                )
                for seat in lesson.seats
            ),
            layout=next(
                (
                    first_layout(seat.profile, self._profile_folders)
                    for seat in lesson.seats
                    if seat.role == Role.LEAD
                ),
                Layout.SPEAKER,
            ),
        )


@contextmanager
def _told_in_both_languages() -> Iterator[None]:
    try:
        yield
    except LessonRefusal as refusal:
        text = REFUSALS[refusal.code]
        raise Refusal(text.status, refusal.code, Text(text.zh, text.en)) from None


def _refuse_incomplete(lesson: Lesson) -> None:
    if teacher_of(lesson) is None:
        raise Refusal(
            409,
            "no-teacher",
            Text(
                "这节课没有主讲教师。请本校的一位教师接手。",
                "This lesson has no teacher. A teacher of the school has to take it over.",
            ),
        )
    if all(seat.gone for seat in seats_told(lesson) if seat.role is Role.ROOM):
        raise Refusal(
            409,
            "no-rooms",
            Text(
                "这节课的教室都已不存在。请重新安排教室。",
                "None of this lesson's rooms is there any more. Give it others.",
            ),
        )


def _is_live(lesson: Lesson) -> bool:
    return lesson.deleted_at is None and lesson.state is LessonPhase.LIVE


def _elsewhere() -> Refusal:
    text = REFUSALS["lesson-elsewhere"]
    return Refusal(409, "lesson-elsewhere", Text(text.zh, text.en))


def _close(lesson: Lesson, at: float, reason: str) -> None:
    lesson.state = LessonPhase.ENDED
    lesson.ended_at = at
    lesson.end_reason = reason


async def _live_in(
    session: AsyncSession, classroom_ids: Sequence[str], *, but: str
) -> list[Lesson]:
    """The live lessons that hold one of these classrooms."""
    found = await session.scalars(
        select(Lesson)
        .join(LessonSeat)
        .where(
            LessonSeat.classroom_id.in_(classroom_ids),
            Lesson.state == LessonPhase.LIVE,
            Lesson.deleted_at.is_(None),
            Lesson.id != but,
        )
        .distinct()
    )
    return [lesson for lesson in found if lesson.state is LessonPhase.LIVE]
