"""A sender's timestamps as one count that goes on, whatever the sender does to them.

A sender may begin to count anew (RFC 3550 §5.1 asks only that a count begins anywhere), or set its
count with its clock, by hours or by tenths of a second. Then ours goes on by the arrivals, and what
came before and what comes after have nothing to do with each other. Told apart are:

- timestamps that lie further from the time passed than a line and a sender that stands still could
  bring them,
- timestamps that go back though packets go on: sound never does, nor VP8; H.264 may, where pictures
  come in another order than they are shown (B-frames), but over a few pictures only,
- timestamps that jump ahead, so that a packet comes sooner than any before. (A queue that is gone
  is no such jump: what it held comes all at once, or is lost. Nor is a shorter way: what is sent
  there overtakes what is still on the longer one. Then it comes sooner by no more than lies between
  in packets.)

Around such a moment packets may be lost or change places. What was sent before and comes afterwards
has no place.

Sans-IO; timestamps are ticks, times Unix seconds.
"""

from __future__ import annotations

from bisect import insort
from enum import Enum, auto

from mixer.reading.least_delay import LEAST_DELAY_WINDOW_S
from mixer.rtp.sequence import Unwrapper, sequence_distance, timestamp_distance
from recorder.straight_line import MAX_DRIFT

# Timestamps and the time passed differ by what a line holds up and a sender stands still, at most
# some seconds.
TIMESTAMP_JUMP_S = 10.0

# A packet that came sooner than any before it by this much, and by what was sent between: no line
# does that.
AHEAD_JUMP_S = 0.1

# A sender that begins anew more often than this is not followed: no such packet has a place.
COUNT_BROKEN_SPACING_S = 1.0

# How many pictures of H.264 that are shown later may come before one: encoders use up to four.
PICTURES_SHOWN_LATER = 4


class Verdict(Enum):
    """What a packet's timestamp says of the count."""

    GOES_ON = auto()
    BEGINS_ANEW = auto()
    HAS_NO_PLACE = auto()  # it begins anew, and did so a moment ago; or it was sent before that


class SenderCount:
    """One track's count. `judge` a packet; when it begins anew, `begin_anew`; then `take` it."""

    def __init__(self, clock_rate: int, *, shown_later: int = 0) -> None:
        """`shown_later`: how many pictures may come before one that is shown before them."""
        self._rate = clock_rate
        self._timestamps = Unwrapper(32)
        self._shift = 0
        self._shown_later = shown_later
        self.newest: int | None = None  # the highest of ours
        self._began = 0.0
        # Where the count lay in our time when it began: the least delay of some seconds, in ticks.
        self._offset: float | None = None
        self._sequence = 0  # of the packet sent last, as far as they came
        self._timestamp = 0  # its
        self._lasts = 0  # from one timestamp to the next, in ticks
        self._first: int | None = None  # the sequence a count begun anew began with
        self._last_offset = 0.0
        self._least = [0.0, 0.0]  # offsets: of this window and of the one before
        self._window_began = 0.0
        self._highest: list[int] = []  # as many as may be shown later, and one more

    def peek(self, timestamp: int) -> int:
        """Which of ours it is; nothing is remembered."""
        return self._timestamps.peek(timestamp) + self._shift

    def take(self, timestamp: int) -> int:
        """Which of ours it is."""
        rtp = self._timestamps.unwrap(timestamp) + self._shift
        self.newest = rtp if self.newest is None else max(self.newest, rtp)
        return rtp

    def judge(self, sequence: int, timestamp: int, wall: float) -> Verdict:
        """A packet arrived at `wall`."""
        rtp = self.peek(timestamp)
        offset = wall * self._rate - rtp
        if self._offset is None:
            self._begin(sequence, timestamp, rtp, offset, wall)
            return Verdict.GOES_ON
        elapsed = wall - self._began
        if abs(offset - self._offset) > (TIMESTAMP_JUMP_S + MAX_DRIFT * elapsed) * self._rate:
            anew = elapsed >= COUNT_BROKEN_SPACING_S
            return Verdict.BEGINS_ANEW if anew else Verdict.HAS_NO_PLACE
        if elapsed < COUNT_BROKEN_SPACING_S and self._was_sent_before(sequence, offset):
            return Verdict.HAS_NO_PLACE
        if self._steps(sequence, timestamp, rtp, offset, elapsed):
            return Verdict.BEGINS_ANEW
        if elapsed < LEAST_DELAY_WINDOW_S:
            self._offset = min(self._offset, offset)
        self._note(sequence, timestamp, rtp, offset, wall)
        return Verdict.GOES_ON

    def begin_anew(self, sequence: int, timestamp: int, wall: float) -> int:
        """Which of ours this packet's is now; those behind it follow."""
        arrived = wall * self._rate
        newest = self.newest if self.newest is not None else 0
        due = arrived - self._offset if self._offset is not None else 0
        begins = max(newest + 1, round(due))
        self._timestamps = Unwrapper(32)
        self._shift = begins - timestamp
        self._begin(sequence, timestamp, begins, arrived - begins, wall)
        self._first = sequence
        return begins

    def _begin(self, sequence: int, timestamp: int, rtp: int, offset: float, wall: float) -> None:
        self._offset, self._began = offset, wall
        self._least, self._window_began = [offset, offset], wall
        self._sequence, self._timestamp, self._last_offset = sequence, timestamp, offset
        self._highest = [rtp]

    def _was_sent_before(self, sequence: int, offset: float) -> bool:
        """Whether it is one of the count before, and came late."""
        return (
            self._first is not None
            and sequence_distance(sequence, self._first) < 0
            and abs(offset - self._last_offset) > AHEAD_JUMP_S * self._rate
        )

    def _steps(
        self, sequence: int, timestamp: int, rtp: int, offset: float, elapsed: float
    ) -> bool:
        """Whether the count was set back, or ahead, between the packet sent last and this one."""
        sent_after = sequence_distance(sequence, self._sequence)
        if sent_after <= 0 or timestamp == self._timestamp or elapsed < COUNT_BROKEN_SPACING_S:
            return False
        if len(self._highest) > self._shown_later and rtp < self._highest[0]:
            return True
        if elapsed < LEAST_DELAY_WINDOW_S:
            return False
        sooner = min(self._last_offset, *self._least) - offset
        return sooner > AHEAD_JUMP_S * self._rate + (sent_after - 1) * self._lasts

    def _note(self, sequence: int, timestamp: int, rtp: int, offset: float, wall: float) -> None:
        if wall - self._window_began >= LEAST_DELAY_WINDOW_S:
            self._least, self._window_began = [offset, self._least[0]], wall
        self._least[0] = min(self._least[0], offset)
        if sequence_distance(sequence, self._sequence) <= 0:
            return
        self._sequence, self._last_offset = sequence, offset
        if timestamp != self._timestamp:
            self._lasts = abs(timestamp_distance(timestamp, self._timestamp))
            self._timestamp = timestamp
            insort(self._highest, rtp)
            del self._highest[: -1 - self._shown_later]
