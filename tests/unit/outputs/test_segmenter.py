"""Low-latency HLS of a program, read back by libav and by ffmpeg's own HLS reader."""

from __future__ import annotations

import io
import re
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from mixer.outputs.playlist import media_playlist, variants
from mixer.outputs.segmenter import (
    FIRST_SEGMENT_S,
    LARGEST_WAIT_S,
    LONGEST_SEGMENT_S,
    PART_S,
    PART_TARGET_S,
    SEGMENT_S,
    HlsSegment,
    Segmenter,
)
from recorder.fragments import whole_fragments
from tests.played_program import BEGAN_UNIX_S, PICTURE, Arrival, PlayedProgram, arrivals
from tests.recorded_media import (
    FRAME_RATE,
    SOUND,
    Encoded,
    Stream,
    brightness,
    encode_sound,
    encode_video,
    packetise,
    read_counter,
)

SECONDS = 9
EVERY = int(SEGMENT_S * FRAME_RATE)  # pictures between keyframes
BEEPS = (1.0, 3.5, 7.25)
SOUND_LATE_S = 0.08


@pytest.fixture(scope="module")
def picture() -> list[Encoded]:
    return encode_video("H264", SECONDS, keyframe_every=EVERY)


@pytest.fixture(scope="module")
def sound() -> list[Encoded]:
    return encode_sound(SECONDS, beeps=BEEPS)


def played(picture: list[Encoded], sound: list[Encoded], *, window_s: float = 60) -> PlayedProgram:
    program = PlayedProgram(window_s=window_s)
    program.play_all(arrivals(PICTURE, picture), arrivals(SOUND, sound, late_s=SOUND_LATE_S))
    return program


def as_film(held: Segmenter, segments: list[HlsSegment]) -> bytes:
    header, _ = held.headers[segments[0].header]
    return header + b"".join(part.data for one in segments for part in one.parts)


def seen(film: bytes) -> list[tuple[float, int]]:
    with av.open(io.BytesIO(film), "r") as container:
        return [
            (float(frame.time or 0), read_counter(brightness(frame)))
            for frame in container.decode(video=0)
        ]


def beeps_in(film: bytes) -> list[float]:
    """Where it is loud, and was not before."""
    found: list[float] = []
    quiet_since = -1.0
    with av.open(io.BytesIO(film), "r") as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray().reshape(-1)
            for place in range(0, len(samples) - 240, 240):
                at = float(frame.time or 0) + place / 48_000
                if np.abs(samples[place : place + 240]).max() > 0.1:
                    if at - quiet_since > 0.1:
                        found.append(at)
                    quiet_since = at
    return found


def test_all_pictures_and_beeps_are_there_at_their_time(
    picture: list[Encoded], sound: list[Encoded]
) -> None:
    held = played(picture, sound).segmenter
    film = as_film(held, list(held.segments))
    shown = seen(film)
    assert len(shown) >= SECONDS * FRAME_RATE - 5, "all but a part that is not whole"
    assert all(at == pytest.approx(number / FRAME_RATE, abs=0.001) for at, number in shown)
    assert beeps_in(film) == [pytest.approx(at, abs=0.015) for at in BEEPS]


def test_parts_and_segments_keep_to_what_the_playlist_promises(
    picture: list[Encoded], sound: list[Encoded]
) -> None:
    held = played(picture, sound).segmenter
    assert [one.whole for one in held.segments] == [True, True, False]
    for segment in held.segments:
        assert segment.duration_s <= LONGEST_SEGMENT_S
        assert segment.parts[0].independent
        *others, last = segment.parts
        assert all(PART_S - 0.002 <= one.duration_s <= PART_TARGET_S for one in others)
        assert last.duration_s <= PART_TARGET_S
        assert segment.unix_s == pytest.approx(BEGAN_UNIX_S + SEGMENT_S * segment.number, abs=0.002)
        film = as_film(held, [segment])
        whole = whole_fragments(io.BytesIO(film), len(film))
        assert (len(whole), whole[-1].ends) == (1 + len(segment.parts), len(film))


