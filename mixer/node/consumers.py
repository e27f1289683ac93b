"""A subscriber's streams as they go out: consumers in the pump, their layers, their line.

Owns: adding and removing consumers with the CNAMEs that keep a device's sound and picture in step
(RFC 3550 §6.5.1), choosing each one's layer from the line's estimate and the device's wants, and
reading the peer's feedback. Reports and the senses of the line are the pump's; what they tell is
read here.

Leaves to `subscription.py`: m-lines and descriptions; to `mixer.forward` and `mixer.rtp.bandwidth`
all policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from mixer.forward.allocation import (
    REASON_BANDWIDTH,
    REASON_PAUSED,
    REASON_SILENT,
    UP_MARGIN,
    Allocator,
    Choice,
)
from mixer.forward.layers import Stream
from mixer.forward.links import LinkMeter
from mixer.model import Direction, Kind, LinkMeasured, LinkState, Want
from mixer.node.peer_connection import PeerConnection
from mixer.node.streams import Consumer, Encoding, Producer
from mixer.pump import TransportTotals
from mixer.rtp.bandwidth import REMB_SATURATED, BandwidthEstimator
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.feedback import Fir, Pli, Remb
from mixer.rtp.line_reading import LineReading
from mixer.rtp.rtcp import RtcpPacket, parse_compound
from mixer.transport.codecs import Codec
from mixer.transport.m_lines import MLine
from mixer.transport.subscribe_offer import stream_name

# A line that carries all that is wanted, with a margin, is looked at on every second's beat, which
# may come a little early after one that came late: bitrates change.
SATISFIED_INTERVAL_S = 0.9
# RFC 8285 §4.2: all that a one-byte header extension holds. A player with longer mids has none
# from us and knows its streams by the SSRCs of our answer.
MAX_MID_CHARACTERS = 16

# Nothing has been sent for so long: what was lost before has been asked for and repeated by now.
QUIET_S = 1.5


_Told = TypeVar("_Told")


class ConsumersOwner(Protocol):
    """The lesson, as a subscriber's consumers see it."""

    def ask_keyframe(self, producer: Producer, slot: int) -> None: ...
    def choice_changed(self, device_id: str, choice: Choice) -> None: ...
    def hurry(self) -> None: ...


