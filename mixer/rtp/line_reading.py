"""What the pump has sensed of a line since the last reading.

The senses themselves (a ring of what was sent, matched with transport-wide feedback; sliding
bitrates; the trend of the delay) are native, `mixer/pump/native/line.h`; what follows for the
estimate is `bandwidth`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from mixer.rtp.loss_bound import LossReport


class Usage(IntEnum):
    """What the delay says of the line."""

    NORMAL = 0
    OVERUSE = 1  # the queue grows
    UNDERUSE = 2  # the queue drains


@dataclass(frozen=True, slots=True)
class LineReading:
    """The fields in the order of `Pump.line`; times are seconds of the steady clock.

    Bitrates are −1 while unknown: what arrives over half a second and over a short time, what is
    sent. The loss is of all packets reported on since the last reading, as in `LossReport`.
    `heard_since_s` is when the first feedback since then came, None when none has. `silent`:
    packets leave and nothing is heard of them; `returned`: it was silent since the last reading,
    and spoke again; `idle`: nothing was sent lately. `train` has (sent, arrived, bytes) of a
    probe's packets that arrived, once its answer is complete.
    """

    usage: int = Usage.NORMAL
    acknowledged_bps: float = -1.0
    busy_bps: float = -1.0
    sent_bps: float = -1.0
    expected: int = 0
    lost: int = 0
    size_bytes: int = 0
    lost_bytes: int = 0
    first_sent_s: float = 0.0
    last_sent_s: float = 0.0
    heard_since_s: float | None = None
    silent: bool = False
    returned: bool = False
    idle: bool = False
    train: tuple[tuple[float, float, int], ...] | None = None

    @property
    def loss(self) -> LossReport:
        """What was reported on, and what of it was lost."""
        return LossReport(
            self.expected,
            self.lost,
            self.size_bytes,
            self.lost_bytes,
            self.first_sent_s,
            self.last_sent_s,
        )
