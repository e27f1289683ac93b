"""A smaller layer that was recorded beside the best becomes the same part, small, all of it.

The pictures are counted; the best's numbers begin at 0, the smaller layer's are 1000 more.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recorder import finish_steps
from recorder.finish import finish
from recorder.manifest import Manifest, manifest_from, read_manifest
from recorder.recording_folder import MANIFEST
from recorder.repairing import Repair
from recorder.verification import ArchiveCondition, verify
from tests.recorded_lesson import Packet, RecordedLesson
from tests.recorded_media import (
    FRAME_RATE,
    SOUND,
    VIDEO,
    Encoded,
    Stream,
    decoded_counters,
    decoded_marks,
    encode_marks,
    encode_video,
    packetise,
    with_ssrc,
)

SECONDS = 6.0
LARGER_S = 3.0  # when the best becomes another layer
LOW_FIRST = 1000
LOW = with_ssrc(VIDEO["H264"], 0x9999)


@pytest.fixture(autouse=True)
def _counted_pictures_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of their parts' bytes are sound, which both have."""
    monkeypatch.setattr(finish_steps, "LOW_SHARE", 1.0)


def sent(track: str, stream: Stream, frames: list[Encoded], begins: float = 0.0) -> list[Packet]:
    return [Packet(begins + at, track, data) for at, data in packetise(stream, frames)]


def low_frames(begins: float = 0.0, codec: str = "H264") -> list[Encoded]:
    first = LOW_FIRST + round(begins * FRAME_RATE)
    return encode_video(codec, SECONDS - begins, width=160, height=96, first=first)


def recorded(
    folder: Path,
    *,
    low_begins: float = 0.0,
    low_ends: float = SECONDS,
    codec: str = "H264",
    best: tuple[int, int] = (320, 240),
) -> Manifest:
    """A lead whose picture is large in the second half; their sound; a layer beside."""
    lesson = RecordedLesson(folder)
    lesson.open()
    low = with_ssrc(VIDEO[codec], 0x9999)
    lesson.track("v", VIDEO[codec])
    lesson.track("b", low, beside=True)
    lesson.track("a", SOUND)
    width, height = best
    frames = encode_video(codec, LARGER_S, width=width, height=height)
    first = round(LARGER_S * FRAME_RATE)
    larger = encode_video(codec, SECONDS - LARGER_S, width=480, height=320, first=first)
    frames += [replace(one, time=one.time + LARGER_S) for one in larger]
    packets = sent("v", VIDEO[codec], frames) + sent("a", SOUND, encode_marks(SECONDS))
    packets += [one for one in sent("b", low, low_frames(low_begins, codec), low_begins)
                if one.at < low_ends]  # fmt: skip
    lesson.receive(packets, until=SECONDS + 1)
    return manifest_from(lesson.close(), where="this test")


def test_each_part_has_all_its_moments_small_and_its_sound(tmp_path: Path) -> None:
    folder = tmp_path / "rec"
    manifest = recorded(folder)
    assert len(manifest.parts) == 2, "the best changed its size"
    assert (manifest.missing, manifest.incomplete) == ((), "")
    marks: set[int] = set()
    for part in manifest.parts:
        assert part.low is not None
        assert part.low.duration_s == pytest.approx(part.duration_s, abs=0.1)
        assert (part.low.mime, part.low.codecs[:4]) == ("video/mp4", "avc1")
        assert part.low.bytes < sum(
            one.bytes for one in manifest.checksums if one.file == part.file
        )
        best, low = (decoded_counters(folder / name) for name in (part.file, part.low.file))
        # Pictures from before it are decoded at its very beginning, and nobody sees them.
        shown = [(at, number) for at, number in low if at > 0.02]
        assert len(shown) > 0.9 * len(best)
        for at, number in shown:
            here = (part.start_s + at) * FRAME_RATE
            assert number - LOW_FIRST == pytest.approx(here, abs=1.5)
        heard = decoded_marks(folder / part.low.file)
        assert [(one.time, one.number) for one in heard] == [
            (one.time, one.number) for one in decoded_marks(folder / part.file)
        ]
        marks |= {one.number for one in heard}
    assert len(marks) > 8
    assert verify(folder).condition is ArchiveCondition.WHOLE
    assert {part.low.file for part in manifest.parts if part.low} < manifest.files
    assert not (folder / "tracks").exists(), "nothing of it is missing"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"low_begins": 4.5}, id="it came too late"),
        pytest.param({"low_ends": 0.4}, id="it went"),
        pytest.param({"codec": "VP8"}, id="it is no piece of a playlist"),
    ],
)
def test_where_it_shows_not_all_there_is_none_and_nothing_is_missing(
    tmp_path: Path, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish_steps, "LOW_LACKS_S", 1.0)
    manifest = recorded(tmp_path / "rec", **given)
    assert manifest.parts[0].low is None
    assert (manifest.missing, manifest.incomplete) == ((), "")
    assert "low" not in json.loads((tmp_path / "rec" / MANIFEST).read_text())["parts"][0]


