"""A fragmented file behind an index is an ordinary file: ffprobe finds the same frames at the same
times in it, and the fragmented file is in it byte for byte.
"""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import pytest

from recorder.exchange.wrapping import NotWrapped, index_before, is_fragmented

FLAGS = {
    "default base": "frag_keyframe+empty_moov+default_base_moof",
    "offsets from the file's beginning": "frag_keyframe+empty_moov+omit_tfhd_offset",
    "absolute offsets": "frag_keyframe+empty_moov",
    "an index of fragments": "frag_keyframe+empty_moov+default_base_moof+global_sidx",
    "every frame": "frag_every_frame+empty_moov+default_base_moof",
    "a first fragment in the head": "frag_keyframe+default_base_moof",
}


def fragmented(path: Path, flags: str, *, late_s: float = 0.0, b_frames: bool = False) -> None:
    """Two seconds of a picture and of sound, the sound `late_s` later."""
    with av.open(str(path), "w", format="mp4", options={"movflags": flags}) as out:
        video = out.add_stream(
            "libx264", rate=25, options={"g": "10", "bf": "2" if b_frames else "0"}
        )
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        sound = out.add_stream("libopus", rate=48_000)
        sound.layout = "mono"
        for number in range(50):
            frame = av.VideoFrame(160, 120, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number * 5 % 256]) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(video.encode(frame))
        for number in range(100):
            heard = av.AudioFrame("s16", "mono", 960)
            heard.sample_rate, heard.pts = 48_000, number * 960 + round(late_s * 48_000)
            heard.time_base = Fraction(1, 48_000)
            heard.planes[0].update(bytes([number % 7]) * heard.planes[0].buffer_size)
            out.mux(sound.encode(heard))
        out.mux(video.encode(None))
        out.mux(sound.encode(None))


def move_pictures(path: Path, by_s: float) -> None:
    """All pictures of a fragmented file are later, as each fragment's `tfdt` says (§8.8.12)."""
    data = bytearray(path.read_bytes())
    (rate,) = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)  # the first track's
    at = 0
    while (at := data.find(b"tfhd", at + 1)) >= 0:
        if struct.unpack_from(">I", data, at + 8) == (1,):
            place = data.index(b"tfdt", at) + 8
            (begins,) = struct.unpack_from(">Q", data, place)
            struct.pack_into(">Q", data, place, begins + round(by_s * rate))
    path.write_bytes(data)


def packets(path: Path) -> list[list[str]]:
    """Stream, times, length, whether it is a keyframe, and a hash of each, by ffprobe."""
    said = subprocess.run(
        [
            "ffprobe", "-v", "error", "-of", "csv=p=0", "-show_data_hash", "md5",
            "-show_entries", "packet=stream_index,pts_time,dts_time,size,flags,data_hash",
            str(path),
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    # Of the flags the keyframe's: what a demuxer would leave out at a cut is its own affair.
    return sorted(line.replace("D", "_").split(",") for line in said.stdout.split())


def wrapped(path: Path) -> Path:
    index = index_before(path)
    whole = path.with_name("whole.mp4")
    whole.write_bytes(index + path.read_bytes())
    return whole


@pytest.mark.parametrize("flags", FLAGS.values(), ids=list(FLAGS))
def test_the_same_frames_stand_at_the_same_times(tmp_path: Path, flags: str) -> None:
    path = tmp_path / "part.mp4"
    fragmented(path, flags)
    if "empty_moov" not in flags:
        with pytest.raises(NotWrapped):
            index_before(path)  # samples stand outside fragments: nothing of ours does that
        return
    assert is_fragmented(path)
    whole = wrapped(path)
    assert packets(whole) == packets(path)
    assert len(packets(whole)) > 140
    assert not is_fragmented(whole)
    assert whole.read_bytes().endswith(path.read_bytes())


@pytest.mark.parametrize("late_s", [0.0, 0.5])
@pytest.mark.parametrize("b_frames", [False, True])
def test_sound_that_begins_later_and_pictures_out_of_order_stay_so(
    tmp_path: Path, *, late_s: float, b_frames: bool
) -> None:
    path = tmp_path / "part.mp4"
    flags = "frag_keyframe+empty_moov+default_base_moof"
    fragmented(path, flags, late_s=late_s, b_frames=b_frames)
    assert packets(wrapped(path)) == packets(path)


def test_a_picture_that_begins_later_stands_from_the_beginning(tmp_path: Path) -> None:
    """No edit is left that a browser passes over; every other picture is where it was."""
    late = tmp_path / "late.mp4"
    fragmented(late, FLAGS["default base"])
    move_pictures(late, 0.24)
    whole = wrapped(late)

    def times(kind: str, file: Path) -> list[float]:
        said = subprocess.run(
            ["ffprobe", "-v", "error", "-select_streams", kind, "-of", "csv=p=0",
             "-show_entries", "packet=pts_time", file],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return [float(line.strip(",")) for line in said.stdout.split()]

    pictures = times("v", late)
    assert pictures[0] == pytest.approx(0.24, abs=0.01), "it begins later"
    assert times("v", whole) == pytest.approx([0.0, *pictures[1:]], abs=0.001)
    assert times("a", whole) == pytest.approx(times("a", late), abs=0.001)
    assert b"edts" not in index_before(late)
    # The bytes are the same ones, and can be decoded.
    assert [line[:1] + line[3:] for line in packets(whole)] == [
        line[:1] + line[3:] for line in packets(late)
    ]


def test_players_know_its_length_at_once(tmp_path: Path) -> None:
    path = tmp_path / "part.mp4"
    fragmented(path, FLAGS["default base"])
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "csv=p=0", "-show_entries", "format=duration",
         str(wrapped(path))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(said.stdout) == pytest.approx(2.0, abs=0.05)


@pytest.mark.thorough
@pytest.mark.parametrize("cut", range(0, 4000, 331))
def test_what_is_torn_is_wrapped_to_its_last_whole_fragment_or_not_at_all(
    tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "part.mp4"
    fragmented(path, FLAGS["default base"])
    path.write_bytes(path.read_bytes()[: -cut or None])
    try:
        index_before(path)
    except NotWrapped:
        assert cut > 0


def test_an_ordinary_file_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "part.mp4"
    fragmented(path, "faststart")
    assert not is_fragmented(path)
    with pytest.raises(NotWrapped):
        index_before(path)
