"""A room behind a weak line, from the publishers' frames to its screen, in virtual time.

Owns the lesson: a lead with two layers as a 640×360 camera gives them, another room in a small
tile, the voices of both, and the node that looks at them as `mixer.node.control_loop` does, with
the real `Consumers` (allocation, estimate, senses). It is the lesson of `benchmarks/weak_line.py`.

Leaves to `modelled_pump.py` the packets, to `screen.py` the browser, to `network.py` the line.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import cast

from mixer.forward.allocation import Choice
from mixer.forward.keyframes import KeyframeRequests
from mixer.model import Kind, LinkState, Want
from mixer.node.beats import CALM_LOOK_S, LOOK_S, next_beat
from mixer.node.consumers import Consumers
from mixer.node.control_loop import TOTALS_INTERVAL_S
from mixer.node.peer_connection import PeerConnection
from mixer.node.streams import Encoding, Producer
from mixer.transport.codecs import Codec
from mixer.transport.m_lines import MLine
from tests.sim.modelled_pump import HEADER_BYTES, ModelledPump
from tests.sim.network import Clock, Line
from tests.sim.screen import Screen

LEAD, ROOM, LEAD_VOICE, ROOM_VOICE = "lead", "room", "lead-voice", "room-voice"
WANTS = (
    Want(LEAD, 1280, 720, 5),
    Want(ROOM, 160, 90, 1),
    Want(LEAD_VOICE, 0, 0, 10),
    Want(ROOM_VOICE, 0, 0, 10),
)
MTU_BYTES = 1150
PICTURE_LAYERS = ((135_000, 15), (470_000, 25))  # (bit/s, frames a second)
VOICE_LAYERS = ((40_000, 50),)
SMALL, LARGE = range(len(PICTURE_LAYERS))
KEYFRAME_IS = 6  # times the size of another frame
FRAMES_VARY = 0.3  # above and below their mean size
PUBLISHER_S = 0.04  # a keyframe request to the publisher, and the picture back
DELAY_S = 0.03  # each way
SAMPLE_S = 0.1  # how often the layers that go out are noted
STAYS_S = 8.0  # full quality that goes away again sooner is none
MADE_S = 1.0  # a packet made longer ago than this has come or never will


class WeakRoom:
    """The lesson, its node and the room; `down` and `up` are its line, to be changed at will."""

    def __init__(self, seed: int) -> None:
        self.clock, self.rng = Clock(), random.Random(seed)
        self.down = Line(self.clock, self.rng, delay_s=DELAY_S)
        self.up = Line(self.clock, self.rng, delay_s=DELAY_S)
        self._keyframes: KeyframeRequests[tuple[str, int]] = KeyframeRequests()
        self._pump = ModelledPump(self.clock, self.down, self._request_keyframe)
        self._bytes: dict[tuple[str, int], int] = {}
        self._owed: set[tuple[str, int]] = set()  # the layers whose next frame is a keyframe
        self._samples: list[tuple[float, dict[str, int]]] = []  # (when, layers that go out)
        self._alive: list[tuple[bool, ...]] = []
        self._due_at = self._totals_at = next_beat(self.clock.now, LOOK_S)
        port = SimpleNamespace(
            clock=lambda: self.clock.now, pump=self._pump, add_consumer=lambda consumer: None
        )
        connection = SimpleNamespace(port=port, transport_id=1, state=LinkState.CONNECTED)
        self.consumers = Consumers(cast(PeerConnection, connection), self, "weak")
        self.consumers.transport_cc = True
        self._pump.on_line = self.consumers.handle_line
        self.screen = self._pump.receiver = Screen(
            self.clock,
            send=self.up.send,
            hear=self._pump.hear,
            ask_again=self._pump.send_again,
            ask_keyframe=self._keyframe_asked,
        )
        self._producers = {want.producer_id: self._producer(want.producer_id) for want in WANTS}
        for name in self._producers:
            self._publish(name)
        self.clock.at(self._due_at, self._look)
        self.clock.every(SAMPLE_S, self._sample)

    # Publishers

    def _producer(self, name: str) -> Producer:
        kind = Kind.AUDIO if name.endswith("voice") else Kind.VIDEO
        codec = Codec("opus" if kind is Kind.AUDIO else "H264", 96, 90_000, 1, rtx_payload_type=97)
        number = len(self._pump.producers) + 1
        encodings = [Encoding("") for _ in _layers(kind)]
        producer = Producer(name, name, name, kind, "0", codec, 0, encodings, number)
        self._pump.producers[number] = producer
        self.consumers.add(producer, MLine(str(number), kind, number, number + 100), codec)
        return producer

    def _publish(self, name: str) -> None:
        for layer, (rate_bps, frames_per_s) in enumerate(_layers(self._producers[name].kind)):
            self._bytes[name, layer] = 0
            self._owed.add((name, layer))
            period_s = 1 / frames_per_s
            frame = self._frames(name, layer, round(rate_bps / 8 * period_s))
            begin = self.clock.now + self.rng.random() * period_s
            self.clock.at(begin, partial(self.clock.every, period_s, frame))

    def _frames(self, name: str, layer: int, mean_bytes: int) -> Callable[[], None]:
        """What sends the next frame of a layer."""
        producer = self._producers[name]

        def send() -> None:
            keyframe = (name, layer) in self._owed
            self._owed.discard((name, layer))
            left_bytes = mean_bytes
            if producer.kind is Kind.VIDEO:
                vary = self.rng.uniform(1 - FRAMES_VARY, 1 + FRAMES_VARY)
                left_bytes = round(mean_bytes * vary * (KEYFRAME_IS if keyframe else 1))
            sizes = []
            while left_bytes > 0:
                sizes.append(min(left_bytes, MTU_BYTES) + HEADER_BYTES)
                left_bytes -= MTU_BYTES
            self._bytes[name, layer] += sum(sizes)
            if keyframe:
                self._keyframes.keyframe_arrived((name, layer))
            self._pump.forward(producer.pump_id, layer, sizes, keyframe=keyframe)

        return send

    def _request_keyframe(self, key: tuple[str, int]) -> None:
        self._keyframes.request(key, self.clock.now)
        self._ask_due_keyframes()

    def _ask_due_keyframes(self) -> None:
        for key in self._keyframes.poll(self.clock.now):
            self.clock.after(PUBLISHER_S, partial(self._owed.add, key))
        if (again_at := self._keyframes.next_time()) is not None:
            self.clock.at(again_at, self._ask_due_keyframes)

    def _keyframe_asked(self, name: str) -> None:
        """A PLI from the screen."""
        consumer = next(one for one in self.consumers if one.producer.producer_id == name)
        if consumer.encoding is not None:
            self.ask_keyframe(consumer.producer, consumer.encoding.slot)

    # The node's lesson

    def ask_keyframe(self, producer: Producer, slot: int) -> None:
        """`ConsumersOwner`."""
        self._request_keyframe((producer.producer_id, slot))

    def choice_changed(self, device_id: str, choice: Choice) -> None:
        """`ConsumersOwner`."""

    def hurry(self) -> None:
        """`ConsumersOwner`."""
        self._look_at(next_beat(self.clock.now, LOOK_S))

    def _look_at(self, when: float) -> None:
        if when < self._due_at:
            self._due_at = when
            self.clock.at(when, self._look)

    def _look(self) -> None:
        """As `Lesson.handle_timer`."""
        now = self.clock.now
        if now < self._due_at:
            return
        self._due_at = float("inf")
        self.consumers.handle_timer(now)
        for name, producer in self._producers.items():
            for layer, encoding in enumerate(producer.encodings):
                encoding.meter.update(self._bytes[name, layer], now)
        self._allocate_if_due(now)
        if now >= self._totals_at:
            self._totals_at = next_beat(now, TOTALS_INTERVAL_S)
            self.consumers.handle_totals(self._pump.totals([1])[0], now)
        self._look_at(next_beat(now, CALM_LOOK_S if self.consumers.calm else LOOK_S))

    def _allocate_if_due(self, now: float) -> None:
        alive = [producer.alive(now) for producer in self._producers.values()]
        if alive == self._alive:
            bitrates = {name: one.bitrates for name, one in self._producers.items()}
            if not self.consumers.allocation_due(now) or self.consumers.reprice(now, bitrates):
                return
        self._alive = alive
        streams = {name: one.stream(now) for name, one in self._producers.items()}
        self.consumers.allocate(now, WANTS, streams, (LEAD_VOICE, ROOM_VOICE))

    # What tests do and read

    def run(self, seconds: float) -> float:
        """Let time pass; returns when it began."""
        begin = self.clock.now
        self.clock.run(seconds)
        return begin

    def _sample(self) -> None:
        layers = {one.name: one.layer for one in self._pump.outgoing.values()}
        self._samples.append((self.clock.now, layers))

    def made_up(self, voice: str, begin: float) -> float:
        """The share of a voice since `begin` that the screen had to make up."""
        end = self.clock.now - MADE_S
        in_time = self.screen.voices[voice].in_time.values()
        _, packets_per_s = VOICE_LAYERS[0]
        heard = sum(begin <= made_at < end for made_at in in_time)
        return 1 - heard / ((end - begin) * packets_per_s)

    def share(self, name: str, layer: int, begin: float) -> float:
        """How much of the time since `begin` this layer or a better one went out."""
        sent = [layers[name] for when, layers in self._samples if when >= begin]
        return sum(one >= layer for one in sent) / len(sent)

    def still_s(self, begin: float) -> float:
        """The longest time since `begin` in which the lead's picture stood still."""
        return self.screen.pictures[LEAD].longest_still_s(begin, self.clock.now)

    def full_after_s(self, begin: float) -> float:
        """Seconds from `begin` until the lead is large, and stays so for `STAYS_S`; else all."""
        since: float | None = None
        for when, layers in self._samples:
            if when < begin or layers[LEAD] < LARGE:
                since = None
            elif since is None:
                since = when
            elif when - since >= STAYS_S:
                return since - begin
        return self.clock.now - begin


def _layers(kind: Kind) -> tuple[tuple[int, int], ...]:
    return PICTURE_LAYERS if kind is Kind.VIDEO else VOICE_LAYERS