def test_a_part_is_there_as_soon_as_its_sound_is(
    picture: list[Encoded], sound: list[Encoded]
) -> None:
    program = PlayedProgram()
    late = []
    streams = (arrivals(PICTURE, picture), arrivals(SOUND, sound, late_s=SOUND_LATE_S))
    for now in program.play(*streams):
        ends = sum(one.duration_s for one in program.segmenter.segments)
        late.append(now - ends)
    # The sound's own lateness, the packet in which the part ends, two of the encoder's frames.
    assert max(late) < SOUND_LATE_S + 0.02 + 2 * 0.022 + 0.01


def test_ffmpeg_reads_the_playlist(
    picture: list[Encoded], sound: list[Encoded], tmp_path: Path
) -> None:
    held = played(picture, sound).segmenter
    text = media_playlist(held)
    first = text.split("#EXT-X-PART:", 1)[0]
    assert "#EXT-X-PROGRAM-DATE-TIME:2026-09-01T00:00:00.0" in first
    hint = f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="2.{held.next_part[1]}.m4s"'
    assert text.rstrip().endswith(hint)
    for number, (header, _) in held.headers.items():
        (tmp_path / f"header{number}.mp4").write_bytes(header)
    for segment in held.segments:
        data = b"".join(part.data for part in segment.parts)
        (tmp_path / f"{segment.number}.m4s").write_bytes(data)
    (tmp_path / "media.m3u8").write_text(text + "#EXT-X-ENDLIST\n")
    _, first_header = held.headers[0]
    (tmp_path / "index.m3u8").write_text(variants(first_header, 2_000_000))
    asked = ("-show_entries", "stream=codec_name,width,height,nb_read_packets", "-of", "csv=p=0")
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-count_packets", *asked, str(tmp_path / "index.m3u8")],
        capture_output=True,
        check=True,
        text=True,
    )
    rows = {tuple(line.split(",")) for line in told.stdout.split() if line}
    assert ("h264", "320", "240", str(2 * EVERY)) in rows, told
    assert any(row[0] == "aac" for row in rows)
    assert told.stderr == ""


def test_the_window_forgets_what_is_longer_ago(
    picture: list[Encoded], sound: list[Encoded]
) -> None:
    held = played(picture, sound, window_s=4.0).segmenter
    assert [one.number for one in held.segments] == [1, 2]
    text = media_playlist(held)
    assert "#EXT-X-MEDIA-SEQUENCE:1\n" in text
    assert held.segment(0) is None


def test_without_any_sound_the_picture_goes_on(picture: list[Encoded]) -> None:
    held = played(picture, []).segmenter
    film = as_film(held, list(held.segments))
    assert len(seen(film)) >= SECONDS * FRAME_RATE - 5
    with av.open(io.BytesIO(film), "r") as container:
        samples = sum((frame.samples for frame in container.decode(audio=0)), 0)
    assert samples / 48_000 == pytest.approx(held_s(held), abs=0.1)


def held_s(held: Segmenter) -> float:
    return sum(one.duration_s for one in held.segments)


def without(stream: list[Arrival], since: float, until: float) -> list[Arrival]:
    return [one for one in stream if not since <= one.at < until]


def test_a_compositor_that_was_killed_is_a_discontinuity(
    picture: list[Encoded], sound: list[Encoded]
) -> None:
    """Nothing came for two seconds; what follows begins with a keyframe, and a date of its own."""
    program = PlayedProgram()
    away = (2.0, 4.0)
    program.play_all(
        without(arrivals(PICTURE, picture), *away), without(arrivals(SOUND, sound), *away)
    )
    held = program.segmenter
    before, after, *_ = held.segments
    assert (before.discontinuity, before.whole, after.discontinuity) == (False, True, True)
    assert after.unix_s == pytest.approx(BEGAN_UNIX_S + 4.0, abs=0.002)
    assert [n for _, n in seen(as_film(held, [after]))][:3] == [EVERY, EVERY + 1, EVERY + 2]
    text = media_playlist(held)
    assert re.search(r"0\.m4s\n#EXT-X-DISCONTINUITY\n", text)


