"""What makes one simulated seat differ from another. Plain values; light to import."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from server.simulate.behaviour import Habits
from signaling.protocol.messages import Source


class Receive(StrEnum):
    """What a seat takes of the others. aiortc decodes all it gets, so less is much cheaper."""

    NOTHING = "nothing"
    SOUND = "sound"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Appearance:
    """What a simulated seat looks and sounds like, and how much of its profile it sends.

    `pictures` is how many cameras it sends at most; `sources` names them instead. Pictures are
    made smaller to `max_height` and slower to `max_frame_rate`: simulated rooms are many.
    """

    identity: int
    pictures: int = 1
    sources: tuple[Source, ...] = ()
    max_height: int = 360
    max_frame_rate: float = 15.0
    media_file: Path | None = None


@dataclass(frozen=True, slots=True)
class SeatSettings:
    """One seat, whole."""

    appearance: Appearance
    habits: Habits = field(default_factory=Habits)
    receive: Receive = Receive.NOTHING
