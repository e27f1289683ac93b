"""The reports a pump writes once a second (RFC 3550 §6.4, §6.5), and audio levels (RFC 6464)."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from mixer.pump import VOICE
from mixer.rtp.packet import HeaderExtension, RtpPacket
from mixer.rtp.rtcp import (
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    parse_compound,
)
from tests.unit.pump.rig import MS, Rig, control_of

NTP = 3_900_000_000 << 32
REPORTER = 0xABCD


def speak(rig: Rig, publisher: int, sequence: int, *, ssrc: int = 1000, level: int = -1) -> None:
    extensions = (HeaderExtension(2, bytes([level])),) if level >= 0 else ()
    timestamp = rig.now // 1000 * 48_000 // 1_000_000 & 0xFFFFFFFF
    packet = RtpPacket(111, sequence & 0xFFFF, timestamp, ssrc, b"speech", extensions=extensions)
    rig.send(publisher, packet)


def reporting(rig: Rig, **extensions: Any) -> int:
    """A publisher that is reported to."""
    publisher = rig.srtp(**extensions)
    rig.pump.set_reporting(publisher, ssrc=REPORTER, cname="us")
    return publisher


def compounds(rig: Rig, peer: int, ms: int) -> list[list[RtcpPacket]]:
    """What a peer is told while time passes, a datagram each."""
    before = len(rig.received[peer])
    for _ in range(ms // 10):
        rig.wait(10)
    return [parse_compound(data) for data in rig.received[peer][before:]]


def report(rig: Rig, publisher: int, *, ms: int = 1100) -> tuple[ReportBlock, ...]:
    """The blocks of the last report while time passes."""
    last = compounds(rig, publisher, ms)[-1][0]
    assert isinstance(last, ReceiverReport)
    return last.reports


# To publishers


def test_a_publisher_is_reported_to_every_second_with_our_name(rig: Rig) -> None:
    publisher = reporting(rig)
    rig.audio(publisher)
    speak(rig, publisher, 7)
    told = compounds(rig, publisher, 5000)
    assert len(told) == 5
    block = ReportBlock(1000, 0, 0, 7, 0, 0, 0)
    name = SourceDescription.of_cname(REPORTER, "us")
    assert told == [[ReceiverReport(REPORTER, (block,)), name]] * 5
    assert rig.stat("reports_sent") == 5


def test_a_silent_publisher_hears_that_we_are_there(rig: Rig) -> None:
    publisher = reporting(rig)
    told = compounds(rig, publisher, 1000)
    assert told == [[ReceiverReport(REPORTER), SourceDescription.of_cname(REPORTER, "us")]]


def test_a_clean_line(rig: Rig) -> None:
    publisher = reporting(rig)
    rig.audio(publisher)
    for sequence in range(65_530, 65_630):
        rig.now += 20 * MS
        speak(rig, publisher, sequence)
    (block,) = report(rig, publisher)
    assert block == ReportBlock(1000, 0, 0, 65_629, 0, 0, 0)
    assert rig.pump.totals([publisher])[0][2:4] == (100, 0)


def test_loss_is_told_since_the_last_report_and_in_all(rig: Rig) -> None:
    publisher = reporting(rig)
    rig.audio(publisher)
    for sequence in range(100):
        if sequence % 4 != 1:
            speak(rig, publisher, sequence)
    (block,) = report(rig, publisher)
    assert (block.fraction_lost, block.cumulative_lost) == (25 * 256 // 100, 25)
    assert rig.pump.totals([publisher])[0][2:4] == (100, 25)
    for sequence in range(100, 200):
        speak(rig, publisher, sequence)
    for _ in range(2):
        (block,) = report(rig, publisher)
        assert (block.fraction_lost, block.cumulative_lost) == (0, 25)
        assert block.extended_highest_sequence == 199
    assert rig.pump.totals([publisher])[0][2:4] == (200, 25)


def test_late_packets_take_back_no_loss_of_the_line_but_that_of_the_stream(rig: Rig) -> None:
    publisher = reporting(rig)
    rig.audio(publisher)
    for sequence in (1, 2, 3, 7, 8):
        speak(rig, publisher, sequence)
    assert report(rig, publisher)[0].cumulative_lost == 3
    for sequence in (4, 5, 9):
        speak(rig, publisher, sequence)
    assert report(rig, publisher)[0].cumulative_lost == 1
    assert rig.pump.totals([publisher])[0][2:4] == (9, 3)


def test_a_stream_that_begins_anew_is_no_loss(rig: Rig) -> None:
    publisher = reporting(rig)
    rig.audio(publisher)
    for sequence in (*range(50), *range(30_000, 30_050)):
        speak(rig, publisher, sequence)
    (block,) = report(rig, publisher)
    assert (block.fraction_lost, block.cumulative_lost) == (0, 0)
    assert rig.pump.totals([publisher])[0].packets_lost == 0


def test_jitter_is_the_rfcs(rig: Rig) -> None:
    rng = random.Random(5)
    publisher = reporting(rig)
    rig.audio(publisher)
    jitter, transit_before = 0.0, None
    start = rig.now
    for sequence in range(500):
        rig.now = start + sequence * 20 * MS + rng.randrange(8 * MS)
        timestamp = sequence * 960
        rig.send(publisher, RtpPacket(111, sequence, timestamp, 1000, b"x"))
        transit = rig.now // 1000 * 48_000 // 1_000_000 - timestamp
        if transit_before is not None:
            jitter += (abs(transit - transit_before) - jitter) / 16
        transit_before = transit
    assert report(rig, publisher)[0].jitter == pytest.approx(jitter, abs=2)


def test_delay_since_the_last_sender_report(rig: Rig) -> None:
    publisher = reporting(rig)
    rig.audio(publisher)
    speak(rig, publisher, 1)
    rig.send_rtcp(publisher, SenderReport(1000, NTP + 0x12345678, 5, 1, 1))
    heard_at = rig.now
    while not (told := control_of(rig.wait(10)[publisher])):
        pass
    assert isinstance(told[0], ReceiverReport)
    (block,) = told[0].reports
    assert block.last_sr == (NTP + 0x12345678) >> 16 & 0xFFFFFFFF
    assert block.delay_since_last_sr == (rig.now - heard_at) * 65_536 // (1000 * MS)
    rig.wait(3_600_000)
    (block,) = report(rig, publisher)
    assert (block.last_sr, block.delay_since_last_sr) == (0, 0)  # it has stopped


def test_more_streams_than_a_report_holds_are_reported_in_several(rig: Rig) -> None:
    publisher = reporting(rig)
    for number in range(70):
        rig.audio(publisher, ssrc=1000 + number)
        speak(rig, publisher, 1, ssrc=1000 + number)
    told = compounds(rig, publisher, 1000)
    assert all(len(data) <= 1200 for data in rig.received[publisher])
    reports = [part for compound in told for part in compound if isinstance(part, ReceiverReport)]
    assert [len(part.reports) for part in reports] == [31, 31, 8]
    assert {block.ssrc for part in reports for block in part.reports} == set(range(1000, 1070))
    assert all(isinstance(compound[1], SourceDescription) for compound in told)


# To subscribers


class Cast:
    """A publisher with a clock, and subscribers."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.publisher = rig, rig.srtp()
        self.producer = rig.audio(self.publisher)
        self._ssrcs = itertools.count(5)

    def consumer(self, subscriber: int, *, cname: str = "") -> int:
        consumer = self.rig.pump.add_consumer(
            self.producer, subscriber, ssrc=next(self._ssrcs), payload_type=100, cname=cname
        )
        self.rig.pump.set_consumer_layer(consumer, 0)
        return consumer

    def tell_time(self) -> None:
        self.rig.send_rtcp(self.publisher, SenderReport(1000, NTP, 70_000, 1, 1))


