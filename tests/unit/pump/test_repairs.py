"""Lost packets, both ways: asked for upstream, answered downstream, never without bound."""

from __future__ import annotations

from typing import Any

import pytest

from mixer.pump import CODEC_VP8, KEYFRAME_NEEDED, RTCP
from mixer.rtp.feedback import Nack, Pli
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import ReceiverReport, ReportBlock, SenderReport, serialize_compound
from mixer.rtp.twcc import TransportWideFeedback
from tests.unit.pump.payloads import vp8
from tests.unit.pump.rig import MS, Rig, control_of, last_sr_of, media_of

MEDIA, RTX = 100, 200


class Line:
    """A publisher that answers NACKs, and one viewer with or without RTX."""

    def __init__(self, rig: Rig, *, viewer_rtx: bool = True, remote_ssrc: int = 0) -> None:
        self.rig = rig
        self.publisher, self.viewer = rig.srtp(), rig.srtp(transport_cc=4)
        self.producer = rig.pump.add_producer(
            self.publisher, codec=CODEC_VP8, clock_rate=90_000, nack=True, remote_ssrc=remote_ssrc
        )
        rig.pump.add_encoding(
            self.producer, 0, ssrc=MEDIA, payload_type=96, rtx_ssrc=RTX, rtx_payload_type=97
        )
        rtx: dict[str, Any] = {"rtx_ssrc": 6, "rtx_payload_type": 101} if viewer_rtx else {}
        self.consumer = rig.pump.add_consumer(
            self.producer, self.viewer, ssrc=5, payload_type=100, **rtx
        )
        rig.pump.set_consumer_layer(self.consumer, 0)

    def packet(self, sequence: int, size: int = 20) -> RtpPacket:
        payload = vp8(keyframe=True, picture_id=sequence & 0x7FFF, body=bytes(size))
        return RtpPacket(96, sequence & 0xFFFF, sequence * 3000, MEDIA, payload)

    def send(self, *sequences: int, size: int = 20) -> list[RtpPacket]:
        got: list[RtpPacket] = []
        for sequence in sequences:
            sent = self.rig.send(self.publisher, self.packet(sequence, size))
            got += media_of(sent[self.viewer])
        return got

    def asked(self, ms: float) -> tuple[int, ...]:
        """What the publisher is asked for again while time passes."""
        asked: list[int] = []
        for _ in range(max(1, int(ms))):
            for part in control_of(self.rig.wait(1)[self.publisher]):
                assert isinstance(part, Nack)
                assert part.media_ssrc == MEDIA
                asked += part.sequences
        return tuple(asked)

    def nack(self, *sequences: int) -> list[RtpPacket]:
        got = self.rig.send_rtcp(self.viewer, Nack(1, 5, tuple(n & 0xFFFF for n in sequences)))
        return media_of(got[self.viewer])


def test_a_gap_is_asked_for_after_reordering_had_its_chance(rig: Rig) -> None:
    line = Line(rig)
    line.send(65_533, 65_536 + 2)
    assert line.asked(4) == ()
    assert line.asked(1) == (65_534, 65_535, 0, 1)
    assert line.asked(15) == ()  # not again within the round trip


def test_what_comes_in_time_is_not_asked_for(rig: Rig) -> None:
    line = Line(rig)
    line.send(1, 3, 2)
    assert line.asked(500) == ()


def test_asking_ends_after_a_bounded_number_of_tries_with_a_keyframe(rig: Rig) -> None:
    line = Line(rig)
    line.send(1, 3)
    rig.take_events(KEYFRAME_NEEDED)
    asked = line.asked(3000)
    assert set(asked) == {2}
    assert 3 <= len(asked) <= 10
    assert len(rig.take_events(KEYFRAME_NEEDED)) >= 1
    stats = rig.pump.producer_stats(line.producer)[0]
    assert (stats["nacks_sent"], stats["lost"]) == (len(asked), 1)


def test_a_hole_too_wide_is_not_asked_for_but_needs_a_keyframe(rig: Rig) -> None:
    line = Line(rig)
    line.send(1)
    rig.take_events(KEYFRAME_NEEDED)
    rig.wait(600)
    delta = RtpPacket(96, 1000, 3_000_000, MEDIA, vp8(keyframe=False, picture_id=1000))
    rig.send(line.publisher, delta)
    assert line.asked(100) == ()
    assert len(rig.take_events(KEYFRAME_NEEDED)) == 1


def test_what_nobody_watches_needs_no_keyframe(rig: Rig) -> None:
    line = Line(rig)
    line.send(1)
    rig.pump.set_consumer_layer(line.consumer, -1)
    rig.take_events(KEYFRAME_NEEDED)
    delta = RtpPacket(96, 1000, 3_000_000, MEDIA, vp8(keyframe=False, picture_id=1000))
    rig.send(line.publisher, delta)
    line.asked(3000)
    assert rig.take_events(KEYFRAME_NEEDED) == []


