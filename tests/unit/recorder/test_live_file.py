"""Live files torn at any byte: what is whole is read, and nothing behind it."""

from __future__ import annotations

import os
import random
from pathlib import Path

import av
import pytest

from mixer.reading.frames import Frame
from recorder.live_file import LiveFile
from recorder.segment_file import SegmentFile
from recorder.track_reader import TrackFile, measure, open_track_file
from tests.recorded_media import decoded_counters, encode_sound, encode_video

CLOCK_RATES = {"H264": 90_000, "VP8": 90_000, "opus": 48_000}


def written(
    folder: Path, codec: str, *, seconds: float = 3.0, keyframe_every: int = 50
) -> TrackFile:
    """A live file as the recorder leaves it: sound with a hole, or counted pictures."""
    rate = CLOCK_RATES[codec]
    path = folder / f"whole{SegmentFile.suffix(codec)}"
    file = SegmentFile(path, codec=codec, clock_rate=rate, channels=2, width=64, height=48)
    if codec == "opus":
        frames = [f for f in encode_sound(seconds, beeps=(1.0,)) if not 1.2 <= f.time < 1.7]
    else:
        frames = encode_video(
            codec, seconds, width=64, height=48, moving=False, keyframe_every=keyframe_every
        )
    for frame in frames:
        duration = 960 if codec == "opus" else 0
        file.write(
            Frame(0, frame.data, keyframe=frame.keyframe, duration=duration),
            round(frame.time * rate),
        )
    file.close()
    return TrackFile(path, 0, rate, codec)


def fragment_ends(file: TrackFile) -> list[int]:
    """Behind which bytes libav finds fragments to end: where the next one's or nothing begins."""
    data = file.path.read_bytes()
    mark = b"moof" if file.path.suffix == ".mp4" else b"\x1f\x43\xb6\x75"
    before = 4 if file.path.suffix == ".mp4" else 0  # a box's size comes before its name
    begins, at = [], -1
    while (at := data.find(mark, at + 1)) >= 0:
        begins.append(at - before)
    return [*begins[1:], len(data)]


def test_a_fragment_begins_with_every_keyframe_and_after_half_a_second(tmp_path: Path) -> None:
    """As libav finds them. Keyframes come where no half second ends."""
    file = written(tmp_path, "H264", keyframe_every=17)
    begins = [0, *fragment_ends(file)[:-1]]
    found: list[tuple[int, bool]] = []
    with av.open(str(file.path)) as container:
        for packet in container.demux():
            if packet.size and packet.pos is not None:
                fragment = max(n for n, begin in enumerate(begins) if begin <= packet.pos)
                found.append((fragment, packet.is_keyframe))
    first_of = [n == 0 or found[n - 1][0] != fragment for n, (fragment, _) in enumerate(found)]
    keys = [n for n, (_, is_key) in enumerate(found) if is_key]
    assert len(keys) >= 4
    assert all(first_of[n] for n in keys)
    assert sum(first_of) > len(keys), "none lasts from one keyframe to the next"