def test_reports_are_in_the_consumers_timestamps_and_move_with_time(rig: Rig) -> None:
    cast, subscriber = Cast(rig), rig.srtp()
    consumer = cast.consumer(subscriber, cname="dabc")
    speak(rig, cast.publisher, 1)
    assert compounds(rig, subscriber, 3000) == []
    cast.tell_time()
    rig.wait(1000)
    rig.received[subscriber].clear()
    told = compounds(rig, subscriber, 2000)
    assert len(told) == 2
    for sender_report, name in told:
        assert isinstance(sender_report, SenderReport)
        elapsed = sender_report.ntp - NTP
        assert (sender_report.ssrc, sender_report.packets, sender_report.octets) == (5, 1, 6)
        assert sender_report.rtp_timestamp == 70_000 + elapsed * 48_000 // (1 << 32)
        assert name == SourceDescription.of_cname(5, "dabc")
    first, second = told[0][0], told[1][0]
    assert isinstance(first, SenderReport)
    assert isinstance(second, SenderReport)
    assert second.ntp - first.ntp == 1 << 32
    rig.pump.set_consumer_layer(consumer, -1)
    assert compounds(rig, subscriber, 3000) == []


def test_a_sender_without_a_clock_gives_no_report(rig: Rig) -> None:
    cast, subscriber = Cast(rig), rig.srtp()
    cast.consumer(subscriber)
    speak(rig, cast.publisher, 1)
    rig.send_rtcp(cast.publisher, SenderReport(1000, 0, 70_000, 1, 1))
    assert compounds(rig, subscriber, 3000) == []


