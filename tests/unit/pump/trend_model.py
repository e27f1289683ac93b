"""Is the queue before a bottleneck growing? `native/delay_trend.c`, readable.

draft-ietf-rmcat-gcc-02 §5.2–5.4 with its successor's trend line; the reasons of the numbers stand
in the C file. Not used in production: the tests hold the two together.
"""

from __future__ import annotations

from collections import deque

BURST_NS = 5_000_000
PAUSE_NS = 2_000_000_000
WINDOW_GROUPS = 20
SMOOTHING = 0.9
GAIN = 4.0
MAX_DELTAS = 60
INITIAL_THRESHOLD_MS = 12.5
MIN_THRESHOLD_MS, MAX_THRESHOLD_MS = 6.0, 600.0
GAIN_OUTSIDE, GAIN_INSIDE = 0.0087, 0.039
MAX_STEP_MS = 100.0
SPIKE_MS = 15.0
OVERUSE_MS = 10.0
QUEUE_MS = 20.0
QUEUE_GROUPS = 500

NORMAL, OVERUSE, UNDERUSE = 0, 1, 2


class DelayTrend:
    """Feed it every acknowledged burst in sending order; `usage` is the verdict so far."""

    def __init__(self) -> None:
        self.threshold_ms = INITIAL_THRESHOLD_MS
        self._updated_ms: float | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the past packets, but for the threshold."""
        self.usage = NORMAL
        self._group_sent_ns = self._last_sent_ns = self._last_arrived_ns = 0
        self._previous: tuple[int, int] | None = None  # (sent, arrived) of the group before
        self._in_group = False
        self._deltas = 0
        self._accumulated_ms = self._smoothed_ms = 0.0
        self._points: deque[tuple[float, float]] = deque(maxlen=WINDOW_GROUPS)
        self._lows: deque[tuple[int, float]] = deque()  # (group, delay), rising: a sliding minimum
        self._group = 0
        self._over_ms = 0.0
        self._over_count = 0
        self._slope = 0.0

    def handle_burst(self, first_sent_ns: int, last_sent_ns: int, arrived_ns: int) -> None:
        """Packets sent in one breath: when by our clock, and when all were there by the peer's."""
        if not self._in_group:
            self._begin_group(first_sent_ns, last_sent_ns, arrived_ns)
        elif first_sent_ns < self._group_sent_ns:
            return  # sent before this group began: reordered, tells nothing
        elif first_sent_ns - self._last_sent_ns > PAUSE_NS:
            self.reset()
            self._begin_group(first_sent_ns, last_sent_ns, arrived_ns)
        elif last_sent_ns - self._group_sent_ns <= BURST_NS or self._held_up(
            first_sent_ns, arrived_ns
        ):
            self._last_sent_ns = max(self._last_sent_ns, last_sent_ns)
            self._last_arrived_ns = max(self._last_arrived_ns, arrived_ns)
        else:
            self._end_group()
            self._begin_group(first_sent_ns, last_sent_ns, arrived_ns)

    def _begin_group(self, first_sent_ns: int, last_sent_ns: int, arrived_ns: int) -> None:
        self._in_group = True
        self._group_sent_ns, self._last_sent_ns = first_sent_ns, last_sent_ns
        self._last_arrived_ns = arrived_ns

    def _held_up(self, sent_ns: int, arrived_ns: int) -> bool:
        """§5.2: packets that were held up together (Wi-Fi) and arrive as one burst."""
        arrival_gap_ns = arrived_ns - self._last_arrived_ns
        return arrival_gap_ns <= BURST_NS and arrival_gap_ns < sent_ns - self._last_sent_ns

    def _end_group(self) -> None:
        if self._previous is not None:
            sent_ms = (self._last_sent_ns - self._previous[0]) / 1e6
            arrived_ms = (self._last_arrived_ns - self._previous[1]) / 1e6
            if arrived_ms >= 0:
                self._update(sent_ms, arrived_ms)
        self._previous = (self._last_sent_ns, self._last_arrived_ns)

    def _update(self, sent_ms: float, arrived_ms: float) -> None:
        """One more difference of groups: fit the line, compare it with the threshold."""
        self._deltas = min(self._deltas + 1, MAX_DELTAS)
        self._accumulated_ms += arrived_ms - sent_ms
        self._smoothed_ms = SMOOTHING * self._smoothed_ms + (1 - SMOOTHING) * self._accumulated_ms
        self._remember_low()
        at_ms = self._last_arrived_ns / 1e6
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

    def _judge(self, slope: float, sent_ms: float, at_ms: float) -> None:
        trend_ms = self._deltas * slope * GAIN
        queue_ms = self._smoothed_ms - self._lows[0][1]
        if trend_ms > self.threshold_ms and queue_ms > QUEUE_MS:
            # The first time it may have begun anywhere since the group before.
            self._over_ms += sent_ms if self._over_count else sent_ms / 2
            self._over_count += 1
            if self._over_ms > OVERUSE_MS and self._over_count > 1 and slope >= self._slope:
                self._over_ms, self._over_count = 0.0, 0
                self.usage = OVERUSE
        else:
            self._over_ms, self._over_count = 0.0, 0
            self.usage = UNDERUSE if trend_ms < -self.threshold_ms else NORMAL
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
