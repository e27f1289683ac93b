"""Hostile bytes. Invariant: a parser of `mixer.rtp` returns a value or raises
`MalformedPacketError`, and what it returns can be written and read again as the same value.

The bytes are random, or good packets with a few bits turned, pieces cut out, doubled or moved:
those get further into a parser. Seeds are fixed; see `tests.fuzz.rounds` for long runs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mixer.rtp import h264, opus, vp8
from mixer.rtp.bandwidth import BandwidthEstimator
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.feedback import Fir, Nack, Pli, Remb
from mixer.rtp.packet import HeaderExtension, RtpPacket, datagram_kind
from mixer.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    parse_compound,
    serialize_compound,
)
from mixer.rtp.twcc import FeedbackBuilder, TransportWideFeedback
from mixer.rtp.vp8 import Vp8Descriptor
from tests.fuzz.rounds import SEED, rounds
from tests.sim.sensed import SensedLine

ROUNDS = rounds(4000)
VECTORS = Path(__file__).parents[2] / "vectors" / "rtp"


def mutated(rng: random.Random, sample: bytes) -> bytes:
    """`sample` with one to four faults."""
    data = bytearray(sample)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0 if data:
                data[at % len(data)] ^= 1 << rng.randrange(8)
            case 1 if data:
                data[at % len(data)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                del data[at : at + rng.randint(1, 8)]
            case 3:
                data[at:at] = rng.randbytes(rng.randint(1, 8))
            case 4:
                data[at:at] = data[at : at + rng.randint(1, 16)]
            case _:
                del data[at:]
    return bytes(data)


def inputs(seed: int, samples: list[bytes]) -> Iterator[bytes]:
    """A fifth noise, the rest damaged samples."""
    rng = random.Random(SEED + seed)
    for number in range(ROUNDS):
        if number % 5:
            yield mutated(rng, rng.choice(samples))
        else:
            yield rng.randbytes(rng.randrange(64))


RTP_SAMPLES = [
    RtpPacket(96, 1, 2, 3, b"payload", csrcs=(1, 2), padding_bytes=4).serialize(),
    RtpPacket(
        111,
        9,
        9,
        9,
        b"x" * 30,
        extensions=(HeaderExtension(1, b"mid"), HeaderExtension(5, b"\x01\x02")),
    ).serialize(),
    RtpPacket(96, 1, 2, 3, extensions=(HeaderExtension(200, b"a" * 40),)).serialize(),
    RtpPacket(96, 1, 2, 3, unknown_extension=(7, b"abcd")).serialize(),
]
BLOCK = ReportBlock(7, 1, -1, 70_000, 3, 4, 5)
RTCP_SAMPLES = [
    serialize_compound(
        [SenderReport(1, 2, 3, 4, 5, (BLOCK,)), SourceDescription.of_cname(1, "ab")]
    ),
    serialize_compound([ReceiverReport(1, (BLOCK, BLOCK)), Goodbye((1, 2), b"bye")]),
    serialize_compound([Nack(1, 2, (1, 2, 40)), Pli(1, 2), Fir(1, ((2, 3),))]),
    serialize_compound([Remb(1, 10**6, (1, 2, 3))]),
    serialize_compound(
        [TransportWideFeedback(1, 2, 65_530, 5, 6, (1, None, 300, -4, None, None, 7) * 4)]
    ),
]
VP8_SAMPLES = [
    Vp8Descriptor(True, 0, False, 300, 15, 5, 1, True, 3).serialize()
    + bytes.fromhex("5000009d012a80026801"),
    Vp8Descriptor(True, 0).serialize() + b"\x01abc",
]
H264_SAMPLES = [
    bytes.fromhex("18 0004 6742c01f 0004 68ce3c80"),
    bytes.fromhex("7c 85 01020304"),
    bytes.fromhex("6764001facd9405005bb0110000003001000000303c0f1831960"),  # a 1280×720 SPS
]


def parse_rtp(data: bytes) -> None:
    packet = RtpPacket.parse(data)
    assert RtpPacket.parse(packet.serialize()) == packet


def parse_rtcp(data: bytes) -> None:
    packets = parse_compound(data)
    again = parse_compound(serialize_compound(packets))
    assert [meaning(packet) for packet in again] == [meaning(packet) for packet in packets]


def meaning(packet: RtcpPacket) -> RtcpPacket:
    """A NACK's numbers may be written in another order than they were read."""
    if isinstance(packet, Nack):
        return Nack(packet.sender_ssrc, packet.media_ssrc, tuple(sorted(packet.sequences)))
    return packet


