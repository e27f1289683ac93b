"""The pump towards one subscriber, in virtual time: as `Consumers` uses it, over a modelled line.

Owns what `mixer/pump/native` does with a subscriber's packets: layers that begin at keyframes,
lost packets sent again within a budget, probes of repeated packets or of padding. The line's
senses are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mixer.model import Kind
from mixer.node.streams import Producer
from mixer.pump import TransportTotals
from mixer.pump._pump import Line as SensedLine
from mixer.rtp.rtcp import serialize
from mixer.rtp.twcc import TransportWideFeedback
from tests.sim.network import Clock, Line
from tests.sim.screen import Packet
from tests.sim.sensed import ns

HEADER_BYTES = 12 + 8 + 16  # RTP, our extensions, the SRTP tag
LINE_TICK_S = 0.1  # lines.c
PROBE_TICK_S = 0.001  # probe.c
REPEATED_BYTES, PADDING_BYTES = 1000, HEADER_BYTES + 255
# retransmit.c and history.c
REPAIRS_SHARE, REPAIRS_BYTES_PER_S, REPAIRS_BURST_BYTES = 0.5, 25_000, 96_000
SPACING_LEAST_S, SPACING_MOST_S = 0.02, 0.5
HISTORY_S, HISTORY_PACKETS = 1.0, 1024
# The round trip is that of reports, one a second; here every packet moves it a little.
ROUND_TRIP_PART = 1 / 200


class Receiver(Protocol):
    """Who is at the other end of the line."""

    def arrive(self, sequence: int, packet: Packet) -> None: ...


@dataclass(slots=True)
class Outgoing:
    """A consumer: the layer that goes out (−1: none), and the one it is to be."""

    name: str
    kind: Kind
    layer: int = -1
    target: int = -1
    number: int = 0  # of its next packet
    bytes: int = 0
    sent_at: float = float("-inf")
    sent: dict[int, tuple[Packet, int, float]] = field(default_factory=dict)
    resent_at: dict[int, float] = field(default_factory=dict)


class ModelledPump:
    """`mixer.pump.Pump` for one transport; `on_line` is its `LINE` event."""

    def __init__(
        self, clock: Clock, down: Line, ask_keyframe: Callable[[tuple[str, int]], None]
    ) -> None:
        self.receiver: Receiver | None = None
        self.on_line: Callable[[], None] = lambda: None
        self.outgoing: dict[int, Outgoing] = {}
        self.producers: dict[int, Producer] = {}
        self._clock, self._down = clock, down
        self._ask_keyframe = ask_keyframe
        self._senses = SensedLine()
        self._round_trip_s = 0.0
        self._bytes_sent = 0
        self._sequence = 65_000  # wraps soon
        self._tokens, self._tokens_at = 0.0, clock.now
        self._probe: tuple[float, float, float, int] | None = None  # bit/s, from, to, bytes before
        clock.every(LINE_TICK_S, self._tick)

    # What `Consumers` calls

    def add_consumer(self, producer_id: int, transport_id: int, **_: object) -> int:
        producer = self.producers[producer_id]
        self.outgoing[producer_id] = Outgoing(producer.producer_id, producer.kind)
        return producer_id

    def set_consumer_layer(self, consumer_id: int, layer: int) -> None:
        consumer = self.outgoing[consumer_id]
        consumer.target = layer
        if layer < 0 or consumer.kind is Kind.AUDIO:
            consumer.layer = layer
        elif layer != consumer.layer:
            self._ask_keyframe((consumer.name, layer))

    def line(self, transport_id: int) -> tuple[object, ...]:
        return self._senses.take()

    def set_line_settled(self, transport_id: int, settled: bool) -> None:
        self._senses.set_settled(settled)

    def probe(self, transport_id: int, *, bitrate_bps: int, duration_ms: int) -> bool:
        now = self._clock.now
        ends_at = now + duration_ms / 1000
        is_under_way = self._probe is not None
        self._probe = (bitrate_bps, now, ends_at, self._bytes_sent)
        self._senses.probe(ns(now), ns(ends_at))
        if not is_under_way:
            self._fill()
        return True

    def totals(self, transport_ids: list[int]) -> list[TransportTotals]:
        (_,) = transport_ids
        return [TransportTotals(0, self._bytes_sent, 0, 0, 0, ns(self._round_trip_s))]

    # Packets

    def forward(self, producer_id: int, layer: int, sizes: list[int], *, keyframe: bool) -> None:
        """A frame has come from its publisher, in packets of these sizes."""
        consumer, now = self.outgoing[producer_id], self._clock.now
        if keyframe and consumer.target == layer:
            consumer.layer = layer
        if consumer.layer != layer:
            return
        first = consumer.number
        last = first + len(sizes) - 1 if consumer.kind is Kind.VIDEO else None
        for number, size in enumerate(sizes, first):
            packet = Packet(consumer.name, number, size, first, last, keyframe, layer, now)
            consumer.number += 1
            consumer.bytes += size
            consumer.sent_at = now
            consumer.sent[number] = (packet, self._send(packet), now)
            consumer.sent.pop(number - HISTORY_PACKETS, None)
            self._tokens = min(REPAIRS_BURST_BYTES, self._tokens + REPAIRS_SHARE * size)

    def send_again(self, name: str, numbers: list[int]) -> None:
        """A NACK: the peer misses these packets (16 bits each)."""
        now = self._clock.now
        consumer = next(one for one in self.outgoing.values() if one.name == name)
        if consumer.target < 0:
            return
        earned = (now - self._tokens_at) * REPAIRS_BYTES_PER_S
        self._tokens, self._tokens_at = min(REPAIRS_BURST_BYTES, self._tokens + earned), now
        spacing_s = min(SPACING_MOST_S, max(SPACING_LEAST_S, self._round_trip_s))
        for short in numbers:
            number = short + ((consumer.number - short) & ~0xFFFF)
            packet, sequence, sent_at = consumer.sent.get(number, (None, 0, 0.0))
            if packet is None or now - sent_at > HISTORY_S or self._tokens < packet.size_bytes:
                continue
            if now - consumer.resent_at.get(number, 0.0) < spacing_s:
                continue
            self._tokens -= packet.size_bytes
            consumer.resent_at[number] = now
            # Sound has no RTX: the very same packet goes out again.
            self._send(packet, sequence if consumer.kind is Kind.AUDIO else None)

    def _send(self, packet: Packet, sequence: int | None = None) -> int:
        if sequence is None:
            sequence = self._sequence & 0xFFFF
            self._sequence += 1
        left_at = self._clock.now
        self._senses.depart(sequence, packet.size_bytes, ns(left_at))
        self._bytes_sent += packet.size_bytes

        def arrive() -> None:
            assert self.receiver is not None
            round_trip_s = self._clock.now - left_at + self._down.delay_s
            self._round_trip_s += (round_trip_s - self._round_trip_s) * ROUND_TRIP_PART
            self.receiver.arrive(sequence, packet)

        self._down.send(packet.size_bytes, arrive)
        return sequence

    # Probes

    def _fill(self) -> None:
        """Media counts; what is missing of the rate is repeated packets, else padding."""
        assert self._probe is not None
        rate_bps, began_at, ends_at, bytes_before = self._probe
        now = self._clock.now
        if now >= ends_at:
            self._probe = None
            return
        size_bytes = REPEATED_BYTES if self._can_repeat(now) else PADDING_BYTES
        wanted = bytes_before + rate_bps / 8 * (now + PROBE_TICK_S - began_at)
        while self._bytes_sent < wanted:
            self._send(Packet("", 0, size_bytes))
        self._clock.after(PROBE_TICK_S, self._fill)

    def _can_repeat(self, now: float) -> bool:
        pictures = (one for one in self.outgoing.values() if one.kind is Kind.VIDEO)
        return any(now - one.sent_at < HISTORY_S for one in pictures)

    # The senses

    def hear(self, message: TransportWideFeedback) -> None:
        """The peer's feedback has come."""
        assert self._senses.hear(serialize(message), ns(self._clock.now))
        self._tell()

    def _tick(self) -> None:
        self._senses.let_pass(ns(self._clock.now))
        self._tell()

    def _tell(self) -> None:
        if self._senses.tells(ns(self._clock.now)):
            self.on_line()
