"""One clock for an encoder's picture and sound. Sans-IO.

FFmpeg's reports (RFC 3550 §6.4.1) tell the times of both on one clock that begins when it has read
enough; nobody knows how far that is from ours. What came with the least delay tells it best: that
is taken to have come at once, and both are moved by the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from mixer.rtp.sequence import timestamp_distance, unix_ns_from_ntp

# As `room_agent.passing.clock`: long enough for a burst to pass, short enough to follow a drift.
WINDOW_S = 5.0


@dataclass(slots=True)
class _Reported:
    seconds: float
    timestamp: int
    clock_rate: int


class SharedClock:
    """`report` and `note` as they come; `taken` is when something happened, in Unix time."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Another FFmpeg: its clock has nothing to do with the one before."""
        self._reported: dict[str, _Reported] = {}
        self._least = self._least_before = float("inf")
        self._window_began = 0.0

    def report(self, stream: str, ntp: int, timestamp: int, clock_rate: int) -> None:
        """A sender report of this stream."""
        self._reported[stream] = _Reported(unix_ns_from_ntp(ntp) / 1e9, timestamp, clock_rate)

    def note(self, stream: str, timestamp: int, unix: float) -> None:
        """A packet of it came at this Unix time."""
        seconds = self._seconds(stream, timestamp)
        if seconds is None:
            return
        if unix - self._window_began >= WINDOW_S:
            self._window_began = unix
            self._least_before, self._least = self._least, float("inf")
        self._least = min(self._least, unix - seconds)

    def taken(self, stream: str, timestamp: int) -> float | None:
        """When what has this timestamp happened; None while nothing is known."""
        seconds, least = self._seconds(stream, timestamp), min(self._least, self._least_before)
        return None if seconds is None or least == float("inf") else seconds + least

    def _seconds(self, stream: str, timestamp: int) -> float | None:
        known = self._reported.get(stream)
        if known is None:
            return None
        return known.seconds + timestamp_distance(timestamp, known.timestamp) / known.clock_rate
