"""What a publisher without transport-wide feedback is told that its line carries.

One that has it finds its rate itself; this one is told by REMB (draft-alvestrand-rmcat-remb-03),
from the loss we see.
"""

from __future__ import annotations

# draft-ietf-rmcat-gcc-02 §6: below 2 % loss go up, above 10 % go down, between stay.
LOW_LOSS, HIGH_LOSS = 0.02, 0.10
# With nothing but loss to go by, a line that came back must be full again within ten seconds.
GROWTH_PER_S = 1.35
# Never told to send less: below this no picture is left (speech needs 40 kb/s of it).
FLOOR_BPS = 100_000
# Not told to send much more than it does: what the line has not carried is not known. It must
# leave room for a publisher that has been quiet.
HEADROOM = 2.0
HEADROOM_FLOOR_BPS = 500_000


class ReceiveRate:
    """The REMB value for one publish transport without transport-wide feedback.

    Call `handle` with every loss measure, about once a second, and send `bitrate_bps`.
    """

    def __init__(self, now: float, *, max_bps: int, start_bps: int = 1_000_000) -> None:
        self._max_bps = max(FLOOR_BPS, max_bps)
        self._rate_bps = float(min(start_bps, self._max_bps))
        self._updated_at = now

    @property
    def bitrate_bps(self) -> int:
        """What the publisher may send, all its streams together."""
        return round(self._rate_bps)

    def set_max(self, max_bps: int) -> None:
        """The sum of what its sources may send has changed."""
        self._max_bps = max(FLOOR_BPS, max_bps)
        self._rate_bps = min(self._rate_bps, float(self._max_bps))

    def handle(self, now: float, *, loss: float, received_bps: int) -> int:
        """Loss (0 … 1) and bitrate of the last second or so; returns the new value."""
        elapsed = min(5.0, max(0.0, now - self._updated_at))
        self._updated_at = now
        if loss > HIGH_LOSS:
            base = min(self._rate_bps, max(float(received_bps) / (1 - min(loss, 0.9)), FLOOR_BPS))
            self._rate_bps = base * (1 - 0.5 * loss)
        elif loss < LOW_LOSS:
            ceiling = max(HEADROOM * received_bps, HEADROOM_FLOOR_BPS)
            grown = self._rate_bps * GROWTH_PER_S**elapsed
            self._rate_bps = max(self._rate_bps, min(grown, ceiling))
        self._rate_bps = min(max(self._rate_bps, FLOOR_BPS), float(self._max_bps))
        return self.bitrate_bps
