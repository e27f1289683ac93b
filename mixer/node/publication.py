"""The publish connection of one device: its producers, and what we tell their sender.

Owns: building what a `PublishPlan` says in the pump, learning SSRCs from MID and RID, the requests
we send upstream: PLI or FIR (RFC 4585, RFC 5104), and REMB to whom transport-wide feedback is not
negotiated with. Feedback and reports, and asking for lost packets, is the pump's.

Leaves to `lesson_media.py`: who hears of a producer; to `peer_connection.py`: the transport.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Protocol

from mixer.forward.layers import Layer, smallest_first
from mixer.forward.links import LinkMeter
from mixer.forward.receive_rate import ReceiveRate
from mixer.model import Direction, Kind, LinkMeasured, LinkState
from mixer.node.peer_connection import PeerConnection
from mixer.node.port import Port
from mixer.node.senders import SenderOwner
from mixer.node.streams import Encoding, Producer, pump_codec
from mixer.pump import PARAMETER_SETS_BYTES, TransportTotals
from mixer.rtp import h264
from mixer.rtp.feedback import Fir, Pli, Remb
from mixer.rtp.rtcp import (
    ReceiverReport,
    RtcpPacket,
    SourceDescription,
    serialize_compound,
)
from mixer.token_bucket import TokenBucket
from mixer.transport.codecs import Codec
from mixer.transport.dtls import DtlsCertificate
from mixer.transport.publish_answer import PublishPlan, SourcePlan, write_answer

# New SSRCs that are looked up for one sender: all its sources with all layers and repairs at once
# (8 × 3 × 2), later seldom. Browsers change them with an offer alone; whoever makes them up is left
# to the pump, which drops unknown ones.
NAMED_SSRCS_BURST = 64
NAMED_SSRCS_PER_S = 1.0
CNAME = "tongke"
# What a source without a limit of its own may send when REMB has to name a number.
UNLIMITED_BPS = 10_000_000


class PublicationOwner(SenderOwner, Protocol):
    """The lesson, as a publication sees it."""

    def link_changed(self, device_id: str, direction: Direction, state: LinkState) -> None: ...


def with_layers_that_serve(plan: PublishPlan, *, most: int) -> PublishPlan:
    """The plan without the layers of which it is known already that they are too many.

    Where sizes are not known all come (the pump takes some more than are used), and are measured.
    """
    sources = []
    for source in plan.sources:
        offered = source.encodings
        if all(0 not in encoding.size for encoding in offered):
            layers = [Layer(0, told_width=w, told_height=h) for w, h in (e.size for e in offered)]
            offered = tuple(offered[place] for place in smallest_first(layers, most=most))
        sources.append(replace(source, encodings=offered))
    return replace(plan, sources=tuple(sources))


class Publication:
    """A device's publish connection; `apply` every plan, `close` at the end."""

    def __init__(
        self,
        port: Port,
        certificate: DtlsCertificate,
        owner: PublicationOwner,
        device_id: str,
        plan: PublishPlan,
        *,
        most_layers: int = 3,
    ) -> None:
        self.device_id = device_id
        self._most_layers = most_layers
        self.producers: dict[str, Producer] = {}  # by mid
        self.connection = PeerConnection(port, certificate, self, extensions=plan.extensions)
        port.pump.set_reporting(
            self.connection.transport_id, ssrc=self.connection.local_ssrc, cname=CNAME
        )
        self._port = port
        self._owner = owner
        now = port.clock()
        self.meter = LinkMeter()
        self._remb: ReceiveRate | None = None
        self._fir_count = 0
        self._namings = TokenBucket(rate_per_s=NAMED_SSRCS_PER_S, burst=NAMED_SSRCS_BURST, now=now)

    # Descriptions

    def continues(self, plan: PublishPlan) -> bool:
        """Whether the offer is of the same peer connection (else a new one must be built)."""
        return self.connection.state is not LinkState.CLOSED and self.connection.is_peer(plan.peer)

    def apply(self, plan: PublishPlan) -> str:
        """Take what the plan offers, drop what it no longer has; returns our answer."""
        connection, peer = self.connection, self.connection.peer
        if peer is not None and peer.ice_ufrag != plan.peer.ice_ufrag:
            connection.restart_ice()
        self._port.pump.set_extensions(connection.transport_id, **plan.extensions.for_pump())
        planned = {source.mid: source for source in plan.sources}
        before = dict(self.producers)
        for mid, producer in before.items():
            source = planned.get(mid)
            if source is None or not _same_stream(producer, source):
                self.remove(producer)
        for mid, source in planned.items():
            if mid not in self.producers:
                self._add(source, before.get(mid))
        self._watch_rate(plan)
        connection.set_peer(plan.peer)
        return write_answer(plan, connection.local_parameters())

    def _add(self, source: SourcePlan, before: Producer | None) -> None:
        """`before` is what its m-line carried: a sender that keeps the SSRCs names them no more."""
        codec = source.codec
        pump_id = self._port.pump.add_producer(
            self.connection.transport_id,
            codec=pump_codec(codec),
            clock_rate=codec.clock_rate,
            nack="nack" in codec.feedback,
        )
        encodings = [
            Encoding(plan.rid, plan.ssrc, plan.rtx_ssrc, told=plan.size)
            for plan in source.encodings
        ]
        if before is not None:
            _inherit(encodings, before.every)
        producer = Producer(
            producer_id=f"p{secrets.token_hex(6)}",
            device_id=self.device_id,
            label=source.source.label,
            kind=source.kind,
            mid=source.mid,
            codec=codec,
            max_bitrate_bps=source.source.max_bitrate_bps,
            every=encodings,
            pump_id=pump_id,
            most_layers=self._most_layers,
        )
        self.producers[source.mid] = producer
        self._port.add_producer(producer, self._owner)
        self._owner.producer_added(producer, self)
        for encoding in encodings:
            if encoding.ssrc:
                self._name_encoding(producer, encoding)

    def remove(self, producer: Producer) -> None:
        """Stop one producer; its m-line may carry another after the next offer."""
        if self.producers.get(producer.mid) is producer:
            del self.producers[producer.mid]
            self._owner.producer_removed(producer)
            self._port.remove_producer(producer)

    def _name_encoding(self, producer: Producer, encoding: Encoding) -> None:
        rtx_payload_type = producer.codec.rtx_payload_type if encoding.rtx_ssrc else 0
        self._port.pump.add_encoding(
            producer.pump_id,
            encoding.slot,
            ssrc=encoding.ssrc,
            payload_type=producer.codec.payload_type,
            rtx_ssrc=encoding.rtx_ssrc,
            rtx_payload_type=rtx_payload_type,
            parameter_sets=_parameter_sets(producer.codec),
        )

    def _watch_rate(self, plan: PublishPlan) -> None:
        most = sum(source.source.max_bitrate_bps or UNLIMITED_BPS for source in plan.sources)
        if not plan.wants_remb:
            self._remb = None
        elif self._remb is None:
            self._remb = ReceiveRate(self._port.clock(), max_bps=most)
        else:
            self._remb.set_max(most)

    # Events of the connection

    def link_changed(self, state: LinkState) -> None:
        """The transport connected, fell silent or closed."""
        if state is LinkState.CLOSED:
            self._remove_all()
        self._owner.link_changed(self.device_id, Direction.PUBLISH, state)

    def handle_rtcp(self, data: bytes, arrival_ns: int) -> None:
        """A publisher's goodbyes and the like: its leaving shows by other means."""

    def handle_line(self) -> None:
        """A connection that only receives: there is no line of ours to sense."""

    def handle_new_ssrc(
        self, ssrc: int, payload_type: int, mid: str, rid: str, repaired_rid: str
    ) -> None:
        """Find whose stream this is (RFC 8843 §9.2) and name it to the pump."""
        producer = self._producer_of(payload_type, mid)
        if producer is None:
            return
        repairs = payload_type == producer.codec.rtx_payload_type and payload_type != 0
        if not repairs and payload_type != producer.codec.payload_type:
            return
        encoding = _encoding_of(producer, repaired_rid or rid)
        if encoding is None:
            return
        if not self._namings.take(self._port.clock()):
            self._port.counters.ssrcs_not_named += 1
            return
        if repairs:
            encoding.rtx_ssrc = ssrc
        else:
            encoding.ssrc = ssrc
        if encoding.ssrc:
            self._name_encoding(producer, encoding)

    def _producer_of(self, payload_type: int, mid: str) -> Producer | None:
        if mid:
            return self.producers.get(mid)
        # Without MID only a payload type that is one producer's alone tells whose it is.
        matching = [
            producer
            for producer in self.producers.values()
            if payload_type in (producer.codec.payload_type, producer.codec.rtx_payload_type)
        ]
        return matching[0] if len(matching) == 1 else None

    # What we send upstream

    def ask_keyframe(self, producer: Producer, slot: int) -> None:
        """Ask the sender for a keyframe now; how often is the lesson's business."""
        encoding = producer.every[slot]
        media_ssrc = encoding.ssrc
        if not media_ssrc:
            return
        encoding.keyframe_requests += 1
        packet: RtcpPacket = Pli(self.connection.local_ssrc, media_ssrc)
        if "nack pli" not in producer.codec.feedback and "ccm fir" in producer.codec.feedback:
            self._fir_count = (self._fir_count + 1) & 0xFF
            packet = Fir(self.connection.local_ssrc, ((media_ssrc, self._fir_count),))
        self._send([packet])

    def handle_totals(self, totals: TransportTotals, now: float) -> None:
        """What the pump has counted of the line; once a second. Sends REMB where followed."""
        self.meter.handle_totals(
            now,
            total_bytes=totals.bytes_received,
            expected=totals.packets_expected,
            lost=totals.packets_lost,
            rtt_s=None,
        )
        if self._remb is not None:
            ssrc = self.connection.local_ssrc  # a compound begins with a report
            description = SourceDescription.of_cname(ssrc, CNAME)
            self._send([ReceiverReport(ssrc), description, self._remb_now(self._remb, now)])

    def _remb_now(self, rate: ReceiveRate, now: float) -> Remb:
        sample = self.meter.measure(now)
        bitrate_bps = rate.handle(now, loss=sample.loss, received_bps=sample.bitrate_bps)
        ssrcs = tuple(
            encoding.ssrc
            for producer in self.producers.values()
            for encoding in producer.every
            if encoding.ssrc and producer.kind is Kind.VIDEO
        )
        return Remb(self.connection.local_ssrc, bitrate_bps, ssrcs)

    def _send(self, packets: list[RtcpPacket]) -> None:
        self.connection.send_rtcp(serialize_compound(packets))

    def measure(self, now: float) -> LinkMeasured:
        """The line up, over the last seconds. 0 available: only the sender itself knows."""
        sample = self.meter.measure(now)
        return LinkMeasured(
            device_id=self.device_id,
            direction=Direction.PUBLISH,
            loss=sample.loss,
            rtt_ms=sample.rtt_ms,
            bitrate_bps=sample.bitrate_bps,
            available_bps=self._remb.bitrate_bps if self._remb is not None else 0,
        )

    # The end

    def _remove_all(self) -> None:
        for producer in list(self.producers.values()):
            self.remove(producer)

    async def close(self) -> None:
        """End all producers and the connection."""
        self._remove_all()
        await self.connection.close()