def test_a_very_late_packet_does_not_displace_a_newer_one(rig: Rig) -> None:
    publisher, viewer = rig.srtp(), rig.srtp()
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, viewer, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    sent = {}
    for sequence in [*range(1, 150), *range(151, 301), 150]:
        packet = RtpPacket(111, sequence, sequence * 960, 1000, b"%d" % sequence)
        (sent[sequence],) = media_of(rig.send(publisher, packet)[viewer])
    rtcp = serialize_compound([Nack(1, 5, (sent[278].sequence_number,))])
    peer = rig.peer(viewer)
    assert len(rig.feed(peer.address, peer.protect(rtcp))) == 1
    rtcp = serialize_compound([Nack(1, 5, (sent[150].sequence_number,))])
    assert rig.feed(peer.address, peer.protect(rtcp)) == []


def test_a_repair_fills_its_gap(rig: Rig) -> None:
    line = Line(rig)
    first, third = line.send(1, 3)
    line.asked(6)
    source = line.packet(2)
    repair = RtpPacket(97, 9000, source.timestamp, RTX, b"\0\2" + source.payload)
    (second,) = media_of(rig.send(line.publisher, repair)[line.viewer])
    assert (second.sequence_number - first.sequence_number) & 0xFFFF == 1
    assert (third.sequence_number - first.sequence_number) & 0xFFFF == 2
    assert line.asked(1000) == ()
    stats = rig.pump.producer_stats(line.producer)[0]
    assert (stats["recovered"], stats["packets"]) == (1, 3)
    (totals,) = rig.pump.layer_totals(line.producer)
    assert (totals.layer, totals.bytes, totals.keyframes) == (0, stats["bytes"], 3)


def test_repairs_follow_the_round_trip_they_measure(rig: Rig) -> None:
    line = Line(rig)
    line.send(0)
    for sequence in range(1, 200, 2):  # each lost packet comes 10 ms after it was asked for
        line.send(sequence + 1)
        line.asked(15)
        source = line.packet(sequence)
        repair = source.payload
        original = sequence.to_bytes(2, "big")
        rig.send(line.publisher, RtpPacket(97, sequence, 1, RTX, original + repair))
    line.send(202)
    assert len(line.asked(70)) >= 3  # 5, 25, 45 ms: every 20 ms


def test_the_negotiated_sender_ssrc_is_used(rig: Rig) -> None:
    line = Line(rig, remote_ssrc=4321)
    line.send(1, 3)
    (part,) = control_of(rig.wait(10)[line.publisher])
    assert isinstance(part, Nack)
    assert part.sender_ssrc == 4321


def test_without_nack_nothing_is_asked_for(rig: Rig) -> None:
    publisher = rig.srtp()
    producer = rig.pump.add_producer(publisher, codec=CODEC_VP8, clock_rate=90_000, nack=False)
    rig.pump.add_encoding(producer, 0, ssrc=MEDIA, payload_type=96)
    for sequence in (1, 5):
        rig.send(publisher, RtpPacket(96, sequence, 1, MEDIA, b"x"))
    assert rig.wait(50) == {}


def test_nacks_are_answered_as_rtx_with_its_own_numbers(rig: Rig) -> None:
    line = Line(rig)
    sent = line.send(*range(1, 40))
    wanted = [sent[place] for place in (3, 4, 20, 38)]
    answers = line.nack(*(packet.sequence_number for packet in wanted))
    assert [answer.ssrc for answer in answers] == [6] * 4
    assert [answer.payload_type for answer in answers] == [101] * 4
    first = answers[0].sequence_number
    assert [(a.sequence_number - first) & 0xFFFF for a in answers] == [0, 1, 2, 3]
    for answer, packet in zip(answers, wanted, strict=True):
        assert answer.payload == packet.sequence_number.to_bytes(2, "big") + packet.payload
        assert answer.timestamp == packet.timestamp
        assert answer.extension(4) is not None
    assert rig.take_events(RTCP) == []


def test_without_rtx_the_very_same_packet_comes_again(rig: Rig) -> None:
    """Bit for bit: AES-GCM with one nonce for two packets would give its key away."""
    line = Line(rig, viewer_rtx=False)
    peer = rig.peer(line.viewer)
    pump, sent = rig.pump, []
    for sequence in range(1, 10):
        protected = rig.peer(line.publisher).protect(line.packet(sequence).serialize())
        ((_, data),) = rig.feed(rig.peer(line.publisher).address, protected)
        sent.append(data)
    rig.now += 30_000_000
    wanted = int.from_bytes(sent[4][2:4], "big")
    nack = peer.protect(serialize_compound([Nack(1, 5, (wanted,))]))
    ((_, answer),) = rig.feed(peer.address, nack)
    assert answer == sent[4]
    rig.send_rtcp(line.viewer, TransportWideFeedback(1, 2, 0, 0, 0, (0,) * 9))
    assert pump.line(line.viewer)[4:6] == (9, 1)  # what had to be sent once more was lost
    pump.set_extensions(line.viewer, transport_cc=5)  # the header would differ now
    rig.now += 30_000_000
    nack = peer.protect(serialize_compound([Nack(1, 5, (wanted,))]))
    assert rig.feed(peer.address, nack) == []


