"""A subscriber's streams as they go out: consumers in the pump, their layers, their reports.

Owns: adding and removing consumers, choosing each one's layer from the line's estimate and the
device's wants, sender reports with the CNAMEs that keep a device's sound and picture in step
(RFC 3550 §6.4.1, §6.5.1), and reading the peer's feedback.

Leaves to `subscription.py`: m-lines and descriptions; to `mixer.forward` and `mixer.rtp.bandwidth`
all policy.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

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
from mixer.model import Direction, Kind, LinkMeasured, Want
from mixer.node.connection import Connection
from mixer.node.streams import Consumer, Producer
from mixer.rtp.bandwidth import REMB_SATURATED, BandwidthEstimator
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.feedback import Fir, Pli, Remb
from mixer.rtp.rtcp import (
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    parse_compound,
    serialize_compound,
)
from mixer.rtp.sequence import ntp_middle, wrapped_distance
from mixer.rtp.twcc import TransportWideFeedback
from mixer.transport.codecs import Codec
from mixer.transport.subscribe_lines import Line
from mixer.transport.subscribe_offer import stream_name

# 16 sender reports with their descriptions fill a datagram of about 1,000 bytes.
REPORTS_PER_DATAGRAM = 16
# A report that skips more packets than ten seconds hold is of a stream that began anew.
MAX_REPORT_GAP = 10_000
# Sender reports remembered for round trips: a minute of them for each of some streams.
MAX_REMEMBERED_REPORTS = 512
# A line that carries all that is wanted, with a margin, is looked at so often: bitrates change.
SATISFIED_INTERVAL_S = 1.0
# Each feedback (ten a second) takes what left; only when none comes does the tick look itself.
FEEDBACK_EXPECTED_S = 0.15


class ConsumersOwner(Protocol):
    """The lesson, as a subscriber's consumers see it."""

    def ask_keyframe(self, producer: Producer, layer: int) -> None: ...
    def choice_changed(self, device_id: str, choice: Choice) -> None: ...


