"""A camera's packets as they are sent on: decoded by FFmpeg, which begins with nothing."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from hardware_profiles.room_agent.passing.fitness import Unfit
from hardware_profiles.room_agent.passing.group import LastGroup, Passed
from hardware_profiles.room_agent.passing.path import CameraPath
from hardware_profiles.room_agent.passing.pieces import MOST_PAYLOAD_BYTES, Pieces, fitting
from mixer.rtp import h264
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import Goodbye, SenderReport, serialize_compound
from mixer.rtp.sequence import ntp_from_unix_ns
from tests.camera_media import (
    B_FRAMES,
    ENCODERS,
    AccessUnit,
    Viewer,
    encode_h264,
    packetise,
    parameter_sets,
    payloads_of,
    without_sets,
)
from tests.recorded_media import FRAME_RATE

FIRST = 0xFFFF_0000  # timestamps wrap soon
MOST_TICKS = 90_000 // FRAME_RATE
SPS_UNIT, PPS_UNIT = parameter_sets(encode_h264(ENCODERS["baseline"], 0.04))


def camera_path(sets: tuple[bytes, ...] = (), payload_type: int = 96) -> CameraPath:
    path = CameraPath(FIRST)
    path.begin(payload_type, sets)
    return path


def through(path: CameraPath, packets: Iterable[tuple[AccessUnit, RtpPacket]]) -> list[Passed]:
    return [
        one
        for picture, packet in packets
        for one in path.packet(packet.serialize(), 10.0 + picture.time)
    ]


def seen(passed: Iterable[Passed]) -> list[int]:
    """The counters of the pictures that a decoder makes of it."""
    viewer = Viewer()
    for number, one in enumerate(passed):
        viewer.take(
            RtpPacket(96, number & 0xFFFF, one.timestamp, 1, payload=one.payload, marker=one.marker)
        )
    return viewer.counters


@pytest.mark.parametrize("encoder", [name for name in ENCODERS if name != "interlaced"])
def test_every_picture_of_every_kind_of_camera_arrives(encoder: str) -> None:
    pictures = encode_h264(ENCODERS[encoder], 1.2, keyframe_every=10)
    passed = through(camera_path(), packetise(pictures, ssrc=7))
    assert seen(passed) == list(range(len(pictures)))
    timestamps = sorted({(one.timestamp - FIRST) & 0xFFFF_FFFF for one in passed})
    assert timestamps == [n * MOST_TICKS for n in range(len(pictures))]
    assert sum(one.marker for one in passed) == len(pictures)


@pytest.mark.parametrize("told", ["once", "described"])
def test_parameter_sets_go_before_every_keyframe(told: str) -> None:
    pictures = encode_h264(ENCODERS["high"], 1.2, keyframe_every=10)
    bare = without_sets(pictures, but_first=told == "once")
    path = camera_path(parameter_sets(pictures) if told == "described" else ())
    passed = through(path, packetise(bare, ssrc=7))
    starts = [place for place, one in enumerate(passed) if one.starts_group]
    assert len(starts) == 3
    assert seen(passed[starts[-1] :]) == list(range(20, 30))  # who comes last sees it too
    assert path.size == (320, 240)


def test_it_begins_with_a_keyframe() -> None:
    pictures = encode_h264(ENCODERS["baseline"], 1, keyframe_every=10)
    path = camera_path()
    passed = through(path, packetise(pictures[4:], ssrc=7))
    assert seen(passed) == list(range(10, 25))
    assert path.dropped["before the first keyframe"] == 6
    assert path.lost == 0


def test_the_last_group_stands_alone() -> None:
    pictures = encode_h264(ENCODERS["main"], 1, keyframe_every=10)
    path = camera_path(parameter_sets(pictures))
    through(path, packetise(without_sets(pictures), ssrc=7))
    assert seen(path.group.packets) == list(range(20, 25))


def test_a_group_with_a_hole_or_without_end_is_given_up() -> None:
    group = LastGroup()
    start = Passed(b"x" * 1000, 0, marker=True, starts_group=True, lost_before=3)
    group.add(Passed(b"x", 0, marker=True))
    assert group.packets == ()
    group.add(start)
    assert group.packets == (start,)
    group.add(Passed(b"x", 0, marker=True, lost_before=1))
    group.add(Passed(b"x", 0, marker=True))
    assert (group.packets, group.size) == ((), 0)
    for place in range(5_000):
        group.add(start if place == 0 else Passed(b"x" * 1000, 0, marker=True))
    assert group.packets == ()


@pytest.mark.parametrize("most", [50, 200, 1_200])
def test_what_is_too_large_goes_in_fragments(most: int) -> None:
    pictures = encode_h264(ENCODERS["slices"], 0.4, keyframe_every=5)
    out: list[Passed] = []
    for picture, packet in packetise(pictures, ssrc=7):
        aggregated = h264.aggregate(picture.units) if len(picture.units) < 3 else None
        for payload in [packet.payload, aggregated] if aggregated and not out else [packet.payload]:
            pieces = fitting(payload, h264.split(payload), most)
            assert max(map(len, pieces)) <= most
            if payload is packet.payload:
                out += [
                    Passed(piece, packet.timestamp, packet.marker and piece is pieces[-1])
                    for piece in pieces
                ]
    assert seen(out) == list(range(len(pictures)))


@pytest.mark.parametrize("most", [50, 301, 1_000])
def test_fragments_leave_in_fragments_of_our_size_as_few_as_may_be(most: int) -> None:
    pictures = encode_h264(ENCODERS["slices"], 0.6, keyframe_every=5)
    pieces, out = Pieces(most), list[Passed]()
    for _, packet in packetise(pictures, ssrc=7):
        fitted = pieces.fit(packet.payload, h264.split(packet.payload), last=packet.marker)
        assert max(map(len, fitted), default=0) <= most
        out += [
            Passed(piece, packet.timestamp, packet.marker and piece is fitted[-1])
            for piece in fitted
        ]
    assert seen(out) == list(range(len(pictures)))
    least = sum(-(-(len(unit) - 1) // (most - 2)) for one in pictures for unit in one.units)
    assert len(out) <= least


def test_a_hole_in_a_unit_stays_one_and_nothing_is_put_over_it() -> None:
    unit = b"\x65" + bytes(range(256)) * 20
    payloads = list(payloads_of(unit))
    path = camera_path((SPS_UNIT, PPS_UNIT))
    out = [
        path.packet(RtpPacket(96, n, 0, 7, one, marker=n == len(payloads) - 1).serialize(), 5.0)
        for n, one in enumerate(payloads)
        if n != 2
    ]
    sent = [one for some in out for one in some]
    assert [one.lost_before for one in sent].count(1) == 1
    before = next(n for n, one in enumerate(sent) if one.lost_before)
    whole = b"".join(one.payload[2:] for one in sent[1:before])
    after = b"".join(one.payload[2:] for one in sent[before:])
    assert unit[1:].startswith(whole) and unit.endswith(after)
    assert len(whole) + len(after) <= len(unit) - len(payloads[2])
    assert sent[0].starts_group and sent[-1].marker and sent[-1].payload[1] & 0x40


def test_a_picture_whose_end_is_not_marked_as_one_goes_whole_all_the_same() -> None:
    """A last fragment without its end bit: the packet's marker says it."""
    path = camera_path((SPS_UNIT, PPS_UNIT))
    fragments = [b"\x7c\x85" + b"a" * 1_300, b"\x7c\x05" + b"b" * 100]
    out = [
        one
        for n, data in enumerate(fragments)
        for one in path.packet(RtpPacket(96, n, 0, 7, data, marker=n == 1).serialize(), 5.0)
    ]
    body = b"".join(one.payload[2:] for one in out[1:])
    assert body == b"a" * 1_300 + b"b" * 100 and [one.marker for one in out][-1]


