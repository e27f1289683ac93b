"""A camera's timestamps as times of ours.

Its ticks count from anywhere and begin anew with every connection (RFC 3550 §5.1); its reports
say what time it is by its own clock (§6.4.1), which may be hours off; and some count wrong.
So: ticks go on over connections by what passed meanwhile; ticks that run away from the arrivals are
set right, and not believed any more after the third time; a report counts where its clock is ours.
"""

from __future__ import annotations

from mixer.rtp.sequence import TIMESTAMP_BITS, Unwrapper, timestamp_distance, unix_ns_from_ntp

CLOCK_RATE = 90_000
# A picture never comes before it was taken: ticks that say so are wrong. How late one may be is a
# stall of the network, which the watch-dog ends at 3 s.
MOST_EARLY_S = 0.5
MOST_LATE_S = 2.5
MOST_CORRECTIONS = 3
# A report whose clock is ours puts the picture a little before its arrival: what encoding and the
# way take. A clock that is set by NTP on the same network is within 20 ms.
_REPORT_LATEST_S = -0.02
_REPORT_EARLIEST_S = 1.0
_LEAST_DELAY_WINDOW_S = 5.0


class PictureClock:
    """One camera's. `begin` for each connection, `sent` for each packet, `captured` for reports."""

    def __init__(self, first: int) -> None:
        self.corrections = 0
        self._first = first  # the timestamp of the very first picture
        self._began_at: float | None = None
        self._ticks = Unwrapper(TIMESTAMP_BITS)
        self._offset: int | None = None  # what is added to the camera's unwrapped ticks
        self._tick = 0
        self._out = 0  # of the newest picture, unwrapped, without `first`
        self._report: tuple[int, float] | None = None  # camera's ticks, Unix time
        self._window_began = 0.0
        self._least = self._least_before = float("inf")

    @property
    def by_reports(self) -> bool:
        """Whether the camera's own reports say when its pictures were taken."""
        return self._report is not None and self.corrections < MOST_CORRECTIONS

    def begin(self) -> None:
        """A new connection: its ticks have nothing to do with those before."""
        self._ticks = Unwrapper(TIMESTAMP_BITS)
        self._offset = None
        self._report = None
        self.corrections = 0

    def sent(self, timestamp: int, at: float) -> int:
        """The timestamp to send for a packet that came `at` with the camera's `timestamp`."""
        if self._began_at is None:
            self._began_at = at
        passed = round((at - self._began_at) * CLOCK_RATE)
        tick = self._ticks.unwrap(timestamp)
        if self._offset is None:
            self._offset = max(passed, self._out + 1 if self._out else 0) - tick
        elif tick == self._tick:
            return self._wrapped(self._out)
        elif self.corrections >= MOST_CORRECTIONS:
            self._offset = max(passed, self._out + 1) - tick
        elif not -MOST_LATE_S < (tick + self._offset - passed) / CLOCK_RATE < MOST_EARLY_S:
            self.corrections += 1
            self._offset = max(passed, self._out + 1) - tick
            self._least = self._least_before = float("inf")
        self._tick, self._out = tick, tick + self._offset
        self._note_delay(at)
        return self._wrapped(self._out)

    def report(self, ntp: int, timestamp: int, at: float, unix: float) -> None:
        """A sender report that came `at`, which is `unix` by our clock."""
        if self._offset is None:
            return
        reported = unix_ns_from_ntp(ntp) / 1e9
        newest = reported + timestamp_distance(self._wrap(self._tick), timestamp) / CLOCK_RATE
        ours = _REPORT_LATEST_S < unix - newest < _REPORT_EARLIEST_S
        self._report = (self._ticks.peek(timestamp), reported) if ours else None

    def captured(self, at: float, unix: float) -> tuple[int, float]:
        """The newest picture's timestamp, and the Unix time at which it was taken: by the camera's
        own reports, else as its least delayed packets came. `at` is `unix` by our clock.
        """
        if self._report is not None and self.by_reports:
            tick, reported = self._report
            return self._wrapped(self._out), reported + (self._tick - tick) / CLOCK_RATE
        least = min(self._least, self._least_before)
        if least == float("inf"):
            return self._wrapped(self._out), unix
        return self._wrapped(self._out), unix - at + self._out / CLOCK_RATE + least

    def _note_delay(self, at: float) -> None:
        if at - self._window_began >= _LEAST_DELAY_WINDOW_S:
            self._window_began = at
            self._least_before, self._least = self._least, float("inf")
        self._least = min(self._least, at - self._out / CLOCK_RATE)

    def _wrapped(self, out: int) -> int:
        return self._wrap(self._first + out)

    @staticmethod
    def _wrap(value: int) -> int:
        return value & 0xFFFF_FFFF
