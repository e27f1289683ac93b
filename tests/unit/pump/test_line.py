"""A subscriber's line as the pump senses it: delay, rate, loss, silence, and when it tells."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from mixer.pump._pump import Line
from mixer.rtp.rtcp import serialize
from mixer.rtp.twcc import TICK_NS, TICKS_PER_REFERENCE, TransportWideFeedback

MS = 1_000_000
S = 1_000 * MS
NORMAL, OVERUSE, UNDERUSE = 0, 1, 2


@dataclass(frozen=True)
class Reading:
    """As `Pump.line` gives it."""

    usage: int
    acknowledged_bps: float
    busy_bps: float
    sent_bps: float
    expected: int
    lost: int
    size_bytes: int
    lost_bytes: int
    first_sent_s: float
    last_sent_s: float
    heard_since_s: float | None
    silent: bool
    returned: bool
    idle: bool
    train: tuple[tuple[float, float, int], ...] | None


class Bench:
    """A line in virtual time whose feedback is made by hand."""

    def __init__(self) -> None:
        self.line = Line()
        self.now = 50 * S
        self.next = 0

    def send(self, count: int = 1, *, every_ns: int = 20 * MS, size: int = 1000) -> int:
        """Packets; the number of the first."""
        first = self.next
        for _ in range(count):
            self.line.depart(self.next & 0xFFFF, size, self.now)
            self.next += 1
            self.now += every_ns
        return first

    def hear(self, base: int, *deltas: int | None, ticks: int = 0) -> None:
        """A report: of `base` and those after it, beginning at `ticks` of the peer's clock."""
        reference, rest = divmod(ticks, TICKS_PER_REFERENCE)
        first = (None if deltas[0] is None else deltas[0] + rest, *deltas[1:])
        message = TransportWideFeedback(1, 2, base & 0xFFFF, reference, 0, first)
        assert self.line.hear(serialize(message), self.now)

    def read(self) -> Reading:
        return Reading(*self.line.take())

    def tells(self) -> bool:
        self.line.let_pass(self.now)
        return self.line.tells(self.now)


@pytest.fixture
def bench() -> Bench:
    return Bench()


