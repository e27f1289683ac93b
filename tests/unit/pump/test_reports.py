"""What Python reads to build reports: RFC 3550 §6.4.1, RFC 6464."""

from __future__ import annotations

import random

import pytest

from mixer.rtp.packet import HeaderExtension, RtpPacket
from mixer.rtp.rtcp import SenderReport
from tests.unit.pump.rig import MS, Rig, control_of

NTP = 3_900_000_000 << 32


def speak(rig: Rig, publisher: int, sequence: int, *, ssrc: int = 1000, level: int = -1) -> None:
    extensions = (HeaderExtension(2, bytes([level])),) if level >= 0 else ()
    timestamp = rig.now // 1000 * 48_000 // 1_000_000 & 0xFFFFFFFF
    packet = RtpPacket(111, sequence & 0xFFFF, timestamp, ssrc, b"speech", extensions=extensions)
    rig.send(publisher, packet)


def test_receiver_report_of_a_clean_line(rig: Rig) -> None:
    publisher = rig.srtp()
    rig.audio(publisher)
    for sequence in range(65_530, 65_630):
        rig.now += 20 * MS
        speak(rig, publisher, sequence)
    ((ssrc, fraction, lost, highest, jitter, last_sr, delay),) = rig.pump.receiver_reports(
        publisher
    )
    assert (ssrc, fraction, lost, highest, jitter) == (1000, 0, 0, 65_629, 0)
    assert (last_sr, delay) == (0, 0)


def test_loss_is_told_since_the_last_report_and_in_all(rig: Rig) -> None:
    publisher = rig.srtp()
    rig.audio(publisher)
    for sequence in range(100):
        if sequence % 4 != 1:
            speak(rig, publisher, sequence)
    assert rig.pump.receiver_reports(publisher)[0][1:4] == (25 * 256 // 100, 25, 99)
    for sequence in range(100, 200):
        speak(rig, publisher, sequence)
    assert rig.pump.receiver_reports(publisher)[0][1:4] == (0, 25, 199)
    assert rig.pump.receiver_reports(publisher)[0][1:4] == (0, 25, 199)


def test_jitter_is_the_rfcs(rig: Rig) -> None:
    rng = random.Random(5)
    publisher = rig.srtp()
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
    assert rig.pump.receiver_reports(publisher)[0][4] == pytest.approx(jitter, abs=2)


def test_delay_since_the_last_sender_report(rig: Rig) -> None:
    publisher = rig.srtp()
    rig.audio(publisher)
    speak(rig, publisher, 1)
    rig.send_rtcp(publisher, SenderReport(1000, NTP + 0x12345678, 5, 1, 1))
    rig.wait(1500)
    last_sr, delay = rig.pump.receiver_reports(publisher)[0][5:]
    assert last_sr == (NTP + 0x12345678) >> 16 & 0xFFFFFFFF
    assert delay == 65536 * 3 // 2


def test_sender_reports_are_in_the_consumers_timestamps_and_move_with_time(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(), rig.srtp()
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    speak(rig, publisher, 1)
    assert rig.pump.sender_reports(subscriber) == []
    rig.send_rtcp(publisher, SenderReport(1000, NTP, 70_000, 1, 1))
    assert rig.pump.sender_reports(subscriber) == [(5, NTP, 70_000, 1, 6)]
    rig.wait(250)
    assert rig.pump.sender_reports(subscriber) == [(5, NTP + (1 << 30), 82_000, 1, 6)]
    rig.pump.set_consumer_layer(consumer, -1)
    assert rig.pump.sender_reports(subscriber) == []


def test_a_sender_without_a_clock_gives_no_report(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(), rig.srtp()
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    speak(rig, publisher, 1)
    rig.send_rtcp(publisher, SenderReport(1000, 0, 70_000, 1, 1))
    assert rig.pump.sender_reports(subscriber) == []


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


def test_a_local_reader_gets_a_report_soon_and_then_every_second(rig: Rig) -> None:
    publisher, reader = rig.srtp(), rig.plain()
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, reader, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    speak(rig, publisher, 1)
    assert rig.wait(100) == {}
    rig.send_rtcp(publisher, SenderReport(1000, NTP, 70_000, 1, 1))
    (soon,) = control_of(rig.wait(100)[reader])
    assert isinstance(soon, SenderReport)
    assert soon == SenderReport(5, NTP + (1 << 32) // 10, 74_800, 1, 6)
    later = [part for _ in range(30) for part in control_of(rig.wait(100)[reader])]
    assert len(later) == 3