def test_each_report_is_followed_by_its_own_name_sixteen_to_a_datagram(rig: Rig) -> None:
    cast, subscriber = Cast(rig), rig.srtp()
    for number in range(40):
        cast.consumer(subscriber, cname=f"d{number:031}")
    speak(rig, cast.publisher, 1)
    cast.tell_time()
    told = compounds(rig, subscriber, 100)
    assert [len(compound) for compound in told] == [32, 32, 16]
    assert all(len(data) <= 1200 for data in rig.received[subscriber])
    parts = [part for compound in told for part in compound]
    names = {}
    for sender_report, name in zip(parts[::2], parts[1::2], strict=True):
        assert isinstance(sender_report, SenderReport)
        assert isinstance(name, SourceDescription)
        names[sender_report.ssrc] = name
    assert names == {
        5 + number: SourceDescription.of_cname(5 + number, f"d{number:031}") for number in range(40)
    }


@pytest.mark.parametrize("local", [False, True])
def test_a_reader_gets_a_report_soon_and_then_every_second(rig: Rig, local: bool) -> None:
    cast = Cast(rig)
    reader = rig.plain() if local else rig.srtp()
    cast.consumer(reader)
    speak(rig, cast.publisher, 1)
    assert rig.wait(100) == {}
    cast.tell_time()
    (soon,) = control_of(rig.wait(100)[reader])
    assert soon == SenderReport(5, NTP + (1 << 32) // 10, 74_800, 1, 6)
    later = [part for _ in range(30) for part in control_of(rig.wait(100)[reader])]
    assert len(later) == 3


def test_who_cannot_be_reached_yet_is_no_drop(rig: Rig) -> None:
    cast = Cast(rig)
    reporting(rig)
    stranger = rig.pump.add_transport()
    rig.pump.set_reporting(stranger, ssrc=1, cname="us")
    cast.consumer(stranger)
    speak(rig, cast.publisher, 1)
    cast.tell_time()
    dropped = rig.stat("drop_no_remote")  # the packet itself
    rig.wait(3000)
    assert rig.stat("drop_no_remote") == dropped


def test_rounds_are_shared_and_a_tenth_of_a_second_apart(rig: Rig) -> None:
    peers = [reporting(rig, ipv6=True) for _ in range(50)]
    rounds: list[int] = []
    per_round = []
    for step in range(3000):
        if sent := rig.wait(1):
            rounds.append(step)
            per_round.append(len(sent))
    assert min(b - a for a, b in itertools.pairwise(rounds)) >= 100
    assert max(per_round) <= 10  # peers that came at once are not all reported to at once
    assert {len(rig.received[peer]) for peer in peers} <= {2, 3}


def test_more_peers_than_one_batch_holds_are_all_reported_to(rig: Rig) -> None:
    peers = [reporting(rig, ipv6=True) for _ in range(1200)]
    rig.wait(1)
    for _ in range(20):
        rig.wait(1100)  # all are due at once
        rig.wait(1)
        rig.wait(1)
    assert min(len(rig.received[peer]) for peer in peers) >= 19  # the first round set them apart
    assert rig.stat("drop_outbox_full") == 0


# Levels


def test_the_loudest_level_since_the_last_look(rig: Rig) -> None:
    publisher = rig.srtp(audio_level=2)
    first = rig.audio(publisher, ssrc=1000)
    second = rig.audio(publisher, ssrc=2000)
    for sequence, level in enumerate((80, 0x80 | 30, 60)):
        speak(rig, publisher, sequence, level=level)
        speak(rig, publisher, sequence, ssrc=2000, level=127)
    assert sorted(rig.pump.audio_levels()) == sorted([(first, 30), (second, 127)])
    assert rig.pump.audio_levels() == []
    speak(rig, publisher, 3, level=90)
    assert rig.pump.audio_levels() == [(first, 90)]


def test_a_voice_that_begins_is_told_once(rig: Rig) -> None:
    publisher = rig.srtp(audio_level=2)
    voice = rig.audio(publisher, ssrc=1000)
    other = rig.audio(publisher, ssrc=2000)
    for sequence, level in enumerate((127, 45, 44, 20, 60, 30)):
        speak(rig, publisher, sequence, level=level)
    assert rig.take_events(VOICE) == [(VOICE, voice)]
    rig.pump.audio_levels()
    speak(rig, publisher, 6, level=20)
    assert rig.take_events(VOICE) == [], "it was loud when the levels were read"
    speak(rig, publisher, 0, ssrc=2000, level=20)
    assert rig.take_events(VOICE) == [(VOICE, other)]
    rig.pump.audio_levels()
    rig.pump.audio_levels()
    speak(rig, publisher, 7, level=20)
    assert rig.take_events(VOICE) == [(VOICE, voice)], "after a silence it begins anew"
