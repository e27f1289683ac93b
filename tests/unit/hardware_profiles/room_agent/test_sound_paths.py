"""A camera's sound without a camera: its packets, its clock, and what it lies about."""

from __future__ import annotations

import itertools
from random import Random

import pytest

from hardware_profiles.room_agent.passing.sound_clock import LOOKAHEAD_S, SoundClock
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack, read_description
from hardware_profiles.room_agent.whole.sounds import CodedPiece, SoundPackets
from mixer.rtp.packet import RtpPacket

G711 = CameraTrack("audio", 8, "PCMA", 8_000, "")
G722 = CameraTrack("audio", 9, "G722", 8_000, "")
AAC = CameraTrack("audio", 97, "MPEG4-GENERIC", 16_000, "", config=b"\x14\x08")
START = 0xFFFF_FF00  # its timestamps wrap at once


def packet(track: CameraTrack, number: int, ticks: int, payload: bytes, ssrc: int = 7) -> bytes:
    timestamp = START + ticks & 0xFFFF_FFFF
    return RtpPacket(
        track.payload_type, 65_530 + number & 0xFFFF, timestamp, ssrc, payload=payload, marker=True
    ).serialize()


def units(*sizes: int) -> bytes:
    heads = b"".join((size << 3).to_bytes(2, "big") for size in sizes)
    body = b"".join(bytes([place]) * size for place, size in enumerate(sizes))
    return (16 * len(sizes)).to_bytes(2, "big") + heads + body


