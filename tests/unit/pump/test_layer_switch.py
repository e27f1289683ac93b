"""Switching layers: on the first packet of a keyframe, and asked for no more than needed."""

from __future__ import annotations

import pytest

from mixer.pump import CODEC_H264, CODEC_VP8, FIRST_PACKET, KEYFRAME_NEEDED, LAYER_SWITCHED
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import SenderReport
from tests.unit.pump.payloads import (
    FURTHER_SLICE,
    IDR,
    PPS,
    SLICE,
    SPS,
    h264_fragment,
    h264_nal,
    h264_stap,
    vp8,
)
from tests.unit.pump.rig import Rig, media_of

LOW, HIGH = 100, 101
DELIMITER, SEI = 9, 6
NTP = 3_900_000_000 << 32


class Simulcast:
    """Two layers to one viewer."""

    def __init__(self, rig: Rig, codec: int) -> None:
        self.rig = rig
        self.publisher, self.viewer = rig.srtp(), rig.srtp()
        self.producer = rig.pump.add_producer(
            self.publisher, codec=codec, clock_rate=90_000, nack=False
        )
        for layer, ssrc in enumerate((LOW, HIGH)):
            rig.pump.add_encoding(self.producer, layer, ssrc=ssrc, payload_type=96)
        self.consumer = rig.pump.add_consumer(self.producer, self.viewer, ssrc=5, payload_type=100)

    def want(self, layer: int) -> None:
        self.rig.pump.set_consumer_layer(self.consumer, layer)

    def send(
        self, ssrc: int, sequence: int, timestamp: int, payload: bytes, *, marker: bool = False
    ) -> list[RtpPacket]:
        packet = RtpPacket(96, sequence & 0xFFFF, timestamp, ssrc, payload, marker=marker)
        return media_of(self.rig.send(self.publisher, packet)[self.viewer])

    def key(self, ssrc: int, sequence: int, timestamp: int) -> list[RtpPacket]:
        picture_id = sequence & 0x7FFF
        return self.send(ssrc, sequence, timestamp, vp8(keyframe=True, picture_id=picture_id))

    def delta(self, ssrc: int, sequence: int, timestamp: int) -> list[RtpPacket]:
        picture_id = sequence & 0x7FFF
        return self.send(ssrc, sequence, timestamp, vp8(keyframe=False, picture_id=picture_id))


def test_the_old_layer_goes_on_until_the_new_ones_keyframe(rig: Rig) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    cast.want(0)
    assert cast.delta(LOW, 1, 1000) == []
    (first,) = cast.key(LOW, 2, 4000)
    cast.want(1)
    assert cast.delta(HIGH, 500, 77_000) == []
    (still_low,) = cast.delta(LOW, 3, 7000)
    (switched,) = cast.key(HIGH, 501, 80_000)
    assert cast.delta(LOW, 4, 10_000) == []
    (high,) = cast.delta(HIGH, 502, 83_000)
    numbers = [p.sequence_number - first.sequence_number for p in (still_low, switched, high)]
    assert [number & 0xFFFF for number in numbers] == [1, 2, 3]
    assert [event[2] for event in rig.take_events(LAYER_SWITCHED)] == [0, 1]
    assert [event[2] for event in rig.take_events(FIRST_PACKET)] == [0, 1]
    stats = rig.pump.consumer_stats(cast.consumer)
    assert (stats["layer"], stats["target"], stats["packets"]) == (1, 1, 4)


def test_a_layer_that_comes_back_begins_anew(rig: Rig) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    cast.key(LOW, 1, 1000)
    rig.wait(1900)
    cast.delta(LOW, 2, 4000)
    assert len(rig.take_events(FIRST_PACKET)) == 1
    rig.wait(2100)
    cast.delta(LOW, 3, 7000)
    assert [event[2] for event in rig.take_events(FIRST_PACKET)] == [0]
    (low,) = [row for row in rig.pump.layer_totals(cast.producer) if row.layer == 0]
    assert low.last_packet_ns == rig.now


