"""Is the queue before a bottleneck growing? Told from how packets spread on their way.

draft-ietf-rmcat-gcc-02 §5.2–5.4 with its successor's trend line (least squares in place of the
Kalman filter, as libwebrtc has used since 2016; Carlucci et al., "Analysis and design of the
Google congestion control for WebRTC", 2016, for the adaptive threshold). What to do about it is
`bandwidth`'s.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from mixer.rtp.history import BURST_S

# Send times further apart than this are a pause or a new beginning: nothing to compare.
PAUSE_S = 2.0

WINDOW_GROUPS = 20
SMOOTHING = 0.9
# Turns a slope (ms of delay per ms) into the draft's scale, where the threshold begins at 12.5.
GAIN = 4.0
MAX_DELTAS = 60

INITIAL_THRESHOLD_MS = 12.5
MIN_THRESHOLD_MS, MAX_THRESHOLD_MS = 6.0, 600.0
# The threshold follows a trend outside it slowly (K_u) and one inside it faster (K_d), §5.4:
# jitter and a competing TCP flow widen it, calm narrows it again.
GAIN_OUTSIDE, GAIN_INSIDE = 0.0087, 0.039
MAX_STEP_MS = 100.0
SPIKE_MS = 15.0
# Overuse must last this long and be seen twice …
OVERUSE_MS = 10.0
# … and there must be a queue: so much more delay than the least of the last groups. Jitter tilts
# the line for a moment without leaving one.
QUEUE_MS = 20.0
QUEUE_GROUPS = 500  # five to fifteen seconds


class Usage(Enum):
    """What the delay says of the line."""

    NORMAL = "normal"
    OVERUSE = "overuse"  # the queue grows
    UNDERUSE = "underuse"  # the queue drains


class DelayTrend:
    """Feed it every acknowledged burst in sending order; `usage` is the verdict so far."""

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self.threshold_ms = INITIAL_THRESHOLD_MS
        self._updated_ms: float | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the past packets (after a silence or a change of path); keep the threshold."""
        self.usage = Usage.NORMAL
        self._group_sent_s = self._last_sent_s = self._last_arrived_s = 0.0
        self._previous: tuple[float, float] | None = None  # (sent, arrived) of the group before
        self._in_group = False
        self._deltas = 0
        self._accumulated_ms = self._smoothed_ms = 0.0
        self._points: deque[tuple[float, float]] = deque(maxlen=WINDOW_GROUPS)
        self._lows: deque[tuple[int, float]] = deque()  # (group, delay), rising: a sliding minimum
        self._group = 0
        self._over_ms = 0.0
        self._over_count = 0
        self._slope = 0.0

    def handle_burst(self, first_sent_s: float, last_sent_s: float, arrived_s: float) -> None:
        """Packets sent in one breath: when by our clock, and when all were there by the peer's."""
        if not self._in_group:
            self._begin_group(first_sent_s, last_sent_s, arrived_s)
            return
        if first_sent_s < self._group_sent_s:
            return  # sent before this group began: reordered, tells nothing
        if first_sent_s - self._last_sent_s > PAUSE_S:
            self.reset()
            self._begin_group(first_sent_s, last_sent_s, arrived_s)
        elif last_sent_s - self._group_sent_s <= BURST_S or self._held_up(first_sent_s, arrived_s):
            self._last_sent_s = max(self._last_sent_s, last_sent_s)
            self._last_arrived_s = max(self._last_arrived_s, arrived_s)
        else:
            self._end_group()
            self._begin_group(first_sent_s, last_sent_s, arrived_s)

    def _begin_group(self, first_sent_s: float, last_sent_s: float, arrived_s: float) -> None:
        self._in_group = True
        self._group_sent_s, self._last_sent_s = first_sent_s, last_sent_s
        self._last_arrived_s = arrived_s

    def _held_up(self, sent_s: float, arrived_s: float) -> bool:
        """§5.2: packets that were held up together (Wi-Fi) and arrive as one burst."""
        arrival_gap = arrived_s - self._last_arrived_s
        return arrival_gap <= BURST_S and arrival_gap - (sent_s - self._last_sent_s) < 0

    def _end_group(self) -> None:
        if self._previous is not None:
            sent_ms = 1000 * (self._last_sent_s - self._previous[0])
            arrived_ms = 1000 * (self._last_arrived_s - self._previous[1])
            if arrived_ms >= 0:
                self._update(sent_ms, arrived_ms)
        self._previous = (self._last_sent_s, self._last_arrived_s)

    def _update(self, sent_ms: float, arrived_ms: float) -> None:
        """One more difference of groups: fit the line, compare it with the threshold."""
        self._deltas = min(self._deltas + 1, MAX_DELTAS)
        self._accumulated_ms += arrived_ms - sent_ms
        self._smoothed_ms = SMOOTHING * self._smoothed_ms + (1 - SMOOTHING) * self._accumulated_ms
        self._remember_low()
        at_ms = 1000 * self._last_arrived_s
        self._points.append((at_ms, self._smoothed_ms))
        slope = _slope(self._points) if len(self._points) == WINDOW_GROUPS else 0.0
        self._judge(slope, sent_ms, at_ms)

    def _remember_low(self) -> None:
        self._group += 1
        while self._lows and self._lows[-1][1] >= self._smoothed_ms:
            self._lows.pop()
        self._lows.append((self._group, self._smoothed_ms))
        if self._lows[0][0] <= self._group - QUEUE_GROUPS:
            self._lows.popleft()

    @property
    def queue_ms(self) -> float:
        """How much more delay there is than at the best moment of the last seconds."""
        return self._smoothed_ms - self._lows[0][1] if self._lows else 0.0

    def _judge(self, slope: float, sent_ms: float, at_ms: float) -> None:
        trend_ms = self._deltas * slope * GAIN
        if trend_ms > self.threshold_ms and self.queue_ms > QUEUE_MS:
            # The first time it may have begun anywhere since the group before.
            self._over_ms += sent_ms if self._over_count else sent_ms / 2
            self._over_count += 1
            if self._over_ms > OVERUSE_MS and self._over_count > 1 and slope >= self._slope:
                self._over_ms, self._over_count = 0.0, 0
                self.usage = Usage.OVERUSE
        else:
            self._over_ms, self._over_count = 0.0, 0
            self.usage = Usage.UNDERUSE if trend_ms < -self.threshold_ms else Usage.NORMAL
        self._slope = slope
        self._adapt(abs(trend_ms), at_ms)

    def _adapt(self, trend_ms: float, at_ms: float) -> None:
        """§5.4: the threshold follows the trend, but not a sudden spike."""
        elapsed_ms = 0.0 if self._updated_ms is None else at_ms - self._updated_ms
        self._updated_ms = at_ms
        if trend_ms > self.threshold_ms + SPIKE_MS:
            return
        gain = GAIN_INSIDE if trend_ms < self.threshold_ms else GAIN_OUTSIDE
        step_ms = max(0.0, min(MAX_STEP_MS, elapsed_ms))
        moved = self.threshold_ms + gain * (trend_ms - self.threshold_ms) * step_ms
        self.threshold_ms = min(MAX_THRESHOLD_MS, max(MIN_THRESHOLD_MS, moved))


def _slope(points: deque[tuple[float, float]]) -> float:
    """Least-squares slope of (x, y) points; 0 when all x are one."""
    # One pass, from the first point: sums of hours of milliseconds would lose their digits.
    first_x, first_y = points[0]
    sum_x = sum_y = sum_xx = sum_xy = 0.0
    for at, delay in points:
        x, y = at - first_x, delay - first_y
        sum_x += x
        sum_y += y
        sum_xx += x * x
        sum_xy += x * y
    spread = len(points) * sum_xx - sum_x * sum_x
    return (len(points) * sum_xy - sum_x * sum_y) / spread if spread > 0 else 0.0