def test_an_aggregate_of_a_jumbo_camera_is_taken_apart() -> None:
    pictures = encode_h264(ENCODERS["baseline"], 0.4, keyframe_every=5)
    path = camera_path()
    out: list[Passed] = []
    for number, picture in enumerate(pictures):
        packet = RtpPacket(
            96, number, number * MOST_TICKS, 7, payload=h264.aggregate(picture.units), marker=True
        )
        out += path.packet(packet.serialize(), 10.0 + picture.time)
    assert max(len(one.payload) for one in out) <= MOST_PAYLOAD_BYTES
    assert seen(out) == list(range(len(pictures)))


def test_strangers_repeats_and_nonsense_are_dropped_and_losses_counted() -> None:
    pictures = encode_h264(ENCODERS["baseline"], 1, keyframe_every=50)
    path = camera_path()
    packets = packetise(pictures, ssrc=7)
    out = through(path, packets[:6])
    out += through(path, packets[3:6])  # again
    stranger = RtpPacket(96, 1, 1, 99, payload=b"\x65abc", marker=True)
    out += path.packet(stranger.serialize(), 10.2)
    out += path.packet(RtpPacket(97, 1, 1, 7, payload=b"\x65").serialize(), 10.2)
    for nonsense in (b"", b"\x80", bytes(12), b"\x80\x60" + bytes(10) + b"\x7c"):
        out += path.packet(nonsense, 10.2)
    out += through(path, packets[8:])
    assert path.dropped == {"late or twice": 3, "foreign": 1, "other payload type": 1, "broken": 4}
    assert path.lost == sum(one.lost_before for one in out) == 2
    assert [one.payload for one in out] == [p.payload for _, p in (*packets[:6], *packets[8:])]