@pytest.mark.parametrize("first", ["picture", "sound"])
@pytest.mark.parametrize("set_by_s", [3600.0, -3600.0])
def test_a_clock_that_was_set_is_a_discontinuity_behind_which_all_is_in_step(
    picture: list[Encoded], set_by_s: float, first: str
) -> None:
    """A compositor that began anew behind it: its streams' first reports come one by one."""
    sound = encode_sound(9, beeps=(1.0, 6.0))
    set_at_s = 3.0

    def told(stream: Stream, frames: list[Encoded], late_s: float) -> list[Arrival]:
        out = [Arrival(at, stream, data) for at, data in packetise(stream, frames)]
        for second in range(8):
            after = second >= set_at_s
            said = stream.sender_report(second, BEGAN_UNIX_S + second + after * set_by_s)
            out.append(Arrival(second + after * late_s, stream, said))
        return sorted(out, key=lambda one: one.at)

    program = PlayedProgram()
    program.play_all(
        told(PICTURE, picture, 0.0 if first == "picture" else 0.4),
        told(SOUND, sound, 0.0 if first == "sound" else 0.4),
    )
    held = program.segmenter
    assert [one.discontinuity for one in held.segments].count(True) == 1
    (place,) = (at for at, one in enumerate(held.segments) if one.discontinuity)
    behind = list(held.segments)[place:]
    # The first keyframe behind it.
    assert behind[0].unix_s == pytest.approx(BEGAN_UNIX_S + SEGMENT_S + set_by_s, abs=0.002)
    film = as_film(held, behind)
    times = {number: at for at, number in seen(film)}
    (beep,) = beeps_in(film)
    assert beep - times[int(6.0 * FRAME_RATE)] == pytest.approx(0.0, abs=0.02)


def test_another_size_has_another_header(picture: list[Encoded], sound: list[Encoded]) -> None:
    larger = encode_video("H264", 2, width=480, height=320, first=EVERY)
    later = [Encoded(one.time + SEGMENT_S, one.data, one.keyframe) for one in larger]
    held = played(picture[:EVERY] + later, sound).segmenter
    first, second, *_ = held.segments
    assert (first.header, second.header, second.discontinuity) == (0, 1, True)
    assert 'URI="header1.mp4"' in media_playlist(held)
    assert [n for _, n in seen(as_film(held, [second]))][:2] == [EVERY, EVERY + 1]


def test_what_waits_for_its_sound_keeps_its_own_header(sound: list[Encoded]) -> None:
    """The size changes so soon after a segment has begun that its first part waits for sound."""
    small = encode_video("H264", 4.3, keyframe_every=EVERY)
    first = len(small)
    larger = encode_video("H264", 2, width=480, height=320, first=first)
    later = [Encoded(one.time + first / FRAME_RATE, one.data, one.keyframe) for one in larger]
    program = PlayedProgram()
    program.play_all(
        arrivals(PICTURE, small + later), arrivals(SOUND, sound, late_s=SOUND_LATE_S + 0.15)
    )
    told = [(one.header, one.discontinuity) for one in program.segmenter.segments]
    assert told == [(0, False), (0, False), (1, True)]
    numbers = [
        number
        for one in program.segmenter.segments
        for _, number in seen(as_film(program.segmenter, [one]))
    ]
    assert numbers[: first + 2] == list(range(first + 2))


SMALL, LARGE = (320, 240), (480, 320)


def begins_small(sound: list[Encoded], *, larger_after_s: float) -> PlayedProgram:
    """A tap that brings the small layer first: each layer as its own encoder begins it."""
    small = encode_video("H264", SECONDS, width=SMALL[0], height=SMALL[1], keyframe_every=5)
    first = round(larger_after_s * FRAME_RATE)
    large = encode_video("H264", SECONDS, width=LARGE[0], height=LARGE[1], first=first)
    large = large[: len(small) - first]
    later = [Encoded(one.time + larger_after_s, one.data, one.keyframe) for one in large]
    program = PlayedProgram(height=LARGE[1])
    program.play_all(arrivals(PICTURE, small[:first] + later), arrivals(SOUND, sound))
    return program


def test_it_begins_with_the_size_that_it_keeps(sound: list[Encoded]) -> None:
    held = begins_small(sound, larger_after_s=0.8).segmenter
    assert [one.size for _, one in held.headers.values()] == [LARGE]
    assert not any(one.discontinuity for one in held.segments)
    assert held.dropped_pictures == 0, "nothing that was to be put out is missing"
    assert [n for _, n in seen(as_film(held, list(held.segments)))][:2] == [20, 21]


