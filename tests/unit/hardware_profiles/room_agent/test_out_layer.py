"""A stream as it leaves: numbers and timestamps that go on, whatever is played between."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hardware_profiles.room_agent.out_layer import HISTORY_PACKETS, OutLayer
from hardware_profiles.room_agent.passing.group import Passed
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import Goodbye, SenderReport, parse_compound
from mixer.rtp.sequence import sequence_distance, timestamp_distance, unix_ns_from_ntp

PICTURE = 3_600


def pictures(count: int, first: int = 0) -> list[Passed]:
    """Of two packets each."""
    return [
        Passed(b"%d-%d" % (n, half), (first + n * PICTURE) & 0xFFFF_FFFF, marker=half == 1)
        for n in range(count)
        for half in (0, 1)
    ]


def layer() -> OutLayer:
    out = OutLayer(Random(3))
    out.payload_type = 97
    return out


def parsed(packets: list[bytes]) -> list[RtpPacket]:
    return [RtpPacket.parse(data) for data in packets]


def test_what_goes_out_is_what_came_with_our_numbers() -> None:
    out = layer()
    sent = parsed([out.live(one) for one in pictures(3, first=0xFFFF_F000)])
    assert {(packet.ssrc, packet.payload_type) for packet in sent} == {(out.ssrc, 97)}
    assert [packet.payload for packet in sent] == [one.payload for one in pictures(3)]
    assert [packet.marker for packet in sent] == [False, True] * 3
    assert [packet.timestamp for packet in sent[::2]] == [0xFFFF_F000, 0xFFFF_FE10, 3104]
    first = sent[0].sequence_number
    assert [packet.sequence_number - first for packet in sent] == list(range(6))


def test_what_was_lost_before_us_stays_a_gap() -> None:
    out = layer()
    before = RtpPacket.parse(out.live(Passed(b"a", 0, marker=True)))
    after = RtpPacket.parse(out.live(Passed(b"b", PICTURE, marker=True, lost_before=3)))
    assert after.sequence_number - before.sequence_number == 4


def test_a_group_for_somebody_new_goes_between_two_pictures() -> None:
    out = layer()
    live = pictures(40)
    sent = parsed([out.live(one) for one in live[:60]])
    group = parsed(out.group(live[:60]))
    sent += group + parsed([out.live(one) for one in live[60:]])
    for older, newer in pairwise(sent):
        assert sequence_distance(newer.sequence_number, older.sequence_number) == 1
        forward = timestamp_distance(newer.timestamp, older.timestamp)
        assert forward > 0 if older.marker else forward == 0
    assert [packet.payload for packet in group] == [one.payload for one in live[:60]]
    assert sent[-1].timestamp == live[-1].timestamp  # and the live one is on time again


def test_a_picture_begun_before_the_group_is_ended_after_it() -> None:
    out = layer()
    live = pictures(10)
    for one in live[:9]:
        out.live(one)
    group = parsed(out.group(live[:9]))
    rest = RtpPacket.parse(out.live(live[9]))
    assert rest.timestamp == group[-1].timestamp


def test_a_group_is_the_beginning_for_a_new_connection() -> None:
    out = layer()
    group = parsed(out.group(pictures(3)))
    following = RtpPacket.parse(out.live(pictures(4)[-2]))
    assert timestamp_distance(following.timestamp, group[-1].timestamp) > 0


def test_a_lost_packet_is_sent_again_as_it_was_and_not_for_ever() -> None:
    out = layer()
    packets = [out.live(one) for one in pictures(HISTORY_PACKETS)]
    number = RtpPacket.parse(packets[-5]).sequence_number
    assert out.again(number) == packets[-5]
    assert out.again(RtpPacket.parse(packets[0]).sequence_number) is None


def test_reports_say_when_it_was_taken() -> None:
    out = layer()
    for one in pictures(2):
        out.live(one)
    report, _ = parse_compound(out.report(PICTURE, 1_800_000_000.5, "room"))
    assert isinstance(report, SenderReport)
    assert (report.ssrc, report.rtp_timestamp, report.packets) == (out.ssrc, PICTURE, 4)
    assert report.octets == sum(len(one.payload) for one in pictures(2))
    assert unix_ns_from_ntp(report.ntp) == 1_800_000_000_500_000_000
    assert parse_compound(out.goodbye()) == [Goodbye((out.ssrc,))]


def test_what_the_cameras_own_network_lost_is_no_fault_of_the_line() -> None:
    out = layer()
    for one in pictures(50):
        last = RtpPacket.parse(out.live(one)).sequence_number
    assert out.arrived(last, 0) == (0, 0)  # the first report has nothing before it
    for place, one in enumerate(pictures(50, first=10**6)):
        gap = 10 if place == 20 else 0
        packet = Passed(one.payload, one.timestamp, one.marker, lost_before=gap)
        last = RtpPacket.parse(out.live(packet)).sequence_number
    assert out.arrived(last, round(10 / 110 * 256)) == (0, 110)
    assert out.arrived(last, 0) == (0, 0)
