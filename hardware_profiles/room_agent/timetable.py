"""A room's coming lessons, as the server told them last, and what time it is there. Sans-IO.

`wall` is this machine's clock, which may step; `steady` one that nobody sets and that runs on while
the machine sleeps. Since the server's last word its time is reckoned by `steady` alone, over a
restart of the agent too; only after one of the machine there is nothing but `wall`, which is never
believed to be earlier than that last word.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Cameras take some seconds, a teacher opens the doors some minutes early.
READY_BEFORE_S = 120.0
# A server that is away at the bell may be back a good while later; a lesson is forty minutes.
READY_AFTER_S = 1_200.0
MOST_LESSONS = 200
_MOST_TITLE = 200
MOST_BYTES = 1 << 17


@dataclass(frozen=True, slots=True)
class PlannedLesson:
    """`starts_at`: seconds since 1970, by the server's clock."""

    lesson_id: str
    title: str
    starts_at: float


class TimetableTornError(ValueError):
    """What was kept cannot be read: it is told, and made anew."""


@dataclass(frozen=True, slots=True)
class KnownTimetable:
    """What the server said at `told_at` by its own clock, when `steady` was this since `boot`."""

    told_at: float
    steady: float
    boot: str
    lessons: tuple[PlannedLesson, ...]

    def written(self) -> bytes:
        """As it is kept: a hash, then JSON."""
        body = json.dumps(asdict(self), ensure_ascii=False).encode()
        return hashlib.sha256(body).hexdigest().encode() + b"\n" + body

    @classmethod
    def read(cls, data: bytes) -> KnownTimetable:
        """Raises `TimetableTornError`."""
        seal, _, body = data.partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != seal:
            raise TimetableTornError("its hash is another")
        try:
            told: dict[str, Any] = json.loads(body)
            return cls(
                float(told["told_at"]),
                float(told["steady"]),
                str(told["boot"]),
                tuple(PlannedLesson(**one) for one in told["lessons"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise TimetableTornError("it is of another form") from error


class Timetable:
    """`learn` what the server says; it tells which lesson is next, and whether it is near.

    `boot` names this start of the machine: after another one `steady` begins anew.
    """

    def __init__(self, kept: KnownTimetable | None, *, boot: str) -> None:
        self._known = kept
        self._boot = boot

    @property
    def known(self) -> KnownTimetable | None:
        """What is to be kept."""
        return self._known

    def learn(self, answer: Mapping[str, Any], *, steady: float) -> bool:
        """The server's answer (`GET /api/room/timetable`); whether the lessons are others now.

        What has another form is no answer, and changes nothing.
        """
        lessons, told_at = answer.get("lessons"), _number(answer.get("server_time"))
        if not isinstance(lessons, Sequence) or told_at is None:
            return False
        found = tuple(
            PlannedLesson(str(one["id"])[:64], str(one["title"])[:_MOST_TITLE], starts_at)
            for one in lessons[:MOST_LESSONS]
            if isinstance(one, Mapping) and {"id", "title"} <= one.keys()
            if (starts_at := _number(one.get("starts_at"))) is not None
        )
        before = self._known
        self._known = KnownTimetable(told_at, steady, self._boot, found)
        return before is None or before.lessons != found

    def server_time(self, *, wall: float, steady: float) -> float:
        """What the server's clock shows now, as far as is known."""
        known = self._known
        if known is None:
            return wall
        if known.boot == self._boot:
            return known.told_at + max(0.0, steady - known.steady)
        return max(wall, known.told_at)

    def next(self, *, wall: float, steady: float) -> PlannedLesson | None:
        """The lesson that begins next, or should have begun just now."""
        now = self.server_time(wall=wall, steady=steady)
        lessons = self._known.lessons if self._known else ()
        coming = [one for one in lessons if one.starts_at > now - READY_AFTER_S]
        return min(coming, key=lambda one: one.starts_at, default=None)

    def near(self, *, wall: float, steady: float) -> bool:
        """Whether the room should be ready for it."""
        coming = self.next(wall=wall, steady=steady)
        now = self.server_time(wall=wall, steady=steady)
        return coming is not None and coming.starts_at - now <= READY_BEFORE_S


def _number(value: object) -> float | None:
    """A time that is one; JSON's `true` and `NaN` are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e11 else None
