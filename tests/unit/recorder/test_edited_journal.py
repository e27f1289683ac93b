"""A journal that somebody edited by hand: what is lost is told, all else is as it was.

The lines' checksums are made anew where the editor knew how; then the lines are believed, and may
say anything.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recorder.errors import RecorderError
from recorder.finish import finish
from recorder.journal import decode_line, encode_line
from recorder.manifest import Manifest
from recorder.recording_folder import JOURNAL, TRACKS
from recorder.verification import ArchiveCondition, verify
from tests.recorded_lesson import BEGAN, Packet, RecordedLesson
from tests.recorded_media import (
    SOUND,
    VIDEO,
    decoded_counters,
    encode_sound,
    encode_video,
    packetise,
    with_ssrc,
)

SECONDS = 3.0
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lead's picture (from 0) and sound, and a room's picture (from 1000); not finished."""
    lesson = RecordedLesson(tmp_path_factory.mktemp("edited") / "rec1")
    lesson.open()
    far = with_ssrc(VIDEO["H264"], 0x7777)
    lesson.track("v", VIDEO["H264"])
    lesson.track("a", SOUND)
    lesson.track("w", far, seat="room1", device="far")
    sent = [
        ("v", packetise(VIDEO["H264"], encode_video("H264", SECONDS))),
        ("a", packetise(SOUND, encode_sound(SECONDS, beeps=(1.0,)))),
        ("w", packetise(far, encode_video("H264", SECONDS, first=1000))),
    ]
    lesson.receive([Packet(at, t, data) for t, media in sent for at, data in media], until=4.0)
    lesson.kill()
    lesson.open()
    assert lesson._folder is not None
    lesson._folder.close(BEGAN + 4.0, lesson_over=True)
    return lesson.path


def edited(recorded: Path, folder: Path, edit: Callable[[Lines], Lines | None]) -> Path:
    """A copy whose journal went through an editor that makes checksums."""
    shutil.copytree(recorded, folder)
    path = folder / JOURNAL
    lines = [decode_line(line) for line in path.read_bytes().splitlines(keepends=True)]
    whole = [line for line in lines if line is not None]
    path.write_bytes(b"".join(encode_line(line) for line in edit(whole) or whole))
    return folder


def numbers(folder: Path, manifest: Manifest, seat: str) -> list[int]:
    return [
        number
        for part in manifest.parts
        if part.seat_id == seat and part.has_video
        for _, number in decoded_counters(folder / part.file)
    ]


def of_room(line: dict[str, Any]) -> bool:
    return line.get("track_id") == "w"


def change(kind: str, **members: Any) -> Callable[[Lines], None]:
    """The room's lines of this type say something else."""

    def edit(lines: Lines) -> None:
        for line in lines:
            if line["type"] == kind and of_room(line):
                line.update(members)

    return edit


def without(kind: str) -> Callable[[Lines], Lines]:
    return lambda lines: [one for one in lines if not (one["type"] == kind and of_room(one))]


def shuffled(lines: Lines) -> Lines:
    """As a search and a paste leave them: the room's lines before the lead's."""
    return [lines[0], *sorted(lines[1:], key=lambda line: not of_room(line))]


def broken_names(lines: Lines) -> None:
    """Half a character in all that is called something."""
    lines[0]["title"] = "\ud83d 1"
    lines[0]["seats"][1]["name"] = lines[0]["seats"][1]["school"] = "\ud83d"