def test_an_encoder_that_begins_anew_goes_on_in_time() -> None:
    pictures = encode_h264(ENCODERS["baseline"], 1, keyframe_every=50)
    path = camera_path()
    first = through(path, packetise(pictures, ssrc=7))
    later = packetise(pictures, ssrc=8, first_timestamp=5, first_sequence=4)
    second = [o for p, one in later for o in path.packet(one.serialize(), 13.0 + p.time)]
    assert [(second[0].timestamp - first[0].timestamp) & 0xFFFF_FFFF] == [3 * 90_000]
    path.begin(96, ())  # and so does a new connection
    third = [o for p, one in later for o in path.packet(one.serialize(), 20.0 + p.time)]
    assert (third[0].timestamp - first[0].timestamp) & 0xFFFF_FFFF == 10 * 90_000


# --- when a picture was taken ---------------------------------------------------------------------

UNIX = 1_800_000_000.0


def played(path: CameraPath, seconds: float, *, rate: float = 1.0, late: float = 0.0) -> list[int]:
    """A camera of ten pictures a second whose ticks run at `rate`; the timestamps as sent."""
    out = []
    for number in range(round(seconds * 10)):
        unit = b"\x65abc" if number == 0 else b"\x41abc"
        ticks = round(number * 9_000 * rate) & 0xFFFF_FFFF
        packet = RtpPacket(96, number & 0xFFFF, ticks, 7, payload=unit, marker=True)
        jitter = (0.0, 0.03, 0.01)[number % 3]
        (passed,) = path.packet(packet.serialize(), 10.0 + number / 10 + jitter + late)
        out.append((passed.timestamp - FIRST) & 0xFFFF_FFFF)
    return out


def report(unix: float, timestamp: int) -> bytes:
    ntp = ntp_from_unix_ns(round(unix * 1e9))
    return serialize_compound([SenderReport(7, ntp, timestamp, 0, 0)])


def test_without_reports_a_picture_is_placed_by_its_least_delayed_arrival() -> None:
    path = camera_path()
    timestamp = played(path, 3)[-1]
    got, taken = path.clock.captured(12.95, UNIX + 12.95)
    assert (got - FIRST) & 0xFFFF_FFFF == timestamp == 29 * 9_000
    assert taken == pytest.approx(UNIX + 12.9, abs=1e-6)
    assert not path.clock.by_reports


def test_a_report_whose_clock_is_ours_says_when_it_was_taken() -> None:
    path = camera_path()
    played(path, 3)
    path.control(report(UNIX + 12.7, 29 * 9_000), 12.95, UNIX + 12.95)
    assert path.clock.by_reports
    assert path.clock.captured(12.95, UNIX + 12.95)[1] == pytest.approx(UNIX + 12.7, abs=1e-6)


