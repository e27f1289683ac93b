"""One track in virtual time: what it writes, asks for and notes, whatever its sender does."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from mixer.rtp.feedback import Pli
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import parse_compound
from recorder.records import ClockPoint, Gap, SyncPoint, TrackEnded
from recorder.track import (
    KEYFRAME_INTERVAL_S,
    SILENT_S,
    Feedback,
    FrameReady,
    NewFile,
    Output,
    Track,
    TrackFormat,
)
from tests.recorded_media import SOUND, VIDEO, Encoded, Stream, encode_video, packetise

WORLD = 1_790_000_000.0


def track(stream: Stream) -> Track:
    return Track(
        "t1",
        TrackFormat(
            kind="audio" if stream.codec == "opus" else "video",
            codec=stream.codec,
            payload_type=stream.payload_type,
            clock_rate=stream.clock_rate,
            channels=0,
            ssrc=stream.ssrc,
        ),
    )


def run(subject: Track, packets: list[tuple[float, bytes]], *, delay: float = 0.05) -> list[Output]:
    """Every packet arrives `delay` after its time; the clock ticks in between."""
    out: list[Output] = []
    at = 0.0
    for time, data in packets:
        while at < time:
            out += subject.poll(at, WORLD + at)
            at += 0.1
        now = time + delay
        out += subject.handle_datagram(data, now, WORLD + now)
    return out


def opus(seconds: float, *, step: float = 0.02) -> list[Encoded]:
    """Packets of 20 ms of silence."""
    return [Encoded(n * step, b"\xf8\xff\xfe", True) for n in range(round(seconds / step))]


def frames(out: list[Output]) -> list[FrameReady]:
    return [o for o in out if isinstance(o, FrameReady)]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_frames_keep_their_times_over_the_wrap(codec: str) -> None:
    """The timestamps of these streams wrap within the first half second."""
    picture = encode_video(codec, 2.0)
    out = run(track(VIDEO[codec]), packetise(VIDEO[codec], picture))
    assert [o for o in out if isinstance(o, NewFile)] == [NewFile(0xFFFF_F000, 320, 240)]
    assert [f.pts for f in frames(out)] == [round(f.time * 90_000) for f in picture]


def test_a_change_of_size_begins_a_new_file() -> None:
    small = encode_video("VP8", 0.4, width=320, height=240, keyframe_every=5)
    large = encode_video("VP8", 0.4, width=640, height=480, keyframe_every=5)
    picture = small + [Encoded(f.time + 0.4, f.data, f.keyframe) for f in large]
    out = run(track(VIDEO["VP8"]), packetise(VIDEO["VP8"], picture))
    files = [o for o in out if isinstance(o, NewFile)]
    assert [(f.width, f.height) for f in files] == [(320, 240), (640, 480)]
    # The times of each file begin at its own beginning.
    assert [f.pts for f in frames(out)] == [round(n * 3600) for n in [*range(10), *range(10)]]


def pli_times(subject: Track, packets: list[tuple[float, bytes]]) -> list[float]:
    times = []
    for time, data in packets:
        for output in subject.handle_datagram(data, time, WORLD + time):
            if isinstance(output, Feedback):
                (pli,) = parse_compound(output.data)
                assert isinstance(pli, Pli)
                assert pli.media_ssrc == VIDEO["VP8"].ssrc
                times.append(time)
    return times


def test_keyframes_are_asked_for_now_and_then() -> None:
    """A live sender makes one keyframe and no more; a player could not seek."""
    picture = encode_video("VP8", 25.0, keyframe_every=10_000)
    times = pli_times(track(VIDEO["VP8"]), packetise(VIDEO["VP8"], picture))
    assert times[0] == pytest.approx(KEYFRAME_INTERVAL_S, abs=0.1)
    # Nobody answers: it is asked again, once a second.
    gaps = [b - a for a, b in pairwise(times)]
    assert all(gap == pytest.approx(1.0, abs=0.05) for gap in gaps)


def test_a_sender_that_makes_keyframes_is_not_asked() -> None:
    picture = encode_video("VP8", 25.0, keyframe_every=50)
    assert pli_times(track(VIDEO["VP8"]), packetise(VIDEO["VP8"], picture)) == []


def test_a_paused_source_is_not_asked() -> None:
    subject = track(VIDEO["VP8"])
    run(subject, packetise(VIDEO["VP8"], encode_video("VP8", 1.0)), delay=0.0)
    silent = round(1 + SILENT_S) + 1
    later = [subject.poll(at, WORLD + at) for at in range(silent, 600)]
    assert not any(later)


def test_sound_is_never_asked_for_keyframes() -> None:
    out = run(track(SOUND), packetise(SOUND, opus(30.0)))
    assert not any(isinstance(o, Feedback) for o in out)


def test_reports_and_arrivals_are_noted_sparingly() -> None:
    packets = packetise(SOUND, opus(20.0))
    # A sender that reports at every packet, and before its first one.
    reports = [(t, SOUND.sender_report(t, WORLD + t)) for t, _ in packets]
    out = run(track(SOUND), sorted([*reports, *packets], key=lambda p: p[0]))
    syncs = [o for o in out if isinstance(o, SyncPoint)]
    clocks = [o for o in out if isinstance(o, ClockPoint)]
    assert 18 <= len(syncs) <= 21
    assert len(clocks) == 9  # the first packet, short windows, then one in five seconds
    for sync in syncs:
        media = (sync.rtp - 0xFFFF_F000) / 48_000
        assert sync.ntp == pytest.approx(WORLD + media, abs=0.001)
    for clock in clocks:
        media = (clock.rtp - 0xFFFF_F000) / 48_000
        assert clock.at == pytest.approx(WORLD + media + 0.05, abs=0.001)


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 40_000.0], ids=str)
def test_a_sender_that_counts_anew_is_followed_by_the_clock(jump: float) -> None:
    """Timestamps jump, time does not: the recording goes on where time is."""
    moved = Stream("opus", SOUND.ssrc, SOUND.payload_type, 48_000, first_timestamp=123)
    before = packetise(SOUND, opus(5.0))
    after = [
        (5.0 + t, RtpPacket.parse(d))
        for t, d in packetise(moved, [Encoded(t.time, t.data, True) for t in opus(5.0)])
    ]
    shifted = []
    for index, (at, packet) in enumerate(after):
        timestamp = (moved.timestamp(at - 5.0) + round(jump * 48_000)) & 0xFFFF_FFFF
        sequence = (SOUND.first_sequence + len(before) + index) & 0xFFFF
        shifted.append(
            (
                at,
                RtpPacket(
                    packet.payload_type, sequence, timestamp, packet.ssrc, packet.payload
                ).serialize(),
            )
        )
    out = run(track(SOUND), before + shifted)
    times = [f.pts / 48_000 for f in frames(out)]
    assert times == pytest.approx([n * 0.02 for n in range(500)], abs=0.001)


def test_pictures_out_of_order_are_left_out() -> None:
    """B-frames come in decoding order; a live recording cannot place them."""
    picture = encode_video("VP8", 0.2)
    order = [0, 2, 1, 3, 4]
    shuffled = [Encoded(picture[i].time, picture[i].data, picture[i].keyframe) for i in order]
    out = run(track(VIDEO["VP8"]), packetise(VIDEO["VP8"], shuffled))
    assert [f.pts // 3600 for f in frames(out)] == [0, 2, 3, 4]
    assert [o.reason for o in out if isinstance(o, Gap)] == ["reordered"]


def test_what_the_disk_did_not_take_is_a_gap_up_to_the_next_keyframe() -> None:
    subject = track(VIDEO["VP8"])
    picture = encode_video("VP8", 2.0, keyframe_every=25)
    packets = packetise(VIDEO["VP8"], picture)
    run(subject, packets[:10])
    gap, *asked = subject.overflow(5.0, WORLD + 5.0)
    assert isinstance(gap, Gap)
    assert gap.reason == "overflow"
    out = run(subject, packets[10:])
    assert frames(out)[0].frame.keyframe
    assert frames(out)[0].pts == 25 * 3600
    assert asked == []  # the tap was heard long ago; it is asked with the next packet


def test_the_end_gives_out_what_was_held() -> None:
    subject = track(SOUND)
    packets = packetise(SOUND, opus(1.0))
    out = run(subject, packets[:20] + packets[21:])
    assert len(frames(out)) < 49
    ended = subject.end(2.0, WORLD + 2.0)
    (last,) = [o for o in ended if isinstance(o, TrackEnded)]
    assert (last.packets, last.lost_packets) == (49, 1)
    assert len(frames(out)) + len(frames(ended)) == 49


def test_hostile_datagrams_are_counted_and_dropped() -> None:
    """Random and mutated datagrams never raise, and never make a frame of another stream's."""
    rng = random.Random(8)
    subject = track(VIDEO["VP8"])
    packets = [d for _, d in packetise(VIDEO["VP8"], encode_video("VP8", 1.0))]
    for number in range(20_000):
        if rng.random() < 0.5:
            data = rng.randbytes(rng.randint(0, 80))
        else:
            mutable = bytearray(rng.choice(packets))
            for _ in range(rng.randint(1, 4)):
                mutable[rng.randrange(len(mutable))] = rng.randrange(256)
            data = bytes(mutable[: rng.randint(1, len(mutable))])
        at = number / 1000
        out = subject.handle_datagram(data, at, WORLD + at) + subject.poll(at, WORLD + at)
        pts = [f.pts for f in frames(out)]
        assert pts == sorted(pts)
    assert subject.malformed_packets > 5000
    subject.end(30.0, WORLD + 30.0)
