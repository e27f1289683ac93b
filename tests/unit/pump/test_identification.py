"""How an unknown stream introduces itself: by SSRC, with MID and RID (RFC 8843, 8852, 8285)."""

from __future__ import annotations

import random

import pytest

from mixer.pump import CODEC_VP8, NEW_SSRC
from mixer.rtp.packet import HeaderExtension, RtpPacket
from mixer.rtp.rtcp import ReceiverReport, SourceDescription
from tests.unit.pump.payloads import vp8
from tests.unit.pump.rig import Rig, media_of

UNKNOWN_CAP = 32


def packet(ssrc: int, sequence: int, *extensions: tuple[int, bytes]) -> RtpPacket:
    return RtpPacket(
        payload_type=96,
        sequence_number=sequence,
        timestamp=1,
        ssrc=ssrc,
        payload=b"media",
        extensions=tuple(HeaderExtension(*extension) for extension in extensions),
    )


@pytest.mark.parametrize(
    ("extensions", "told"),
    [
        ((), ("", "", "")),
        (((4, b"0"),), ("0", "", "")),
        (((4, b"1"), (10, b"hi")), ("1", "hi", "")),
        (((4, b"1"), (11, b"lo")), ("1", "", "lo")),
        (((7, b"other"), (10, b"m")), ("", "m", "")),
        (((4, b"a" * 31),), ("a" * 31, "", "")),  # two-byte form
        (((4, b"a" * 32),), ("", "", "")),  # longer than any we take
        (((4, b"\xff"),), ("\ufffd", "", "")),
    ],
)
def test_identifiers_are_read_from_either_form(
    rig: Rig, extensions: tuple[tuple[int, bytes], ...], told: tuple[str, str, str]
) -> None:
    transport = rig.srtp(mid=4, rid=10, repaired_rid=11)
    rig.send(transport, packet(777, 1, *extensions))
    assert rig.take_events(NEW_SSRC) == [(NEW_SSRC, transport, 777, 96, *told)]


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"\xbe\xde\x00\x01\x4f\x61\x62\x63", id="one-byte-form"),
        pytest.param(b"\x10\x00\x00\x01\x04\x09\x61\x62", id="two-byte-form"),
    ],
)
def test_an_element_that_runs_past_its_block_is_not_read(rig: Rig, block: bytes) -> None:
    transport = rig.srtp(mid=4)
    head = b"\x90\x60\x00\x01\x00\x00\x00\x01\x00\x00\x03\x09"
    rig.send(transport, head + block + b"media that is no name")
    assert rig.take_events(NEW_SSRC) == [(NEW_SSRC, transport, 777, 96, "", "", "")]


def test_streams_come_and_go_and_are_told_apart(rig: Rig) -> None:
    rng = random.Random(3)
    publisher, subscriber = rig.plain(), rig.plain()
    streams: dict[int, int] = {}  # SSRC → what it is sent on as
    producers: dict[int, int] = {}
    for number in range(2000):
        ssrc = rng.randrange(1, 200)
        if ssrc in producers:
            rig.pump.remove_producer(producers.pop(ssrc))
            del streams[ssrc]
            continue
        if len(producers) == 100:
            continue
        producers[ssrc] = rig.audio(publisher, ssrc=ssrc)
        streams[ssrc] = 10_000 + number
        consumer = rig.pump.add_consumer(
            producers[ssrc], subscriber, ssrc=streams[ssrc], payload_type=1
        )
        rig.pump.set_consumer_layer(consumer, 0)
    for ssrc in range(1, 200):
        got = rig.send(publisher, RtpPacket(111, 1, 1, ssrc, b"speech"))[subscriber]
        assert [packet.ssrc for packet in media_of(got)] == [
            streams[s] for s in [ssrc] if s in streams
        ]


def test_an_ssrc_is_told_once_and_again_when_it_shows_its_name(rig: Rig) -> None:
    transport = rig.srtp(mid=4, rid=10)
    rig.send(transport, packet(777, 1))
    rig.send(transport, packet(777, 2))
    rig.send(transport, packet(777, 3, (10, b"hi")))
    rig.send(transport, packet(777, 4, (4, b"0"), (10, b"hi")))
    rig.send(transport, packet(777, 5))
    told = [event[4:] for event in rig.take_events(NEW_SSRC)]
    assert told == [("", "", ""), ("", "hi", "")]
    assert rig.stat("drop_unknown_ssrc") == 5