def _same_stream(producer: Producer, source: SourcePlan) -> bool:
    """Whether an m-line still carries the producer it carried before."""
    if producer.label != source.source.label or producer.codec != source.codec:
        return False
    planned = [(plan.rid, plan.ssrc) for plan in source.encodings]
    present = [(known.rid, known.ssrc) for known in producer.every]
    # What was learned from packets is not in the description.
    return len(planned) == len(present) and all(
        rid == known_rid and ssrc in (0, known_ssrc)
        for (rid, ssrc), (known_rid, known_ssrc) in zip(planned, present, strict=True)
    )


def _inherit(encodings: list[Encoding], before: list[Encoding]) -> None:
    """SSRCs once learned stay their m-line's until others show themselves (RFC 8843 §9.2)."""
    known = {encoding.rid: encoding for encoding in before}
    for encoding in encodings:
        if not encoding.ssrc and (earlier := known.get(encoding.rid)) is not None:
            encoding.ssrc, encoding.rtx_ssrc = earlier.ssrc, earlier.rtx_ssrc


def _parameter_sets(codec: Codec) -> bytes:
    """Those of its description, as one payload; more than one packet takes are no camera's."""
    payload = h264.aggregate(codec.parameter_sets) if codec.name == "H264" else b""
    return payload if len(payload) <= PARAMETER_SETS_BYTES else b""


def _encoding_of(producer: Producer, rid: str) -> Encoding | None:
    first = producer.every[0]
    if len(producer.every) == 1 and (not rid or not first.rid):
        return first
    return next((encoding for encoding in producer.every if encoding.rid == rid), None)
