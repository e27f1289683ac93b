"""When to try whether a line carries more, and what the trial showed.

A forwarder sends what its publishers send: it cannot slowly grow into a line as an encoder does,
and an estimate that nothing tests stays where it is. So for some tens of milliseconds more is
sent than media needs (a *probe*: the pump fills up with repeated packets) and the arrival of this
train shows what the line carries. Method: libwebrtc's probing, with rates that at most double.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# What a probe tries: twice what is known. On a line that carries no more, 60 ms at twice its rate
# cost 60 ms of delay, once.
STEP = 2.0
DURATION_S = 0.06
# A token bucket lets a short train pass at any rate. When a rise that a probe allowed fails soon,
# the next probes are longer and rarer. Rarer too when they show nothing new: on a narrow line each
# of them delays the sound for a moment.
MAX_DURATION_S = 0.24
INTERVAL_S = 2.0
MAX_INTERVAL_S = 5.0
FAILED_WITHIN_S = 5.0
# More than the wanted rate is tried, so that there is a margin to switch up.
BEYOND_WANTED = 1.3
# What a probe must show above what is known to be news.
NEWS = 1.2
# A probe without an answer by then has none.
ANSWER_S = 1.0
# A step smaller than this is not worth a probe.
LEAST_STEP = 1.1
# What is known to be so much more than wanted is enough: nothing is left to be tried.
ENOUGH = BEYOND_WANTED / LEAST_STEP
# Fewer packets or a shorter train measure the timer, not the line.
MIN_TRAIN_PACKETS = 5
MIN_TRAIN_BYTES = 3000
# A train that arrives this much more slowly than it was sent has met the bottleneck; what it then
# shows is the line's whole rate, of which a little is left free for the queue to drain.
SATURATED = 0.9
SATURATED_SHARE = 0.95
# So much out of order, and packets enough to spare: the line delays each packet as it likes.
REORDERED = 0.15
MIN_REORDERED_PACKETS = 16


# (sent, arrived, bytes) of a probe's packets that arrived, in sending order.
Train = Sequence[tuple[float, float, int]]


@dataclass(frozen=True, slots=True)
class Probe:
    """Send at `bitrate_bps` in all (media and filling) for `duration_s`, beginning now."""

    bitrate_bps: int
    duration_s: float


class ProbePlanner:
    """Plans probes for one line and reads their results; at most one is under way."""

    def __init__(self) -> None:
        self._under_way: tuple[Probe, float] | None = None  # (probe, began)
        self._next_at = 0.0
        self._duration_s = DURATION_S
        self._interval_s = INTERVAL_S
        self._succeeded_at = float("-inf")
        self._known_bps = 0.0  # when the probe under way began
        self._vain = 0  # probes in a row that showed nothing new

    def plan(self, now: float, *, known_bps: float, wanted_bps: float) -> Probe | None:
        """A probe to begin now, if one is due. Call only while the line shows no congestion."""
        if self._under_way is not None:
            probe, began_at = self._under_way
            if now < began_at + probe.duration_s + ANSWER_S:
                return None
            self._end(now)
        target = min(STEP * known_bps, BEYOND_WANTED * wanted_bps)
        if now < self._next_at or target < LEAST_STEP * known_bps:
            return None
        # Slow lines need longer for enough packets to measure anything.
        duration_s = max(self._duration_s, min(0.5, 2.5 * 8 * MIN_TRAIN_BYTES / target))
        probe = Probe(round(target), duration_s)
        self._under_way = (probe, now)
        self._known_bps = known_bps
        return probe

    @property
    def under_way(self) -> bool:
        """Whether a probe's packets are being sent or waited for."""
        return self._under_way is not None

    def handle_train(self, train: Train, now: float) -> float | None:
        """The answer to the probe under way: its packets that arrived. The rate it has shown."""
        if self._under_way is None:
            return None
        probe, _ = self._under_way
        result = train_bitrate_bps(train)
        if result is not None:
            self._vain = 0 if result > NEWS * self._known_bps else self._vain + 1
        self._end(now)
        if result is not None and result >= 0.8 * probe.bitrate_bps:
            self._next_at = now  # it carried all: try the next step at once
            self._succeeded_at = now
        return result

    def line_overused(self, now: float) -> None:
        """The line was found too full: was it the last probe's fault?"""
        if now - self._succeeded_at < FAILED_WITHIN_S:
            self._duration_s = min(2 * self._duration_s, MAX_DURATION_S)
            self._interval_s = min(1.5 * self._interval_s, MAX_INTERVAL_S)
            self._succeeded_at = float("-inf")
        elif now - self._succeeded_at > 4 * FAILED_WITHIN_S:
            self._duration_s, self._interval_s = DURATION_S, INTERVAL_S
        self._vain += self._under_way is not None
        self._end(now)

    def line_returned(self, now: float) -> None:
        """The line was dead and is back: try at once."""
        self._vain = 0
        self._end(now)
        self._next_at = now

    def cancel(self, now: float) -> None:
        """The probe was never sent."""
        self._end(now)

    def _end(self, now: float) -> None:
        self._under_way = None
        interval_s = self._interval_s * 1.5 ** min(max(0, self._vain - 1), 3)
        self._next_at = now + min(interval_s, MAX_INTERVAL_S)


def train_bitrate_bps(train: Train) -> float | None:
    """The rate a train of packets shows the line to carry, None if it shows nothing."""
    size_bytes = sum(size for _, _, size in train)
    if len(train) < MIN_TRAIN_PACKETS or size_bytes < MIN_TRAIN_BYTES:
        return None
    sent_s = train[-1][0] - train[0][0]
    if sent_s <= 0:
        return None
    # The bytes of the last packet sent lie outside the measured time.
    sent_bps = 8 * (size_bytes - train[-1][2]) / sent_s
    arrived_bps = _arrival_bps(train)
    if arrived_bps < SATURATED * sent_bps:
        return SATURATED_SHARE * arrived_bps
    return min(sent_bps, arrived_bps)


def _arrival_bps(train: Train) -> float:
    """The rate at which a train arrives, infinite when all came within one tick."""
    inversions = sum(later[1] < earlier[1] for earlier, later in pairwise(train))
    arrivals = sorted((arrived, size) for _, arrived, size in train)
    if inversions > REORDERED * len(train) and len(train) >= MIN_REORDERED_PACKETS:
        # Random delays spread the ends of the train, not its middle.
        arrivals = arrivals[len(train) // 4 : len(train) - len(train) // 4]
    arrived_s = arrivals[-1][0] - arrivals[0][0]
    # The bytes of the first packet arrived before the measured time.
    size_bytes = sum(size for _, size in arrivals[1:])
    return 8 * size_bytes / arrived_s if arrived_s > 0 else math.inf
