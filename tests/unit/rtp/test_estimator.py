"""The bandwidth estimate: what it takes in and how it answers. Whole lines are in tests/sim."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest

from mixer.rtp.bandwidth import MIN_BPS, START_BPS, BandwidthEstimator
from mixer.rtp.line_reading import LineReading, Usage
from mixer.rtp.twcc import FeedbackBuilder
from tests.sim.sensed import SensedLine

WELL = LineReading(
    acknowledged_bps=1e6, busy_bps=1e6, sent_bps=1e6, expected=125, size_bytes=125_000
)


class Peer:
    """Sends steadily and answers every 50 ms; arrival times as `delay` says, or None."""

    def __init__(self, estimator: BandwidthEstimator, now: float = 50.0) -> None:
        self.estimator = estimator
        self.line = SensedLine(estimator)
        self.now = now
        self.sequence = 65_500
        self.builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)

    def run(
        self,
        seconds: float,
        *,
        rate_bps: float = 1e6,
        delay: Callable[[float], float | None] = lambda _: 0.03,
        answered: bool = True,
    ) -> None:
        spacing = 8 * 1000 / rate_bps
        until = self.now + seconds
        answer_at = self.now
        while self.now < until:
            self.line.depart(self.sequence, 1000, self.now)
            late = delay(self.now)
            if late is not None:
                self.builder.add(self.sequence & 0xFFFF, int((self.now + late + 9) * 1e9))
            self.sequence += 1
            if answered and self.now >= answer_at:
                answer_at = self.now + 0.05
                for message in self.builder.build():
                    self.line.hear(message, self.now)
            self.line.let_pass(self.now)
            self.now += spacing


def peer(*, wanted_bps: int = 5_000_000, can_probe: bool = True) -> Peer:
    estimator = BandwidthEstimator(50.0, can_probe=can_probe)
    estimator.set_wanted(wanted_bps)
    return Peer(estimator)


def test_it_begins_modestly() -> None:
    assert BandwidthEstimator(0.0).bitrate_bps == START_BPS
    assert BandwidthEstimator(0.0, start_bps=10**9, max_bps=10**6).bitrate_bps == 10**6


def test_it_grows_no_further_than_the_load_proves() -> None:
    one = peer()
    one.run(20, rate_bps=1e6)
    assert one.estimator.acknowledged_bps == pytest.approx(1e6, rel=0.05)
    assert 1.3e6 < one.estimator.bitrate_bps < 1.6e6


def test_it_grows_no_further_than_anybody_wants() -> None:
    one = peer(wanted_bps=700_000)
    one.run(20, rate_bps=1e6)
    assert one.estimator.bitrate_bps <= 1.31 * 700_000


def test_a_growing_delay_brings_it_below_what_arrives() -> None:
    one = peer()
    one.run(8)
    begin = one.now
    one.run(1.0, delay=lambda now: 0.03 + 0.3 * (now - begin))
    assert one.estimator.bitrate_bps < 0.9e6


def test_silence_begins_anew_and_its_losses_do_not_count() -> None:
    one = peer()
    one.run(10)
    before = one.estimator.bitrate_bps
    one.run(3, delay=lambda _: None, answered=False)
    assert one.estimator.silent
    assert one.estimator.bitrate_bps <= START_BPS < before
    one.run(2)
    assert not one.estimator.silent
    assert one.estimator.loss == 0
    assert one.estimator.bitrate_bps >= START_BPS


def test_a_quiet_sender_is_not_a_dead_line() -> None:
    one = peer()
    one.run(5)
    one.line.let_pass(one.now + 60)
    one.run(0.5)
    one.now += 60
    one.line.let_pass(one.now)
    one.run(0.2)
    assert not one.estimator.silent


def at_rest() -> tuple[BandwidthEstimator, float]:
    """An estimator that knows its line to carry all, and when that is."""
    one = peer(wanted_bps=700_000)
    one.run(20, rate_bps=1e6)
    assert one.estimator.at_rest
    return one.estimator, one.now


TROUBLE = {
    "overuse": replace(WELL, usage=Usage.OVERUSE, acknowledged_bps=500_000, busy_bps=500_000),
    "loss": replace(WELL, expected=200, size_bytes=200_000, lost=80, lost_bytes=80_000),
    "a little loss": replace(WELL, expected=200, size_bytes=200_000, lost=8, lost_bytes=8_000),
    "silence": replace(WELL, silent=True),
    "idleness": replace(WELL, idle=True),
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_at_rest_no_reading_is_missed(trouble: LineReading) -> None:
    """Whether what goes well is read for a minute or not: what comes then is taken the same."""
    unread, now = at_rest()
    read = copy.deepcopy(unread)
    for _ in range(60):
        began_at, now = now, now + 1
        read.handle_reading(replace(WELL, heard_since_s=began_at), now)
        assert read.take_probe(now) is None
        assert read.at_rest
        assert read.bitrate_bps == unread.bitrate_bps
    for step in range(50):
        now += 0.05
        reading = replace(trouble if step < 20 else WELL, heard_since_s=now)
        for one in (read, unread):
            one.handle_reading(reading, now)
        assert (read.bitrate_bps, read.settled) == (unread.bitrate_bps, unread.settled)
        assert read.loss == unread.loss


def test_a_line_that_has_lost_is_not_at_rest_until_that_is_over() -> None:
    estimator, now = at_rest()
    loses = replace(WELL, expected=200, size_bytes=200_000, lost=10, lost_bytes=10_000)
    estimator.handle_reading(replace(loses, heard_since_s=now), now + 1)
    assert estimator.settled
    assert not estimator.at_rest
    for second in range(2, 8):
        estimator.handle_reading(replace(WELL, heard_since_s=now + second - 1), now + second)
    assert estimator.at_rest


def test_more_wanted_ends_the_rest() -> None:
    estimator, _ = at_rest()
    estimator.set_wanted(730_000)
    assert estimator.settled
    assert not estimator.at_rest


def test_lost_feedback_is_taken_as_usual() -> None:
    one = peer()
    one.run(10)
    for _ in range(20):
        one.run(0.1)
        one.builder.build()  # this report never arrives
        one.run(0.1)
    assert one.estimator.acknowledged_bps == pytest.approx(1e6, rel=0.2)
    assert one.estimator.bitrate_bps > 1.2e6


def test_feedback_on_packets_never_sent_changes_nothing() -> None:
    one = peer()
    one.run(5)
    before = one.estimator.bitrate_bps
    liar = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
    for offset in range(300):
        liar.add((one.sequence + 3000 + offset) & 0xFFFF, offset * 10_000_000)
    for message in liar.build():
        one.line.hear(message, one.now)
    assert one.estimator.bitrate_bps == pytest.approx(before, rel=0.05)


def test_probes_are_asked_for_in_calm_only() -> None:
    one = peer()
    assert one.estimator.take_probe(one.now) is None  # nothing was heard yet
    one.run(2, rate_bps=3e5)
    assert one.estimator.take_probe(one.now) is not None
    assert one.estimator.take_probe(one.now) is None  # one at a time
    other = peer(can_probe=False)
    other.run(2)
    assert other.estimator.take_probe(other.now) is None
    lossy = peer()
    lossy.run(3, delay=lambda now: None if int(now * 125) % 3 else 0.03)
    assert lossy.estimator.take_probe(lossy.now) is None


def test_a_probe_lifts_the_bound_of_loss_to_what_it_has_shown_only() -> None:
    one = peer(wanted_bps=2_000_000)
    one.run(10, rate_bps=1e6)
    before_bps = one.estimator.bitrate_bps
    lost = replace(WELL, heard_since_s=one.now, acknowledged_bps=2e5, lost=90, lost_bytes=90_000)
    for _ in range(8):
        one.now += 1
        one.estimator.handle_reading(replace(lost, heard_since_s=one.now), one.now)
    fell_bps = one.estimator.bitrate_bps
    assert fell_bps < before_bps / 3
    well = replace(WELL, acknowledged_bps=fell_bps, sent_bps=fell_bps)
    while (probe := one.estimator.take_probe(one.now)) is None:
        one.now += 1
        one.estimator.handle_reading(replace(well, heard_since_s=one.now), one.now)
    spacing_s = probe.duration_s / 20
    size = round(probe.bitrate_bps * spacing_s / 8)
    train = tuple((one.now + at * spacing_s, at * spacing_s, size) for at in range(20))
    one.now += 0.3
    one.estimator.handle_reading(replace(well, heard_since_s=one.now, train=train), one.now)
    assert one.estimator.bitrate_bps == pytest.approx(probe.bitrate_bps, rel=0.1)
    assert one.estimator.bitrate_bps < before_bps


def test_without_probes_it_grows_by_itself_towards_what_is_wanted() -> None:
    one = peer(can_probe=False)
    one.run(8, rate_bps=2e5)
    assert one.estimator.bitrate_bps > 3e6


def test_where_a_probe_cannot_be_sent_it_grows_by_itself() -> None:
    """Sound flows and the one picture is too large for the estimate: there is nothing to repeat."""
    one = peer()
    for _ in range(40):
        one.run(0.1, rate_bps=1e5)
        if one.estimator.take_probe(one.now) is not None:
            one.estimator.refuse_probe(one.now)
    assert one.estimator.bitrate_bps > 5e6


def test_an_idle_line_is_tried_again() -> None:
    """Everything was paused for want of bandwidth: nothing is sent, so nothing can be learned."""
    one = peer()
    one.run(5, delay=lambda now: 0.03 + 0.3 * (now - 50))
    low = one.estimator.bitrate_bps
    for _ in range(100):
        one.now += 0.1
        one.line.let_pass(one.now)
    assert one.estimator.bitrate_bps > 4 * low
    assert not one.estimator.silent


def steps(estimator: BandwidthEstimator, seconds: float, begin: float, **remb: int) -> float:
    """A peer without transport-wide feedback: a report and a REMB every half second."""
    now = begin
    while now < begin + seconds:
        now += 0.5
        estimator.handle_sent(remb.get("sent_bps", 500_000))
        estimator.handle_loss(100, remb.get("lost", 0), now)
        if "remb_bps" in remb:
            estimator.handle_remb(remb["remb_bps"], now)
        estimator.poll(now)
    return now


def test_a_peer_with_report_blocks_alone() -> None:
    estimator = BandwidthEstimator(0.0)
    estimator.set_wanted(4_000_000)
    now = steps(estimator, 10, 0.0)
    assert estimator.bitrate_bps == pytest.approx(5.2e6, rel=0.01)
    steps(estimator, 3, now, lost=40, sent_bps=4_000_000)
    assert estimator.bitrate_bps < 2.5e6


def test_remb_bounds_unless_it_is_limited_by_what_is_sent() -> None:
    estimator = BandwidthEstimator(0.0)
    estimator.set_wanted(4_000_000)
    now = steps(estimator, 10, 0.0, remb_bps=750_000, sent_bps=500_000)
    assert estimator.bitrate_bps > 4e6  # 1.5 × what arrives is all an idle line can show
    steps(estimator, 3, now, remb_bps=700_000, sent_bps=2_000_000, lost=3)
    assert estimator.bitrate_bps == pytest.approx(700_000, rel=0.01)


def test_a_remb_alone_is_no_reason_to_fall() -> None:
    """A busy peer on a clean line names less than it gets with every hiccup of its machine."""
    estimator = BandwidthEstimator(0.0)
    estimator.set_wanted(1_000_000)
    now = steps(estimator, 10, 0.0, sent_bps=1_000_000)
    estimator.handle_rtt(0.02)
    now = steps(estimator, 10, now, remb_bps=850_000, sent_bps=1_000_000)
    assert estimator.bitrate_bps >= 1_000_000
    estimator.handle_rtt(0.7)  # now there is a queue
    steps(estimator, 3, now, remb_bps=850_000, sent_bps=1_000_000)
    assert estimator.bitrate_bps == pytest.approx(850_000, rel=0.01)


def test_an_old_remb_is_forgotten() -> None:
    estimator = BandwidthEstimator(0.0)
    estimator.set_wanted(4_000_000)
    now = steps(estimator, 2, 0.0, remb_bps=300_000, sent_bps=2_000_000, lost=3)
    assert estimator.bitrate_bps == pytest.approx(300_000, rel=0.01)
    steps(estimator, 20, now, sent_bps=400_000)
    assert estimator.bitrate_bps > 3e6


def test_it_never_falls_to_nothing() -> None:
    one = peer()
    one.run(20, delay=lambda now: 0.03 if int(now * 125) % 20 == 0 else None)
    assert one.estimator.bitrate_bps >= MIN_BPS


def test_round_trips_are_smoothed_and_bounded() -> None:
    estimator = BandwidthEstimator(0.0)
    estimator.handle_rtt(1e6)
    assert estimator.rtt_s < 1
