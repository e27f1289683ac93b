"""One device's line: loss, round trip and bitrate as measured.

Owns what the totals of a transport say of the last seconds; the pump reads and writes the reports
they come from. How much the line could carry is `mixer.rtp.bandwidth`'s; what people are told is
signaling's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

# Long enough that one lost packet is not a percentage, short enough to follow a line's trouble.
WINDOW_S = 4.0


@dataclass(frozen=True, slots=True)
class LinkSample:
    """The last seconds of a line; the fields of `mixer.model.LinkMeasured` without its names.

    `loss` is a fraction 0 … 1, `rtt_ms` 0 while unknown.
    """

    loss: float
    rtt_ms: float
    bitrate_bps: int


class LinkMeter:
    """Measures one transport in one direction; feed it whatever is known of the line."""

    def __init__(self) -> None:
        self._losses: deque[tuple[float, int, int]] = deque()  # (when, expected, lost)
        self._expected = self._lost = 0  # in the window
        self._expected_ever = self._lost_ever = 0
        self._bytes: deque[tuple[float, int]] = deque()  # (when, counter)
        self._rtt_s: float | None = None

    def handle_totals(
        self, now: float, *, total_bytes: int, expected: int, lost: int, rtt_s: float | None
    ) -> None:
        """The transport's totals since it began, and its smoothed round trip if one is known.

        `expected` and `lost` are packets, as report blocks tell them.
        """
        self.handle_bytes(total_bytes, now)
        if expected > self._expected_ever:
            self.handle_loss(expected - self._expected_ever, lost - self._lost_ever, now)
            self._expected_ever, self._lost_ever = expected, lost
        if rtt_s is not None:
            self._rtt_s = rtt_s

    def handle_loss(self, expected: int, lost: int, now: float) -> None:
        """So many packets were sent over the line, so many of them did not arrive."""
        self._losses.append((now, expected, lost))
        self._expected += expected
        self._lost += lost
        self._expire(now)

    def handle_bytes(self, total_bytes: int, now: float) -> None:
        """The transport's byte counter."""
        self._bytes.append((now, total_bytes))
        while len(self._bytes) > 2 and now - self._bytes[1][0] >= WINDOW_S:
            self._bytes.popleft()

    @property
    def rtt_s(self) -> float | None:
        """The smoothed round trip, None while unknown."""
        return self._rtt_s

    def measure(self, now: float) -> LinkSample:
        """The line over the last `WINDOW_S`."""
        self._expire(now)
        bitrate_bps = 0
        if len(self._bytes) >= 2:
            (began, first), (ended, last) = self._bytes[0], self._bytes[-1]
            if ended > began and last > first:
                bitrate_bps = round(8 * (last - first) / (ended - began))
        return LinkSample(
            loss=self._lost / self._expected if self._expected else 0.0,
            rtt_ms=0.0 if self._rtt_s is None else 1000 * self._rtt_s,
            bitrate_bps=bitrate_bps,
        )

    def _expire(self, now: float) -> None:
        while self._losses and now - self._losses[0][0] > WINDOW_S:
            _, expected, lost = self._losses.popleft()
            self._expected -= expected
            self._lost -= lost
