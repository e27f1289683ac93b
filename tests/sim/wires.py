"""A connection between a room and the server, reliable as TCP is, on lines that lose."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from tests.sim.network import Clock, Line


def line(clock: Clock, rng: random.Random, loss: float) -> Line:
    """A school's line: 20 ms, some jitter, and so much loss in short bursts."""
    return Line(clock, rng, delay_s=0.02, jitter_s=0.01, loss=loss, burst=2.0)


class Wire:
    """One direction of a connection: reliable and in order, as TCP is on a line that loses.

    What is lost is sent again after a time that doubles (RFC 6298 §5.5, from Linux's 200 ms); all
    behind it waits.
    """

    def __init__(self, clock: Clock, line: Line, deliver: Callable[[object], None]) -> None:
        self._clock = clock
        self._line = line
        self._deliver = deliver
        self._queue: deque[object] = deque()
        self._busy = False
        self.closed = False

    def send(self, item: object) -> None:
        self._queue.append(item)
        if not self._busy:
            self._busy = True
            self._try(0)

    def _try(self, attempt: int) -> None:
        item = self._queue[0]
        arrived: list[bool] = []

        def arrive() -> None:
            if not arrived and not self.closed:
                arrived.append(True)
                self._queue.popleft()
                self._busy = bool(self._queue)
                if self._busy:
                    self._try(0)
                self._deliver(item)

        def again() -> None:
            if not arrived and not self.closed:
                self._try(attempt + 1)

        self._line.send(300, arrive)
        self._clock.after(min(0.2 * 2**attempt, 2.0) + self._line.queue_now_s, again)


@dataclass
class Link:
    """One room's connection as both ends have it."""

    number: int
    up: Wire
    down: Wire
    heard_at: float

    def drop(self) -> None:
        self.up.closed = self.down.closed = True
