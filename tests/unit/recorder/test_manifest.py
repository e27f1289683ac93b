"""The manifest: every one that was ever written is read, and what is none is told and kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recorder.errors import ManifestError
from recorder.finish import finish
from recorder.manifest import (
    MANIFEST_VERSION,
    MAX_MANIFEST_BYTES,
    Manifest,
    RecordedEvent,
    last_of_each_spell,
    manifest_from,
    read_manifest,
    recorded_event,
    write_manifest,
)
from recorder.recording_folder import JOURNAL, MANIFEST, TRACKS, RecordingFolder
from recorder.records import Opened

# As it stands on disks: the bytes of the recorder that wrote it.
NOW = (
    '{"version": 1, "recording_id": "rec1", "lesson_id": "l", "title": "圆的面积", '
    '"started_at": 1790000000.25, "duration_s": 61.5, "parts": [{"part_id": "part-0001", '
    '"seat_id": "lead", "source": "teacher", "name": "李老师", "school": "一小", '
    '"file": "part-0001.mp4", "mime": "video/mp4", "start_s": 0.0, "duration_s": 61.5, '
    '"has_video": true, "has_audio": true}], "events": [{"at": 1790000006.0, '
    '"type": "spotlight", "seat_id": null, "source": null, "by": "lead", "start_s": 5.75}], '
    '"incomplete": "The disk is full.", "pauses": [{"start_s": 3.0, "duration_s": 4.5, '
    '"code": "disk-full", "text": "The disk is full."}], "missing": [{"seat_id": "lead", '
    '"source": "board", "file": "lead-board-0002.mp4", "start_s": 1.0, "text": "Torn."}], '
    '"poster": "poster.jpg"}'
)
# The first recorder's: no pauses, and of what is missing only the parts that failed.
FIRST = (
    '{"version": 1, "recording_id": "rec1", "lesson_id": "l", "title": "", '
    '"started_at": 1790000000.25, "duration_s": 61.5, "parts": [], "events": [], '
    '"incomplete": "", "poster": "", "parts_failed": ["part-0002"]}'
)


def written(folder: Path, data: str | bytes) -> Path:
    (folder / MANIFEST).write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def changed(**changes: Any) -> str:
    return json.dumps(json.loads(NOW) | changes)


def test_what_stands_on_disks_is_read_and_written_byte_by_byte(tmp_path: Path) -> None:
    manifest = read_manifest(written(tmp_path, NOW))
    assert manifest is not None
    (part,), (event,), (missing,) = manifest.parts, manifest.events, manifest.missing
    assert (part.name, part.has_audio, missing.file) == ("李老师", True, "lead-board-0002.mp4")
    assert (event.at, event.type, event.start_s) == (1_790_000_006.0, "spotlight", 5.75)
    assert event.model_extra == {"seat_id": None, "source": None, "by": "lead"}
    assert manifest.files == {"part-0001.mp4", "poster.jpg"}
    assert manifest.is_missing_something and manifest.needs_tracks
    assert manifest.lack == "The disk is full."
    (tmp_path / MANIFEST).unlink()
    write_manifest(tmp_path, manifest)
    assert (tmp_path / MANIFEST).read_bytes() == NOW.encode()
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


def test_the_first_recorders_are_read(tmp_path: Path) -> None:
    manifest = read_manifest(written(tmp_path, FIRST))
    assert manifest is not None
    assert manifest.is_missing_something and manifest.needs_tracks
    assert manifest.lack == "A part of it could not be made: part-0002"
    assert manifest.members()["parts_failed"] == ["part-0002"]
    bare = manifest_from({"started_at": 5.0, "duration_s": 0, "parts": []}, where="x")
    assert (bare.version, bare.lack, bare.files) == (MANIFEST_VERSION, "", frozenset())


OFF = {"code": "switched-off", "text": "The teacher had switched the recording off."}
FULL = {"code": "disk-full", "text": "The disk is full."}


@pytest.mark.parametrize(
    ("pauses", "incomplete", "lack"),
    [
        ([OFF, OFF], OFF["text"], ""),  # as it was told before
        ([OFF], "", ""),
        ([OFF, FULL], OFF["text"], FULL["text"]),
        ([FULL, OFF], FULL["text"], FULL["text"]),
        ([], FULL["text"], FULL["text"]),
    ],
)
def test_gaps_that_were_wished_are_no_lack(
    pauses: list[dict[str, Any]], incomplete: str, lack: str
) -> None:
    at = {"start_s": 1.0, "duration_s": 2.0}
    told = {"pauses": [at | one for one in pauses], "incomplete": incomplete, "missing": []}
    assert manifest_from(json.loads(changed(**told)), where="this test").lack == lack


def test_what_a_later_recorder_adds_is_passed_over(tmp_path: Path) -> None:
    manifest = read_manifest(written(tmp_path, changed(captions=["zh.vtt"])))
    assert manifest is not None
    assert "captions" not in manifest.members()


@pytest.mark.parametrize(
    ("event", "start_s"),
    [
        ({"at": 1_790_000_010.25, "type": "chat"}, 10.0),  # before events had places
        ({"at": 12, "type": "chat"}, 0.0),
        ({"type": "chat"}, None),
        ({"at": "noon", "type": "chat"}, None),
        ({"at": float("nan"), "type": "chat"}, None),
        ({"at": 12.0, "type": 7}, None),
        ("chat", None),
    ],
)
def test_an_event_says_when_and_what(event: Any, start_s: float | None) -> None:
    members = json.loads(NOW)
    manifest = manifest_from(members | {"events": [event]}, where="x")
    made = recorded_event(event, members["started_at"])
    assert [one.start_s for one in manifest.events] == ([] if start_s is None else [start_s])
    assert ([] if made is None else [made]) == list(manifest.events)


def test_of_a_spell_of_speech_the_last_entry_is_kept() -> None:
    def told(at: float, kind: str, **members: object) -> RecordedEvent:
        event = recorded_event({"at": at, "type": kind, **members}, 10)
        assert event is not None
        return event

    lead = [told(at, "speech", seat_id="lead", since=11.0, until=at) for at in (12, 13, 15)]
    room = [told(at, "speech", seat_id="room", since=11.0, until=at) for at in (12.5, 14)]
    again = told(20, "speech", seat_id="lead", since=19.0, until=20)
    chats = [told(at, "chat", since=11.0, seat_id="lead") for at in (12.2, 13.2)]
    bare = told(16, "speech")
    every = sorted([*lead, *room, again, *chats, bare], key=lambda event: event.at)
    assert list(last_of_each_spell(every)) == [*chats, room[-1], lead[-1], bare, again]


HOSTILE: dict[str, str | bytes] = {
    "empty": b"",
    "torn": NOW[:200].encode(),
    "no object": "[]",
    "not text": b"\xff\xfe\x00",
    "deep": "[" * 100_000,
    "no parts": json.dumps({"version": 1, "started_at": 0.0, "duration_s": 0.0}),
    "a part that is none": changed(parts=[{"file": "x"}]),
    "parts in no list": changed(parts={"file": "x"}),
    "endless": changed().replace("61.5", "Infinity"),
    "no number": changed(duration_s="NaN"),
    "an old version": changed(version=0),
    "a version of words": changed(version="one"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_told_and_nothing_is_touched(tmp_path: Path, name: str) -> None:
    """Also by finishing: it takes it for no reason to make the parts anew from what is left."""
    opened = Opened(recording_id="rec1", lesson_id="l", at=0.0)
    RecordingFolder(tmp_path / "rec1", opened).close(1.0, lesson_over=True)
    folder = written(tmp_path / "rec1", HOSTILE[name])
    (folder / "part-0001.mp4").write_bytes(b"what was recorded")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert {path.name for path in before} == {JOURNAL, TRACKS, MANIFEST, "part-0001.mp4"}
    for read in (read_manifest, finish):
        with pytest.raises(ManifestError, match="Nothing was changed") as refused:
            read(folder)
        assert refused.value.code == "manifest-unreadable"
        assert str(folder / MANIFEST) in str(refused.value)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_newer_versions_is_left_to_it(tmp_path: Path) -> None:
    written(tmp_path, changed(version=MANIFEST_VERSION + 1, parts="elsewhere"))
    with pytest.raises(ManifestError, match="newer version of Tongke") as refused:
        read_manifest(tmp_path)
    assert refused.value.code == "manifest-newer"


def test_an_endless_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / MANIFEST).open("wb") as file:
        file.truncate(MAX_MANIFEST_BYTES + 1)
    with pytest.raises(ManifestError, match="longer than"):
        read_manifest(tmp_path)


def test_where_none_stands_none_is_read(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None


def test_members_are_a_manifest_again() -> None:
    manifest = Manifest.model_validate_json(NOW)
    assert manifest_from(manifest.members(), where="x") == manifest