def test_a_largest_layer_that_never_comes_is_not_waited_for(sound: list[Encoded]) -> None:
    held = begins_small(sound, larger_after_s=SECONDS).segmenter
    assert [one.size for _, one in held.headers.values()] == [SMALL]
    first = held.segments[0]
    assert first.unix_s - BEGAN_UNIX_S == pytest.approx(LARGEST_WAIT_S, abs=0.25)
    assert not any(one.discontinuity for one in held.segments)


def test_a_still_picture_is_a_part_each_time_it_comes(sound: list[Encoded]) -> None:
    """A heartbeat of 200 ms: one picture a part, and no part waits for another."""
    every = encode_video("H264", SECONDS, keyframe_every=EVERY)
    slow = [Encoded(one.time, one.data, one.keyframe) for one in every[:: FRAME_RATE // 5]]
    held = played(slow, sound).segmenter
    assert {round(part.duration_s, 3) for one in held.segments for part in one.parts} == {0.2}


def test_uneven_pictures_make_no_part_longer_than_is_promised(sound: list[Encoded]) -> None:
    """Of 15 a second in a program of 25: steps of 40 and of 80 ms."""
    every = encode_video("H264", SECONDS, keyframe_every=EVERY)
    kept = {round(number * 25 / 15) for number in range(SECONDS * 15)}
    uneven = [one for number, one in enumerate(every) if number in kept or one.keyframe]
    held = played(uneven, sound).segmenter
    parts = [part.duration_s for one in held.segments for part in one.parts[:-1]]
    assert len(parts) > 30
    assert all(PART_S - 0.002 <= one <= PART_TARGET_S + 0.002 for one in parts), sorted(parts)


def test_a_keyframe_is_wanted_when_a_segment_is_long_enough(sound: list[Encoded]) -> None:
    program = PlayedProgram()
    endless = encode_video("H264", SECONDS, keyframe_every=1000)
    wanted_at: list[float] = []
    for now in program.play(arrivals(PICTURE, endless), arrivals(SOUND, sound)):
        if program.segmenter.wants_keyframe:
            wanted_at.append(now)
    assert wanted_at[0] == pytest.approx(FIRST_SEGMENT_S, abs=0.3)
    # None came: the segment ends all the same.
    assert program.segmenter.segments[0].duration_s == pytest.approx(LONGEST_SEGMENT_S, abs=0.21)
    assert not program.segmenter.segments[1].parts[0].independent
    assert wanted_at[-1] < LONGEST_SEGMENT_S + 0.3, "the second may be longer than the first"


def test_the_first_segment_is_whole_when_it_is_a_second_long(sound: list[Encoded]) -> None:
    """FFmpeg's players take no parts, and give up on a playlist without a whole segment."""
    program = PlayedProgram()
    often = encode_video("H264", SECONDS, keyframe_every=FRAME_RATE)
    whole_at = [
        now
        for now in program.play(arrivals(PICTURE, often), arrivals(SOUND, sound))
        if program.segmenter.segments[0].whole
    ]
    assert whole_at[0] == pytest.approx(FIRST_SEGMENT_S, abs=0.3)
    first, *others = (one.duration_s for one in program.segmenter.segments if one.whole)
    assert first == pytest.approx(FIRST_SEGMENT_S, abs=0.002)
    assert others == pytest.approx([2.0] * len(others), abs=0.002), "the others are longer"
    assert "#EXTINF:1.00000,\n0.m4s" in media_playlist(program.segmenter)


def test_a_keyframe_is_wanted_when_time_breaks_though_nothing_was_lost(
    sound: list[Encoded],
) -> None:
    """A compositor that stood still goes on in the middle: no reader misses a packet."""
    endless = encode_video("H264", 2, keyframe_every=1000)
    stood = [Encoded(one.time + 7.0 * (one.time >= 0.8), one.data, one.keyframe) for one in endless]
    program = PlayedProgram()
    for now in program.play(arrivals(PICTURE, stood), arrivals(SOUND, sound)):
        assert now > 7.8 or not program.segmenter.wants_keyframe, now
    assert program.segmenter.wants_keyframe
    begun = encode_video("H264", 1, first=200)
    later = [Encoded(one.time + 9.5, one.data, one.keyframe) for one in begun]
    stream = arrivals(PICTURE, stood + later)
    program.play_all([one for one in stream if one.at >= 9.5])
    assert not program.segmenter.wants_keyframe
    assert [n for _, n in seen(as_film(program.segmenter, [program.segmenter.segments[-1]]))][
        :1
    ] == [200]