class Consumers:
    """All streams to one device over one connection."""

    def __init__(self, connection: PeerConnection, owner: ConsumersOwner, device_id: str) -> None:
        now = connection.port.clock()
        self.meter = LinkMeter()
        self.estimator = BandwidthEstimator(now)
        # What the estimate says of the line, as `_take_stock` found it.
        self._settled = False  # the pump tells of changes only
        self._at_rest = False  # and a reading would tell nothing
        self._satisfied = False  # it carries all that is wanted, with a margin
        self.transport_cc = False  # until the peer's description says it reports arrivals
        self._connection = connection
        self._pump = connection.port.pump
        self._owner = owner
        self._device_id = device_id
        self.used_bps = self.wanted_bps = 0  # as the last allocation found
        self._allocated_at = now
        self._allocator = Allocator()
        self._by_producer: dict[str, Consumer] = {}
        self._by_ssrc: dict[int, Consumer] = {}

    def __len__(self) -> int:
        return len(self._by_producer)

    def __iter__(self) -> Iterator[Consumer]:
        return iter(self._by_producer.values())

    # Consumers

    def add(self, producer: Producer, m_line: MLine, codec: Codec) -> None:
        """Send this producer on this m-line under the peer's payload types; silent at first."""
        self.remove(producer.wanted_as)
        has_rtx = bool(codec.rtx_payload_type) and producer.kind is Kind.VIDEO
        pump_id = self._pump.add_consumer(
            producer.pump_id,
            self._connection.transport_id,
            ssrc=m_line.ssrc,
            payload_type=codec.payload_type,
            rtx_ssrc=m_line.rtx_ssrc if has_rtx else 0,
            rtx_payload_type=codec.rtx_payload_type if has_rtx else 0,
            mid=m_line.mid if len(m_line.mid) <= MAX_MID_CHARACTERS else "",
            cname=stream_name(producer.device_id),
        )
        consumer = Consumer(producer, pump_id, m_line.ssrc, m_line.mid)
        self._connection.port.add_consumer(consumer)
        self._by_producer[producer.wanted_as] = consumer
        self._by_ssrc[m_line.ssrc] = consumer
        self._by_ssrc[m_line.rtx_ssrc] = consumer

    def has(self, producer_id: str) -> bool:
        """Whether this producer is being sent (or parked)."""
        return producer_id in self._by_producer

    def remove(self, producer_id: str) -> None:
        """Stop sending this producer; fine when it is not sent."""
        consumer = self._by_producer.pop(producer_id, None)
        if consumer is None:
            return
        for ssrc in [ssrc for ssrc, known in self._by_ssrc.items() if known is consumer]:
            del self._by_ssrc[ssrc]
        self._connection.port.remove_consumer(consumer)

    def remove_all(self) -> None:
        """Stop everything."""
        for producer_id in list(self._by_producer):
            self.remove(producer_id)

    # Choosing layers

    def allocate(
        self,
        now: float,
        wants: Sequence[Want],
        streams: Mapping[str, Stream],
        speakers: Sequence[str] = (),
    ) -> None:
        """Give each wanted stream the best layer the line carries; park what is not wanted."""
        wanted = [want for want in wants if want.producer_id in self._by_producer]
        streams = self._as_sent(streams)
        allocation = self._allocator.allocate(
            now,
            available_bps=self.estimator.bitrate_bps,
            wants=wanted,
            streams=streams,
            speakers=speakers,
        )
        self._set_needs(now, allocation.used_bps, allocation.wanted_bps)
        chosen = {choice.producer_id: choice for choice in allocation.choices}
        for producer_id, consumer in self._by_producer.items():
            choice = chosen.get(producer_id)
            if choice is None:
                self._set_encoding(consumer, None)
                consumer.shown = None
                continue
            self._set_encoding(consumer, _encoding_to_ask(consumer, choice))
            if consumer.shown != (choice.layer, choice.reason):
                consumer.shown = (choice.layer, choice.reason)
                self._owner.choice_changed(self._device_id, choice)

    def reprice(self, now: float, bitrates: Mapping[str, Sequence[int]]) -> bool:
        """Whether the choices stand, when nothing but bitrates has changed; else call `allocate`.

        `bitrates` are of each producer's layers.
        """
        needed_bps = self._allocator.reprice(
            available_bps=self.estimator.bitrate_bps, bitrates=self._as_sent(bitrates)
        )
        if needed_bps is None:
            return False
        self._set_needs(now, needed_bps, needed_bps)
        return True

    def _as_sent(self, of_producers: Mapping[str, _Told]) -> Mapping[str, _Told]:
        """What is known of producers, for this peer: of a fallback where it is sent one."""
        fallbacks = {
            wanted: of_producers[one.producer.producer_id]
            for wanted, one in self._by_producer.items()
            if one.producer.producer_id != wanted and one.producer.producer_id in of_producers
        }
        return {**of_producers, **fallbacks} if fallbacks else of_producers

    def _set_needs(self, now: float, used_bps: int, wanted_bps: int) -> None:
        self.used_bps, self.wanted_bps = used_bps, wanted_bps
        self._allocated_at = now
        self.estimator.set_wanted(wanted_bps)
        self._take_stock()

    def allocation_due(self, now: float) -> bool:
        """Whether the line may carry more or less than it is used for, or it is time to look."""
        return not self._satisfied or now - self._allocated_at >= SATISFIED_INTERVAL_S

    @property
    def calm(self) -> bool:
        """Whether time alone changes nothing: what does, the pump tells."""
        settled = self.transport_cc and self._settled and self._satisfied
        return settled or not self._by_producer

    def layers_arranged(self, producer_id: str) -> None:
        """The layers of a stream have other places now: what was chosen says nothing any more."""
        self._allocator.forget(producer_id)

    def _set_encoding(self, consumer: Consumer, encoding: Encoding | None) -> None:
        if consumer.encoding is not encoding:
            consumer.encoding = encoding
            slot = -1 if encoding is None else encoding.slot
            self._pump.set_consumer_layer(consumer.pump_id, slot)

    # The peer's feedback

    def handle_rtcp(self, data: bytes, arrival_ns: int) -> None:
        """A compound packet from the peer; malformed ones change nothing."""
        try:
            packets = parse_compound(data)
        except MalformedPacketError:
            return
        now = arrival_ns * 1e-9
        for packet in packets:
            self._handle(packet, now)

    def _handle(self, packet: RtcpPacket, now: float) -> None:
        match packet:
            case Pli(media_ssrc=ssrc):
                self._keyframe_wanted(ssrc)
            case Fir(entries=entries):
                for ssrc, _ in entries:
                    self._keyframe_wanted(ssrc)
            case Remb() if not self.transport_cc:
                self._limit(packet, now)

    def _keyframe_wanted(self, ssrc: int) -> None:
        consumer = self._by_ssrc.get(ssrc)
        if consumer is None:
            return
        consumer.keyframe_requests += 1
        if consumer.encoding is not None and not self._has_all(consumer):
            self._owner.ask_keyframe(consumer.producer, consumer.encoding.slot)

    def _has_all(self, consumer: Consumer) -> bool:
        """Whether there was nothing to send for so long that the peer only asks what is the matter.

        A browser that has seen no picture for three seconds asks for a keyframe; a source that is
        slower than that would be asked at every picture, by everybody.
        """
        last_s = self._pump.consumer_stats(consumer.pump_id)["last_packet_ns"] * 1e-9
        return 0 < last_s < self._connection.port.clock() - QUIET_S

    def ask_keyframes(self) -> None:
        """The peer is back after a silence: what it shows is old."""
        for consumer in self._by_producer.values():
            if consumer.encoding is not None and consumer.producer.kind is Kind.VIDEO:
                self._owner.ask_keyframe(consumer.producer, consumer.encoding.slot)

    def _limit(self, remb: Remb, now: float) -> None:
        """A REMB bounds the streams it names; the others (sound, with aiortc) come on top."""
        named = {id(self._by_ssrc[ssrc]) for ssrc in remb.ssrcs if ssrc in self._by_ssrc}
        named_bps = other_bps = 0
        for consumer in self._by_producer.values():
            if not named or id(consumer) in named:
                named_bps += consumer.meter.bitrate_bps
            else:
                other_bps += consumer.meter.bitrate_bps
        if remb.bitrate_bps < REMB_SATURATED * named_bps:
            self.estimator.handle_remb(remb.bitrate_bps + other_bps, now)

    # The line

    def handle_line(self) -> None:
        """The pump has sensed something of the line."""
        now = self._connection.port.clock()
        self._read_line(now)
        if not self.calm:
            self._owner.hurry()

    def _read_line(self, now: float) -> None:
        row = self._pump.line(self._connection.transport_id)
        if self.transport_cc:
            self.estimator.handle_reading(LineReading(*row), now)
            self._probe_if_due(now)
            self._take_stock()

    def handle_timer(self, now: float) -> None:
        """Several times a second while not `calm`: what the estimate makes of time alone."""
        if self.transport_cc and self._settled:
            return  # the pump tells when that ends
        if not self.transport_cc:
            self._read_losses()
            self.estimator.handle_sent(self.meter.measure(now).bitrate_bps)
        self.estimator.poll(now)
        self._probe_if_due(now)
        self._take_stock()

    def _probe_if_due(self, now: float) -> None:
        probe = self.estimator.take_probe(now)
        if probe is not None:
            begun = self._pump.probe(
                self._connection.transport_id,
                bitrate_bps=probe.bitrate_bps,
                duration_ms=round(probe.duration_s * 1000),
            )
            if not begun:
                self.estimator.refuse_probe(now)

    def _take_stock(self) -> None:
        """The estimate, or what is wanted, has moved: what follows for when to look."""
        with_margin = self.estimator.bitrate_bps >= UP_MARGIN * self.wanted_bps
        self._satisfied = self.used_bps == self.wanted_bps and with_margin
        settled = self.estimator.settled
        self._at_rest = settled and self.estimator.at_rest
        if settled != self._settled and self._connection.state is not LinkState.CLOSED:
            self._settled = settled
            self._pump.set_line_settled(self._connection.transport_id, settled)

    def handle_totals(self, totals: TransportTotals, now: float) -> None:
        """What the pump has counted of the line; once a second."""
        if self._settled and not self._at_rest:
            self._read_line(now)
        rtt_s = totals.round_trip_ns * 1e-9 or None
        self.meter.handle_totals(
            now,
            total_bytes=totals.bytes_sent,
            expected=totals.packets_expected,
            lost=totals.packets_lost,
            rtt_s=rtt_s,
        )
        if self.transport_cc and rtt_s is not None:
            self.estimator.handle_rtt(rtt_s)

    def _read_losses(self) -> None:
        """What a peer without transport-wide feedback reported since the last look."""
        transport_id = self._connection.transport_id
        reported = self._pump.losses(transport_id)
        for _, expected, lost, arrival_ns in reported:
            self.estimator.handle_loss(expected, lost, arrival_ns * 1e-9)
        if reported and (round_trip_ns := self._pump.totals([transport_id])[0].round_trip_ns):
            self.estimator.handle_rtt(round_trip_ns * 1e-9)

    def measure(self, now: float) -> LinkMeasured:
        """The line down, over the last seconds."""
        sample = self.meter.measure(now)
        return LinkMeasured(
            device_id=self._device_id,
            direction=Direction.SUBSCRIBE,
            loss=sample.loss,
            rtt_ms=sample.rtt_ms,
            bitrate_bps=sample.bitrate_bps,
            available_bps=self.estimator.bitrate_bps,
            wanted_bps=self.wanted_bps,
        )


def _encoding_to_ask(consumer: Consumer, choice: Choice) -> Encoding | None:
    """What the pump is told: the choice, but a silent stream stays open for its first packet."""
    if choice.reason in (REASON_PAUSED, REASON_BANDWIDTH):
        return None
    layers = consumer.producer.encodings
    if choice.reason == REASON_SILENT or consumer.producer.kind is Kind.AUDIO:
        return consumer.encoding or layers[0]
    return layers[choice.layer]
