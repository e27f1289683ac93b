"""The senses of a line in C and their readable model agree, whatever happens on the line."""

from __future__ import annotations

import random

import pytest

from mixer.pump._pump import Line
from mixer.rtp.rtcp import serialize
from mixer.rtp.twcc import TICK_NS, FeedbackBuilder, TransportWideFeedback
from tests.fuzz.rounds import SEED
from tests.models.line import LineModel, Reading

MS = 1_000_000


class Both:
    """Does the same to both, and compares every answer."""

    def __init__(self) -> None:
        self.line, self.model = Line(), LineModel()
        self.readings: list[Reading] = []

    def depart(self, sequence: int, size_bytes: int, now_ns: int) -> None:
        self.line.depart(sequence & 0xFFFF, size_bytes, now_ns)
        self.model.depart(sequence & 0xFFFF, size_bytes, now_ns)

    def hear(self, message: TransportWideFeedback, now_ns: int) -> None:
        data = serialize(message)
        assert self.line.hear(data, now_ns)
        assert self.model.hear(data, now_ns)

    def let_pass(self, now_ns: int) -> None:
        self.line.let_pass(now_ns)
        self.model.let_pass(now_ns)
        told = self.line.tells(now_ns)
        assert told == self.model.tells(now_ns)
        if told:
            self.take()

    def take(self) -> None:
        reading = self.line.take()
        assert reading == self.model.take()
        self.readings.append(reading)


class Scene:
    """A sender, and a peer behind a queue, loss, jitter and lost feedback; all from one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.both = Both()
        self.now_ns = self.rng.randrange(1, 1 << 50)
        self.sequence = self.rng.randrange(1 << 16)
        self.builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
        self.clock_ns = self.rng.randrange(1 << 52)  # the peer's
        self.free_ns = 0
        self.flying: list[tuple[int, int]] = []  # (arrives, sequence)

    def run(self, steps: int) -> None:
        rng = self.rng
        loss, rate, answered = 0.0, 2e6, True
        for step in range(steps):
            if step % 500 == 0:
                loss = rng.choice((0, 0, 0, 0.02, 0.3))
                rate = rng.choice((300e3, 2e6, 20e6))
                answered = rng.random() < 0.8
                self.both.line.set_settled(settled := rng.random() < 0.5)
                self.both.model.set_settled(settled)
            self.now_ns += rng.choice((0, 0, 0, 1 * MS, 2 * MS, 10 * MS, 20 * MS))
            if rng.random() < 0.001:
                self.now_ns += rng.choice((600, 3000, 70_000)) * MS  # nothing is sent
                if rng.random() < 0.7:
                    self.both.let_pass(self.now_ns)
            self.send(loss, rate)
            if rng.random() < 0.03:
                self.answer(heard=answered and rng.random() < 0.9)
            if rng.random() < 0.003:
                ends = self.now_ns + rng.randrange(300) * MS
                self.both.line.probe(self.now_ns, ends)
                self.both.model.probe(self.now_ns, ends)
            if rng.random() < 0.1:
                self.both.let_pass(self.now_ns)

    def send(self, loss: float, rate: float) -> None:
        again = self.rng.random() < 0.01
        sequence = self.sequence - self.rng.randrange(1, 50) if again else self.sequence
        self.sequence += not again
        size = self.rng.choice((60, 120, 1200))
        self.both.depart(sequence, size, self.now_ns)
        if self.rng.random() >= loss and self.free_ns < self.now_ns + 400 * MS:
            self.free_ns = max(self.free_ns, self.now_ns) + int(8e9 * size / rate)
            self.flying.append((self.free_ns + self.rng.randrange(20 * MS), sequence))

    def answer(self, *, heard: bool) -> None:
        """What has arrived until now is reported on; the report may be lost, or a lie."""
        self.flying.sort()
        while self.flying and self.flying[0][0] <= self.now_ns:
            arrives, sequence = self.flying.pop(0)
            self.builder.add(sequence & 0xFFFF, arrives + self.clock_ns)
        for message in self.builder.build():
            if heard:
                self.both.hear(message, self.now_ns)
        if self.rng.random() < 0.02:
            self.both.hear(self.lie(), self.now_ns)

    def lie(self) -> TransportWideFeedback:
        rng = self.rng
        deltas = tuple(rng.choice((None, 0, 4, 255, -0x8000, 0x7FFF)) for _ in range(40))
        base = self.sequence + rng.choice((-9000, -100, -20, 5, 300)) & 0xFFFF
        reference = rng.choice((0, -1, (self.now_ns + self.clock_ns) // TICK_NS // 256 & 0x7F_FFFF))
        return TransportWideFeedback(1, 2, base, reference, 0, deltas)


@pytest.mark.parametrize("seed", range(12))
def test_they_agree(seed: int) -> None:
    scene = Scene(SEED + seed)
    scene.run(6000)
    readings = scene.both.readings
    assert len(readings) > 40
    assert any(reading[1] > 0 for reading in readings)
    assert any(reading[5] > 0 for reading in readings)


def test_the_scenes_reach_every_corner() -> None:
    """What the test above compares is seen to happen: else it would compare nothing."""
    readings = []
    for seed in range(12):
        scene = Scene(seed)
        scene.run(6000)
        readings += scene.both.readings
    assert {reading[0] for reading in readings} == {0, 1, 2}
    for flag in (11, 12, 13):
        assert {reading[flag] for reading in readings} == {False, True}
    assert any(reading[14] for reading in readings)
    assert any(reading[5] < 0 for reading in readings)  # late, and forgiven
