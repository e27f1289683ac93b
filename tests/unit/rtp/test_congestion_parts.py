"""The parts of the bandwidth estimate, each alone: loss and probes. The pump's are in unit/pump."""

from __future__ import annotations

import random

import pytest

from mixer.rtp.inherent_loss import InherentLoss
from mixer.rtp.loss_bound import LossBound, LossReport
from mixer.rtp.probing import MAX_INTERVAL_S, Probe, ProbePlanner, train_bitrate_bps


def train(*, sent_bps: float, line_bps: float, packets: int = 12) -> list[tuple[float, float, int]]:
    spacing, slower = 8000 / sent_bps, max(8000 / sent_bps, 8000 / line_bps)
    return [(i * spacing, 5 + i * slower, 1000) for i in range(packets)]


@pytest.mark.parametrize(
    ("sent_bps", "line_bps", "shown_bps"),
    [
        (1e6, 10e6, 1e6),  # not more than was tried
        (4e6, 1e6, 0.95e6),  # the line's own rate, with a little left free
        (1e6, 0.95e6, 0.95e6),
    ],
)
def test_a_train_shows_the_line(sent_bps: float, line_bps: float, shown_bps: float) -> None:
    shown = train_bitrate_bps(train(sent_bps=sent_bps, line_bps=line_bps))
    assert shown == pytest.approx(shown_bps, rel=0.02)


def test_a_short_train_shows_nothing() -> None:
    assert train_bitrate_bps([]) is None
    assert train_bitrate_bps(train(sent_bps=1e6, line_bps=1e6, packets=4)) is None
    assert train_bitrate_bps([(1.0, 2.0, 1000)] * 9) is None


def test_a_train_within_one_tick_of_the_peers_clock() -> None:
    packets = [(i * 0.001, 3.0, 1000) for i in range(9)]
    assert train_bitrate_bps(packets) == pytest.approx(8e6)


class LossyLine:
    """Feeds a `LossBound` one measure after the other."""

    def __init__(self) -> None:
        self.bound = LossBound()
        self.now = 10.0

    def measure(
        self,
        loss: float,
        sent_bps: float,
        target_bps: float = 1e6,
        arrived_bps: tuple[float, ...] = (),
    ) -> bool:
        """A second of it; `arrived_bps` in its parts."""
        for bitrate_bps in arrived_bps:
            self.bound.handle_arrived(bitrate_bps, self.now)
        packets = 200
        size = round(sent_bps / 8)
        lost = round(packets * loss)
        report = LossReport(packets, lost, size, round(size * loss), self.now - 1, self.now)
        self.bound.handle(report, self.now)
        self.now += 1.0
        return self.bound.update(self.now, sent_bps=0, target_bps=target_bps, rtt_s=0.05)


def test_no_loss_is_no_bound() -> None:
    line = LossyLine()
    assert not line.measure(0.0, 1e6)
    assert line.bound.bound_bps == float("inf")


def test_much_loss_bounds_at_once() -> None:
    line = LossyLine()
    assert line.measure(0.4, 1e6)
    assert line.bound.bound_bps == pytest.approx(0.75e6)
    assert line.bound.troubled


def test_some_loss_bounds_when_it_stays() -> None:
    line = LossyLine()
    assert [line.measure(0.06, 1e6) for _ in range(3)] == [False, False, True]
    assert line.bound.bound_bps == pytest.approx(0.94e6)


def test_the_bound_goes_when_the_loss_goes() -> None:
    line = LossyLine()
    line.measure(0.4, 1e6)
    for _ in range(6):
        line.measure(0.0, 0.5e6)
    assert line.bound.bound_bps == float("inf")


def test_a_full_line_is_never_taken_for_a_lossy_one() -> None:
    """A line of 500 kb/s loses what is above; whatever is tried, nothing is learned."""
    line, sent = LossyLine(), 1e6
    for _ in range(40):
        line.measure(max(0.0, 1 - 0.5e6 / sent), sent, sent)
        sent = min(1e6, line.bound.bound_bps, 1.3 * sent)
        assert line.bound.inherent == 0
    assert sent < 0.7e6


def test_what_has_just_arrived_bounds_nothing_below() -> None:
    """A run of losses took a third of one second; its other half came whole."""
    line = LossyLine()
    assert line.measure(0.35, 1e6, arrived_bps=(0.4e6, 0.9e6))
    assert line.bound.bound_bps == 0.9e6
    assert not line.measure(0.35, 0.9e6, arrived_bps=(0.9e6, 0.3e6)), "it is no failure to stay"
    assert line.bound.bound_bps == 0.9e6


def test_a_line_that_has_become_narrow_is_believed_soon() -> None:
    line = LossyLine()
    line.measure(0.0, 1e6, arrived_bps=(1e6, 1e6))
    for _ in range(4):
        line.measure(0.7, 1e6, arrived_bps=(0.3e6, 0.28e6))
    assert 0.3e6 <= line.bound.bound_bps < 0.5e6
    for _ in range(4):
        line.measure(0.5, 0.6e6, arrived_bps=(0.3e6, 0.28e6))
    assert line.bound.bound_bps == 0.3e6


def test_what_arrived_before_a_line_was_dead_is_forgotten() -> None:
    line = LossyLine()
    line.bound.handle_arrived(1e6, line.now)
    line.bound.line_returned()
    line.measure(0.4, 1e6)
    assert line.bound.bound_bps == pytest.approx(0.75e6)


