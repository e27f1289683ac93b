"""Packets and reports of one stream, in virtual time."""

from __future__ import annotations

from mixer.composite.process.rtp_sender import RtpSender, StreamNames
from mixer.rtp.packet import RtpPacket, audio_level_bytes, parse_audio_level
from mixer.rtp.rtcp import SenderReport, SourceDescription, parse_compound
from mixer.rtp.sequence import unix_ns_from_ntp

UNIX = 1_700_000_000.0
STREAM = StreamNames(ssrc=7, payload_type=102, clock_rate=90_000, cname="program-l1")


def test_a_pictures_packets_share_a_time_and_the_last_is_marked() -> None:
    sender = RtpSender(STREAM, unix_offset_s=UNIX)
    sent = [
        RtpPacket.parse(data)
        for at in (10.0, 10.04)
        for data in sender.packets([b"a", b"b", b"c"], at)
    ]
    assert [packet.marker for packet in sent] == [False, False, True] * 2
    assert [packet.timestamp for packet in sent] == [900_000] * 3 + [903_600] * 3
    numbers = [(one.sequence_number - sent[0].sequence_number) & 0xFFFF for one in sent]
    assert numbers == list(range(6))


def test_who_begins_anew_goes_on_in_time() -> None:
    before, after = (RtpSender(STREAM, unix_offset_s=UNIX) for _ in range(2))
    assert after.timestamp(100.0) - before.timestamp(98.0) == 2 * 90_000


def test_a_report_says_when_what_is_sent_happened_once_a_second() -> None:
    sender = RtpSender(STREAM, unix_offset_s=UNIX)
    assert sender.report(1.0, delay_s=0.0) is None  # nothing was sent
    sender.packets([b"abcd"], 10.0)
    data = sender.report(10.0, delay_s=0.05)
    assert data is not None
    report, who = parse_compound(data)
    assert isinstance(report, SenderReport)
    assert isinstance(who, SourceDescription)
    assert (report.ssrc, report.rtp_timestamp, report.packets, report.octets) == (7, 900_000, 1, 4)
    assert abs(unix_ns_from_ntp(report.ntp) / 1e9 - (UNIX + 9.95)) < 1e-5
    assert who == SourceDescription.of_cname(7, "program-l1")
    assert sender.report(10.9, delay_s=0.05) is None
    assert sender.report(11.0, delay_s=0.05) is not None


def test_a_sound_bears_its_level() -> None:
    sound = StreamNames(ssrc=8, payload_type=111, clock_rate=48_000, cname="c", audio_level_id=1)
    sender = RtpSender(sound, unix_offset_s=UNIX)
    (data,) = sender.packets([b"opus"], 1.0, level=audio_level_bytes(voice=True, level=23))
    level = RtpPacket.parse(data).extension(1)
    assert level is not None
    assert parse_audio_level(level) == (True, 23)
