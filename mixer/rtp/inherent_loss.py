"""Which part of a line's loss is not our doing.

A full queue or a policer loses what is over its rate: send less, and the loss goes. A bad radio
link loses its share of whatever is sent. So when the rate has fallen much and several measures
show the same loss as before, that loss is the line's own (*inherent*). It follows the measures
down at once, and is forgotten when sending more again brings more loss. What follows for the rate
is `loss_bound`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# Below this part of the rate at which trouble began, less is "much less".
MUCH_LESS = 0.7
# A line of fixed capacity that lost 30 % at rate R loses nothing at 0.7 R; one that loses anyway
# loses the same. What is seen lies nearer to one or the other: this part of the way up decides.
# Losses come in runs, so that few packets say little: better to believe too soon than to fall
# silent, for what is learned wrongly shows at once (`DOUBT_MEASURES`).
NEARER = 0.45
# Look at so many measures, and packets, at the lower rate before believing anything.
LOOK_MEASURES = 3
LOOK_PACKETS = 120
# One good measure is luck; after so many the trouble is over.
CALM_MEASURES = 3
# Too little to learn from.
LEAST = 0.02
# Beyond this a line is broken, not lossy.
MOST = 0.5
# The running mean that the learned value follows down.
SMOOTHING = 0.4
# So soon after learning, clearly more loss means it was learned wrongly; then wait before
# learning again.
DOUBT_MEASURES = 6
DOUBT_LOSS = 0.08
BAN_MEASURES = 20


@dataclass(slots=True)
class _Mean:
    """Loss over several measures, weighted by packets."""

    measures: int = 0
    packets: int = 0
    lost: float = 0.0

    def add(self, loss: float, packets: int) -> None:
        self.measures += 1
        self.packets += packets
        self.lost += loss * packets

    @property
    def loss(self) -> float:
        return self.lost / self.packets if self.packets else 0.0


class InherentLoss:
    """Learns from measures of loss; `value` is the inherent part, 0 while none is known."""

    def __init__(self) -> None:
        self.value = 0.0
        self._recent: float | None = None  # running mean
        self._began_bps: float | None = None  # the rate at which trouble began
        self._high = _Mean()  # near that rate
        self._low = _Mean()  # much below it
        self._low_bps = 0.0  # the highest rate of those measures
        self._is_low = False  # whether the last measure was one of them
        self._troubled = self._calm = 0  # measures
        self._measures_since = 0  # since learned, or (negative) until learning is allowed

    @property
    def looking(self) -> bool:
        """Whether the rate has fallen enough to see: it should stay where it is for now."""
        return self._is_low

    @property
    def at_rest(self) -> bool:
        """Whether nothing is known, suspected or barred: measures without loss change nothing."""
        return not self.value and not self._troubled and self._measures_since >= 0

    def noise(self, packets: int) -> float:
        """How far a measure of so many packets strays from the value (two deviations)."""
        return 2 * _deviation(self.value, packets)

    def excess(self, loss: float) -> float:
        """The part of the packets that get past the inherent loss and are lost all the same."""
        return max(0.0, loss - self.value) / (1 - self.value)

    def handle_measure(self, loss: float, packets: int, sent_bps: float) -> float | None:
        """One measure of loss at a sending rate.

        Returns the rate at which the trouble began when this measure shows that the rate was not
        to blame for it.
        """
        recent = self._recent
        self._recent = recent = loss if recent is None else recent + SMOOTHING * (loss - recent)
        self._measures_since += 1
        doubtful = self.value > 0 and 0 < self._measures_since <= DOUBT_MEASURES
        if recent < self.value:
            self.value = recent if recent >= LEAST else 0.0
        elif doubtful and recent > self.value + self.noise(packets) + DOUBT_LOSS:
            self.value = 0.0
            self._measures_since = -BAN_MEASURES
        return self._compare(loss, packets, sent_bps)

    def trouble(self, loss: float, packets: int, sent_bps: float) -> None:
        """The rate has to fall because of this measure: remember where it began.

        Not the very first one: before, an empty queue has swallowed what was too much.
        """
        self._troubled += 1
        self._calm = 0
        if self._began_bps is None and self._measures_since >= 0 and self._troubled > 1:
            self._began_bps = sent_bps
            self._high.add(loss, packets)

    def calm(self) -> None:
        """This measure was no trouble; after several there is nothing to compare with."""
        self._calm += 1
        if self._calm >= CALM_MEASURES:
            self._begin_anew()

    def _compare(self, loss: float, packets: int, sent_bps: float) -> float | None:
        if self._began_bps is None:
            return None
        self._is_low = sent_bps <= MUCH_LESS * self._began_bps
        if not self._is_low:
            self._high.add(loss, packets)
            return None
        self._low.add(loss, packets)
        self._low_bps = max(self._low_bps, sent_bps)
        if self._low.measures < LOOK_MEASURES or self._low.packets < LOOK_PACKETS:
            return None
        before, seen, began_bps = self._high.loss, self._low.loss, self._began_bps
        full = max(0.0, 1 - (1 - before) * began_bps / self._low_bps)  # if the line was only full
        self._begin_anew()
        if seen < max(full + NEARER * (before - full), LEAST):
            return None
        self.value = self._recent = min(seen, MOST)
        self._measures_since = 0
        return began_bps

    def _begin_anew(self) -> None:
        self._began_bps = None
        self._high, self._low = _Mean(), _Mean()
        self._low_bps = 0.0
        self._is_low = False
        self._troubled = self._calm = 0


def _deviation(loss: float, packets: int) -> float:
    return math.sqrt(loss * (1 - loss) / packets)
