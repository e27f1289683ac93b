"""A network in virtual time: lines with a rate, a queue, delay, loss and jitter, from a seed.

Owns the path of a packet from one end to the other and the clock that moves it. What is sent, and
what the ends do with it, is the tests'. Nothing here sleeps or reads a real clock.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass


class Clock:
    """Virtual time and what is to happen in it, earliest first; ties in the order of asking."""

    def __init__(self, start: float = 1000.0) -> None:
        # Not zero: code that takes "0" for "never" must not pass by luck.
        self.now = start
        self._count = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do `action` at `when` (never in the past)."""
        heapq.heappush(self._events, (max(when, self.now), next(self._count), action))

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do `action` in `delay_s`."""
        self.at(self.now + delay_s, action)

    def every(self, period_s: float, action: Callable[[], None]) -> None:
        """Do `action` now and every `period_s` from now on."""

        def again() -> None:
            action()
            self.after(period_s, again)

        self.at(self.now, again)

    def run(self, duration_s: float) -> None:
        """Let `duration_s` pass."""
        end = self.now + duration_s
        while self._events and self._events[0][0] <= end:
            when, _, action = heapq.heappop(self._events)
            self.now = when
            action()
        self.now = end


@dataclass(slots=True)
class Line:
    """One direction of a line; change its fields while it runs.

    `rate_bps` None is without limit, 0 is cut. `queue_s` is how long the queue before the
    bottleneck may get (tail drop). `loss` is a probability per packet; `burst` makes losses come
    in runs of that mean length. `jitter_s` delays each packet by up to so much more, without
    changing the order unless `reorders`. A `policer_bytes` drops what is over the rate instead of
    queueing it (token bucket of that depth).
    """

    clock: Clock
    rng: random.Random
    rate_bps: float | None = None
    delay_s: float = 0.02
    queue_s: float = 0.3
    loss: float = 0.0
    burst: float = 1.0
    jitter_s: float = 0.0
    reorders: bool = False
    policer_bytes: int = 0
    sent: int = 0
    lost: int = 0
    overflowed: int = 0
    _free_at: float = 0.0
    _arrived_at: float = 0.0
    _losing: bool = False
    _tokens: float = 0.0
    _tokens_at: float = 0.0

    def send(self, size_bytes: int, deliver: Callable[[], None]) -> None:
        """Put a packet on the line; `deliver` is called when and if it arrives."""
        now = self.clock.now
        self.sent += 1
        leaves_at = self._through_bottleneck(now, size_bytes)
        if leaves_at is None:
            self.overflowed += 1
            return
        if self._is_lost():
            self.lost += 1
            return
        arrives_at = leaves_at + self.delay_s + self.rng.random() * self.jitter_s
        if not self.reorders:
            arrives_at = max(arrives_at, self._arrived_at)
            self._arrived_at = arrives_at
        self.clock.at(arrives_at, deliver)

    @property
    def queue_now_s(self) -> float:
        """How long a packet sent now would wait."""
        return max(0.0, self._free_at - self.clock.now)

    def _through_bottleneck(self, now: float, size_bytes: int) -> float | None:
        if self.rate_bps is None:
            return now
        if self.rate_bps == 0:
            return None
        if self.policer_bytes:
            refill = (now - self._tokens_at) * self.rate_bps / 8
            self._tokens = min(self.policer_bytes, self._tokens + refill)
            self._tokens_at = now
            if self._tokens < size_bytes:
                return None
            self._tokens -= size_bytes
            return now
        if self.queue_now_s > self.queue_s:
            return None
        self._free_at = max(now, self._free_at) + 8 * size_bytes / self.rate_bps
        return self._free_at

    def _is_lost(self) -> bool:
        if self.burst <= 1:
            return self.rng.random() < self.loss
        # Two states (Gilbert): stay in a run with 1 − 1/burst, enter so that the mean is `loss`.
        if self._losing:
            self._losing = self.rng.random() < 1 - 1 / self.burst
        else:
            enter = self.loss / ((1 - self.loss) * self.burst) if self.loss < 1 else 1.0
            self._losing = self.rng.random() < enter
        return self._losing