def parse_vp8(data: bytes) -> None:
    descriptor = Vp8Descriptor.parse(data)
    assert 1 <= descriptor.size <= min(6, len(data))
    vp8.keyframe_size(data)


def parse_h264(data: bytes) -> None:
    if h264.split(data):
        h264.starts_keyframe(data)
        h264.ParameterSets().updated(data)


def parse_sps(data: bytes) -> None:
    width, height = h264.sps_size(data)
    assert 0 < width <= 16_384
    assert 0 < height <= 16_384


def parse_opus(data: bytes) -> None:
    assert 0 < opus.OpusPacket.parse(data).samples <= opus.MAX_PACKET_SAMPLES


CASES: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "rtp": (parse_rtp, RTP_SAMPLES),
    "rtcp": (parse_rtcp, RTCP_SAMPLES),
    "vp8": (parse_vp8, VP8_SAMPLES),
    "h264": (parse_h264, H264_SAMPLES),
    "sps": (parse_sps, [H264_SAMPLES[2]]),
    "opus": (parse_opus, [b"\xfc\x00\x00", b"\x03\x82\x05abc", b"\x78" * 40]),
}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("parse", "samples"), CASES.values(), ids=CASES)
def test_hostile_bytes(parse: Callable[[bytes], None], samples: list[bytes]) -> None:
    refused = 0
    for data in inputs(1, samples):
        datagram_kind(data)
        try:
            parse(data)
        except MalformedPacketError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"this becomes a vector: {data.hex()}") from error
    assert refused, "the inputs never reached a refusal: they test nothing"
    assert refused < ROUNDS, "the inputs never got through: they test nothing"


@pytest.mark.parametrize("parser", CASES)
def test_what_is_known_to_be_hard(parser: str) -> None:
    """Vectors named `parser-fault.hex`; what a long run finds is put beside them."""
    files = sorted(VECTORS.glob(f"{parser}-*.hex"))
    assert files
    for file in files:
        with pytest.raises(MalformedPacketError):
            CASES[parser][0](bytes.fromhex(file.read_text()))


@pytest.mark.timeout(3600)
def test_a_lying_peer_cannot_break_the_estimate() -> None:
    """Any feedback leaves an estimate within its limits, and never an exception."""
    rng = random.Random(SEED + 2)
    estimator = BandwidthEstimator(0.0)
    estimator.set_wanted(3_000_000)
    line = SensedLine(estimator)
    now, sequence = 10.0, 0
    for _ in range(ROUNDS // 13):
        now += rng.choice((0.0, 0.01, 0.05, 3.0, -0.01))
        for _ in range(rng.randrange(30)):
            line.depart(sequence, 1200, now)
            sequence += 1
        base = rng.choice((sequence - 40, sequence - 5, sequence + 9, rng.randrange(65_536)))
        deltas = tuple(
            rng.choice((None, 0, 4, 255, -0x8000, 0x7FFF)) for _ in range(rng.randint(1, 60))
        )
        reference = rng.choice((0, 0x7F_FFFF, -0x80_0000, int(now * 15)))
        message = TransportWideFeedback(1, 2, base & 0xFFFF, reference, 0, deltas)
        line.hear(message, now)
        estimator.handle_remb(rng.randrange(1 << 40), now)
        estimator.handle_rtt(rng.random() * 100)
        line.let_pass(now)
        line.take_probe(now)
        assert 40_000 <= estimator.bitrate_bps <= 30_000_000
        assert 0 <= estimator.loss <= 1


@pytest.mark.timeout(3600)
def test_a_lying_publisher_cannot_break_the_builder() -> None:
    """Any arrivals give messages that can be written, of bounded size."""
    rng = random.Random(SEED + 3)
    builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
    now_ns = 0
    for _ in range(ROUNDS // 13):
        for _ in range(rng.randrange(20)):
            now_ns += rng.choice((0, 250_000, 10**7, 10**10, -(10**6)))
            builder.add(
                rng.choice((rng.randrange(65_536), now_ns // 10**7 & 0xFFFF)), max(0, now_ns)
            )
        for message in builder.build():
            assert len(serialize_compound([message])) <= 1200
