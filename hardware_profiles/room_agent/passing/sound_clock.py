"""A sound's positions (samples at 48 kHz on its source's own count) as timestamps and as times of
ours.

As `clock` does for pictures: the count goes on over connections by what passed meanwhile, and when
a sample was taken is told by the camera's reports where its clock is ours, else by the least
delayed that came. Drift is not corrected here: the reports tell it, and receivers follow them.
"""

from __future__ import annotations

RATE = 48_000
FRAME_SAMPLES = 960
# What Opus looks ahead (RFC 6716 §2.1.7; `OPUS_GET_LOOKAHEAD` at 48 kHz): a decoder gives a sample
# so much later than the encoder was given it.
LOOKAHEAD_S = 312 / RATE
# As for pictures: a report that puts a sample behind its arrival by more is of another clock.
_REPORT_LATEST_S = -0.02
_REPORT_EARLIEST_S = 1.0
_LEAST_DELAY_WINDOW_S = 5.0


class SoundClock:
    """One source's. `begin` for each connection whose count begins anew."""

    def __init__(self, first: int) -> None:
        self.by_reports = False
        self._first = first
        self._began_at: float | None = None
        self._offset: int | None = None
        self._position = 0  # of the newest frame sent
        self._out = 0
        self._report: tuple[int, float] | None = None  # a position, and its Unix time
        self._window_began = 0.0
        self._least = self._least_before = float("inf")
        self._delay_s = LOOKAHEAD_S

    def begin(self, codec_delay_s: float = 0.0) -> None:
        """What comes now counts from elsewhere. A source's own codec gives a sample so much later
        than it was given it, as Opus does.
        """
        self._delay_s = LOOKAHEAD_S + codec_delay_s
        self._offset = self._report = None
        self.by_reports = False
        self._least = self._least_before = float("inf")

    def sent(self, position: int, at: float) -> int:
        """The timestamp of a frame that is sent `at`."""
        if self._began_at is None:
            self._began_at = at
        if self._offset is None:
            passed = round((at - self._began_at) * RATE)
            after = self._out + FRAME_SAMPLES if self._out else 0
            self._offset = max(passed, after) - position
        self._position, self._out = position, position + self._offset
        return self._first + self._out & 0xFFFF_FFFF

    def came(self, position: int, at: float) -> None:
        """The sample of this position was taken `at`, or before."""
        if at - self._window_began >= _LEAST_DELAY_WINDOW_S:
            self._window_began = at
            self._least_before, self._least = self._least, float("inf")
        self._least = min(self._least, at - position / RATE)

    def report(self, position: int, reported: float, newest: int, unix: float) -> None:
        """The camera says that the sample of `position` was taken at Unix time `reported`; it is
        `unix` by our clock, and the newest sample that has come is `newest`.
        """
        taken = reported + (newest - position) / RATE
        self.by_reports = _REPORT_LATEST_S < unix - taken < _REPORT_EARLIEST_S
        self._report = (position, reported) if self.by_reports else None

    def captured(self, at: float, unix: float) -> tuple[int, float]:
        """The newest frame's timestamp, and the Unix time at which what is heard by it was taken.
        `at` is `unix` by our clock.
        """
        timestamp = self._first + self._out & 0xFFFF_FFFF
        if self._report is not None:
            position, reported = self._report
            return timestamp, reported + (self._position - position) / RATE - self._delay_s
        least = min(self._least, self._least_before)
        if least == float("inf"):
            return timestamp, unix
        return timestamp, unix - at + self._position / RATE + least - self._delay_s