def test_what_is_hardly_smaller_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish_steps, "LOW_SHARE", 0.01)
    manifest = recorded(tmp_path / "rec")
    assert [part.low for part in manifest.parts] == [None, None]
    assert list((tmp_path / "rec").glob("low-*")) == []
    assert all(not one.file.startswith("low") for one in manifest.checksums)


def streams_of(playlist: Path) -> list[list[tuple[str, int, int]]]:
    """What FFmpeg finds in each variant: codecs, sizes of the picture, packets."""
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-allowed_extensions", "ALL", "-count_packets", "-of", "json",
         "-show_entries", "program=program_id:program_stream=codec_name,height,nb_read_packets",
         playlist],
        capture_output=True, check=True,
    )  # fmt: skip
    return [
        [
            (one["codec_name"], one.get("height", 0), int(one["nb_read_packets"]))
            for one in program["streams"]
        ]
        for program in json.loads(told.stdout)["programs"]
    ]


def test_one_playlist_names_both_and_a_player_reads_each(tmp_path: Path) -> None:
    folder = tmp_path / "rec"
    manifest = recorded(folder)
    part = manifest.parts[0]
    assert part.low is not None
    assert {part.low.master, part.low.playlist, part.playlist} < manifest.files
    text = (folder / part.low.master).read_text()
    wide, thin = (int(each) for each in re.findall(r":BANDWIDTH=(\d+)", text))
    assert wide > thin > 8 * part.low.bytes / part.low.duration_s / 2
    assert text.index(part.playlist) < text.index(part.low.playlist), "the best first"
    best, low = streams_of(folder / part.low.master)
    assert [codec for codec, _, _ in best] == [codec for codec, _, _ in low]
    heights = [{one[0]: one[1] for one in each}["h264"] for each in (best, low)]
    assert heights == [240, 96]
    assert all(packets > 50 for each in (best, low) for _, _, packets in each)
    before = text.encode()
    (folder / part.low.master).write_bytes(before[:-5])
    repair = Repair(folder)
    repair.run()
    assert [(one.code, one.file) for one in repair.done] == [("playlist-again", part.low.master)]
    assert (folder / part.low.master).read_bytes() == before
    assert verify(folder).condition is ArchiveCondition.WHOLE


def test_a_part_that_is_played_whole_has_no_playlist_over_both(tmp_path: Path) -> None:
    folder = tmp_path / "rec"
    part = recorded(folder).parts[0]
    assert part.low is not None
    (folder / part.file).write_bytes((folder / part.file).read_bytes()[:-3000])
    Repair(folder).run()
    after = read_manifest(folder)
    assert after is not None
    assert after.parts[0].low == part.low.model_copy(update={"master": ""})
    assert not (folder / part.low.master).exists()
    assert verify(folder).condition is ArchiveCondition.INCOMPLETE


def test_a_small_picture_that_is_torn_costs_itself_alone(tmp_path: Path) -> None:
    folder = tmp_path / "rec"
    before = recorded(folder)
    torn, whole = (part.low for part in before.parts)
    assert torn is not None
    assert whole is not None
    path = folder / torn.file
    path.write_bytes(path.read_bytes()[:-100])
    assert verify(folder).condition is ArchiveCondition.DAMAGED
    repair = Repair(folder)
    repair.run()
    assert [(one.code, one.file) for one in repair.done] == [("low-lost", torn.file)]
    after = read_manifest(folder)
    assert after is not None
    assert [part.low for part in after.parts] == [None, whole]
    assert [part.file for part in after.parts] == [part.file for part in before.parts]
    assert after.missing == ()
    assert len(list((folder / "before_repair").rglob(torn.file))) == 1
    assert verify(folder).condition is ArchiveCondition.WHOLE


def test_finishing_that_was_cut_short_makes_it_no_second_time(tmp_path: Path) -> None:
    folder = tmp_path / "rec"
    manifest = recorded(folder)
    low = manifest.parts[0].low
    assert low is not None
    data = (folder / low.file).read_bytes()
    assert finish(folder) == manifest == read_manifest(folder)
    assert (folder / low.file).read_bytes() == data