def test_a_named_stream_flows_and_is_not_told_again(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(mid=4, rid=10), rig.srtp()
    rig.send(publisher, packet(777, 1, (10, b"lo")))
    producer = rig.pump.add_producer(publisher, codec=0, clock_rate=90_000, nack=False)
    rig.pump.add_encoding(producer, 0, ssrc=777, payload_type=96)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    rig.take_events(NEW_SSRC)
    got = rig.send(publisher, packet(777, 2, (10, b"lo")))
    assert [p.payload for p in media_of(got[subscriber])] == [b"media"]
    assert rig.take_events(NEW_SSRC) == []


def test_an_rtx_stream_may_be_named_later(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(rid=10, repaired_rid=11), rig.srtp()
    producer = rig.pump.add_producer(publisher, codec=CODEC_VP8, clock_rate=90_000, nack=False)
    rig.pump.add_encoding(producer, 0, ssrc=777, payload_type=96)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    frame = vp8(keyframe=True, picture_id=1)
    for sequence in (10, 12):
        rig.send(publisher, RtpPacket(96, sequence, 1, 777, frame))
    repair = RtpPacket(97, 1, 1, 778, (11).to_bytes(2, "big") + frame)
    assert not rig.send(publisher, repair)[subscriber]
    assert [event[2:4] for event in rig.take_events(NEW_SSRC)] == [(778, 97)]
    rig.pump.add_encoding(producer, 0, ssrc=777, payload_type=96, rtx_ssrc=778, rtx_payload_type=97)
    repair = RtpPacket(97, 2, 1, 778, (11).to_bytes(2, "big") + frame)
    (repaired,) = media_of(rig.send(publisher, repair)[subscriber])
    first, _ = media_of(rig.received[subscriber])[:2]
    assert repaired.sequence_number == (first.sequence_number + 1) & 0xFFFF


def test_made_up_ssrcs_are_capped_before_libsrtp_sees_them(rig: Rig) -> None:
    transport = rig.srtp()
    for ssrc in range(1, 200):
        rig.send(transport, packet(ssrc, 1))
    assert len(rig.take_events(NEW_SSRC)) == UNKNOWN_CAP
    assert rig.stat("drop_ssrc_cap") == 199 - UNKNOWN_CAP
    assert rig.pump.transport_stats(transport)["packets_received"] == UNKNOWN_CAP


def test_a_full_cap_leaves_named_streams_alone(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(), rig.srtp()
    producer = rig.audio(publisher, ssrc=5000)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    for ssrc in range(1, 100):
        rig.send(publisher, packet(ssrc, 1))
    got = rig.send(publisher, RtpPacket(111, 1, 1, 5000, b"speech"))
    assert [p.payload for p in media_of(got[subscriber])] == [b"speech"]


def test_reporters_count_against_the_cap_too(rig: Rig) -> None:
    transport = rig.srtp()
    for ssrc in range(1, 100):
        rig.send_rtcp(transport, ReceiverReport(ssrc), SourceDescription.of_cname(ssrc, "somebody"))
    assert rig.pump.transport_stats(transport)["rtcp_received"] == UNKNOWN_CAP


def test_named_streams_make_room_for_new_ones(rig: Rig) -> None:
    transport = rig.srtp()
    for round_ in range(10):
        for ssrc in range(1, UNKNOWN_CAP + 1):
            rig.send(transport, packet(round_ * 1000 + ssrc, 1))
            producer = rig.pump.add_producer(transport, codec=0, clock_rate=90_000, nack=False)
            rig.pump.add_encoding(producer, 0, ssrc=round_ * 1000 + ssrc, payload_type=96)
            rig.pump.remove_producer(producer)
    assert rig.stat("drop_ssrc_cap") == 0


def test_replacing_an_encoding_takes_the_new_ssrc(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(), rig.srtp()
    producer = rig.audio(publisher, ssrc=1000)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    (before,) = media_of(rig.send(publisher, RtpPacket(111, 9, 960, 1000, b"a"))[subscriber])
    rig.wait(20)
    rig.pump.add_encoding(producer, 0, ssrc=1001, payload_type=111)
    (after,) = media_of(rig.send(publisher, RtpPacket(111, 700, 5, 1001, b"b"))[subscriber])
    assert after.sequence_number == (before.sequence_number + 1) & 0xFFFF
    assert after.timestamp == before.timestamp + 960  # 20 ms later by arrival
    assert not rig.send(publisher, RtpPacket(111, 10, 1920, 1000, b"c"))[subscriber]
