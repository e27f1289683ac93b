"""What the pump refuses: impossible values from Python, and datagrams nobody vouches for."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, cast

import pytest

from mixer.pump import CODEC_OPUS, DATAGRAM, KEYFRAME_NEEDED, LAYERS, RTCP, Pump
from mixer.rtp.feedback import Nack
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import Goodbye, ReceiverReport, serialize_compound
from tests.unit.pump.rig import PROFILES, Rig, media_of

STRANGER = ("203.0.113.9", 9999)
AUDIO = RtpPacket(111, 1, 1, 1000, b"speech").serialize()

UNKNOWN_IDS: list[Callable[[Pump], object]] = [
    lambda pump: pump.set_remote(99, None),
    lambda pump: pump.set_srtp(99, 0, 0),
    lambda pump: pump.set_extensions(99),
    lambda pump: pump.set_reporting(99, ssrc=1, cname=""),
    lambda pump: pump.remove_transport(99),
    lambda pump: pump.send_rtcp(99, serialize_compound([ReceiverReport(1)])),
    lambda pump: pump.probe(99, bitrate_bps=1, duration_ms=1),
    lambda pump: pump.add_producer(99, codec=CODEC_OPUS, clock_rate=48_000, nack=False),
    lambda pump: pump.add_encoding(99, 0, ssrc=1, payload_type=1),
    lambda pump: pump.set_producer_paused(99, True),
    lambda pump: pump.remove_producer(99),
    lambda pump: pump.add_consumer(99, 99, ssrc=1, payload_type=1),
    lambda pump: pump.set_consumer_layer(99, 0),
    lambda pump: pump.remove_consumer(99),
    lambda pump: pump.line(99),
    lambda pump: pump.set_line_settled(99, True),
    lambda pump: pump.losses(99),
    lambda pump: pump.totals([99]),
    lambda pump: pump.consumer_bytes([99]),
    lambda pump: pump.transport_stats(99),
    lambda pump: pump.producer_stats(99),
    lambda pump: pump.layer_totals(99),
    lambda pump: pump.consumer_stats(99),
]


@pytest.mark.parametrize("call", UNKNOWN_IDS)
def test_unknown_ids_are_key_errors(rig: Rig, call: Callable[[Pump], object]) -> None:
    with pytest.raises(KeyError):
        call(rig.pump)


IMPOSSIBLE: list[Callable[[Pump, int, int], object]] = [
    lambda pump, t, p: pump.add_transport(mid=256),
    lambda pump, t, p: pump.add_transport(mid=-1),
    lambda pump, t, p: pump.set_remote(t, ("nowhere", 5000)),
    lambda pump, t, p: pump.set_remote(t, ("192.0.2.1", 0)),
    lambda pump, t, p: pump.set_remote(t, ("192.0.2.1", 65_536)),
    lambda pump, t, p: pump.add_plain_transport(""),
    lambda pump, t, p: pump.add_plain_transport("/" + "x" * 107),
    lambda pump, t, p: pump.add_producer(t, codec=4, clock_rate=48_000, nack=False),
    lambda pump, t, p: pump.add_producer(t, codec=0, clock_rate=0, nack=False),
    lambda pump, t, p: pump.add_encoding(p, LAYERS, ssrc=1, payload_type=1),
    lambda pump, t, p: pump.add_encoding(p, -1, ssrc=1, payload_type=1),
    lambda pump, t, p: pump.add_encoding(p, 0, ssrc=1 << 32, payload_type=1),
    lambda pump, t, p: pump.add_encoding(p, 0, ssrc=1, payload_type=128),
    lambda pump, t, p: pump.add_encoding(p, 0, ssrc=1, payload_type=1, rtx_ssrc=1),
    lambda pump, t, p: pump.add_encoding(p, 1, ssrc=1000, payload_type=1),  # layer 0's
    lambda pump, t, p: pump.add_consumer(p, t, ssrc=1, payload_type=1, mid="m" * 17),
    lambda pump, t, p: pump.add_consumer(p, t, ssrc=1, payload_type=1, rtx_ssrc=1),
    lambda pump, t, p: pump.set_consumer_layer(1, LAYERS),
    lambda pump, t, p: pump.set_reporting(t, ssrc=-1, cname=""),
    lambda pump, t, p: pump.set_reporting(t, ssrc=1, cname="c" * 33),
    lambda pump, t, p: pump.add_consumer(p, t, ssrc=1, payload_type=1, cname="c" * 33),
    lambda pump, t, p: pump.probe(t, bitrate_bps=0, duration_ms=10),
    lambda pump, t, p: pump.probe(t, bitrate_bps=1, duration_ms=501),
    lambda pump, t, p: pump.send_rtcp(t, b"not rtcp"),
    lambda pump, t, p: pump.send_rtcp(t, b""),
    lambda pump, t, p: pump.send_datagram(("example.org", 1), b"x"),
]


@pytest.mark.parametrize("call", IMPOSSIBLE)
def test_impossible_values_are_value_errors(
    rig: Rig, call: Callable[[Pump, int, int], object]
) -> None:
    transport = rig.srtp()
    producer = rig.audio(transport)
    with pytest.raises(ValueError, match=r"\w"):
        call(rig.pump, transport, producer)


def test_a_consumers_ssrc_is_never_used_again(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(), rig.srtp()
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100, rtx_ssrc=6)
    for ssrc in (5, 6):
        with pytest.raises(ValueError, match="take a new one"):
            rig.pump.add_consumer(producer, subscriber, ssrc=ssrc, payload_type=100)
    rig.pump.remove_consumer(consumer)
    for ssrc in (5, 6):
        with pytest.raises(ValueError, match="take a new one"):
            rig.pump.add_consumer(producer, subscriber, ssrc=ssrc, payload_type=100)
    rig.peer(subscriber).attach(rig.pump, subscriber)  # new keys
    rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)


def test_an_old_id_is_not_mistaken_for_a_new_object(rig: Rig) -> None:
    old = rig.srtp()
    rig.pump.remove_transport(old)
    new = rig.srtp()
    assert old != new
    with pytest.raises(KeyError):
        rig.pump.remove_transport(old)
    rig.pump.transport_stats(new)


def test_removing_a_transport_takes_its_streams_along(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(), rig.srtp()
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.remove_transport(publisher)
    for call in (rig.pump.remove_producer, rig.pump.remove_consumer):
        with pytest.raises(KeyError):
            call(producer if call == rig.pump.remove_producer else consumer)
    rig.pump.remove_transport(subscriber)


def test_media_from_another_address_is_dropped_unread(rig: Rig) -> None:
    publisher = rig.srtp()
    rig.audio(publisher)
    genuine = rig.peer(publisher).protect(AUDIO)
    assert rig.send_raw(STRANGER, genuine) == {}
    assert rig.send_raw((rig.peer(publisher).address[0], 1), genuine) == {}
    assert rig.stat("drop_unknown_source") == 2


def test_a_moved_peer_is_heard_from_its_new_address_alone(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(), rig.srtp(ipv6=True)
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    rig.send(publisher, AUDIO)
    old = rig.peer(publisher).address
    rig.pump.set_remote(publisher, STRANGER)
    second = RtpPacket(111, 2, 1, 1000, b"again").serialize()
    protected = rig.peer(publisher).protect(second)
    assert rig.send_raw(old, protected) == {}
    assert len(media_of(rig.send_raw(STRANGER, protected)[subscriber])) == 1
    rig.pump.set_remote(publisher, None)
    assert rig.send_raw(STRANGER, protected) == {}
    assert rig.stat("drop_unknown_source") == 2


def test_a_thousand_peers_moving_about_are_told_apart(rig: Rig) -> None:
    rng = random.Random(7)
    homes: dict[tuple[str, int], int] = {}
    transports = [rig.pump.add_transport() for _ in range(1000)]
    where: dict[int, tuple[str, int]] = {}
    for _ in range(6000):
        transport = rng.choice(transports)
        homes.pop(where.pop(transport, ("", 0)), None)
        if rng.random() < 0.2:
            rig.pump.set_remote(transport, None)
            continue
        address = (f"10.0.{rng.randrange(4)}.{rng.randrange(256)}", rng.randrange(5000, 5004))
        rig.pump.set_remote(transport, address)
        where.pop(homes.get(address, -1), None)
        homes[address], where[transport] = transport, address
    for third in range(4):
        for fourth in range(256):
            address = (f"10.0.{third}.{fourth}", 5000)
            rig.send_raw(address, b"\x00check")
            ((_, told, *_),) = rig.take_events(DATAGRAM)
            assert told == homes.get(address, 0)


def test_an_address_belongs_to_its_last_owner(rig: Rig) -> None:
    first, second = rig.srtp(), rig.srtp()
    address = rig.peer(first).address
    rig.pump.set_remote(second, address)
    rig.send_raw(address, b"\x00stun")
    assert [event[1] for event in rig.take_events(DATAGRAM)] == [second]
    rig.pump.remove_transport(first)
    rig.send_raw(address, b"\x00stun")
    assert [event[1] for event in rig.take_events(DATAGRAM)] == [second]


def test_nothing_is_sent_to_a_peer_without_an_address(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(), rig.srtp()
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    rig.pump.set_remote(subscriber, None)
    data = rig.peer(publisher).protect(AUDIO)
    assert rig.feed(rig.peer(publisher).address, data) == []
    assert rig.stat("drop_no_remote") == 1


def test_media_before_the_keys_is_dropped(rig: Rig) -> None:
    transport = rig.pump.add_transport()
    rig.pump.set_remote(transport, STRANGER)
    rig.send_raw(STRANGER, AUDIO)
    assert rig.stat("drop_no_keys") == 1
    assert not rig.pump.send_rtcp(transport, serialize_compound([ReceiverReport(1)]))


@pytest.mark.parametrize("profile", PROFILES)
def test_forged_and_replayed_packets_are_dropped(rig: Rig, profile: str) -> None:
    publisher, subscriber = rig.srtp(profile=PROFILES[profile]), rig.srtp(profile=PROFILES[profile])
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    peer = rig.peer(publisher)
    genuine = peer.protect(AUDIO)
    forged = genuine[:-1] + bytes([genuine[-1] ^ 1])
    assert rig.send_raw(peer.address, forged) == {}
    assert len(rig.send_raw(peer.address, genuine)[subscriber]) == 1
    assert rig.send_raw(peer.address, genuine) == {}
    cut = peer.protect(RtpPacket(111, 2, 1, 1000, b"more speech").serialize())[:20]
    assert rig.send_raw(peer.address, cut) == {}
    assert rig.stat("drop_unprotect") == 2
    assert rig.stat("drop_replay") == 1
    assert rig.pump.transport_stats(publisher)["packets_refused"] == 3


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "drop_unknown_protocol"),
        (b"\x04channel", "drop_unknown_protocol"),
        (b"\x40turn", "drop_unknown_protocol"),
        (b"\xff\xff", "drop_unknown_protocol"),
        (b"\x80", "drop_malformed_rtp"),
        (b"\x80\x60\x00\x01short", "drop_malformed_rtp"),
        (b"\x80\xc8\x00", "drop_malformed_rtcp"),
        (b"\x80" + bytes(1500), "drop_oversized"),
    ],
)
def test_malformed_datagrams_are_counted(rig: Rig, data: bytes, reason: str) -> None:
    transport = rig.srtp()
    assert rig.send_raw(rig.peer(transport).address, data) == {}
    assert rig.stat(reason) == 1


def rtp(first: int, rest: bytes) -> bytes:
    return bytes([first]) + b"\x6f\x00\x01\x00\x00\x00\x01\x00\x00\x03\xe8" + rest


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(rtp(0x8F, b"\0" * 8), id="fifteen-csrcs-and-no-room"),
        pytest.param(rtp(0x90, b"\xbe\xde"), id="half-an-extension-head"),
        pytest.param(rtp(0x90, b"\xbe\xde\xff\xff" + bytes(40)), id="huge-extension"),
        pytest.param(rtp(0x90, b"\xbe\xde\x00\x81" + bytes(600)), id="extensions-beyond-the-cap"),
        pytest.param(rtp(0xA0, b"payload\0"), id="padding-of-nothing"),
        pytest.param(rtp(0xA0, b"payload\x20"), id="padding-longer-than-packet"),
        pytest.param(rtp(0xA0, b""), id="padding-without-a-byte"),
    ],
)
def test_lying_headers_are_malformed(rig: Rig, data: bytes) -> None:
    reader = rig.plain()
    rig.audio(reader)
    assert rig.send(reader, data) == {}
    assert rig.stat("drop_malformed_rtp") == 1


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"\xbe\xde\x00\x01\x1f\x01\x02\x03", id="element-past-the-end"),
        pytest.param(b"\xbe\xde\x00\x01\xf0\x01\x02\x03", id="reserved-id"),
        pytest.param(b"\x10\x00\x00\x01\x01\xff\x01\x02", id="two-byte-past-the-end"),
        pytest.param(b"\x10\x00\x00\x01\x00\x00\x00\x01", id="two-byte-cut"),
        pytest.param(b"\xca\xfe\x00\x01\x01\x02\x03\x04", id="foreign-profile"),
        pytest.param(b"\xbe\xde\x00\x00", id="empty"),
        pytest.param(b"\xbe\xde\x00\x80" + bytes(512), id="as-long-as-may-be"),
    ],
)
def test_odd_extensions_do_not_stop_the_packet(rig: Rig, block: bytes) -> None:
    publisher, subscriber = rig.plain(), rig.srtp()
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    (got,) = media_of(rig.send(publisher, rtp(0x90, block + b"speech"))[subscriber])
    assert got.payload == b"speech"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x80\xc9\x00\x02" + bytes(4), id="longer-than-packet"),
        pytest.param(b"\x40\xc9\x00\x01" + bytes(4), id="version-1"),
        pytest.param(b"\x80\xc9\x00\x01" + bytes(4) + b"\x80\xc9", id="cut-second"),
        pytest.param(b"\x80\xc9\x00\x01" + bytes(4) + b"\x80\x60\x00\x00", id="not-rtcp-second"),
        pytest.param(b"\xa0\xc9\x00\x01" + bytes(4) + b"\x80\xc9\x00\x00", id="padding-not-last"),
    ],
)
def test_malformed_compounds_are_dropped_whole(rig: Rig, data: bytes) -> None:
    reader = rig.plain()
    rig.send(reader, data)
    wrong_version = data[0] >> 6 != 2
    assert rig.stat("drop_unknown_protocol" if wrong_version else "drop_malformed_rtcp") == 1


def test_a_stranger_may_knock_but_not_hammer(rig: Rig) -> None:
    for _ in range(5000):
        rig.send_raw(STRANGER, b"\x00\x01" + bytes(18))
    admitted = len(rig.take_events(DATAGRAM))
    assert 100 <= admitted <= 700
    assert rig.stat("drop_rate_limited") == 5000 - admitted


def test_strangers_together_leave_room_for_the_lesson(rig: Rig) -> None:
    """Spoofed sources by the thousand: peers' checks and the lesson's events still come through."""
    peer = rig.srtp()
    producer = rig.audio(peer)
    pump = rig.pump
    consumer = pump.add_consumer(producer, peer, ssrc=5, payload_type=100)
    for number in range(20_000):
        source = (f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 5000)
        rig.feed(source, b"\x00\x01" + bytes(1000))
    rig.feed(rig.peer(peer).address, b"\x00\x01from a peer")
    pump.set_consumer_layer(consumer, 0)
    rig.feed(rig.peer(peer).address, rig.peer(peer).protect(AUDIO))
    kinds: list[int] = []
    while events := pump.drain():
        kinds += [event[0] for event in events]
    assert kinds.count(DATAGRAM) < 2000
    assert {5, 6} <= set(kinds)  # LAYER_SWITCHED, FIRST_PACKET
    assert KEYFRAME_NEEDED not in kinds
    assert rig.stat("drop_rate_limited") + rig.stat("drop_event_ring_full") > 18_000


def test_events_beyond_the_ring_are_counted(rig: Rig) -> None:
    readers = {rig.plain() for _ in range(50)}
    report = serialize_compound([Goodbye((1,))])
    for number in range(20_000):
        rig.feed(f"/nowhere/peer-{number % 50 + 1}", report)
    dropped = rig.stat("drop_event_ring_full")
    assert dropped > 0
    told = 0
    while events := cast(list[Any], rig.pump.drain(limit=100)):
        assert len(events) <= 100
        assert all(event[1] in readers and event[2] == report for event in events)
        told += len(events)
    assert told + dropped == 20_000
    rig.now += 1_000_000_000
    rig.feed("/nowhere/peer-1", report)
    assert len(rig.pump.drain()) == 1


def test_a_peer_cannot_flood_python_with_rtcp(rig: Rig) -> None:
    peer = rig.srtp()
    for _ in range(5000):
        rig.send_rtcp(peer, Goodbye((1,)))
    assert 100 <= len(rig.take_events(RTCP)) <= 500
    assert rig.stat("drop_rate_limited") >= 4500


def test_a_peer_cannot_keep_the_pump_busy_with_nacks(rig: Rig) -> None:
    publisher, viewer = rig.srtp(), rig.srtp()
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, viewer, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    (sent,) = rig.send(publisher, AUDIO)[viewer]
    known = RtpPacket.parse(sent).sequence_number
    everything = [n for n in range(65_536) if n % 17 == 0 and n != known]
    for start in range(0, len(everything), 300):
        rig.send_rtcp(viewer, Nack(1, 5, tuple(everything[start : start + 300])))
        rig.send_rtcp(viewer, Nack(1, 5, tuple(everything[start : start + 300])))
    assert rig.stat("drop_nack_flood") > 2000
    assert rig.stat("retransmissions_missed") <= 5001
