"""How much loss lets us send: the loss-based half of the bandwidth estimate.

After draft-ietf-rmcat-gcc-02 §6: with little loss the bound grows, with much it shrinks. Three
things differ. Loss between 2 and 10 % is no resting place: a policed line would lose 8 % for ever.
And loss that is the line's own (`inherent_loss`) is taken off first, so that a line which loses
30 % whatever one sends does not fall silent. And it never shrinks below what has just arrived: of
losses in runs a measure of some hundred packets says next to nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mixer.rtp.inherent_loss import InherentLoss

LOW_LOSS, HIGH_LOSS = 0.02, 0.10
# Some loss is no news: wait until it has lasted for so many measures.
SOME_LOSS = 0.035
SOME_LOSS_MEASURES = 3
# Where there is a queue, the delay will say when it is enough; a policed line is felt for slowly
# at first, then the bound gets out of the way.
GROWTH_PER_S, CLEAN_GROWTH_PER_S = 1.2, 2.0
CLEAN_S = 2.0
# Loss alone never takes speech away, the voices of two or three: a line too narrow even for them
# shows it by its delay.
FLOOR_BPS = 120_000
# What has not been sent lately is not defended: the bound begins to shrink from here.
UNSENT_MARGIN = 1.2

# What a line has just carried it carries. Losses in runs leave a half second nearly whole within so
# many seconds; a line that has become too narrow leaves none.
CARRIED_S = 2.0

# A measure is of at least so many packets and so long: 10 % of 40 packets is four of them.
MIN_PACKETS = 40
# A line that loses anyway needs more of them to tell its loss from ours.
MIN_PACKETS_LOSSY = 120
MIN_WINDOW_S = 0.4


@dataclass(frozen=True, slots=True)
class LossReport:
    """So many packets were reported on, so many of them as lost.

    `size_bytes` is of all of them, `lost_bytes` of the lost, sent between `first_sent_s` and
    `last_sent_s`; 0 when unknown.
    """

    expected: int = 0
    lost: int = 0
    size_bytes: int = 0
    lost_bytes: int = 0
    first_sent_s: float = 0.0
    last_sent_s: float = 0.0


class LossBound:
    """The highest rate that the loss allows; infinite until there is loss."""

    def __init__(self) -> None:
        self.bound_bps = float("inf")
        self.loss = 0.0  # of the last measure
        self._inherent = InherentLoss()
        self._reports: list[LossReport] = []
        self._expected = self._lossy_measures = 0
        self._measured = MIN_PACKETS
        self._window_began_at: float | None = None
        self._grown_at: float | None = None
        self._clean_s = 0.0
        self._arrived: deque[tuple[float, float]] = deque()  # (when, bit/s), each above the next

    @property
    def inherent(self) -> float:
        """The part of the loss that is the line's own."""
        return self._inherent.value

    @property
    def troubled(self) -> bool:
        """Whether the last measure showed loss of our own making."""
        return self._inherent.excess(self.loss) > HIGH_LOSS / 2 + self._noise()

    @property
    def at_rest(self) -> bool:
        """Whether reports without loss change nothing: there is no bound, and nothing to judge."""
        unbound = self.bound_bps == float("inf") and not self.loss
        return unbound and not self._reports and self._inherent.at_rest

    def handle(self, report: LossReport, now: float) -> None:
        """A report on some packets has come."""
        if self._window_began_at is None:
            self._window_began_at = now
        self._reports.append(report)
        self._expected += report.expected

    @property
    def _carried_bps(self) -> float:
        """The most that lately arrived."""
        return self._arrived[0][1] if self._arrived else 0.0

    def handle_arrived(self, bitrate_bps: float, now: float) -> None:
        """So much has arrived over the last half second."""
        arrived = self._arrived
        while arrived and arrived[-1][1] <= bitrate_bps:
            arrived.pop()
        arrived.append((now, bitrate_bps))
        while now - arrived[0][0] > CARRIED_S:
            arrived.popleft()

    def _take_window(self) -> tuple[float, int, float | None]:
        """Loss, number and sending rate of the packets reported on since the last measure."""
        reports, expected = self._reports.copy(), self._expected
        loss = sum(report.lost for report in reports) / expected
        sent = [report for report in reports if report.size_bytes]
        sent_bps = None
        if sent:
            # Of bytes, where they are known: a full queue drops large packets first.
            size_bytes = sum(report.size_bytes for report in sent)
            loss = sum(report.lost_bytes for report in sent) / size_bytes
            began_s = min(report.first_sent_s for report in sent)
            ended_s = max(report.last_sent_s for report in sent)
            if ended_s > began_s:
                sent_bps = 8 * size_bytes / (ended_s - began_s)
        self._begin_window()
        return max(0.0, min(1.0, loss)), expected, sent_bps

    def line_returned(self) -> None:
        """Forget what was not yet judged: those packets met a dead line, not a full one."""
        self._begin_window()
        self._arrived.clear()

    def _begin_window(self) -> None:
        self._reports.clear()
        self._expected = 0
        self._window_began_at = None

    def update(self, now: float, *, sent_bps: float, target_bps: float, rtt_s: float) -> bool:
        """Judge the window if it is long enough; whether the bound fell.

        `target_bps` is the whole estimate now, `sent_bps` what is really sent.
        """
        began_at = self._window_began_at
        enough = MIN_PACKETS_LOSSY if self.inherent else MIN_PACKETS
        if began_at is None or self._expected < enough:
            return False
        if now - began_at < MIN_WINDOW_S + rtt_s:
            return False
        self.loss, self._measured, measured_bps = self._take_window()
        # The loss belongs to what was sent then, not to what is sent now.
        sent_bps = sent_bps if measured_bps is None else measured_bps
        restored_bps = self._inherent.handle_measure(self.loss, self._measured, sent_bps)
        if restored_bps is not None:
            self.bound_bps = max(self.bound_bps, restored_bps)
        elapsed = 0.0 if self._grown_at is None else min(2.0, now - self._grown_at)
        self._grown_at = now
        return self._move(elapsed, sent_bps, target_bps)

    def _move(self, elapsed_s: float, sent_bps: float, target_bps: float) -> bool:
        excess, noise = self._inherent.excess(self.loss), self._noise()
        self._lossy_measures = self._lossy_measures + 1 if excess > SOME_LOSS + noise else 0
        if excess > HIGH_LOSS + noise or self._lossy_measures >= SOME_LOSS_MEASURES:
            self._inherent.trouble(self.loss, self._measured, sent_bps)
            if self._inherent.looking:
                return False
            # The first tenth in full (that much too much was sent), of the rest half (§6): a
            # burst of loss must not end the picture.
            factor = 1 - min(excess, HIGH_LOSS) - 0.5 * max(0.0, excess - HIGH_LOSS)
            bound_bps = factor * min(self.bound_bps, target_bps, UNSENT_MARGIN * sent_bps)
            before_bps = self.bound_bps
            self.bound_bps = max(bound_bps, FLOOR_BPS, min(before_bps, self._carried_bps))
            self._clean_s = 0.0
            return self.bound_bps < before_bps
        if excess < LOW_LOSS + noise:
            self._inherent.calm()
            self._clean_s += elapsed_s
            clean = self._clean_s > CLEAN_S
            self.bound_bps *= (CLEAN_GROWTH_PER_S if clean else GROWTH_PER_S) ** elapsed_s
            if self.bound_bps > 2 * target_bps:
                self.bound_bps = float("inf")
        return False

    def _noise(self) -> float:
        return self._inherent.noise(self._measured)

    def lift(self, bitrate_bps: float) -> None:
        """The line has just carried this (a probe): the bound is not below it."""
        self.bound_bps = max(self.bound_bps, bitrate_bps)