H264_STARTS = [
    pytest.param([h264_nal(SPS)], 0, id="sps"),
    pytest.param([h264_stap(h264_nal(SPS), h264_nal(PPS), h264_nal(IDR))], 0, id="stap"),
    pytest.param([h264_nal(IDR)], 0, id="idr-alone"),
    pytest.param([h264_fragment(IDR, start=True)], 0, id="idr-fragment"),
    pytest.param([h264_nal(9), h264_nal(SPS), h264_nal(IDR)], 1, id="delimiter-first"),
    pytest.param([h264_nal(DELIMITER), h264_nal(IDR)], 1, id="delimiter-before-idr"),
    pytest.param([h264_nal(DELIMITER), h264_nal(SEI), h264_nal(IDR)], 2, id="messages-before-idr"),
    pytest.param([h264_stap(h264_nal(SEI), h264_nal(IDR))], 0, id="messages-with-idr"),
    pytest.param([h264_nal(IDR, FURTHER_SLICE)], None, id="second-slice-of-idr"),
    pytest.param([h264_fragment(IDR, start=True, body=FURTHER_SLICE)], None, id="second-fragment"),
    pytest.param([h264_fragment(IDR, start=False)], None, id="middle-of-idr"),
    pytest.param([h264_fragment(SLICE, start=True)], None, id="delta-fragment"),
    pytest.param([h264_stap(h264_nal(PPS), h264_nal(SLICE))], None, id="stap-without-key"),
    pytest.param([b"\x78\x00\xff\x67"], None, id="stap-that-lies"),
    pytest.param([b"\x67"], None, id="one-byte"),
]


@pytest.mark.parametrize(("payloads", "joined_at"), H264_STARTS)
def test_where_an_h264_stream_is_joined(
    rig: Rig, payloads: list[bytes], joined_at: int | None
) -> None:
    cast = Simulcast(rig, CODEC_H264)
    cast.want(0)
    assert cast.send(LOW, 1, 1000, h264_nal(SLICE)) == []
    got = [cast.send(LOW, 2 + n, 4000, payload) for n, payload in enumerate(payloads)]
    joined = [n for n, packets in enumerate(got) if packets]
    assert joined == ([] if joined_at is None else list(range(joined_at, len(payloads))))


VP8_STARTS = [
    pytest.param(vp8(keyframe=True), True, id="plain"),
    pytest.param(
        vp8(keyframe=True, picture_id=5, picture_id_bits=7, tl0_index=3), True, id="short"
    ),
    pytest.param(vp8(keyframe=True, picture_id=5000, tl0_index=3), True, id="long"),
    pytest.param(vp8(keyframe=False, picture_id=5000), False, id="delta"),
    pytest.param(vp8(keyframe=True, start=False), False, id="middle"),
    pytest.param(b"\x11\x00", False, id="second-partition"),
    pytest.param(b"\x90", False, id="cut-after-first"),
    pytest.param(b"\x90\x80", False, id="cut-before-picture-id"),
    pytest.param(b"\x90\x80\x80", False, id="cut-in-picture-id"),
    pytest.param(b"\x90\xe0\x80\x01\x02", False, id="descriptor-alone"),
]


@pytest.mark.parametrize(("payload", "joins"), VP8_STARTS)
def test_where_a_vp8_stream_is_joined(rig: Rig, payload: bytes, joins: bool) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    cast.want(0)
    assert bool(cast.send(LOW, 1, 1000, payload)) is joins


def test_sender_reports_align_the_layers_clocks_exactly(rig: Rig) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    cast.want(0)
    cast.key(LOW, 1, 90_000)
    rig.send_rtcp(cast.publisher, SenderReport(LOW, NTP, 90_000, 1, 1))
    rig.send_rtcp(cast.publisher, SenderReport(HIGH, NTP + (1 << 31), 5_000_000, 1, 1))
    cast.want(1)
    rig.now += 700_000_000  # the picture of 0.5 s + 0.1 s arrives late: arrival would mislead
    (switched,) = cast.key(HIGH, 9, 5_009_000)
    assert switched.timestamp == 90_000 + 45_000 + 9_000


def test_without_reports_time_of_arrival_aligns(rig: Rig) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    cast.want(0)
    cast.key(LOW, 1, 90_000)
    cast.want(1)
    rig.now += 100_000_000
    (switched,) = cast.key(HIGH, 9, 5_000_000)
    assert switched.timestamp == 90_000 + 9_000


def test_reports_that_lie_are_not_believed(rig: Rig) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    cast.want(0)
    cast.key(LOW, 1, 90_000)
    rig.send_rtcp(cast.publisher, SenderReport(LOW, NTP, 90_000, 1, 1))
    rig.send_rtcp(cast.publisher, SenderReport(HIGH, NTP, 5_000_000 - 900_000, 1, 1))
    cast.want(1)
    rig.now += 100_000_000
    (switched,) = cast.key(HIGH, 9, 5_000_000)
    assert switched.timestamp == 90_000 + 9_000


