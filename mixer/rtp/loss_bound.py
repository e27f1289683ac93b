"""How much loss lets us send: the loss-based half of the bandwidth estimate.

draft-ietf-rmcat-gcc-02 §6: below 2 % loss the bound grows, above 10 % it shrinks by half the
loss. One thing is added, for radio links: loss that stays the same although we send much less is
not made by us (*inherent* loss). It is learned, taken off, and unlearned as soon as the line does
better, so that a line which loses 30 % whatever one sends does not fall silent.
"""

from __future__ import annotations

LOW_LOSS, HIGH_LOSS = 0.02, 0.10
GROWTH_PER_S = 1.08

# A measure is of at least so many packets and so long: 10 % of 40 packets is four of them.
MIN_PACKETS = 40
MIN_WINDOW_S = 0.4

# Loss is inherent if it is still this part of what it was after the rate fell below this part.
SAME_LOSS = 0.75
MUCH_LESS = 0.7
# Beyond this a line is broken, not lossy.
MAX_INHERENT = 0.5


class LossBound:
    """The highest rate that the loss allows; infinite until there is loss."""

    def __init__(self) -> None:
        self.bound_bps = float("inf")
        self.inherent = 0.0
        self.loss = 0.0  # of the last measure
        self._expected = self._lost = 0
        self._window_began_at: float | None = None
        self._grown_at: float | None = None
        self._episode: tuple[float, float] | None = None  # (sent bit/s, loss) as trouble began

    @property
    def troubled(self) -> bool:
        """Whether the last measure showed loss of our own making."""
        return self.loss - self.inherent > HIGH_LOSS / 2

    def handle(self, expected: int, lost: int, now: float) -> None:
        """So many packets were reported on, so many of them as lost."""
        if self._window_began_at is None:
            self._window_began_at = now
        self._expected += expected
        self._lost += lost

    def reset_window(self) -> None:
        """Forget what was not yet judged: those packets met a dead line, not a full one."""
        self._expected = self._lost = 0
        self._window_began_at = None

    def update(self, now: float, *, sent_bps: float, target_bps: float, rtt_s: float) -> None:
        """Judge the window if it is long enough. `target_bps` is the whole estimate now."""
        began_at = self._window_began_at
        if began_at is None or self._expected < MIN_PACKETS:
            return
        if now - began_at < MIN_WINDOW_S + rtt_s:
            return
        self.loss = max(0.0, min(1.0, self._lost / self._expected))
        self.reset_window()
        self._learn(sent_bps)
        excess = max(0.0, self.loss - self.inherent) / (1 - self.inherent)
        elapsed = 0.0 if self._grown_at is None else min(2.0, now - self._grown_at)
        self._grown_at = now
        if excess > HIGH_LOSS:
            if self._episode is None:
                self._episode = (sent_bps, self.loss)
            self.bound_bps = min(self.bound_bps, target_bps) * (1 - 0.5 * excess)
        elif excess < LOW_LOSS + self.inherent / 4:
            # A learned loss swings from window to window; a quarter of it is its noise.
            self._episode = None
            self.bound_bps *= GROWTH_PER_S**elapsed
            if self.bound_bps > 2 * target_bps:
                self.bound_bps = float("inf")

    def lift(self, bitrate_bps: float) -> None:
        """The line has just carried this (a probe): the bound is not below it."""
        self.bound_bps = max(self.bound_bps, bitrate_bps)

    def _learn(self, sent_bps: float) -> None:
        if self.loss < self.inherent:
            self.inherent += 0.3 * (self.loss - self.inherent)
            if self.inherent < LOW_LOSS:
                self.inherent = 0.0
            return
        if self._episode is None:
            return
        began_bps, began_loss = self._episode
        if sent_bps <= MUCH_LESS * began_bps:
            if self.loss >= SAME_LOSS * began_loss:
                self.inherent = min(self.loss, MAX_INHERENT)
                self.bound_bps = max(self.bound_bps, began_bps)
            self._episode = None