EDITS: dict[str, Callable[[Lines], Lines | None]] = {
    "a path that climbs out": change("segment_started", file="../../outside.mp4"),
    "an absolute path": change("segment_started", file="/etc/passwd"),
    "a name with NUL": change("segment_started", file="a\0.mp4"),
    "a name with markup": change("segment_started", file="<b>a.mp4"),
    "a name with a direction mark": change("segment_started", file="\u202ea.mp4"),
    "a name of the journal itself": change("segment_started", file="../journal.jsonl"),
    "the lead's file": change("segment_started", file="lead-teacher-0001.mp4"),
    "no segment": without("segment_started"),
    "no track": without("track_started"),
    "no clock": without("clock"),
    "a track of another codec": change("track_started", codec="VP8"),
    "a clock rate of nothing": change("track_started", clock_rate=0),
    "a clock rate of anything": change("track_started", clock_rate=2**40),
    "timestamps beyond all": change("segment_started", rtp=2**62),
    "timestamps before all": change("segment_started", rtp=-(2**62)),
    "timestamps that nothing counts": change("segment_started", rtp=10**30),
    "a clock that nothing counts": change("clock", rtp=10**30),
    "arrivals in another year": change("clock", at=4e9),
    "arrivals that are no number": change("clock", at="soon"),
    "arrivals before the lesson": change("clock", at=1.0),
    "names that no text holds": broken_names,
    "its order": shuffled,
    "its first line twice": lambda lines: [lines[0], *lines],
    "its last line first": lambda lines: [lines[0], lines[-1], *lines[1:]],
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_the_rest_is_as_it_was_and_nothing_outside_is_touched(
    recorded: Path, tmp_path: Path, edit: Callable[[Lines], Lines | None]
) -> None:
    outside = tmp_path / "outside.mp4"
    outside.write_bytes(b"not of this recording")
    folder = edited(recorded, tmp_path / "archive" / "rec1", edit)
    tracks = {path.name: path.read_bytes() for path in (folder / TRACKS).iterdir()}
    manifest = finish(folder)
    assert outside.read_bytes() == b"not of this recording"
    lead = numbers(folder, manifest, "lead")
    expected = round(SECONDS * 25)
    assert lead[: expected - 15] == list(range(expected - 15)), (
        "the lead's picture is not its affair"
    )
    assert verify(folder).condition in {ArchiveCondition.WHOLE, ArchiveCondition.INCOMPLETE}
    room = numbers(folder, manifest, "room1")
    whole = room[: expected - 15] == list(range(1000, 1000 + expected - 15))
    told = any("room1" in (one.seat_id, one.file.split("-")[0]) for one in manifest.missing)
    assert whole or told, manifest.missing
    if not whole:
        assert {p.name: p.read_bytes() for p in (folder / TRACKS).iterdir()} == tracks


def test_words_changed_without_the_checksum_are_told(recorded: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rec1"
    shutil.copytree(recorded, folder)
    path = folder / JOURNAL
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"w","seat_id":"room1"', b'"w","seat_id":"room9"'))
    assert path.read_bytes() != content
    manifest = finish(folder)
    assert any("cannot be read" in one.text for one in manifest.missing)
    assert (folder / TRACKS).is_dir()
    assert len(numbers(folder, manifest, "lead")) > 40


def test_what_is_no_journal_any_more_is_refused_and_kept(recorded: Path, tmp_path: Path) -> None:
    for number, text in enumerate(("", "{}\n" * 9, json.dumps([1]), "\0" * 4096)):
        folder = tmp_path / str(number)
        shutil.copytree(recorded, folder)
        (folder / JOURNAL).write_text(text)
        before = sorted(path.name for path in (folder / TRACKS).iterdir())
        with pytest.raises(RecorderError):
            finish(folder)
        assert sorted(path.name for path in (folder / TRACKS).iterdir()) == before


def test_sound_of_another_century_is_not_waited_for_in_silence(
    recorded: Path, tmp_path: Path
) -> None:
    """Half a century of silence was written until the disk refused, and nothing could be played."""

    def edit(lines: Lines) -> None:
        first = next(one for one in lines if one["type"] == "clock" and one["track_id"] == "a")
        first["at"] = -1.0

    folder = edited(recorded, tmp_path / "rec1", edit)
    manifest = finish(folder)
    assert manifest.duration_s < 2 * SECONDS
    assert len(numbers(folder, manifest, "lead")) > 40
    assert any("cannot be read" in one.text for one in manifest.missing)
    assert (folder / TRACKS).is_dir()
