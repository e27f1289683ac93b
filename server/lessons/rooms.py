"""Room devices: known by their credential, told which lesson to join, seen when they ask.

A room PC asks every few seconds and needs nobody's touch: the answer is the live lesson that has
a seat for its classroom, with a fresh join token, or the next one in the timetable.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass

import structlog
from sqlalchemy import select, update

from server.accounts.throttle import WrongKeys
from server.clock import Clock
from server.database.engine import Database
from server.database.models import Classroom, Credential, Lesson, LessonPhase, School
from server.database.refusing import DatabaseRefused
from server.errors import Refusal, Text
from server.ids import secret_hash
from server.lessons.bars import bars_of
from server.lessons.bearers import room_device
from server.lessons.copies import Copied, CredentialCopies
from server.lessons.live import LiveLessons
from server.lessons.timetable import lessons_in_progress, lessons_of_classroom
from server.lessons.tokens import JoinTokens
from server.lessons.told import room_of
from signaling.ports import Identity
from signaling.protocol.messages import RemovalCode, Role

_WRITTEN_EVERY_S = 60.0  # a hundred rooms that ask every 3 s must not be 33 writes a second
_SEEN_WAIT_S = 0.3
_LOOK_AHEAD_S = 7 * 86_400.0  # "next lesson on Friday" is news, next term's is not
_MOST_TOLD = 60  # twelve lessons a day for five days
_MISSED_POLLS = 4  # a room whose Wi-Fi swallowed a few requests is still there

_log = structlog.get_logger("tongke.lessons")


@dataclass(frozen=True, slots=True)
class RoomDevice:
    """A device whose credential was right, and where it stands."""

    credential_id: str
    label: str
    classroom: Classroom
    school: School


@dataclass(frozen=True, slots=True)
class RoomAnswer:
    """What a room device is to do now; put out of the lesson (`removed` says why), it waits."""

    lesson: Lesson | None
    token: str | None
    next: Lesson | None
    removed: RemovalCode | None = None


class RoomDesk:
    """Answers room devices and knows which rooms are there."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        steady: Clock,
        tokens: JoinTokens,
        live: LiveLessons,
        poll_s: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._tokens = tokens
        self.live = live
        self._online_s = max(15.0, _MISSED_POLLS * poll_s)
        self._steady = steady
        self._guard = WrongKeys()
        self._seen: dict[str, float] = {}  # classroom: when a device of it asked last
        # The same by a clock that nobody sets: one set back would keep all there for an hour.
        self._here: dict[str, float] = {}
        self._copies = CredentialCopies()
        self._agents: dict[str, set[str]] = {}  # classroom: credentials of its agents
        self._written: dict[str, float] = {}  # credential: when that was last written down, so too

    async def recognise(self, secret: str, address: str) -> RoomDevice:
        """The device that bears this credential.

        Refuses (401) an unknown or revoked one, (429) an address that keeps guessing.
        """
        now = self._clock()
        async with self._database.read() as session:
            found = (
                await session.execute(
                    select(Credential, Classroom, School)
                    .join(Classroom, Classroom.id == Credential.classroom_id)
                    .join(School, School.id == Classroom.school_id)
                    .where(
                        Credential.secret_hash == secret_hash(secret),
                        Credential.source.is_(None),  # an encoder's key is none of a device
                        Credential.revoked_at.is_(None),
                        Classroom.deleted_at.is_(None),
                    )
                )
            ).first()
        if found is None:
            # Looked up first: a revoked room PC that keeps asking must not shut out the others
            # behind the same address, and a credential is too long to guess.
            if wait_s := self._guard.wait_s(address, self._steady()):
                raise Refusal(
                    429,
                    "too-many-attempts",
                    Text("尝试次数过多，请稍候。", "Too many attempts. Wait a little."),
                    retry_after_s=wait_s,
                )
            raise Refusal(
                401,
                "credential-refused",
                Text(
                    "此设备的凭证无效或已撤销。请管理员为这间教室新建设备凭证，并打开新地址。",
                    "This device's credential is wrong or was revoked. Ask the administrator for "
                    "a new one for this classroom, and open its address.",
                ),
            )
        credential, classroom, school = found
        await self._saw(credential.id, classroom.id, now)
        return RoomDevice(credential.id, credential.label, classroom, school)

    async def answer(self, device: RoomDevice) -> RoomAnswer:
        """The lesson to join now with a token for the classroom's seat, or the next one."""
        now = self._clock()
        classroom_id = device.classroom.id
        async with self._database.read() as session:
            lessons = await lessons_of_classroom(session, classroom_id, until=now + _LOOK_AHEAD_S)
            live = next((each for each in lessons if each.state is LessonPhase.LIVE), None)
            bars = {} if live is None else await bars_of(session, self.live, live.id)
        coming = next((each for each in lessons if each.state is LessonPhase.PLANNED), None)
        if live is None:
            return RoomAnswer(None, None, coming)
        seat = next(seat for seat in live.seats if seat.classroom_id == classroom_id)
        bearer = room_device(device.credential_id, device.label)
        identity = Identity(live.id, seat.seat_id, Role(seat.role), seat.name, bearer)
        if room_of(live, seat) is None:
            return RoomAnswer(live, None, coming, removed=RemovalCode.NOT_ADMITTED)
        if bearer.bearer_id in bars:
            return RoomAnswer(live, None, coming, removed=bars[bearer.bearer_id].code)
        return RoomAnswer(live, self._tokens.issue(identity, now).token, coming)

    async def timetable(self, device: RoomDevice) -> list[Lesson]:
        """The classroom's lessons of the coming days, the one that is live first."""
        until = self._clock() + _LOOK_AHEAD_S
        async with self._database.read() as session:
            lessons = await lessons_of_classroom(session, device.classroom.id, until=until)
        return lessons[:_MOST_TOLD]

    def hear_run(self, device: RoomDevice, run: str, address: str) -> None:
        """A room agent asks; `run` is the number of its start."""
        self._agents.setdefault(device.classroom.id, set()).add(device.credential_id)
        if self._copies.hear(device.credential_id, run, address, self._steady()):
            _log.warning(
                "a device credential is in use on two machines",
                school=device.school.name,
                classroom=device.classroom.name,
                credential=device.label,
                networks=_networks(self.copied(device.credential_id)),
            )

    def copied(self, credential_id: str) -> Copied | None:
        """Whether agents on two machines use this credential, and from where."""
        return self._copies.of(credential_id, self._steady())

    def copied_in(self, classroom_id: str) -> bool:
        """Whether that is so of any credential of this classroom."""
        return any(self.copied(one) is not None for one in self._agents.get(classroom_id, ()))

    async def online(self) -> set[str]:
        """The classrooms that are there: a device asked just now, or sits in a lesson."""
        now = self._steady()
        there = {room for room, at in self._here.items() if now - at <= self._online_s}
        async with self._database.read() as session:
            lessons = await lessons_in_progress(session)
        open_lessons = self.live.present()
        for lesson in lessons:
            present = open_lessons.get(lesson.id, frozenset())
            there |= {
                s.classroom_id for s in lesson.seats if s.classroom_id and s.seat_id in present
            }
        return there

    def last_seen(self, classroom: Classroom) -> float | None:
        """When a device of the classroom asked last."""
        return self._seen.get(classroom.id, classroom.last_seen)

    async def _saw(self, credential_id: str, classroom_id: str, now: float) -> None:
        steady = self._steady()
        self._seen[classroom_id], self._here[classroom_id] = now, steady
        if steady - self._written.get(credential_id, -math.inf) < _WRITTEN_EVERY_S:
            return
        self._written[credential_id] = steady
        # A database that cannot be written keeps no room from its lesson.
        with contextlib.suppress(DatabaseRefused):
            async with self._database.write(wait_s=_SEEN_WAIT_S) as session:
                await session.execute(
                    update(Credential)
                    .where(Credential.id == credential_id)
                    .values(last_used_at=now)
                )
                await session.execute(
                    update(Classroom).where(Classroom.id == classroom_id).values(last_seen=now)
                )


def _networks(copied: Copied | None) -> str:
    return ", ".join(copied.addresses) if copied else ""
