"""A subscriber's line in virtual time: estimate and allocation together, end to end.

A forwarder sends one lesson (the teacher large, three rooms small, their sound) over a modelled
line to a subscriber that answers with real transport-wide feedback bytes. What is held: the line
is used, it is not overfilled, sound is never paused, and after trouble full quality is back
within ten seconds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from mixer.forward.allocation import Allocation, Allocator
from mixer.forward.layers import Layer, Stream
from mixer.model import Kind, Want
from mixer.rtp.bandwidth import BandwidthEstimator
from mixer.rtp.probing import Probe
from mixer.rtp.rtcp import parse_compound, serialize
from mixer.rtp.twcc import FeedbackBuilder, TransportWideFeedback
from tests.sim.network import Clock, Line

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
        self.allocator = Allocator()
        self.builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
        self.sequence = 65_000  # wraps soon
        self.departures: list[tuple[int, int, int]] = []
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
            self.clock.after(offset, lambda n=name, p=period: self.clock.every(p, lambda: self._frame(n, p)))

    # The forwarder

    def _sound(self, name: str) -> Layer:
        return Layer(SOUND_BPS if name in self.talking else 1000)

    def _decide(self) -> None:
        now = self.clock.now
        self.estimator.handle_departures(self._take_departures())
        self.estimator.poll(now)
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
        probe = self.estimator.take_probe(now)
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
        self.departures.append((sequence, int(sent * 1e9), size_bytes))
        self.probe_sent += size_bytes
        self.down.send(size_bytes, lambda: self._arrive(sequence, size_bytes, sent))

    def _take_departures(self) -> list[tuple[int, int, int]]:
        taken, self.departures = self.departures, []
        return taken

    # The browser

    def _arrive(self, sequence: int, size_bytes: int, sent: float) -> None:
        self.builder.add(sequence, int((self.clock.now + 77.7) * 1e9))  # a clock of its own
        self.arrived_bytes += size_bytes
        self.delays_s.append(self.clock.now - sent)

    def _answer(self) -> None:
        for message in self.builder.build():
            data = serialize(message)
            self.up.send(len(data) + 30, lambda data=data: self._hear(data))

    def _hear(self, data: bytes) -> None:
        (message,) = parse_compound(data)
        assert isinstance(message, TransportWideFeedback)
        self.estimator.handle_departures(self._take_departures())
        self.estimator.handle_feedback(message, self.clock.now)

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
        return sum(a[2] != b[2] for a, b in zip(entries, entries[1:], strict=False))


def lesson(seed: int = 1, *, can_probe: bool = True, **line: float) -> Subscriber:
    clock = Clock()
    rng = random.Random(seed)
    down = Line(clock, rng, **line)
    return Subscriber(clock, down, Line(clock, rng), rng, can_probe)
