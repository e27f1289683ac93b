"""A line's native senses and its estimate in virtual time, coupled as the node couples them."""

from __future__ import annotations

from mixer.node.control_loop import TOTALS_INTERVAL_S
from mixer.pump._pump import Line
from mixer.rtp.bandwidth import BandwidthEstimator
from mixer.rtp.line_reading import LineReading
from mixer.rtp.probing import Probe
from mixer.rtp.rtcp import serialize
from mixer.rtp.twcc import TransportWideFeedback


def ns(seconds: float) -> int:
    """As the pump counts time."""
    return round(seconds * 1e9)


class SensedLine:
    """What leaves and what the peer answers go in; the estimator is given its readings."""

    def __init__(self, estimator: BandwidthEstimator) -> None:
        self.estimator = estimator
        self.readings = 0
        self._line = Line()
        self._read_at = 0.0

    def depart(self, sequence: int, size_bytes: int, now: float) -> None:
        """A packet left."""
        self._line.depart(sequence & 0xFFFF, size_bytes, ns(now))

    def hear(self, message: TransportWideFeedback, now: float) -> None:
        """The peer's feedback has come."""
        assert self._line.hear(serialize(message), ns(now))
        self._read(now)

    def let_pass(self, now: float) -> None:
        """A tick of the pump and one of the node."""
        self._line.let_pass(ns(now))
        self._read(now, looks=now - self._read_at >= TOTALS_INTERVAL_S)
        self.estimator.poll(now)

    def take_probe(self, now: float) -> Probe | None:
        """A probe to be sent now."""
        probe = self.estimator.take_probe(now)
        if probe is not None:
            self._line.probe(ns(now), ns(now + probe.duration_s))
        return probe

    def _read(self, now: float, *, looks: bool = False) -> None:
        self._line.set_settled(self.estimator.settled)
        if self._line.tells(ns(now)) or (looks and not self.estimator.at_rest):
            self.readings += 1
            self._read_at = now
            self.estimator.handle_reading(LineReading(*self._line.take()), now)