def test_a_switch_never_goes_back_in_time(rig: Rig) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    cast.want(0)
    rig.send_rtcp(cast.publisher, SenderReport(LOW, NTP, 90_000, 1, 1))
    rig.send_rtcp(cast.publisher, SenderReport(HIGH, NTP, 5_000_000, 1, 1))
    cast.key(LOW, 1, 90_000)
    (last_low,) = cast.delta(LOW, 2, 93_000)
    cast.want(1)
    (same_picture,) = cast.key(HIGH, 9, 5_003_000)
    assert same_picture.timestamp == last_low.timestamp + 1


def test_a_keyframe_is_asked_for_at_once_and_then_twice_a_second(rig: Rig) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    cast.want(1)
    assert rig.take_events(KEYFRAME_NEEDED) == [(KEYFRAME_NEEDED, cast.producer, 1)]
    for _ in range(100):
        rig.wait(20)  # two seconds
    assert len(rig.take_events(KEYFRAME_NEEDED)) == 4
    cast.key(HIGH, 1, 1)
    for _ in range(100):
        rig.wait(20)
    assert rig.take_events(KEYFRAME_NEEDED) == []


def test_many_waiting_viewers_ask_once(rig: Rig) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    for number in range(30):
        viewer = rig.srtp()
        consumer = rig.pump.add_consumer(
            cast.producer, viewer, ssrc=1000 + number, payload_type=100
        )
        rig.pump.set_consumer_layer(consumer, 1)
    assert len(rig.take_events(KEYFRAME_NEEDED)) == 1


def test_stopping_is_at_once_and_resuming_seamless(rig: Rig) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    cast.want(0)
    (before,) = cast.key(LOW, 65_534, 3000)
    cast.want(-1)
    assert cast.delta(LOW, 65_535, 6000) == []
    cast.want(0)
    assert cast.delta(LOW, 65_536, 9000) == []
    (after,) = cast.key(LOW, 65_537, 12_000)
    assert after.sequence_number == (before.sequence_number + 1) & 0xFFFF
    assert after.timestamp - before.timestamp == 9000  # the pause is seen as time


def test_a_paused_producer_is_silent_and_comes_back_with_a_keyframe(rig: Rig) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    cast.want(0)
    cast.key(LOW, 1, 3000)
    rig.pump.set_producer_paused(cast.producer, True)
    rig.take_events(KEYFRAME_NEEDED)
    assert cast.key(LOW, 2, 6000) == []
    rig.wait(2000)
    assert rig.take_events(KEYFRAME_NEEDED) == []
    rig.pump.set_producer_paused(cast.producer, False)
    assert rig.take_events(KEYFRAME_NEEDED) == [(KEYFRAME_NEEDED, cast.producer, 0)]
    assert cast.delta(LOW, 3, 9000) == []
    assert len(cast.key(LOW, 4, 12_000)) == 1


def test_a_late_keyframe_start_brings_what_followed_it(rig: Rig) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    cast.want(0)
    cast.delta(LOW, 9, 3000)
    rest = vp8(keyframe=True, start=False, picture_id=10)
    assert cast.send(LOW, 11, 6000, rest) == []
    assert cast.send(LOW, 12, 6000, rest, marker=True) == []
    got = cast.key(LOW, 10, 6000)
    first = got[0].sequence_number
    assert [(p.sequence_number - first) & 0xFFFF for p in got] == [0, 1, 2]
    assert [p.marker for p in got] == [False, False, True]


def test_a_stream_named_again_for_another_producer_goes_on(rig: Rig) -> None:
    cast = Simulcast(rig, CODEC_VP8)
    cast.want(0)
    assert len(cast.key(LOW, 1, 1000)) == 1
    rig.pump.remove_producer(cast.producer)
    assert cast.key(LOW, 2, 4000) == []
    later = rig.pump.add_producer(cast.publisher, codec=CODEC_VP8, clock_rate=90_000, nack=False)
    rig.pump.add_encoding(later, 0, ssrc=LOW, payload_type=96)
    consumer = rig.pump.add_consumer(later, cast.viewer, ssrc=77, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    (packet,) = cast.key(LOW, 3, 7000)
    assert packet.ssrc == 77