def test_a_look_at_less_ends_when_more_is_sent_again() -> None:
    """A probe or a new picture has brought the rate back: its loss counts, or it would for ever."""
    line = LossyLine()
    for sent_bps in (1e6, 1e6, 0.5e6):
        line.measure(0.5, sent_bps, 1e6)
    looked_bps = line.bound.bound_bps
    assert not line.measure(0.5, 0.5e6), "it stays where it is, to see"
    assert line.bound.bound_bps == looked_bps
    assert line.measure(0.7, 1e6)
    assert line.bound.bound_bps < looked_bps


def test_loss_that_stays_is_the_lines_own() -> None:
    rng = random.Random(3)
    line, sent = LossyLine(), 1e6
    for _ in range(25):
        line.measure(rng.gauss(0.3, 0.03), sent, 1e6)
        sent = min(1e6, line.bound.bound_bps)
    assert line.bound.inherent == pytest.approx(0.3, abs=0.06)
    assert sent == 1e6
    for _ in range(12):
        line.measure(0.0, sent)
    assert line.bound.inherent == 0


def test_packets_that_met_a_dead_line_are_forgotten() -> None:
    bound = LossBound()
    bound.handle(LossReport(100, 100), 1.0)
    bound.line_returned()
    assert not bound.update(5.0, sent_bps=1e6, target_bps=1e6, rtt_s=0.1)
    assert bound.loss == 0


def test_a_wrong_lesson_is_unlearned() -> None:
    inherent = InherentLoss()
    for loss, sent in [(0.2, 1e6), (0.2, 1e6), (0.2, 6e5), (0.2, 6e5), (0.2, 6e5)]:
        inherent.handle_measure(loss, 200, sent)
        inherent.trouble(loss, 200, sent)
    assert inherent.value == pytest.approx(0.2)
    inherent.handle_measure(0.6, 200, 1e6)
    inherent.handle_measure(0.6, 200, 1e6)
    assert inherent.value == 0


def answer(planner: ProbePlanner, probe: Probe, began: float, line_bps: float) -> float | None:
    packets = int(probe.bitrate_bps * probe.duration_s / 8000)
    sent = train(sent_bps=probe.bitrate_bps, line_bps=line_bps, packets=packets)
    answered = [(began + at, arrived, size) for at, arrived, size in sent]
    return planner.handle_train(answered, began + probe.duration_s + 0.1)


def test_probes_double_until_the_wanted_rate() -> None:
    planner, known, now, tried = ProbePlanner(), 500e3, 1.0, []
    while (probe := planner.plan(now, known_bps=known, wanted_bps=2e6)) is not None:
        tried.append(probe.bitrate_bps)
        result = answer(planner, probe, now, 100e6)
        assert result is not None
        known = result
        now += probe.duration_s + 0.2
    assert tried[0] == 1_000_000
    assert known == pytest.approx(1.3 * 2e6, rel=0.05)
    assert len(tried) <= 5


def test_a_probe_shows_a_narrow_line_and_the_next_waits() -> None:
    planner = ProbePlanner()
    probe = planner.plan(1.0, known_bps=500e3, wanted_bps=2e6)
    assert probe is not None
    assert answer(planner, probe, 1.0, 600e3) == pytest.approx(570e3, rel=0.05)
    assert planner.plan(1.3, known_bps=570e3, wanted_bps=2e6) is None
    begin, waits = 1.2, []
    for _ in range(6):
        now = begin
        while (probe := planner.plan(now, known_bps=570e3, wanted_bps=2e6)) is None:
            now += 0.1
        waits.append(now - begin)
        answer(planner, probe, now, 600e3)
        begin = now + probe.duration_s + 0.1
    assert 2 < waits[0] < 4 < waits[-1] < MAX_INTERVAL_S + 0.2  # ever rarer while there is no news


def test_a_probe_without_an_answer_ends() -> None:
    planner = ProbePlanner()
    assert planner.plan(1.0, known_bps=500e3, wanted_bps=2e6) is not None
    assert planner.plan(1.5, known_bps=500e3, wanted_bps=2e6) is None
    assert planner.plan(2.5, known_bps=500e3, wanted_bps=2e6) is None
    assert planner.plan(5.0, known_bps=500e3, wanted_bps=2e6) is not None


def test_probes_grow_longer_and_rarer_when_their_rises_fail() -> None:
    planner, now, lengths = ProbePlanner(), 1.0, []
    for _ in range(4):
        probe = planner.plan(now, known_bps=2e6, wanted_bps=9e6)
        assert probe is not None
        lengths.append(probe.duration_s)
        answer(planner, probe, now, 100e6)
        planner.line_overused(now + 1)
        now += 10
    assert lengths == [0.06, 0.12, 0.24, 0.24]
    planner.line_overused(now + 30)  # long after: no fault of a probe
    probe = planner.plan(now + 40, known_bps=2e6, wanted_bps=9e6)
    assert probe is not None
    assert probe.duration_s == 0.06


def test_a_line_that_came_back_is_probed_at_once() -> None:
    planner = ProbePlanner()
    assert planner.plan(1.0, known_bps=500e3, wanted_bps=2e6) is not None
    planner.line_returned(1.1)
    assert planner.plan(1.1, known_bps=500e3, wanted_bps=2e6) is not None