class Consumers:
    """All streams to one device over one connection."""

    def __init__(self, connection: Connection, owner: ConsumersOwner, device_id: str) -> None:
        now = connection.port.clock()
        self.meter = LinkMeter(now)
        self.estimator = BandwidthEstimator(now)
        self._departures_at = now
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
        # (ssrc, middle of NTP) of sender reports → (their NTP time, when they left)
        self._reports: OrderedDict[tuple[int, int], tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_producer)

    def __iter__(self) -> Iterator[Consumer]:
        return iter(self._by_producer.values())

    # Consumers

    def add(self, producer: Producer, line: Line, codec: Codec) -> None:
        """Send this producer on this m-line under the peer's payload types; silent at first."""
        self.remove(producer.producer_id)
        has_rtx = bool(codec.rtx_payload_type) and producer.kind is Kind.VIDEO
        pump_id = self._pump.add_consumer(
            producer.pump_id,
            self._connection.transport_id,
            ssrc=line.ssrc,
            payload_type=codec.payload_type,
            rtx_ssrc=line.rtx_ssrc if has_rtx else 0,
            rtx_payload_type=codec.rtx_payload_type if has_rtx else 0,
            mid=line.mid,
        )
        consumer = Consumer(producer, pump_id, line.ssrc, line.mid)
        self._connection.port.add_consumer(consumer)
        self._by_producer[producer.producer_id] = consumer
        self._by_ssrc[line.ssrc] = consumer
        self._by_ssrc[line.rtx_ssrc] = consumer

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
        allocation = self._allocator.allocate(
            now,
            available_bps=self.estimator.bitrate_bps,
            wants=wanted,
            streams=streams,
            speakers=speakers,
        )
        self.used_bps, self.wanted_bps = allocation.used_bps, allocation.wanted_bps
        self._allocated_at = now
        self.estimator.set_wanted(allocation.wanted_bps)
        chosen = {choice.producer_id: choice for choice in allocation.choices}
        for producer_id, consumer in self._by_producer.items():
            choice = chosen.get(producer_id)
            if choice is None:
                self._set_layer(consumer, -1)
                consumer.shown = None
                continue
            self._set_layer(consumer, _layer_to_ask(consumer, choice))
            if consumer.shown != (choice.layer, choice.reason):
                consumer.shown = (choice.layer, choice.reason)
                self._owner.choice_changed(self._device_id, choice)

    def allocation_due(self, now: float) -> bool:
        """Whether the line may carry more or less than it is used for, or it is time to look."""
        satisfied = self.used_bps == self.wanted_bps
        with_margin = self.estimator.bitrate_bps >= UP_MARGIN * self.wanted_bps
        return not (satisfied and with_margin) or now - self._allocated_at >= SATISFIED_INTERVAL_S

    def _set_layer(self, consumer: Consumer, layer: int) -> None:
        if consumer.layer != layer:
            consumer.layer = layer
            self._pump.set_consumer_layer(consumer.pump_id, layer)

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
            case ReceiverReport(reports=reports) | SenderReport(reports=reports):
                for block in reports:
                    self._report(block, now)
            case TransportWideFeedback() if self.transport_cc:
                self._take_departures(now)
                self.estimator.handle_feedback(packet, now)
            case Remb() if not self.transport_cc:
                self._limit(packet, now)

    def _keyframe_wanted(self, ssrc: int) -> None:
        consumer = self._by_ssrc.get(ssrc)
        if consumer is None:
            return
        consumer.keyframe_requests += 1
        if consumer.layer >= 0:
            self._owner.ask_keyframe(consumer.producer, consumer.layer)

    def ask_keyframes(self) -> None:
        """The peer is back after a silence: what it shows is old."""
        for consumer in self._by_producer.values():
            if consumer.layer >= 0 and consumer.producer.kind is Kind.VIDEO:
                self._owner.ask_keyframe(consumer.producer, consumer.layer)

    def _report(self, block: ReportBlock, now: float) -> None:
        """A report on one of our streams: loss, and the round trip since our sender report."""
        consumer = self._by_ssrc.get(block.ssrc)
        if consumer is None:
            return
        left = self._reports.get((block.ssrc, block.last_sr))
        arrival_ntp = None
        if left is not None:
            ntp, sent_at = left
            arrival_ntp = (ntp + round((now - sent_at) * (1 << 32))) & 0xFFFF_FFFF_FFFF_FFFF
        self.meter.handle_report_block(block, now, arrival_ntp=arrival_ntp)
        rtt_s = self.meter.rtt_s
        if rtt_s is not None:
            self.estimator.handle_rtt(rtt_s)
        if block.ssrc != consumer.ssrc:
            return  # its RTX stream has sequence numbers of its own
        previous, consumer.reported = consumer.reported, block
        if not self.transport_cc and previous is not None:
            expected = wrapped_distance(
                block.extended_highest_sequence, previous.extended_highest_sequence, 32
            )
            if 0 < expected < MAX_REPORT_GAP:
                lost = round(expected * block.fraction_lost / 256)
                self.estimator.handle_loss(expected, lost, now)

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

    def _take_departures(self, now: float) -> None:
        self._departures_at = now
        departures = self._pump.departures(self._connection.transport_id)
        if departures:
            self.estimator.handle_departures(departures)

    # Time

    def handle_timer(self, now: float) -> None:
        """Every 100 ms or so: what left, and what the estimate makes of silence."""
        if now - self._departures_at > FEEDBACK_EXPECTED_S:
            self._take_departures(now)
        if not self.transport_cc:
            self.estimator.handle_sent(self.meter.measure(now).bitrate_bps)
        self.estimator.poll(now)
        probe = self.estimator.take_probe(now)
        if probe is not None:
            begun = self._pump.probe(
                self._connection.transport_id,
                bitrate_bps=probe.bitrate_bps,
                duration_ms=round(probe.duration_s * 1000),
            )
            if not begun:
                self.estimator.refuse_probe(now)

    def send_reports(self, now: float) -> None:
        """Sender reports of every stream; once a second."""
        self.count_bytes(now)
        rows = self._pump.sender_reports(self._connection.transport_id)
        fresh = []
        for ssrc, ntp, timestamp, packets, octets in rows:
            key = (ssrc, ntp_middle(ntp))
            consumer = self._by_ssrc.get(ssrc)
            if consumer is None:
                continue
            self._reports[key] = (ntp, now)
            fresh.append((SenderReport(ssrc, ntp, timestamp, packets, octets), consumer))
        while len(self._reports) > MAX_REMEMBERED_REPORTS:
            self._reports.popitem(last=False)
        for at in range(0, len(fresh), REPORTS_PER_DATAGRAM):
            compound: list[RtcpPacket] = []
            for report, consumer in fresh[at : at + REPORTS_PER_DATAGRAM]:
                cname = stream_name(consumer.producer.device_id)
                # One chunk per SDES packet: aiortc reads no second one.
                compound += [report, SourceDescription.of_cname(report.ssrc, cname)]
            self._connection.send_rtcp(serialize_compound(compound))

    def count_bytes(self, now: float) -> None:
        """Take the transport's and every stream's byte counter; once a second."""
        for consumer in self._by_producer.values():
            counters = self._pump.consumer_stats(consumer.pump_id)
            consumer.meter.update(counters["bytes"], now)
        stats = self._pump.transport_stats(self._connection.transport_id)
        self.meter.handle_bytes(stats["bytes_sent"], now)

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


def _layer_to_ask(consumer: Consumer, choice: Choice) -> int:
    """What the pump is told: the choice, but a silent stream stays open for its first packet."""
    if choice.reason in (REASON_PAUSED, REASON_BANDWIDTH):
        return -1
    if choice.reason == REASON_SILENT or consumer.producer.kind is Kind.AUDIO:
        return max(consumer.layer, 0)
    return choice.layer