@pytest.mark.parametrize(
    ("track", "ticks", "payload", "samples"),
    [
        (G711, 160, bytes(160), 960),
        (G711, 320, bytes(320), 1_920),
        (G722, 160, bytes(160), 960),
        (AAC, 1_024, units(300), 3_072),
        (AAC, 2_048, units(300, 200), 6_144),
    ],
)
def test_every_codec_counts_at_48_khz(
    track: CameraTrack, ticks: int, payload: bytes, samples: int
) -> None:
    packets = SoundPackets(track)
    pieces: list[CodedPiece] = []
    for number in range(20):
        at = number * samples / 48_000
        pieces += packets.packet(packet(track, number, number * ticks, payload), at)
    steps = {b.position - a.position for a, b in itertools.pairwise(pieces)}
    assert steps == {samples // (len(pieces) // 20)}
    assert packets.newest - pieces[0].position == 20 * samples
    assert packets.corrections == 0 and not packets.dropped
    assert packets.position_of(START & 0xFFFF_FFFF) == pieces[0].position


def sizes_of(payload: bytes) -> list[int]:
    pieces = SoundPackets(AAC).packet(packet(AAC, 0, 0, payload), 0.0)
    return [len(piece.data) for piece in pieces]


@pytest.mark.parametrize(
    ("payload", "sizes"),
    [
        (units(300), [300]),
        (units(3, 4, 5), [3, 4, 5]),
        (units(300)[:-1], []),  # a frame in pieces
        (units(*[1] * 17), []),  # more than there can be
        (units(0), []),
        (b"\0\x08" + bytes(9), []),
        (b"\xff\xff" + bytes(9), []),
        (b"\0", []),
        (b"", []),
    ],
)
def test_aac_that_lies_about_its_lengths_is_left_out(payload: bytes, sizes: list[int]) -> None:
    assert sizes_of(payload) == sizes


def test_random_bytes_raise_nothing() -> None:
    rng = Random(5)
    for track in (AAC, G711, G722):
        packets = SoundPackets(track)
        for number in range(2_000):
            data = bytearray(packet(track, number, number * 160, rng.randbytes(rng.randrange(60))))
            for _ in range(rng.randrange(4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            packets.packet(bytes(data), number / 50)


def test_a_hole_is_one_and_ticks_that_stand_still_or_jump_are_none() -> None:
    packets = SoundPackets(G711)

    def position(number: int, ticks: int, at: float) -> int:
        (piece,) = packets.packet(packet(G711, number, ticks, bytes(160)), at)
        return piece.position

    first = position(0, 0, 0.0)
    assert position(1, 160, 0.02) - first == 960
    assert position(60, 60 * 160, 1.2) - first == 60 * 960  # 58 packets were lost
    assert position(61, 60 * 160, 1.22) - first == 61 * 960  # its clock stands
    assert position(62, 60 * 160, 1.24) - first == 62 * 960
    assert position(63, 5_000_000, 1.26) - first == 63 * 960  # and jumps
    assert position(64, 5_000_160, 1.28) - first == 64 * 960
    assert packets.corrections == 3


def test_anothers_packets_are_not_the_cameras() -> None:
    packets = SoundPackets(G711)
    assert packets.packet(packet(G711, 0, 0, bytes(160)), 0.0)
    assert not packets.packet(packet(G711, 1, 160, bytes(160), ssrc=8), 0.02)
    assert not packets.packet(packet(AAC, 1, 160, bytes(160)), 0.02)
    assert packets.packet(packet(G711, 1, 160, bytes(160)), 0.02)
    assert packets.ssrc == 7


# --- the clock ------------------------------------------------------------------------------------


def test_reports_say_when_a_sample_was_taken() -> None:
    """The camera's clock is ours; a sample comes 80 ms after it was taken, later now and then."""
    clock, rng = SoundClock(5), Random(1)
    for number in range(200):
        taken = 1_000.0 + number / 50
        at = taken + 0.08 + rng.random() / 20
        clock.came(number * 960 + 960, at + 0.02)
        clock.sent(number * 960, at)
        if number % 50 == 10:
            clock.report(number * 960, 7_000.0 + number / 50, number * 960, 7_000.1 + number / 50)
    timestamp, unix = clock.captured(1_004.2, 7_004.2)
    assert clock.by_reports
    assert timestamp == clock.sent(199 * 960, 1_004.0)
    assert unix == pytest.approx(7_000.0 + 199 / 50 - LOOKAHEAD_S, abs=1e-6)


def test_without_reports_the_least_delayed_says_it() -> None:
    clock, rng = SoundClock(5), Random(1)
    for number in range(500):
        at = 1_000.0 + number / 50 + 0.02 + rng.random() / 20
        clock.came(number * 960 + 960, at)
        clock.sent(number * 960, at)
    _, unix = clock.captured(1_010.0, 7_010.0)
    assert unix == pytest.approx(7_000.0 + 499 / 50 - LOOKAHEAD_S, abs=0.002)


@pytest.mark.parametrize("wrong_by_s", [3_600.0, -3_600.0, 5.0])
def test_a_clock_that_is_another_is_not_believed(wrong_by_s: float) -> None:
    clock = SoundClock(5)
    clock.came(960, 1_000.02)
    clock.sent(0, 1_000.02)
    clock.report(0, 7_000.0 + wrong_by_s, 960, 7_000.02)
    assert not clock.by_reports
    assert clock.captured(1_000.02, 7_000.02)[1] == pytest.approx(7_000.0 - LOOKAHEAD_S, abs=1e-4)


def test_another_connection_goes_on_by_what_has_passed() -> None:
    clock = SoundClock(0xFFFF_FFFF)
    before = clock.sent(5_000_000, 100.0)
    clock.begin()
    after = clock.sent(70, 103.0)
    assert after - before & 0xFFFF_FFFF == 3 * 48_000
    assert clock.sent(70 + 960, 103.02) - after & 0xFFFF_FFFF == 960


# --- what cameras say of their sound --------------------------------------------------------------

SDP = """v=0
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
m=audio 0 RTP/AVP {pt}
{codec}
{more}"""


@pytest.mark.parametrize(
    ("pt", "codec", "more", "expected"),
    [
        (0, "", "", ("PCMU", 8_000, 1, b"")),
        (8, "PCMA/8000/1", "", ("PCMA", 8_000, 1, b"")),
        (98, "G722/8000", "", ("G722", 8_000, 1, b"")),
        (
            97,
            "mpeg4-generic/16000/2",
            "a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;config=1408",
            ("MPEG4-GENERIC", 16_000, 2, b"\x14\x08"),
        ),
        (97, "MPEG4-GENERIC/16000", "a=fmtp:97 config=xyz", ("MPEG4-GENERIC", 16_000, 1, b"")),
        (
            97,
            "MPEG4-GENERIC/16000",
            "a=fmtp:97 config=" + "00" * 500,
            ("MPEG4-GENERIC", 16_000, 1, b""),
        ),
    ],
)
def test_a_description_tells_of_the_sound(
    pt: int, codec: str, more: str, expected: tuple[str, int, int, bytes]
) -> None:
    said = f"a=rtpmap:{pt} {codec}" if codec else ""
    text = SDP.format(pt=pt, codec=said, more=more)
    track = read_description(text.encode(), "rtsp://h/").tracks[1]
    assert (track.codec, track.clock_rate, track.channels, track.config) == expected
