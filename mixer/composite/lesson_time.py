"""When what arrives happened: sources on one clock, by their senders' reports.

A report ties a stream's timestamps to its device's clock (RFC 3550 §6.4.1), and both streams of a
device are on that one. Where the device's clock lies in our own time is told by whatever of it was
least delayed of late: nothing arrives before it has happened. So a picture that was 150 ms in its
encoder is known to be older than the sound that arrived with it. What has no reports yet is taken
to have happened when it arrived.

Sans-IO.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from mixer.model import TapInfo
from mixer.rtp.rtcp import SenderReport
from mixer.rtp.sequence import NANOSECONDS, timestamp_distance, unix_ns_from_ntp

# The least delay is looked for in the last five to ten seconds: clocks drift, routes change.
_WINDOW_S = 5.0

# No lesson bears more. What is farther off was a clock that was set, or is not told the truth.
MOST_LAG_S = 1.0


# A mean delay goes into the program's reports: it moves so slowly that no receiver jumps.
_WEIGHT = 0.02


class MeanDelay:
    """How long what is sent now had happened before, in the mean of some seconds."""

    def __init__(self, first_s: float) -> None:
        self.delay_s = first_s

    def note(self, delay_s: float) -> None:
        """It was so long, this time."""
        self.delay_s += (delay_s - self.delay_s) * _WEIGHT


class _DeviceClock:
    """Where a device's clock lies in our time: the least of arrival less capture."""

    def __init__(self) -> None:
        self._least: float | None = None  # in this window
        self._least_before = float("inf")
        self._window_began = 0.0

    def lag_s(self, offset_s: float, now: float) -> float:
        """How much later than the least delayed ones something came."""
        if self._least is None or abs(offset_s - self._known) > MOST_LAG_S:
            self._least, self._least_before = offset_s, float("inf")
            self._window_began = now
        elif now - self._window_began >= _WINDOW_S:
            self._least_before, self._least = self._least, offset_s
            self._window_began = now
        self._least = min(self._least, offset_s)
        return offset_s - self._known

    @property
    def _known(self) -> float:
        return self._least_before if self._least is None else min(self._least, self._least_before)


class LessonTime:
    """The clocks of all devices that a lesson is received from."""

    def __init__(self, lock: AbstractContextManager[object] | None = None) -> None:
        """`lock` is for several threads that ask; one needs none."""
        self._lock = lock or nullcontext()
        self._reports: dict[str, tuple[float, int]] = {}  # by tap: NTP seconds, timestamp
        self._clocks: dict[str, _DeviceClock] = {}

    def handle_report(self, tap: TapInfo, report: SenderReport) -> None:
        """A report came. One of another stream, or that tells no clock, is passed over."""
        if report.ssrc == tap.ssrc and report.ntp:
            ntp_s = unix_ns_from_ntp(report.ntp) / NANOSECONDS
            with self._lock:
                self._reports[tap.tap_id] = ntp_s, report.rtp_timestamp

    def lag_s(self, tap: TapInfo, timestamp: int, now: float) -> float:
        """How long before its arrival `now` it happened, beyond the shortest way; 0 if unknown."""
        with self._lock:
            known = self._reports.get(tap.tap_id)
            if known is None:
                return 0.0
            ntp_s, reported = known
            captured_s = ntp_s + timestamp_distance(timestamp, reported) / tap.clock_rate
            clock = self._clocks.setdefault(tap.device_id or tap.tap_id, _DeviceClock())
            return clock.lag_s(now - captured_s, now)

    def forget(self, tap: TapInfo) -> None:
        """The tap is closed; the device may have others."""
        with self._lock:
            self._reports.pop(tap.tap_id, None)
