"""Feeds: a stream made on this machine, plain RTP in Unix datagrams, published like any other.

The program of a lesson is sent so. Owns: one plain transport and one producer per feed, its SSRCs,
and the keyframe requests to whoever feeds it. Consumers, layers, repairs and taps do not see the
difference: a feed is a producer like a browser's.

Leaves to the feeder: binding its socket first, sending each layer under the SSRC it was told, the
smallest layer first in `ssrcs`, and sender reports. A feeder that dies may come back at the same
path under the same SSRCs: to all who receive, the stream has paused.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from mixer.errors import FeedRefused
from mixer.model import FeedInfo, FeedOffer, Kind
from mixer.node.local_sockets import AUDIO_LEVEL_ID, fault_of
from mixer.node.port import Port
from mixer.node.senders import SenderOwner
from mixer.node.streams import Encoding, Producer, pump_codec
from mixer.rtp.feedback import Pli
from mixer.rtp.rtcp import ReceiverReport, RtcpPacket, serialize_compound
from mixer.transport.codecs import CONSTRAINED_BASELINE, Codec

# Nobody negotiates with a feed: these are what it sends, named as browsers commonly name them.
CODECS = {
    "H264": Codec(
        "H264",
        payload_type=102,
        clock_rate=90_000,
        channels=0,
        parameters=(
            ("level-asymmetry-allowed", "1"),
            ("packetization-mode", "1"),
            ("profile-level-id", CONSTRAINED_BASELINE),
        ),
    ),
    "VP8": Codec("VP8", payload_type=96, clock_rate=90_000, channels=0),
    "opus": Codec(
        "opus",
        payload_type=111,
        clock_rate=48_000,
        channels=2,
        parameters=(("minptime", "10"), ("useinbandfec", "1")),
    ),
}


@dataclass(slots=True)
class Feed:
    """One feed as the node keeps it: the sender of its only producer."""

    info: FeedInfo
    transport_id: int
    port: Port
    owner: SenderOwner
    report_ssrc: int

    def handle_rtcp(self, data: bytes, arrival_ns: int) -> None:
        """Its reports are the pump's; that it has gone shows by its silence."""

    def ask_keyframe(self, producer: Producer, slot: int) -> None:
        """A PLI (RFC 4585 §6.3.1) in a compound, to the feeder's socket."""
        encoding = producer.every[slot]
        encoding.keyframe_requests += 1
        packets: list[RtcpPacket] = [
            ReceiverReport(self.report_ssrc),
            Pli(self.report_ssrc, encoding.ssrc),
        ]
        self.port.pump.send_rtcp(self.transport_id, serialize_compound(packets))

    def remove(self, producer: Producer) -> None:
        """Its only producer goes, and the feed with it."""
        self.owner.producer_removed(producer)
        self.port.remove_producer(producer)
        self.port.detach_local(self.transport_id)
        self.port.pump.remove_transport(self.transport_id)


def open_feed(
    port: Port, owner: SenderOwner, device_id: str, socket_path: str, offer: FeedOffer
) -> Feed:
    """A producer fed from the socket bound at `socket_path`; raises `FeedRefused`."""
    codec = CODECS.get(offer.codec)
    for name in (offer.codec, offer.fallback_codec or offer.codec):
        if name not in CODECS:
            raise FeedRefused(f"a feed has one of the codecs {', '.join(CODECS)}, not {name!r}")
    assert codec is not None  # it was looked for
    if fault := fault_of(socket_path):
        raise FeedRefused(fault)
    kind = Kind.AUDIO if codec.name == "opus" else Kind.VIDEO
    try:
        transport_id = port.pump.add_plain_transport(socket_path)
    except ValueError as error:
        raise FeedRefused(f"the socket at {socket_path} feeds or is fed already") from error
    if kind is Kind.AUDIO:
        port.pump.set_extensions(transport_id, audio_level=AUDIO_LEVEL_ID)
    encodings = [Encoding("", port.ssrcs.next()) for _layer in range(offer.layers)]
    producer = Producer(
        producer_id=f"p{secrets.token_hex(6)}",
        device_id=device_id,
        label=offer.label,
        kind=kind,
        mid="",
        codec=codec,
        max_bitrate_bps=offer.max_bitrate_bps,
        every=encodings,
        fed=True,
        fallback_codec=offer.fallback_codec,
        fallback_for=offer.fallback_for,
        pump_id=port.pump.add_producer(
            transport_id,
            codec=pump_codec(codec),
            clock_rate=codec.clock_rate,
            nack=False,  # between processes of one machine a lost packet is not asked for again
        ),
    )
    port.add_producer(producer, owner)
    for encoding in encodings:
        port.pump.add_encoding(
            producer.pump_id, encoding.slot, ssrc=encoding.ssrc, payload_type=codec.payload_type
        )
    info = FeedInfo(
        producer=producer.info(),
        media_path=port.plain_path,
        payload_type=codec.payload_type,
        clock_rate=codec.clock_rate,
        ssrcs=tuple(encoding.ssrc for encoding in encodings),
        audio_level_id=AUDIO_LEVEL_ID if kind is Kind.AUDIO else 0,
    )
    feed = Feed(info, transport_id, port, owner, port.ssrcs.next())
    port.attach_local(transport_id, feed)
    owner.producer_added(producer, feed)
    return feed
