"""One device's line: loss, round trip and bitrate as measured, and in a word for people.

Owns what the totals of a transport say of the last seconds; the pump reads and writes the reports
they come from. How much the line could carry is `mixer.rtp.bandwidth`'s; what people are told is
signaling's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

# Long enough that one lost packet is not a percentage, short enough to follow a line's trouble.
WINDOW_S = 4.0


@dataclass(frozen=True, slots=True)
class LinkSample:
    """The last seconds of a line; the fields of `mixer.model.LinkMeasured` without its names.

    `loss` is a fraction 0 … 1, `rtt_ms` 0 while unknown, `silent_s` the time since anything was
    heard of the line.
    """

    loss: float
    rtt_ms: float
    bitrate_bps: int
    silent_s: float


class LinkMeter:
    """Measures one transport in one direction; feed it whatever is known of the line."""

    def __init__(self, now: float) -> None:
        self._heard_at = now
        self._losses: deque[tuple[float, int, int]] = deque()  # (when, expected, lost)
        self._expected = self._lost = 0  # in the window
        self._expected_ever = self._lost_ever = 0
        self._bytes: deque[tuple[float, int]] = deque()  # (when, counter)
        self._rtt_s: float | None = None

    def handle_totals(
        self, now: float, *, total_bytes: int, expected: int, lost: int, rtt_s: float | None
    ) -> None:
        """The transport's totals since it began, and its smoothed round trip if one is known.

        `expected` and `lost` are packets, as report blocks tell them.
        """
        self.handle_bytes(total_bytes, now)
        if expected > self._expected_ever:
            self.handle_loss(expected - self._expected_ever, lost - self._lost_ever, now)
            self._expected_ever, self._lost_ever = expected, lost
        if rtt_s is not None:
            self._rtt_s = rtt_s

    def handle_loss(self, expected: int, lost: int, now: float) -> None:
        """So many packets were sent over the line, so many of them did not arrive."""
        self._heard_at = now
        self._losses.append((now, expected, lost))
        self._expected += expected
        self._lost += lost
        self._expire(now)

    def handle_bytes(self, total_bytes: int, now: float) -> None:
        """The transport's byte counter."""
        if self._bytes and total_bytes != self._bytes[-1][1]:
            self._heard_at = now
        self._bytes.append((now, total_bytes))
        while len(self._bytes) > 2 and now - self._bytes[1][0] >= WINDOW_S:
            self._bytes.popleft()

    @property
    def rtt_s(self) -> float | None:
        """The smoothed round trip, None while unknown."""
        return self._rtt_s

    def measure(self, now: float) -> LinkSample:
        """The line over the last `WINDOW_S`."""
        self._expire(now)
        bitrate_bps = 0
        if len(self._bytes) >= 2:
            (began, first), (ended, last) = self._bytes[0], self._bytes[-1]
            if ended > began and last > first:
                bitrate_bps = round(8 * (last - first) / (ended - began))
        return LinkSample(
            loss=self._lost / self._expected if self._expected else 0.0,
            rtt_ms=0.0 if self._rtt_s is None else 1000 * self._rtt_s,
            bitrate_bps=bitrate_bps,
            silent_s=max(0.0, now - self._heard_at),
        )

    def _expire(self, now: float) -> None:
        while self._losses and now - self._losses[0][0] > WINDOW_S:
            _, expected, lost = self._losses.popleft()
            self._expected -= expected
            self._lost -= lost


class LinkWord(StrEnum):
    """A line, in a word."""

    GOOD = "good"
    WEAK = "weak"
    LOST = "lost"


# Weak is what people notice: 5 % loss breaks words now and then even with repair, 400 ms there
# and back make people talk at the same time (ITU-T G.114: above 150 ms one way).
WEAK_LOSS, GOOD_LOSS = 0.05, 0.02
WEAK_RTT_MS, GOOD_RTT_MS = 400.0, 300.0
LOST_AFTER_S = 3.0
# Bad news at the second look, good news after a while: a word that flickers tells nothing.
WEAK_HOLD_S = 1.0
GOOD_HOLD_S = 3.0


class LinkJudge:
    """Turns samples into a word that does not flicker."""

    def __init__(self) -> None:
        self.word = LinkWord.GOOD
        self._leaning: tuple[LinkWord, float] | None = None

    def handle(self, sample: LinkSample, now: float, *, starved: bool = False) -> LinkWord | None:
        """The new word if it changed. `starved`: pictures are paused for want of bandwidth."""
        leaning = self._lean(sample, starved)
        if leaning is self.word:
            self._leaning = None
            return None
        if self._leaning is None or self._leaning[0] is not leaning:
            self._leaning = (leaning, now)
        hold_s = {LinkWord.LOST: 0.0, LinkWord.WEAK: WEAK_HOLD_S, LinkWord.GOOD: GOOD_HOLD_S}
        # A line that was lost and speaks again is at once at least weak.
        needed_s = 0.0 if self.word is LinkWord.LOST else hold_s[leaning]
        if now - self._leaning[1] < needed_s:
            return None
        was_lost = self.word is LinkWord.LOST
        self.word = LinkWord.WEAK if was_lost else leaning
        self._leaning = None
        return self.word

    def _lean(self, sample: LinkSample, starved: bool) -> LinkWord:
        if sample.silent_s >= LOST_AFTER_S:
            return LinkWord.LOST
        good = self.word is LinkWord.GOOD
        weak_loss = WEAK_LOSS if good else GOOD_LOSS
        weak_rtt_ms = WEAK_RTT_MS if good else GOOD_RTT_MS
        weak = starved or sample.loss > weak_loss or sample.rtt_ms > weak_rtt_ms
        return LinkWord.WEAK if weak else LinkWord.GOOD
