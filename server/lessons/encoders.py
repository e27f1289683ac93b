"""Encoders: known by their source key, brought into the lesson that is live for their room.

A join token opens the door for some minutes, an encoder that hangs on a wall has nobody to fetch it
a new one. So it has a key of its own, which is changed into a fresh join token at every request:
for the seat of its classroom in the lesson that is live there now. What a key opens is one source
by one way (WHIP here, others in `server.encoders`); it is no device's credential and no join token.
"""

from __future__ import annotations

import contextlib

from sqlalchemy import ColumnElement, select, update

from server.clock import Clock
from server.database.engine import Database
from server.database.models import Classroom, Credential, EncoderWay, Lesson, LessonPhase
from server.database.refusing import DatabaseRefused
from server.ids import secret_hash
from server.lessons.bearers import room_device
from server.lessons.timetable import lessons_of_classroom
from server.lessons.tokens import JoinTokens
from server.schools.places import SOURCE_KEY
from signaling.errors import LessonRefusal
from signaling.ports import Identity
from signaling.protocol.messages import Role, Source

_WRITTEN_EVERY_S = 60.0  # an encoder that tries again every second must not be a write a second
_SEEN_WAIT_S = 0.3
_LOOK_AHEAD_S = 3600.0
# When to ask again while no lesson is live: as one can be started at any moment, soon; but a
# hundred encoders that wait for the morning need not ask every second.
_ASK_AGAIN_S = (5.0, 60.0)


class EncoderDesk:
    """Changes source keys into join tokens (`signaling.ports.SourceKeys`)."""

    def __init__(
        self, database: Database, clock: Clock, *, tokens: JoinTokens, doors_open_s: float
    ) -> None:
        self._database = database
        self._clock = clock
        self._tokens = tokens
        self._doors_open_s = doors_open_s
        self._written: dict[str, float] = {}  # key: when its use was last written down

    def is_key(self, token: str) -> bool:
        """Whether a bearer token is meant as a source key."""
        return token.startswith(f"{SOURCE_KEY}_")

    async def token_for(self, key: str, source: Source) -> str:
        """A join token for the key's room in its live lesson.

        Refuses an unknown or revoked key, a key of another source, and, with the time after which
        to ask again, a room in which no lesson is live.
        """
        found = await self._in_force(Credential.secret_hash == secret_hash(key))
        if found is None or found.way is not EncoderWay.WHIP:
            raise LessonRefusal("source-key-refused")
        if found.source != source:
            raise LessonRefusal("source-key-elsewhere")
        return await self._token_of(found)

    async def key_of(self, secret: str, way: EncoderWay) -> Credential | None:
        """The key in force with this secret, if it was made for this way."""
        found = await self._in_force(Credential.secret_hash == secret_hash(secret))
        return found if found is not None and found.way is way else None

    async def token_of(self, key_id: str) -> str:
        """A join token for a key that the server knows by its id; refuses as `token_for`."""
        found = await self._in_force(Credential.id == key_id)
        if found is None:
            raise LessonRefusal("source-key-refused")
        return await self._token_of(found)

    async def _in_force(self, which: ColumnElement[bool]) -> Credential | None:
        async with self._database.read() as session:
            found: Credential | None = await session.scalar(
                select(Credential)
                .join(Classroom, Classroom.id == Credential.classroom_id)
                .where(
                    which,
                    Credential.source.is_not(None),
                    Credential.revoked_at.is_(None),
                    Classroom.deleted_at.is_(None),
                )
            )
            return found

    async def _token_of(self, found: Credential) -> str:
        now = self._clock()
        async with self._database.read() as session:
            lessons = await lessons_of_classroom(
                session, found.classroom_id, until=now + _LOOK_AHEAD_S
            )
        await self._saw(found.id, now)
        live = next((each for each in lessons if each.state is LessonPhase.LIVE), None)
        if live is None:
            raise LessonRefusal("no-lesson-now", retry_after_s=self._ask_again_s(lessons, now))
        seat = next(seat for seat in live.seats if seat.classroom_id == found.classroom_id)
        identity = Identity(
            live.id,
            seat.seat_id,
            Role(seat.role),
            seat.name,
            room_device(found.id, found.label),
        )
        return self._tokens.issue(identity, now).token

    def _ask_again_s(self, coming: list[Lesson], now: float) -> float:
        least, most = _ASK_AGAIN_S
        opens_at = min((each.starts_at - self._doors_open_s for each in coming), default=now + most)
        return min(most, max(least, opens_at - now))

    async def _saw(self, key_id: str, now: float) -> None:
        if now - self._written.get(key_id, 0.0) < _WRITTEN_EVERY_S:
            return
        self._written[key_id] = now
        # A database that cannot be written keeps no encoder from its lesson.
        with contextlib.suppress(DatabaseRefused):
            async with self._database.write(wait_s=_SEEN_WAIT_S) as session:
                await session.execute(
                    update(Credential).where(Credential.id == key_id).values(last_used_at=now)
                )
