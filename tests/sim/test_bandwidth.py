"""A subscriber's line in virtual time: estimate and allocation together, end to end.

A forwarder sends one lesson (the teacher large, three rooms small, their sound) over a modelled
line to a subscriber that answers with real transport-wide feedback bytes. What is held: the line
is used, it is not overfilled, sound is never paused, and after trouble full quality is back
within ten seconds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from mixer.forward.allocation import Allocation, Allocator
from mixer.forward.layers import Layer, Stream
from mixer.model import Kind, Want
from mixer.rtp.bandwidth import BandwidthEstimator
from mixer.rtp.probing import Probe
from mixer.rtp.twcc import FeedbackBuilder, TransportWideFeedback
from tests.sim.network import Clock, Line
from tests.sim.sensed import SensedLine

HEADER_BYTES = 12 + 8 + 16  # RTP, our extensions, the SRTP tag
MTU_BYTES = 1150
SOUND_BPS = 32_000 + 8 * 50 * HEADER_BYTES
FULL_QUALITY_BACK_S = 10.0

LAYERS = (
    Layer(155_000, width=320, height=180),
    Layer(515_000, width=640, height=360),
    Layer(1_550_000, width=1280, height=720),
)
LESSON = {
    "teacher": (Kind.VIDEO, 1280, 720, 2),
    "room-1": (Kind.VIDEO, 320, 180, 1),
    "room-2": (Kind.VIDEO, 320, 180, 1),
    "room-3": (Kind.VIDEO, 320, 180, 1),
    "teacher-sound": (Kind.AUDIO, 0, 0, 1),
    "room-1-sound": (Kind.AUDIO, 0, 0, 1),
    "room-2-sound": (Kind.AUDIO, 0, 0, 1),
    "room-3-sound": (Kind.AUDIO, 0, 0, 1),
}
FULL = {"teacher": 2, "room-1": 0, "room-2": 0, "room-3": 0}


@dataclass
class Subscriber:
    """A forwarder's half and a browser's half, joined by two lines."""

    clock: Clock
    down: Line
    up: Line
    rng: random.Random
    can_probe: bool = True
    talking: tuple[str, ...] = ("teacher-sound", "room-1-sound")
    layers: dict[str, int] = field(default_factory=dict)
    arrived_bytes: int = 0
    delays_s: list[float] = field(default_factory=list)
    trace: list[tuple[float, int, dict[str, int]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        now = self.clock.now
        self.estimator = BandwidthEstimator(now, can_probe=self.can_probe)
        self.sensed = SensedLine(self.estimator)
        self.allocator = Allocator()
        self.builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
        self.sequence = 65_000  # wraps soon
        self.probe: tuple[Probe, float] | None = None
        self.probe_sent = 0
        self.wants = [Want(name, w, h, p) for name, (_, w, h, p) in LESSON.items()]
        self.streams = {
            name: Stream(name, kind, LAYERS if kind is Kind.VIDEO else (self._sound(name),))
            for name, (kind, *_) in LESSON.items()
        }
        self.allocation: Allocation | None = None
        self.clock.every(0.1, self._decide)
        self.clock.every(0.005, self._fill_probe)
        self.clock.every(0.07, self._answer)
        for name, (kind, *_) in LESSON.items():
            if kind is Kind.AUDIO and name not in self.talking:
                continue  # a silent room's Opus sends next to nothing (DTX)
            offset = self.rng.random() * 0.03
            period = 0.02 if kind is Kind.AUDIO else 1 / 25
            self.clock.after(
                offset, partial(self.clock.every, period, partial(self._frame, name, period))
            )

    # The forwarder

    def _sound(self, name: str) -> Layer:
        return Layer(SOUND_BPS if name in self.talking else 1000)

    def _decide(self) -> None:
        now = self.clock.now
        self.sensed.let_pass(now)
        self.allocation = self.allocator.allocate(
            now,
            available_bps=self.estimator.bitrate_bps,
            wants=self.wants,
            streams=self.streams,
        )
        self.estimator.set_wanted(self.allocation.wanted_bps)
        for choice in self.allocation.choices:
            before = self.layers.get(choice.producer_id, -1)
            self.layers[choice.producer_id] = choice.layer
            if choice.layer > before and self.streams[choice.producer_id].kind is Kind.VIDEO:
                # A switch begins with a keyframe, some six frames large.
                bps = LAYERS[choice.layer].bitrate_bps
                self._send_bytes(int(bps / 8 / 25 * 6))
        probe = self.sensed.take_probe(now)
        if probe is not None:
            self.probe, self.probe_sent = (probe, now), 0
        pictures = {n: layer for n, layer in self.layers.items() if n in FULL}
        self.trace.append((now, self.estimator.bitrate_bps, pictures))

    def _frame(self, name: str, period: float) -> None:
        layer = self.layers.get(name, -1)
        if layer < 0:
            return
        size_bytes = self.streams[name].layers[layer].bitrate_bps * period / 8
        size_bytes *= self.rng.uniform(0.7, 1.3) if name in FULL else 1
        self._send_bytes(int(size_bytes) - HEADER_BYTES)

    def _fill_probe(self) -> None:
        if self.probe is None:
            return
        probe, began = self.probe
        elapsed = self.clock.now - began
        if elapsed > probe.duration_s:
            self.probe = None
            return
        while self.probe_sent + 600 < probe.bitrate_bps / 8 * elapsed:
            self._send(1000)

    def _send_bytes(self, size_bytes: int) -> None:
        while size_bytes > 0:
            self._send(min(size_bytes, MTU_BYTES) + HEADER_BYTES)
            size_bytes -= MTU_BYTES

    def _send(self, size_bytes: int) -> None:
        sequence = self.sequence & 0xFFFF
        self.sequence += 1
        sent = self.clock.now
        self.sensed.depart(sequence, size_bytes, sent)
        self.probe_sent += size_bytes
        self.down.send(size_bytes, lambda: self._arrive(sequence, size_bytes, sent))

    # The browser

    def _arrive(self, sequence: int, size_bytes: int, sent: float) -> None:
        self.builder.add(sequence, int((self.clock.now + 77.7) * 1e9))  # a clock of its own
        self.arrived_bytes += size_bytes
        self.delays_s.append(self.clock.now - sent)

    def _answer(self) -> None:
        for message in self.builder.build():
            size_bytes = len(message.body()) + 34
            self.up.send(size_bytes, partial(self._hear, message))

    def _hear(self, message: TransportWideFeedback) -> None:
        self.sensed.hear(message, self.clock.now)

    # What the tests read

    def pictures(self) -> dict[str, int]:
        return {name: self.layers[name] for name in FULL}

    def since(self, begin: float) -> list[tuple[float, int, dict[str, int]]]:
        return [entry for entry in self.trace if entry[0] >= begin]

    def share_of_time(self, begin: float, name: str, layer: int) -> float:
        entries = self.since(begin)
        return sum(pictures[name] >= layer for _, _, pictures in entries) / len(entries)

    def switches(self, begin: float) -> int:
        entries = self.since(begin)
        return sum(a[2] != b[2] for a, b in pairwise(entries))


def lesson(seed: int = 1, *, can_probe: bool = True, **line: Any) -> Subscriber:
    clock = Clock()
    rng = random.Random(seed)
    down = Line(clock, rng, **line)
    return Subscriber(clock, down, Line(clock, rng), rng, can_probe)


SETTLE_S = 10.0  # what happens before is the beginning, and held by tests of its own


def run(subscriber: Subscriber, seconds: float) -> float:
    """Let time pass; returns the moment at which it began."""
    begin = subscriber.clock.now
    subscriber.clock.run(seconds)
    return begin


def not_full_until(subscriber: Subscriber, begin: float) -> float:
    """Seconds from `begin` to the last moment at which something lacked its full quality."""
    lacking = [when for when, _, pictures in subscriber.since(begin) if pictures != FULL]
    return max(lacking, default=begin) - begin


def delay_percentile_s(subscriber: Subscriber, share: float) -> float:
    return sorted(subscriber.delays_s)[int(share * len(subscriber.delays_s))]


@pytest.mark.parametrize("can_probe", [True, False])
@pytest.mark.parametrize("rate_bps", [None, 10e6, 3e6])
def test_a_good_line_is_used_fully_within_seconds_and_stays_so(
    rate_bps: float | None, can_probe: bool
) -> None:
    subscriber = lesson(can_probe=can_probe, rate_bps=rate_bps)
    begin = run(subscriber, 60)
    assert not_full_until(subscriber, begin) < 5
    assert delay_percentile_s(subscriber, 0.99) < 0.1
    assert subscriber.down.overflowed == 0


@pytest.mark.parametrize("seed", range(1, 5))
def test_one_megabit_carries_all_pictures_small_without_a_queue(seed: int) -> None:
    subscriber = lesson(seed, rate_bps=1e6)
    run(subscriber, 60)
    settled = subscriber.clock.now - 50
    for name in FULL:
        assert subscriber.share_of_time(settled, name, 0) > 0.95
    assert subscriber.switches(settled) <= 4
    assert subscriber.down.overflowed / subscriber.down.sent < 0.01
    assert delay_percentile_s(subscriber, 0.95) < 0.1


@pytest.mark.parametrize("seed", range(1, 5))
def test_three_hundred_kilobits_carry_speech_and_the_teacher(seed: int) -> None:
    subscriber = lesson(seed, rate_bps=300e3)
    run(subscriber, SETTLE_S)
    overflowed = subscriber.down.overflowed
    begin = run(subscriber, 60)
    assert subscriber.share_of_time(begin, "teacher", 0) > 0.85
    assert subscriber.layers["teacher-sound"] == subscriber.layers["room-1-sound"] == 0
    assert (subscriber.down.overflowed - overflowed) / subscriber.down.sent < 0.02


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_hundred_kilobits_carry_speech(seed: int) -> None:
    subscriber = lesson(seed, rate_bps=100e3)
    run(subscriber, SETTLE_S)
    sent, overflowed = subscriber.down.sent, subscriber.down.overflowed
    begin = run(subscriber, 60)
    assert subscriber.layers["teacher-sound"] == 0
    assert subscriber.share_of_time(begin, "room-1", 0) == 0
    assert (subscriber.down.overflowed - overflowed) / (subscriber.down.sent - sent) < 0.1


@pytest.mark.parametrize("can_probe", [True, False])
@pytest.mark.parametrize("seed", range(1, 5))
def test_a_line_that_loses_thirty_percent_keeps_its_pictures(seed: int, can_probe: bool) -> None:
    subscriber = lesson(seed, can_probe=can_probe, rate_bps=6e6, loss=0.3)
    run(subscriber, 20)
    begin = run(subscriber, 60)
    assert subscriber.share_of_time(begin, "teacher", 1) > 0.9
    assert subscriber.share_of_time(begin, "teacher", 0) > 0.99


@pytest.mark.parametrize("seed", range(1, 5))
def test_bursts_of_loss_do_not_end_the_picture(seed: int) -> None:
    subscriber = lesson(seed, rate_bps=6e6, loss=0.05, burst=5)
    run(subscriber, 20)
    begin = run(subscriber, 60)
    assert subscriber.share_of_time(begin, "teacher", 1) > 0.8
    assert subscriber.share_of_time(begin, "teacher", 0) > 0.99


@pytest.mark.parametrize(
    ("jitter_s", "reorders"), [(0.03, False), (0.08, False), (0.03, True)], ids=str
)
@pytest.mark.parametrize("seed", range(1, 4))
def test_jitter_without_congestion_changes_nothing(
    seed: int, jitter_s: float, reorders: bool
) -> None:
    subscriber = lesson(seed, rate_bps=6e6, jitter_s=jitter_s, reorders=reorders)
    run(subscriber, SETTLE_S)
    begin = run(subscriber, 60)
    assert subscriber.share_of_time(begin, "teacher", 2) > 0.9


@pytest.mark.parametrize("low_bps", [1e6, 300e3, 100e3, 0])
@pytest.mark.parametrize("for_s", [3, 12, 40])
@pytest.mark.parametrize("seed", range(1, 4))
def test_full_quality_is_back_ten_seconds_after_the_line(
    seed: int, for_s: float, low_bps: float
) -> None:
    subscriber = lesson(seed, rate_bps=4e6)
    run(subscriber, 15)
    subscriber.down.rate_bps = low_bps
    subscriber.up.rate_bps = 0 if low_bps == 0 else None
    trouble = run(subscriber, for_s)
    assert subscriber.share_of_time(trouble + 2.5, "teacher", 2) < 0.3
    subscriber.down.rate_bps, subscriber.up.rate_bps = 4e6, None
    back = run(subscriber, 40)
    assert not_full_until(subscriber, back) < FULL_QUALITY_BACK_S


@pytest.mark.parametrize("low_bps", [1e6, 300e3])
@pytest.mark.parametrize("for_s", [3, 12, 40])
def test_without_probes_too_it_is_back(for_s: float, low_bps: float) -> None:
    subscriber = lesson(can_probe=False, rate_bps=4e6)
    run(subscriber, 15)
    subscriber.down.rate_bps = low_bps
    run(subscriber, for_s)
    subscriber.down.rate_bps = 4e6
    back = run(subscriber, 40)
    assert not_full_until(subscriber, back) < FULL_QUALITY_BACK_S


def cross_traffic(subscriber: Subscriber, rate_bps: float, seconds: float) -> None:
    """Somebody else sends steadily over the same line."""
    period = 8 * 1200 / rate_bps
    for step in range(int(seconds / period)):
        subscriber.clock.after(step * period, lambda: subscriber.down.send(1200, lambda: None))


@pytest.mark.parametrize("seed", range(1, 4))
def test_it_makes_room_for_cross_traffic_and_takes_it_back(seed: int) -> None:
    subscriber = lesson(seed, rate_bps=4e6)
    run(subscriber, 15)
    cross_traffic(subscriber, 2.5e6, 20)
    busy = run(subscriber, 20)
    assert subscriber.share_of_time(busy + 3, "teacher", 0) > 0.95
    assert subscriber.share_of_time(busy + 3, "teacher", 2) < 0.2
    assert subscriber.down.overflowed / subscriber.down.sent < 0.03
    back = run(subscriber, 40)
    assert not_full_until(subscriber, back) < FULL_QUALITY_BACK_S


def test_a_policed_line_is_not_hammered() -> None:
    """A token bucket drops without a queue; probes that fit it must not fool us for long."""
    subscriber = lesson(rate_bps=1e6, policer_bytes=16_000)
    run(subscriber, SETTLE_S)
    begin = run(subscriber, 60)
    assert subscriber.share_of_time(begin, "teacher", 0) > 0.95
    assert subscriber.down.overflowed / subscriber.down.sent < 0.08


@pytest.mark.parametrize("seed", range(1, 4))
def test_lost_feedback_does_not_shrink_the_estimate(seed: int) -> None:
    subscriber = lesson(seed, rate_bps=4e6)
    subscriber.up.loss = 0.3
    run(subscriber, SETTLE_S)
    begin = run(subscriber, 60)
    assert subscriber.share_of_time(begin, "teacher", 2) > 0.95


def test_one_weak_line_never_costs_another_its_quality() -> None:
    clock, rng = Clock(), random.Random(1)
    strong = Subscriber(clock, Line(clock, rng, 6e6), Line(clock, rng), rng)
    weak = Subscriber(clock, Line(clock, rng, 200e3), Line(clock, rng), rng)
    clock.run(60)
    assert strong.share_of_time(clock.now - 50, "teacher", 2) == 1
    assert weak.share_of_time(clock.now - 50, "teacher", 2) == 0
