"""What the child sends of the room's sound: Opus packets with their time and loudness."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware_profiles.room_agent.converting.messages import BrokenMessage

if TYPE_CHECKING:  # the agent has no numbers to load
    from mixer.libopus import Samples

_HEAD = struct.Struct("!qdB")
SILENT_LEVEL = 127


@dataclass(frozen=True, slots=True)
class TakenSound:
    """20 ms. `position` is its first sample's number at 48 kHz, `at` when that was taken (this
    machine's monotonic clock), `level` its loudness in −dBov (RFC 6464): 127 is silence.
    """

    position: int
    at: float
    level: int
    payload: bytes

    def body(self) -> bytes:
        return _HEAD.pack(self.position, self.at, self.level) + self.payload

    @classmethod
    def read(cls, body: bytes) -> TakenSound:
        """Raises `BrokenMessage`."""
        if len(body) <= _HEAD.size:
            raise BrokenMessage
        position, at, level = _HEAD.unpack_from(body)
        if not math.isfinite(at):
            raise BrokenMessage
        return cls(position, at, min(level, SILENT_LEVEL), body[_HEAD.size :])


def level_of(samples: Samples) -> int:
    """RFC 6464's loudness of some samples, full scale ±1."""
    power = float(samples.dot(samples)) / max(1, len(samples))
    level = SILENT_LEVEL if power <= 0 else round(-10 * math.log10(power))
    return min(SILENT_LEVEL, max(0, level))