def test_the_same_packet_is_not_repeated_within_a_round_trip(rig: Rig) -> None:
    line = Line(rig)
    wanted = line.send(*range(1, 10))[4].sequence_number
    assert len(line.nack(wanted)) == 1
    assert line.nack(wanted) == []
    rig.wait(19)
    assert line.nack(wanted) == []
    rig.wait(2)
    assert len(line.nack(wanted)) == 1
    rig.send_rtcp(line.publisher, SenderReport(MEDIA, 3_900_000_000 << 32, 1, 1, 1))
    (report,) = control_of(rig.wait(100)[line.viewer])
    assert isinstance(report, SenderReport)
    rig.wait(200)
    block = ReportBlock(5, 0, 0, 9, 0, last_sr_of(report), 0)
    rig.send_rtcp(line.viewer, ReceiverReport(1, (block,)))
    assert rig.pump.totals([line.viewer])[0].round_trip_ns == 200 * MS
    assert len(line.nack(wanted)) == 1
    rig.wait(100)
    assert line.nack(wanted) == []
    rig.wait(101)
    assert len(line.nack(wanted)) == 1
    assert rig.stat("drop_retransmit_repeat") == 3


def test_answers_stay_within_the_budget(rig: Rig) -> None:
    line = Line(rig)
    sent = line.send(*range(1, 400), size=1000)
    numbers = [packet.sequence_number for packet in sent[-300:]]
    burst = sum(len(answer.payload) for answer in line.nack(*numbers))
    assert 60_000 < burst < 100_000
    total = burst
    for _ in range(20):  # two seconds of asking for everything, over and over, with no media
        rig.wait(100)
        total += sum(len(answer.payload) for answer in line.nack(*numbers))
    assert total - burst < 2 * 25_000 + 2_000
    assert rig.stat("drop_retransmit_budget") > 0


def test_media_earns_repairs(rig: Rig) -> None:
    line = Line(rig)
    sent = line.send(*range(1, 200), size=1000)
    line.nack(*(packet.sequence_number for packet in sent[-150:]))  # spends the burst
    repaired = 0
    for sequence in range(200, 400):
        (packet,) = line.send(sequence, size=1000)
        if sequence % 3 == 0:
            repaired += len(line.nack(packet.sequence_number))
    assert repaired == 67  # a third lost, all repaired


def test_what_was_never_sent_is_not_answered(rig: Rig) -> None:
    line = Line(rig)
    (first,) = line.send(1)
    assert line.nack(first.sequence_number + 1, first.sequence_number + 30_000) == []
    assert rig.stat("retransmissions_missed") == 2


def test_old_packets_are_forgotten(rig: Rig) -> None:
    line = Line(rig)
    sent = line.send(*range(1, 3000), size=4)
    assert line.nack(sent[500].sequence_number) == []
    assert len(line.nack(sent[-1000].sequence_number)) == 1


def test_storage_used_anew_is_never_mistaken_for_what_it_held(rig: Rig) -> None:
    line = Line(rig)
    sent = line.send(*range(1, 150), size=900)
    for sequence in range(150, 600):  # slowly: what is older than a second is overwritten
        rig.wait(30)
        sent += line.send(sequence, size=900)
    for wanted in sent[::7]:
        rig.wait(50)
        for answer in line.nack(wanted.sequence_number):
            assert answer.payload[2:] == wanted.payload
    assert line.nack(sent[0].sequence_number) == []
    assert len(line.nack(sent[-2].sequence_number)) == 1


def test_other_rtcp_goes_up_whole_and_nacks_in_it_are_answered(rig: Rig) -> None:
    line = Line(rig)
    wanted = line.send(1, 2, 3)[1].sequence_number
    report, pli = ReceiverReport(1), Pli(1, 5)
    got = rig.send_rtcp(line.viewer, report, Nack(1, 5, (wanted,)), pli)
    assert len(media_of(got[line.viewer])) == 1
    ((_, transport, data, _),) = rig.take_events(RTCP)
    assert transport == line.viewer
    assert control_of([data]) == [report, Nack(1, 5, (wanted,)), pli]


