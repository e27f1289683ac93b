"""RTP packets against bytes written by hand from RFC 3550 §5.1 and RFC 8285 §4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.packet import (
    DatagramKind,
    HeaderExtension,
    RtpPacket,
    abs_send_time_bytes,
    audio_level_bytes,
    datagram_kind,
    extension_bytes,
    header_bytes,
    parse_abs_send_time,
    parse_audio_level,
    parse_transport_sequence,
)

FIXED = "80 e0 1234 00000010 deadbeef"  # marker, payload type 96

VECTORS = {
    "plain": (
        FIXED + "0102",
        RtpPacket(96, 0x1234, 16, 0xDEADBEEF, b"\x01\x02", marker=True),
    ),
    "two csrcs": (
        "82 60 0001 00000002 00000003 00000004 00000005 aa",
        RtpPacket(96, 1, 2, 3, b"\xaa", csrcs=(4, 5)),
    ),
    "padding": (
        "a0 60 0001 00000002 00000003 aabb 000003",
        RtpPacket(96, 1, 2, 3, b"\xaa\xbb", padding_bytes=3),
    ),
    "one-byte extensions with padding between": (
        "90 60 0001 00000002 00000003 bede 0002 10 ff 00 21 0102 00 00 aa",
        RtpPacket(
            96,
            1,
            2,
            3,
            b"\xaa",
            extensions=(HeaderExtension(1, b"\xff"), HeaderExtension(2, b"\x01\x02")),
        ),
    ),
    "two-byte extensions": (
        "90 60 0001 00000002 00000003 1000 0002 01 00 20 03 010203 00 aa",
        RtpPacket(
            96,
            1,
            2,
            3,
            b"\xaa",
            extensions=(HeaderExtension(1, b""), HeaderExtension(32, b"\x01\x02\x03")),
        ),
    ),
    "an extension of no known profile": (
        "90 60 0001 00000002 00000003 abcd 0001 01020304 aa",
        RtpPacket(96, 1, 2, 3, b"\xaa", unknown_extension=(0xABCD, b"\x01\x02\x03\x04")),
    ),
}


@pytest.mark.parametrize(("wire", "packet"), VECTORS.values(), ids=VECTORS)
def test_vector(wire: str, packet: RtpPacket) -> None:
    data = bytes.fromhex(wire)
    assert RtpPacket.parse(data) == packet
    assert RtpPacket.parse(packet.serialize()) == packet


def test_serialize_is_the_vector_byte_by_byte() -> None:
    for name in ("plain", "two csrcs", "padding", "two-byte extensions"):
        wire, packet = VECTORS[name]
        assert packet.serialize() == bytes.fromhex(wire), name


def test_id_15_ends_one_byte_parsing() -> None:
    data = bytes.fromhex("90 60 0001 00000002 00000003 bede 0002 10 07 f0 00 20 09 00 00 aa")
    assert RtpPacket.parse(data).extensions == (HeaderExtension(1, b"\x07"),)


@pytest.mark.parametrize("extensions", [(), (HeaderExtension(1, b"\x93"),)])
@pytest.mark.parametrize("marker", [True, False])
def test_a_header_by_itself_is_that_of_the_packet(
    extensions: tuple[HeaderExtension, ...], marker: bool
) -> None:
    packet = RtpPacket(96, 65_535, 2**32 - 1, 7, b"pay", marker, extensions=extensions)
    extension = extension_bytes(extensions) if extensions else b""
    header = header_bytes(96, 65_535, 2**32 - 1, 7, marker=marker, extension=extension)
    assert header + b"pay" == packet.serialize()


def test_extension_finds_the_first_of_an_id() -> None:
    packet = VECTORS["one-byte extensions with padding between"][1]
    assert packet.extension(2) == b"\x01\x02"
    assert packet.extension(9) is None


@pytest.mark.parametrize(
    "wire",
    [
        "",
        "80 60 0001",
        "40 60 0001 00000002 00000003",  # version 1
        "81 60 0001 00000002 00000003",  # a CSRC is announced
        "90 60 0001 00000002 00000003 bede",  # extension header cut off
        "90 60 0001 00000002 00000003 bede 0002 10ff0000",  # extension body cut off
        "90 60 0001 00000002 00000003 bede 0001 17ff0000",  # element longer than the body
        "90 60 0001 00000002 00000003 1000 0001 000000 01",  # two-byte header cut off
        "90 60 0001 00000002 00000003 1000 0001 01ff0000",  # two-byte element too long
        "a0 60 0001 00000002 00000003",  # padding of nothing
        "a0 60 0001 00000002 00000003 aa 00",  # padding of 0
        "a0 60 0001 00000002 00000003 aa 03",  # padding longer than the payload
    ],
)
def test_malformed(wire: str) -> None:
    with pytest.raises(MalformedPacketError):
        RtpPacket.parse(bytes.fromhex(wire))


@pytest.mark.parametrize(
    "packet",
    [
        RtpPacket(128, 0, 0, 0),
        RtpPacket(0, 0x10000, 0, 0),
        RtpPacket(0, 0, -1, 0),
        RtpPacket(0, 0, 0, 0, csrcs=(0,) * 16),
        RtpPacket(0, 0, 0, 0, padding_bytes=256),
        RtpPacket(0, 0, 0, 0, extensions=(HeaderExtension(0, b"a"),)),
        RtpPacket(0, 0, 0, 0, extensions=(HeaderExtension(1, bytes(256)),)),
        RtpPacket(0, 0, 0, 0, unknown_extension=(1, b"abc")),
        RtpPacket(0, 0, 0, 0, unknown_extension=(0xBEDE, b"")),
        RtpPacket(0, 0, 0, 0, extensions=(HeaderExtension(1, b"a"),), unknown_extension=(1, b"")),
    ],
)
def test_values_that_do_not_fit_are_the_callers_mistake(packet: RtpPacket) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        packet.serialize()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("", DatagramKind.UNKNOWN),
        ("00 01", DatagramKind.STUN),
        ("03", DatagramKind.STUN),
        ("04", DatagramKind.UNKNOWN),
        ("14", DatagramKind.DTLS),
        ("3f", DatagramKind.DTLS),
        ("40", DatagramKind.UNKNOWN),  # TURN channel data: not for us
        ("80 60", DatagramKind.RTP),
        ("80 c8", DatagramKind.RTCP),
        ("81 df", DatagramKind.RTCP),
        ("80 e0", DatagramKind.RTP),  # marker and payload type 96
        ("80", DatagramKind.UNKNOWN),
        ("c0 60", DatagramKind.UNKNOWN),
    ],
)
def test_datagram_kind(data: str, kind: DatagramKind) -> None:
    assert datagram_kind(bytes.fromhex(data)) is kind


def test_extension_values() -> None:
    assert parse_audio_level(b"\x9e") == (True, 30)
    assert audio_level_bytes(voice=True, level=30) == b"\x9e"
    assert audio_level_bytes(voice=False, level=127) == b"\x7f"
    assert parse_transport_sequence(b"\x12\x34") == 0x1234
    assert abs_send_time_bytes(65.5) == abs_send_time_bytes(1.5) == bytes.fromhex("060000")
    assert parse_abs_send_time(bytes.fromhex("060000")) == 1.5
    for parse in (parse_audio_level, parse_transport_sequence, parse_abs_send_time):
        with pytest.raises(MalformedPacketError):
            parse(b"")
    with pytest.raises(ValueError, match="0…127"):
        audio_level_bytes(voice=True, level=128)


elements = st.builds(HeaderExtension, st.integers(1, 255), st.binary(max_size=40))


@given(
    st.builds(
        RtpPacket,
        st.integers(0, 127),
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFFFF_FFFF),
        st.integers(0, 0xFFFF_FFFF),
        st.binary(max_size=100),
        marker=st.booleans(),
        csrcs=st.lists(st.integers(0, 0xFFFF_FFFF), max_size=15).map(tuple),
        extensions=st.lists(elements, max_size=6).map(tuple),
        padding_bytes=st.integers(0, 255),
    )
)
def test_round_trip(packet: RtpPacket) -> None:
    assert RtpPacket.parse(packet.serialize()) == packet
