"""How much arrives: the bitrate a peer acknowledges, by its own clock.

The `R_hat` of draft-ietf-rmcat-gcc-02 §5.5, over a sliding window of arrival times. Also the rate
of a short train of packets, which is what a probe measures.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

WINDOW_S = 0.5
# While a queue stands before the bottleneck, what arrives in a short time is what it carries.
BUSY_WINDOW_S = 0.15


class SlidingBitrate:
    """Bits per second over the last half second (by default) of whatever clock the times are."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._packets: deque[tuple[float, int]] = deque()  # (when, bytes)
        self._bytes = 0
        self._began_s: float | None = None

    def reset(self) -> None:
        """Forget the past, after a silence."""
        self._packets.clear()
        self._bytes = 0
        self._began_s = None

    def handle_bytes(self, at_s: float, size_bytes: int) -> None:
        """So many bytes at this time; times may go back a little."""
        if self._began_s is None:
            self._began_s = at_s
        self._packets.append((at_s, size_bytes))
        self._bytes += size_bytes
        while self._packets[0][0] < at_s - self._window_s:
            self._bytes -= self._packets.popleft()[1]

    @property
    def bitrate_bps(self) -> float | None:
        """None until half a window is known."""
        if self._began_s is None or not self._packets:
            return None
        known_s = self._packets[-1][0] - self._began_s
        if known_s < self._window_s / 2:
            return None
        return 8 * self._bytes / min(known_s, self._window_s)


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


def train_bitrate_bps(train: Sequence[tuple[float, float, int]]) -> float | None:
    """The rate a train of packets shows the line to carry, None if it shows nothing.

    `train` has (sent, arrived, bytes) of its packets that arrived, in sending order.
    """
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


def _arrival_bps(train: Sequence[tuple[float, float, int]]) -> float:
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