class Frames:
    """Frames every 20 ms, each reported on alone, whose delay is chosen."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.usages: list[int] = []

    def run(self, seconds: float, growth: float = 0.0, jitter_s: float = 0.0) -> list[int]:
        rng = random.Random(5)
        usages = []
        arrived = 0.0
        for step in range(int(seconds * 50)):
            sent = self.bench.now
            (number,) = (self.bench.send(),)
            delay_s = 0.03 + growth * step * 0.02 + rng.random() * jitter_s
            arrived = max(arrived, sent / S + delay_s)
            self.bench.hear(number, 0, ticks=int((7 + arrived) * S) // TICK_NS)
            usages.append(self.bench.read().usage)
        return usages


def test_a_steady_delay_is_normal() -> None:
    assert set(Frames().run(10)) == {NORMAL}


def test_a_growing_queue_is_overuse_within_a_second() -> None:
    frames = Frames()
    frames.run(5)
    assert frames.run(1, growth=0.2)[-1] == OVERUSE


def test_a_draining_queue_is_underuse() -> None:
    frames = Frames()
    frames.run(3)
    assert UNDERUSE in frames.run(1, growth=-0.2)


def test_slow_clock_drift_is_no_queue() -> None:
    assert set(Frames().run(60, growth=100e-6)) == {NORMAL}


@pytest.mark.parametrize("jitter_s", [0.005, 0.03, 0.08])
def test_jitter_without_a_queue_is_not_overuse_for_long(jitter_s: float) -> None:
    assert Frames().run(60, jitter_s=jitter_s).count(OVERUSE) < 3000 * 0.03


def test_a_pause_begins_anew() -> None:
    frames = Frames()
    frames.run(2, growth=0.1)
    frames.bench.now += 8 * S
    assert set(frames.run(0.3)) == {NORMAL}


def test_what_arrives_and_what_is_sent(bench: Bench) -> None:
    unknown = bench.read()
    assert (unknown.acknowledged_bps, unknown.busy_bps, unknown.sent_bps) == (-1, -1, -1)
    for step in range(20):
        first = bench.send(10, every_ns=8 * MS)
        bench.hear(first, *[32] * 10, ticks=first * 32)
        reading = bench.read()
        if step > 7:
            for rate in (reading.acknowledged_bps, reading.sent_bps, reading.busy_bps):
                assert rate == pytest.approx(1e6, rel=0.06)


def test_what_leaves_in_one_breath_is_one_burst(bench: Bench) -> None:
    """200 frames of ten packets fill the window with as many places as there are frames."""
    for _ in range(200):
        first = bench.send(10, every_ns=0)
        bench.now += 6 * MS
        bench.hear(first, *[0] * 10, ticks=bench.now // TICK_NS)
    assert bench.read().acknowledged_bps == pytest.approx(8 * 10_000 / 0.006, rel=0.03)


def test_more_bursts_than_the_window_has_places(bench: Bench) -> None:
    """A line that held everything up lets it go at once: the sum stays right."""
    first = bench.send(1000, every_ns=6 * MS)
    for at in range(first, first + 1000, 100):
        bench.hear(at, *[1] * 100, ticks=100_000 + at)
    bench.send(1)
    bench.hear(1000, 0, ticks=101_601)
    assert bench.read().acknowledged_bps == pytest.approx(8 * 1_001_000 / 0.4, rel=0.001)


def test_a_peer_whose_clock_begins_anew(bench: Bench) -> None:
    for _ in range(50):
        first = bench.send(2)
        bench.hear(first, 0, 80, ticks=4_000_000 + first * 80)
    for _ in range(50):
        first = bench.send(2)
        bench.hear(first, 0, 80, ticks=first * 80)
    assert bench.read().acknowledged_bps == pytest.approx(8000 / 0.02, rel=0.06)


def loss(reading: Reading) -> tuple[int, int]:
    return reading.expected, reading.lost


def test_each_packet_counts_once_and_the_late_is_forgiven(bench: Bench) -> None:
    bench.send(6)
    bench.hear(0, 0, None, None)
    reading = bench.read()
    assert loss(reading) == (3, 2)
    assert (reading.size_bytes, reading.lost_bytes) == (3000, 2000)
    assert (reading.first_sent_s, reading.last_sent_s) == pytest.approx((50.0, 50.04))
    bench.hear(0, 0, 4, None, 4)
    reading = bench.read()
    assert (*loss(reading), reading.lost_bytes) == (1, -1, -1000)
    assert loss(bench.read()) == (0, 0)


def test_a_packet_sent_again_under_its_number_was_lost_whatever_arrives(bench: Bench) -> None:
    bench.send(8)
    bench.hear(0, 0, None, 40, 40)
    assert loss(bench.read()) == (4, 1)
    for number in (1, 5):  # 1 was reported as lost, 5 not yet
        bench.line.depart(number, 1000, bench.now)
    bench.hear(1, 300)
    assert loss(bench.read()) == (0, 0)  # the repeat of 1: no news
    bench.hear(4, 40, 300, -200)
    assert loss(bench.read()) == (3, 1)


def test_sequences_wrap(bench: Bench) -> None:
    bench.next = 65_530
    first = bench.send(12)
    bench.hear(first, *[4] * 12)
    assert loss(bench.read()) == (12, 0)


def test_packets_never_sent_or_long_forgotten_tell_nothing(bench: Bench) -> None:
    bench.send(9000, every_ns=1 * MS)
    bench.hear(0, 0, None, 4)
    assert loss(bench.read()) == (0, 0)
    bench.hear(8998, 0, None, 4, 4)  # the second half was never sent
    assert loss(bench.read()) == (2, 1)
    bench.hear(9050, 0, None, 4)
    assert loss(bench.read()) == (0, 0)


def test_lost_feedback_is_taken_as_usual(bench: Bench) -> None:
    """Every second report is lost: the rate stays; what comes after all is not counted twice."""
    for step in range(60):
        first = bench.send(10, every_ns=5 * MS)
        if step % 2 == 0:
            bench.hear(first, *[20] * 10, ticks=first * 20)
    assert bench.read().acknowledged_bps == pytest.approx(1.6e6, rel=0.1)
    before = bench.read().acknowledged_bps
    bench.hear(first - 10, *[20] * 10, ticks=(first - 10) * 20)
    assert bench.read().acknowledged_bps <= before


# Silence and idleness


def speaking(bench: Bench, seconds: float = 1.0) -> None:
    for _ in range(int(seconds * 10)):
        first = bench.send(5)
        bench.hear(first, *[80] * 5, ticks=first * 80)


def test_packets_that_nobody_answers_make_a_line_silent(bench: Bench) -> None:
    speaking(bench)
    bench.read()
    bench.send(49)
    assert not bench.tells()
    bench.send(3)
    assert bench.tells()
    assert bench.read().silent


def test_a_line_that_speaks_again_is_a_new_one(bench: Bench) -> None:
    speaking(bench)
    first = bench.send(60)
    assert bench.tells()
    bench.read()
    bench.hear(first, *[None] * 59, 0, ticks=10_000)
    reading = bench.read()
    assert (reading.returned, reading.silent) == (True, False)
    assert loss(reading) == (0, 0)  # what was lost meanwhile met a dead line
    assert reading.acknowledged_bps == -1
    assert not bench.read().returned
    bench.now += MS
    bench.hear(bench.send(2), 0, None)
    assert loss(bench.read()) == (2, 1)


def test_a_quiet_sender_is_idle_not_silent(bench: Bench) -> None:
    frames = Frames()
    frames.run(2)
    assert frames.run(1, growth=0.3)[-1] == OVERUSE
    bench = frames.bench
    bench.send()
    bench.now += 600 * MS
    assert bench.tells()
    reading = bench.read()
    assert (reading.idle, reading.silent, reading.usage) == (True, False, NORMAL)
    bench.now += 60 * S
    assert not bench.tells()
    bench.send()
    assert bench.tells()
    assert not bench.read().idle


def test_a_peer_that_never_reports_tells_nothing(bench: Bench) -> None:
    for _ in range(100):
        bench.send(10)
        assert not bench.tells()
    assert not bench.read().silent


# Probes


def test_a_probes_answer_is_its_packets_that_arrived(bench: Bench) -> None:
    speaking(bench)
    bench.read()
    bench.line.probe(bench.now, bench.now + 60 * MS)
    first = bench.send(6, every_ns=10 * MS)
    began = bench.now / S - 0.06
    bench.hear(first, 0, 8, None, 8, 8, 8, ticks=80_000)
    assert bench.read().train is None  # nothing sent after it was heard of
    number = bench.send(2)
    bench.hear(number, 0, 4, ticks=80_100)
    train = bench.read().train
    assert train is not None
    assert [sent for sent, _, _ in train] == pytest.approx(
        [began + at for at in (0, 0.01, 0.03, 0.04, 0.05, 0.06)]
    )
    assert [arrived for _, arrived, _ in train[:5]] == pytest.approx(
        [20 + ticks * 250e-6 for ticks in (0, 8, 16, 24, 32)]
    )
    assert {size for _, _, size in train} == {1000}
    assert bench.read().train is None


def test_a_later_probe_takes_the_place_of_an_earlier(bench: Bench) -> None:
    speaking(bench)
    bench.line.probe(bench.now, bench.now + 10 * MS)
    first = bench.send(3)
    bench.hear(first, 0, 4, 4)
    bench.line.probe(bench.now, bench.now + 10 * MS)
    assert bench.read().train is None


def test_a_train_is_bounded(bench: Bench) -> None:
    speaking(bench)
    bench.line.probe(bench.now, bench.now + 500 * MS)
    for _ in range(20):
        first = bench.send(100, every_ns=0)
        bench.hear(first, *[0] * 100)
    bench.now += 501 * MS
    bench.hear(bench.send(), 0)
    assert len(bench.read().train or ()) == 1024


# When it tells


def story(bench: Bench, **changes: Any) -> bool:
    """All is well; then one more report. Whether it tells of that."""
    speaking(bench)
    assert bench.tells()
    bench.read()
    first = bench.send(5)
    bench.hear(first, *changes.get("deltas", [80] * 5), ticks=first * 80)
    return bench.tells()


def test_it_tells_each_feedback_unless_told_otherwise(bench: Bench) -> None:
    assert story(bench)


def test_a_settled_line_tells_nothing_while_all_is_well(bench: Bench) -> None:
    bench.line.set_settled(True)
    assert not story(bench)
    for _ in range(20):
        first = bench.send(5)
        bench.hear(first, *[80] * 5, ticks=first * 80)
        assert not bench.tells()
    assert bench.read().expected <= 80  # of the last second and a half
    bench.line.set_settled(False)
    assert not bench.tells()  # nothing was heard since
    speaking(bench)
    assert bench.tells()


def test_a_loss_is_told_at_once(bench: Bench) -> None:
    bench.line.set_settled(True)
    assert story(bench, deltas=[80, None, 80, 80, 80])


def test_overuse_and_its_end_are_told_at_once() -> None:
    frames = Frames()
    frames.bench.line.set_settled(True)
    frames.run(5)
    bench, told, late_s = frames.bench, [], 0.0
    for step in range(200):
        late_s += 0.01 if step < 40 else 0
        sent = bench.now
        bench.hear(bench.send(), 0, ticks=int((7.03 + late_s) * S + sent) // TICK_NS)
        if bench.tells():
            told.append(bench.read().usage)
    assert OVERUSE in told
    assert told[-1] == NORMAL
    assert told.count(NORMAL) < 5


def test_it_does_not_tell_twice_but_comes_back_to_it(bench: Bench) -> None:
    assert story(bench)
    bench.hear(bench.send(), 80)
    assert not bench.tells()  # it was told, and the reading not taken
    bench.now += S
    assert bench.tells()


@pytest.mark.parametrize(("sequence", "size"), [(-1, 1), (65_536, 1), (0, 0), (0, 65_536)])
def test_impossible_packets_are_refused(sequence: int, size: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        Line().depart(sequence, size, S)