@pytest.mark.parametrize("codec", ["H264", "opus", "VP8"])
def test_torn_at_any_byte_all_whole_fragments_are_read(tmp_path: Path, codec: str) -> None:
    """Read by libav, which knows nothing of where we cut."""
    file = written(tmp_path, codec)
    ends = fragment_ends(file)
    assert 4 <= len(ends) <= 7  # half a second each; the sound's hole is one more or less
    whole_frames = {0: 0}
    for end in ends:
        with av.open(str(file.path)) as container:
            whole_frames[end] = sum(
                1 for p in container.demux() if p.size and p.pos is not None and p.pos < end
            )
    for length in range(ends[-1], -1, -1):
        os.truncate(file.path, length)
        whole = max((end for end in ends if end <= length), default=0)
        with LiveFile(file.path) as live:
            assert live.whole_bytes == whole or not live.fragments
        if length in ends or length + 1 in ends or length % 50 == 0:
            extent = measure(file)
            assert extent.frames == whole_frames[whole], length
            # A torn tail is what a crash leaves: no reason to complain, but where all is gone.
            assert bool(extent.missing) == (whole == 0)


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_what_is_read_of_a_torn_file_decodes(tmp_path: Path, codec: str) -> None:
    file = written(tmp_path, codec)
    data = file.path.read_bytes()
    third = fragment_ends(file)[2]
    torn = tmp_path / f"torn{file.path.suffix}"
    torn.write_bytes(data[: third + 50])
    with LiveFile(torn) as live:
        copy = tmp_path / f"copy{file.path.suffix}"
        copy.write_bytes(live.read())
    assert len(copy.read_bytes()) == third
    numbers = [number for _, number in decoded_counters(copy)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 36


@pytest.mark.parametrize("codec", ["H264", "opus", "VP8"])
def test_unwritten_blocks_and_junk_end_the_whole_part(tmp_path: Path, codec: str) -> None:
    """After a cut of the power the end of a file may be zeros, or anything."""
    file = written(tmp_path, codec)
    data = file.path.read_bytes()
    ends = fragment_ends(file)
    broken = TrackFile(tmp_path / f"broken{file.path.suffix}", 0, file.clock_rate, codec)
    rng = random.Random(3)
    for tail in (bytes(4096), rng.randbytes(4096), b"\xff" * 4096):
        broken.path.write_bytes(data[: ends[1]] + tail)
        with LiveFile(broken.path) as live:
            assert live.whole_bytes == ends[1]
            assert live.torn_bytes == 4096
    # Zeros in the middle, whole fragments behind: what is lost is more than a crash's due.
    zeroed = bytearray(data)
    zeroed[ends[0] : ends[0] + 40] = bytes(40)
    broken.path.write_bytes(zeroed)
    extent = measure(broken)
    assert 0 < extent.frames < 80
    assert "damaged" in extent.missing


@pytest.mark.parametrize("codec", ["H264", "opus", "VP8"])
def test_no_content_is_a_fault_of_ours(tmp_path: Path, codec: str) -> None:
    """Bytes changed, cut out or put in anywhere: it is measured, and says what it misses."""
    file = written(tmp_path, codec, seconds=1.2)
    data = file.path.read_bytes()
    rng = random.Random(7)
    hurt = TrackFile(tmp_path / f"hurt{file.path.suffix}", 0, file.clock_rate, codec, frames=1000)
    for _ in range(150):
        mutated = bytearray(data)
        for _ in range(rng.randint(1, 5)):
            at = rng.randrange(len(mutated))
            what = rng.random()
            if what < 0.6:
                mutated[at] = rng.randrange(256)
            elif what < 0.8:
                del mutated[at : at + rng.randint(1, 200)]
            else:
                mutated[at:at] = rng.randbytes(rng.randint(1, 40))
        hurt.path.write_bytes(mutated)
        extent = measure(hurt)
        assert extent.missing
        assert extent.frames <= 1000


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    for name, said in (("gone.mp4", "cannot be read"), ("strange.txt", "cannot be read")):
        extent = measure(TrackFile(tmp_path / name, 0, 90_000, "H264"))
        assert extent.frames == 0
        assert said in extent.missing
    (tmp_path / "empty.webm").touch()
    assert "empty" in measure(TrackFile(tmp_path / "empty.webm", 0, 90_000, "VP8")).missing


def test_a_file_closed_in_order_holds_what_the_journal_says(tmp_path: Path) -> None:
    file = written(tmp_path, "H264")
    counted = TrackFile(file.path, 0, 90_000, "H264", frames=75)
    assert measure(counted).missing == ""
    data = file.path.read_bytes()
    file.path.write_bytes(data[: len(data) // 2])
    assert "of 75 frames" in measure(counted).missing


def test_how_long_a_sound_lasts_is_its_own_matter(tmp_path: Path) -> None:
    """What lies between it and the next one is a hole, not its length."""
    with_hole = written(tmp_path, "opus")
    extent = measure(with_hole)
    assert extent.end == pytest.approx(3.0, abs=0.001)
    assert extent.frames == 125


def test_what_comes_before_is_left_out(tmp_path: Path) -> None:
    """From the middle of a long sound, without reading all before it."""
    file = written(tmp_path, "opus", seconds=8.0)

    def read(since: float) -> list[float]:
        with open_track_file(file, lambda x: x < since) as opened:
            assert opened is not None
            return [frame.time for frame in opened.frames()]

    whole = read(-1.0)
    assert len(whole) == 375
    for since in (0.0, 0.4, 1.4, 3.0, 5.05, 7.9, 20.0):
        times = read(since)
        assert times == whole[-len(times) :]
        begins = max((time for time in whole if time <= since), default=0.0)
        # At most the fragment before comes with it.
        assert times[0] <= max(0.0, begins)
        assert times[0] >= min(since, 8.0) - 1.6