@pytest.mark.parametrize("off_s", [-3600.0, 8 * 3600.0, 2.0, -1.5])
def test_a_report_whose_clock_is_off_says_nothing(off_s: float) -> None:
    path = camera_path()
    played(path, 3)
    path.control(report(UNIX + 12.7 + off_s, 29 * 9_000), 12.95, UNIX + 12.95)
    assert not path.clock.by_reports
    assert path.clock.captured(12.95, UNIX + 12.95)[1] == pytest.approx(UNIX + 12.9, abs=1e-6)


@pytest.mark.parametrize("rate", [2.0, 0.5, 10.0])
def test_ticks_that_lie_are_placed_by_arrival(rate: float) -> None:
    path = camera_path()
    sent = played(path, 60, rate=rate)
    assert path.clock.corrections == 3
    assert sent == sorted(set(sent))
    assert sent[-1] == pytest.approx(59.9 * 90_000, abs=0.1 * 90_000)


def test_a_stall_of_the_network_moves_nothing() -> None:
    path = camera_path()
    assert played(path, 3)[-1] == 29 * 9_000
    packet = RtpPacket(96, 30, 30 * 9_000, 7, payload=b"\x41a", marker=True)
    (late,) = path.packet(packet.serialize(), 15.0)
    assert (late.timestamp - FIRST) & 0xFFFF_FFFF == 30 * 9_000
    assert path.clock.corrections == 0


def test_a_goodbye_is_the_end_of_this_connection() -> None:
    path = camera_path()
    played(path, 1)
    path.control(serialize_compound([Goodbye((5,))]), 12, UNIX)
    path.control(b"\x80nonsense", 12, UNIX)
    assert not path.ended
    path.control(serialize_compound([Goodbye((7,))]), 12, UNIX)
    assert path.ended
    path.begin(96, ())
    assert not path.ended


@pytest.mark.parametrize(
    ("encoder", "unfit"),
    [(name, Unfit.INTERLACED if name == "interlaced" else None) for name in ENCODERS]
    + [("b-frames", Unfit.B_FRAMES), ("high-10", Unfit.DEPTH)],
)
def test_it_says_what_browsers_do_not_play(encoder: str, unfit: Unfit | None) -> None:
    options = {**ENCODERS, "b-frames": B_FRAMES, "high-10": {"profile": "high10"}}[encoder]
    pictures = encode_h264(options, 1, pixels="yuv420p10le" if encoder == "high-10" else "yuv420p")
    path = CameraPath(0)
    path.begin(96, ())
    for _, packet in packetise(pictures, ssrc=7):
        path.packet(packet.serialize(), 5.0)
    assert path.unfit is unfit


@pytest.mark.parametrize("seed", range(12))
def test_what_is_passed_quickly_is_what_was_passed_with_care(seed: int) -> None:
    """Packets that are lost, doubled, late, foreign or cut: the short way changes nothing."""
    rng = Random(seed)
    pictures = encode_h264(ENCODERS["high"], 0.4, keyframe_every=5)
    most, sent = rng.choice((60, 200, 1_400)), list[bytes]()
    for _, one in packetise(pictures, ssrc=7):
        parts = h264.split(one.payload)
        pieces = fitting(one.payload, parts, most) if parts[0].start else [one.payload]
        for place, piece in enumerate(pieces):
            last = one.marker and place == len(pieces) - 1
            cut = RtpPacket(96, 65_500 + len(sent) & 0xFFFF, one.timestamp, 7, piece, marker=last)
            sent.append(cut.serialize())
    packets: list[bytes] = []
    for data in sent:
        chance = rng.random()
        if chance < 0.04:
            continue
        packets.append(data)
        if chance > 0.97:
            packets.append(data)
        elif chance > 0.94:
            packets.append(data[:8] + b"strn" + data[12:])
        elif chance > 0.91:
            packets.append(data[: rng.randrange(20)])
        elif chance > 0.88 and len(packets) > 1:
            packets[-1], packets[-2] = packets[-2], packets[-1]
    quick, careful = camera_path(), camera_path()
    for number, data in enumerate(packets):
        at = 10 + number / 1_000
        assert list(quick.packet(data, at)) == list(careful._any(data, at)), number
    assert (quick.lost, quick.dropped) == (careful.lost, careful.dropped)
    assert quick.group.packets == careful.group.packets
