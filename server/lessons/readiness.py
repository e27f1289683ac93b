"""What waiting rooms say of their cameras, microphones and lines: the board before the bell.

A room's page opens its devices while it waits, looks at them, and says every few seconds how they
are. Here that is kept for as long as it is news, in memory alone; who sees it is the API's.
Sans-IO: `now` is of a clock that nobody sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# A page says it every ten seconds, and at once when it changes: two may be lost.
NEWS_FOR_S = 35.0


class DeviceReadiness(StrEnum):
    """How a camera or a microphone is, the best first.

    `black`, `frozen`: what the camera gives is no picture; `silent`: digital silence, which no
    open microphone gives.
    """

    READY = "ready"
    CHECKING = "checking"
    UNANSWERED = "unanswered"  # the browser asks, and nobody has answered
    BLACK = "black"
    FROZEN = "frozen"
    SILENT = "silent"
    BUSY = "busy"
    LOST = "lost"
    DENIED = "denied"
    MISSING = "missing"
    OFF = "off"  # somebody has chosen that there is none


class LineReadiness(StrEnum):
    """How the room reaches this server, the best first.

    `detour`: UDP does not come through, and media goes by TCP or a relay, later where packets are
    lost; `blocked`: only the pages come through.
    """

    READY = "ready"
    CHECKING = "checking"
    DETOUR = "detour"
    SLOW = "slow"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class RoomReadiness:
    """What one device of a room says, or all of them together."""

    camera: DeviceReadiness
    sound: DeviceReadiness
    line: LineReadiness
    rtt_ms: float | None = None  # of the page's own question


@dataclass(frozen=True, slots=True)
class _Told:
    readiness: RoomReadiness
    at: float


class ReadinessBoard:
    """The last word of each device, by its classroom."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, _Told]] = {}  # classroom: credential: what it said

    def tell(self, classroom_id: str, device: str, readiness: RoomReadiness, now: float) -> None:
        """A device of the classroom says how it is."""
        devices = self._fresh(classroom_id, now)
        devices[device] = _Told(readiness, now)
        self._told[classroom_id] = devices

    def of(self, classroom_id: str, now: float) -> RoomReadiness | None:
        """How the classroom is: of several devices the best, for one camera is enough.

        None where nothing has been said of late.
        """
        devices = self._fresh(classroom_id, now)
        if not devices:
            self._told.pop(classroom_id, None)
            return None
        said = [told.readiness for told in devices.values()]
        best_line = min(said, key=lambda one: (_rank(one.line), one.rtt_ms or 0.0))
        return RoomReadiness(
            camera=min((one.camera for one in said), key=_rank),
            sound=min((one.sound for one in said), key=_rank),
            line=best_line.line,
            rtt_ms=best_line.rtt_ms,
        )

    def _fresh(self, classroom_id: str, now: float) -> dict[str, _Told]:
        devices = self._told.get(classroom_id, {})
        return {name: told for name, told in devices.items() if now - told.at <= NEWS_FOR_S}


def _rank(one: DeviceReadiness | LineReadiness) -> int:
    return list(type(one)).index(one)