def test_a_nack_for_a_foreign_stream_is_ignored(rig: Rig) -> None:
    line = Line(rig)
    sent = line.send(1, 2, 3)
    foreign = Nack(1, 999, (sent[0].sequence_number,))
    assert rig.send_rtcp(line.viewer, foreign)[line.viewer] == []
    theirs = Nack(1, 5, (sent[0].sequence_number,))
    assert rig.send_rtcp(line.publisher, theirs) == {}


def test_a_paused_producer_is_not_repeated_either(rig: Rig) -> None:
    line = Line(rig)
    sent = line.send(1, 2, 3)
    rig.pump.set_producer_paused(line.producer, True)
    assert line.nack(sent[0].sequence_number) == []


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\1"])
def test_rtx_padding_is_seen_and_dropped(rig: Rig, payload: bytes) -> None:
    line = Line(rig)
    line.send(1)
    probe = RtpPacket(97, 1, 1, RTX, payload, padding_bytes=200)
    assert rig.send(line.publisher, probe)[line.viewer] == []


def test_a_probe_fills_the_line_up_to_its_rate(rig: Rig) -> None:
    line = Line(rig)
    sent = line.send(*range(1, 50), size=1000)
    before = rig.pump.transport_stats(line.viewer)["bytes_sent"]
    assert rig.pump.probe(line.viewer, bitrate_bps=4_000_000, duration_ms=100)
    got = [packet for _ in range(200) for packet in media_of(rig.wait(1)[line.viewer])]
    bytes_sent = rig.pump.transport_stats(line.viewer)["bytes_sent"] - before
    assert 0.9 < bytes_sent / (4_000_000 / 8 * 0.1) < 1.1
    assert {packet.ssrc for packet in got} == {6}
    originals = {packet.sequence_number for packet in sent}
    assert {int.from_bytes(packet.payload[:2], "big") for packet in got} <= originals
    assert rig.stat("probe_packets") == len(got)


def test_media_counts_towards_a_probe(rig: Rig) -> None:
    line = Line(rig)
    line.send(*range(1, 50), size=1000)
    assert rig.pump.probe(line.viewer, bitrate_bps=4_000_000, duration_ms=100)
    for step in range(100):
        rig.wait(1)
        line.send(50 + step, size=420)  # most of the rate
    assert rig.stat("probe_packets") < 20


@pytest.mark.parametrize("silent_s", [0, 5], ids=["nothing was ever sent", "parked for long"])
def test_where_nothing_was_sent_lately_a_probe_is_padding(rig: Rig, silent_s: int) -> None:
    line = Line(rig)
    if silent_s:
        line.send(1, 2, 3)
        rig.pump.set_consumer_layer(line.consumer, -1)
        for sequence in range(4, 3000):
            line.send(sequence)
    rig.wait(1)
    assert rig.pump.probe(line.viewer, bitrate_bps=1_000_000, duration_ms=60)
    got = [packet for _ in range(100) for packet in media_of(rig.wait(1)[line.viewer])]
    assert {(packet.ssrc, packet.payload_type) for packet in got} == {(6, 101)}
    assert {(packet.payload, packet.padding_bytes) for packet in got} == {(b"", 255)}
    numbers = [packet.sequence_number for packet in got]
    assert [(n - numbers[0]) & 0xFFFF for n in numbers] == list(range(len(got)))
    assert len(got) == pytest.approx(1e6 / 8 * 0.06 / 290, rel=0.1)
    assert rig.stat("probe_packets") == len(got)


def test_a_parked_picture_is_not_repeated(rig: Rig) -> None:
    line = Line(rig)
    sent = line.send(1, 2, 3)
    rig.pump.set_consumer_layer(line.consumer, -1)
    assert line.nack(sent[0].sequence_number) == []


@pytest.mark.parametrize("missing", ["rtx", "transport_cc"])
def test_a_probe_needs_a_stream_for_it_and_a_way_to_see_it(rig: Rig, missing: str) -> None:
    line = Line(rig, viewer_rtx=missing != "rtx")
    line.send(1, 2, 3)
    if missing == "transport_cc":
        rig.pump.set_extensions(line.viewer)
    assert not rig.pump.probe(line.viewer, bitrate_bps=1_000_000, duration_ms=50)
    assert rig.wait(10) == {}


def test_repairs_by_plain_repetition_are_taken_too(rig: Rig) -> None:
    line = Line(rig)
    line.send(1, 3)
    line.asked(6)
    assert len(line.send(2)) == 1
    assert rig.pump.producer_stats(line.producer)[0]["recovered"] == 1


def test_rtx_before_any_media_is_nothing(rig: Rig) -> None:
    line = Line(rig)
    source = line.packet(5)
    repair = RtpPacket(97, 1, 1, RTX, b"\0\5" + source.payload)
    assert rig.send(line.publisher, repair)[line.viewer] == []
    assert rig.stat("drop_sequence_jump") == 1
