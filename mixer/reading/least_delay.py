"""Where a track's timestamps lie in our own time: when its least delayed packets came.

A stream's timestamps count ticks from anywhere (RFC 3550 §5.1). A packet is never early, so of some
seconds of packets the least delayed one tells best where the timestamps lie in our own time. The
first packet tells too: a recording may end at any moment, and a track without a single point could
only be guessed. And when arrivals show a break (all of it is later than before, at once or for a
moment now; or it is suddenly earlier), what came before and what comes after are noted apart: what
it was is decided when the recording is finished and everything is known (`recorder.lesson_time`).

Sans-IO.
"""

from __future__ import annotations

from mixer.token_bucket import TokenBucket

# Long enough that jitter finds its least, and at 100 bytes a point a lesson's journal stays small.
LEAST_DELAY_WINDOW_S = 5.0

# After a beginning the windows are short, and double: a stay of a second has points, too.
_FIRST_WINDOW_S = 0.25

# What may be a break and no jitter. Ears and lips forgive 40 ms, and breaks add up.
BREAK_S = 0.03

# When nothing is as early as before for so long, all has grown late little by little.
_MOMENT_S = 0.2

# A line that swings all the time would write points without end.
_BREAKS_PER_S = 1.5
_BREAKS_AT_ONCE = 10

Point = tuple[int, float]  # timestamp, arrival


class LeastDelay:
    """Takes every packet's timestamp and arrival, gives the points worth keeping."""

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._window_s = 0.0  # 0: the next packet is a first one, and a point by itself
        self._window_began = 0.0
        self._breaks_left = TokenBucket(rate_per_s=_BREAKS_PER_S, burst=_BREAKS_AT_ONCE, now=0.0)
        self._last_offset = 0.0
        self._moment_began = 0.0
        self._moment_best: Point = (0, 0.0)
        self._moment_offset = float("inf")
        self._best: Point | None = None
        self._best_offset = 0.0
        self._known: float | None = None  # the least offset of the window before

    def observe(self, rtp: int, at: float) -> list[Point]:
        """A packet of timestamp `rtp` (unwrapped) arrived at `at`."""
        offset = at - rtp / self._clock_rate
        points: list[Point] = []
        if self._breaks(offset) and self._breaks_left.take(at):
            points += self.take()
            self._window_s = 0.0
        elif self._best is not None and at - self._window_began >= self._window_s:
            points += self.take()
        elif self._has_grown_late(at) and self._breaks_left.take(at):
            points += self.take()
            self._best, self._best_offset = self._moment_best, self._moment_offset
            self._window_s, self._window_began = _FIRST_WINDOW_S, at
        self._last_offset = offset
        if at - self._moment_began >= _MOMENT_S:
            self._moment_began, self._moment_offset = at, float("inf")
        if offset < self._moment_offset:
            self._moment_best, self._moment_offset = (rtp, at), offset
        if self._window_s == 0.0:
            self._window_s = _FIRST_WINDOW_S
            self._window_began = at
            self._known = offset
            return [*points, (rtp, at)]
        if self._best is None:
            self._window_began = at
        if self._best is None or offset < self._best_offset:
            self._best, self._best_offset = (rtp, at), offset
        return points

    def take(self) -> list[Point]:
        """The point of the window begun, if it has one; a new window begins."""
        if self._best is None:
            return []
        point, self._best = self._best, None
        self._known = self._best_offset
        self._window_s = min(LEAST_DELAY_WINDOW_S, 2 * self._window_s)
        return [point]

    def begin_anew(self) -> list[Point]:
        """The timestamps that follow have nothing to do with those before."""
        points = self.take()
        self._window_s, self._known = 0.0, None
        return points

    def _has_grown_late(self, at: float) -> bool:
        least = self._least
        if least is None or at - self._moment_began < _MOMENT_S:
            return False
        return least + BREAK_S < self._moment_offset < float("inf")

    @property
    def _least(self) -> float | None:
        return self._best_offset if self._best is not None else self._known

    def _breaks(self, offset: float) -> bool:
        least = self._least
        if least is None:
            return False
        if offset > least + BREAK_S:
            return offset - self._last_offset >= BREAK_S  # at once: a queue grows little by little
        return offset < least - BREAK_S


class PicturesInOrder:
    """Which arrivals of pictures that may be coded in another order than shown say where they lie.

    A picture that others are made from is sent before those (B-frames), early by some pictures'
    time: by that it would seem less delayed than all others. So of each picture is known only with
    the next whether its arrival counts; the very first counts at once.
    """

    def __init__(self) -> None:
        self._newest: int | None = None
        self._held: Point | None = None

    def take(self, rtp: int, at: float) -> list[Point]:
        """A packet's timestamp and arrival; what is known now to count."""
        if rtp == self._newest:
            return []
        is_first, self._newest = self._newest is None, rtp
        if is_first:
            return [(rtp, at)]
        held, self._held = self._held, (rtp, at)
        return [held] if held is not None and rtp > held[0] else []

    def begin_anew(self) -> None:
        """The timestamps that follow have nothing to do with those before."""
        self._newest = self._held = None
