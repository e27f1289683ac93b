"""RTCP against bytes written by hand from RFC 3550 §6, RFC 4585 §6, RFC 5104 §4.3 and REMB."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.feedback import Fir, Nack, Pli, Remb, UnknownFeedback
from mixer.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    UnknownRtcp,
    parse_compound,
    serialize,
    serialize_compound,
)
from mixer.rtp.twcc import TransportWideFeedback

BLOCK = ReportBlock(0xCAFE, 64, -2, 0x0001_FFFE, 90, 0x1111_2222, 0x0001_8000)
BLOCK_HEX = "0000cafe 40 fffffe 0001fffe 0000005a 11112222 00018000"

VECTORS: dict[str, tuple[str, RtcpPacket]] = {
    "SR without blocks": (
        "80 c8 0006 00000001 83aa7e8080000000 00000002 00000003 00000004",
        SenderReport(1, 0x83AA7E80_80000000, 2, 3, 4),
    ),
    "SR with a block": (
        "81 c8 000c 00000001 0000000000000000 00000002 00000003 00000004" + BLOCK_HEX,
        SenderReport(1, 0, 2, 3, 4, (BLOCK,)),
    ),
    "RR": ("81 c9 0007 00000001" + BLOCK_HEX, ReceiverReport(1, (BLOCK,))),
    "empty RR": ("80 c9 0001 00000001", ReceiverReport(1)),
    "SDES cname that ends a word": (
        "81 ca 0003 00000001 01 02 6162 00000000",
        SourceDescription.of_cname(1, "ab"),
    ),
    "SDES of two": (
        "82 ca 0004 00000001 01 01 61 00 00000002 00000000",
        SourceDescription(((1, ((1, b"a"),)), (2, ()))),
    ),
    "BYE": ("81 cb 0001 00000007", Goodbye((7,))),
    "BYE with reason": ("81 cb 0002 00000007 03 627965", Goodbye((7,), b"bye")),
    "NACK": (
        "81 cd 0003 00000001 00000002 000a 0005",
        Nack(1, 2, (10, 11, 13)),
    ),
    "NACK over the wrap": (
        "81 cd 0003 00000001 00000002 ffff 0001",
        Nack(1, 2, (65_535, 0)),
    ),
    "PLI": ("81 ce 0002 00000001 00000002", Pli(1, 2)),
    "FIR": ("84 ce 0004 00000001 00000000 00000002 09 000000", Fir(1, ((2, 9),))),
    "REMB of 1 Mb/s": (
        "8f ce 0005 00000001 00000000 52454d42 01 0bd090 00000007",
        Remb(1, 0x3D090 << 2, (7,)),
    ),
    "feedback of an unknown format": (
        "89 cd 0003 00000001 00000002 01020304",
        UnknownFeedback(205, 9, 1, 2, b"\x01\x02\x03\x04"),
    ),
    "application layer feedback that is no REMB": (
        "8f ce 0003 00000001 00000002 54455354",
        UnknownFeedback(206, 15, 1, 2, b"TEST"),
    ),
    "XR": ("80 cf 0001 00000001", UnknownRtcp(207, 0, b"\x00\x00\x00\x01")),
}


@pytest.mark.parametrize(("wire", "packet"), VECTORS.values(), ids=VECTORS)
def test_vector(wire: str, packet: RtcpPacket) -> None:
    data = bytes.fromhex(wire)
    assert parse_compound(data) == [packet]
    assert serialize(packet) == data


def test_one_megabit_in_remb() -> None:
    assert 0x3D090 << 2 == 1_000_000


def test_compound_keeps_the_order() -> None:
    packets = [packet for _, packet in VECTORS.values()]
    assert parse_compound(serialize_compound(packets)) == packets


def test_padding_only_on_the_last() -> None:
    padded = bytes.fromhex("a0 c9 0002 00000001 00000004")
    assert parse_compound(padded) == [ReceiverReport(1)]
    with pytest.raises(MalformedPacketError, match="padding"):
        parse_compound(padded + bytes.fromhex("80 c9 0001 00000001"))


def test_bytes_after_report_blocks_are_a_profiles_own() -> None:
    data = bytes.fromhex("80 c9 0002 00000001 01020304")
    assert parse_compound(data) == [ReceiverReport(1)]


@pytest.mark.parametrize(
    "wire",
    [
        "",
        "80 c9 00",
        "40 c9 0001 00000001",  # version 1
        "80 c9 0002 00000001",  # longer than the datagram
        "80 c9 0001 00000001 80",  # a second header is cut off
        "80 c9 0000",  # RR without its source
        "81 c9 0001 00000001",  # RR without its block
        "80 c8 0001 00000001",  # SR cut off
        "81 ca 0001 00000001",  # SDES chunk not ended
        "81 ca 0002 00000001 01ff6162",  # SDES item too long
        "82 ca 0002 00000001 00000000",  # second SDES chunk is missing
        "82 cb 0001 00000007",  # BYE source is missing
        "80 cb 0001 05616263",  # BYE reason too long
        "81 cd 0001 00000001",  # feedback without media source
        "81 cd 0002 00000001 00000002",  # NACK of nothing
        "84 ce 0003 00000001 00000000 00000002",  # FIR entry cut off
        "8f ce 0003 00000001 00000000 52454d42",  # REMB without a value
        "8f ce 0004 00000001 00000000 52454d42 01000001",  # REMB source is missing
        "a0 c9 0001 00000000",  # padding of 0
        "a0 c9 0001 00000003",  # padding not of words
        "a0 c9 0001 00000008",  # padding longer than the packet
    ],
)
def test_malformed(wire: str) -> None:
    with pytest.raises(MalformedPacketError):
        parse_compound(bytes.fromhex(wire))


@pytest.mark.parametrize(
    "packet",
    [
        SenderReport(1, 1 << 64, 0, 0, 0),
        ReceiverReport(1, (BLOCK,) * 32),
        ReceiverReport(1, (ReportBlock(1, 256, 0, 0, 0, 0, 0),)),
        SourceDescription(((1, ((0, b""),)),)),
        Goodbye((1,), bytes(256)),
        Nack(1, 2, ()),
        Nack(1, 2, (65_536,)),
        Fir(1, ()),
        Fir(1, ((1, 256),)),
        Remb(1, -1),
        Remb(1, 1 << 90),
        UnknownRtcp(207, 0, b"abc"),
        Pli(1 << 32, 0),
    ],
)
def test_values_that_do_not_fit_are_the_callers_mistake(packet: RtcpPacket) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        serialize(packet)


def test_cumulative_loss_stays_at_its_ends() -> None:
    for lost, told in ((1 << 30, 0x7F_FFFF), (-(1 << 30), -0x80_0000)):
        (report,) = parse_compound(
            serialize(ReceiverReport(1, (ReportBlock(1, 0, lost, 0, 0, 0, 0),)))
        )
        assert isinstance(report, ReceiverReport)
        assert report.reports[0].cumulative_lost == told


@given(st.integers(0, (1 << 80) - 1))
def test_remb_rounds_down_by_less_than_a_hundred_thousandth(bitrate_bps: int) -> None:
    (remb,) = parse_compound(serialize(Remb(1, bitrate_bps)))
    assert isinstance(remb, Remb)
    assert 0 <= bitrate_bps - remb.bitrate_bps <= bitrate_bps / 100_000


ssrc = st.integers(0, 0xFFFF_FFFF)
word = st.integers(0, 0xFFFF_FFFF)
blocks = st.lists(
    st.builds(
        ReportBlock,
        ssrc,
        st.integers(0, 255),
        st.integers(-0x80_0000, 0x7F_FFFF),
        word,
        word,
        word,
        word,
    ),
    max_size=31,
).map(tuple)
items = st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=255)), max_size=3).map(tuple)
any_packet = st.one_of(
    st.builds(SenderReport, ssrc, st.integers(0, (1 << 64) - 1), word, word, word, blocks),
    st.builds(ReceiverReport, ssrc, blocks),
    st.builds(SourceDescription, st.lists(st.tuples(ssrc, items), max_size=3).map(tuple)),
    st.builds(Goodbye, st.lists(ssrc, max_size=31).map(tuple), st.binary(max_size=255)),
    st.builds(Pli, ssrc, ssrc),
    st.builds(
        Fir, ssrc, st.lists(st.tuples(ssrc, st.integers(0, 255)), min_size=1, max_size=9).map(tuple)
    ),
    st.builds(Remb, ssrc, st.integers(0, 0x3FFFF), st.lists(ssrc, max_size=9).map(tuple)),
    st.builds(
        TransportWideFeedback,
        ssrc,
        ssrc,
        st.integers(0, 0xFFFF),
        st.integers(-0x80_0000, 0x7F_FFFF),
        st.integers(0, 255),
        st.lists(st.none() | st.integers(-0x8000, 0x7FFF), min_size=1, max_size=200).map(tuple),
    ),
)


@given(st.lists(any_packet, min_size=1, max_size=5))
def test_round_trip(packets: list[RtcpPacket]) -> None:
    assert parse_compound(serialize_compound(packets)) == packets


def test_feedback_padded_as_libwebrtc_does() -> None:
    """Captured from Chromium 156: five packets and two bytes of padding, counted in the last."""
    captured = bytes.fromhex("afcd0006fa17fa1700d5792b044c000400d8fbba20042750123e0002")
    (packet,) = parse_compound(captured)
    assert isinstance(packet, TransportWideFeedback)
    assert (packet.base_sequence, packet.received) == (0x44C, 4)
