"""A recording's folder: opened, torn, opened again, and its files one by one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mixer.reading.frames import Frame
from recorder.errors import StorageError
from recorder.recording_folder import (
    JOURNAL,
    TRACKS,
    RecordingFolder,
    read_recording,
    read_with_damage,
)
from recorder.records import (
    Closed,
    Gap,
    Opened,
    Resumed,
    SegmentEnded,
    SegmentStarted,
    TrackStarted,
)
from tests.recorded_media import decoded_counters, encode_video


def opened(at: float = 1.0) -> Opened:
    return Opened(recording_id="r", lesson_id="l", at=at)


def started(track_id: str, codec: str = "VP8", *, source: str = "teacher") -> TrackStarted:
    return TrackStarted(
        at=1.0,
        track_id=track_id,
        seat_id="教室 1/..",
        source=source,
        producer_id="p",
        kind="video",
        codec=codec,
        clock_rate=90_000,
    )


def write(folder: RecordingFolder, track_id: str, codec: str = "VP8", seconds: float = 1.0) -> None:
    for frame in encode_video(codec, seconds):
        ticks = round(frame.time * 90_000)
        folder.write_frame(track_id, Frame(ticks, frame.data, keyframe=frame.keyframe), ticks)


def test_names_are_safe_and_never_used_twice(tmp_path: Path) -> None:
    """A seat's id is not trusted as a file name; after a crash no old file is written to."""
    for life in range(2):
        folder = RecordingFolder(tmp_path / "rec", opened())
        folder.start_track(started(f"t{life}"))
        folder.start_segment(f"t{life}", rtp=0, width=320, height=240, at=1.0)
        write(folder, f"t{life}")
        folder.abandon()
    files = sorted(p.name for p in (tmp_path / "rec" / TRACKS).iterdir())
    assert files == ["___1_..-teacher-0001.webm", "___1_..-teacher-0002.webm"]
    assert not any(os.sep in name for name in files)


def test_it_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "rec"
    RecordingFolder(path, opened()).abandon()
    with (path / JOURNAL).open("ab") as journal:
        journal.write(b'{"type":"closed","at":')
    folder = RecordingFolder(path, opened(at=2.0))
    folder.close(3.0, lesson_over=True)
    assert read_recording(path) == [opened(), Resumed(at=2.0), Closed(at=3.0)]
    assert (path / JOURNAL).read_bytes().count(b"\n") == 3


def test_two_processes_never_write_one_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recorder.recording_folder.LOCK_TIMEOUT_S", 0.0)
    first = RecordingFolder(tmp_path / "rec", opened())
    with pytest.raises(StorageError) as refused:
        RecordingFolder(tmp_path / "rec", opened())
    assert refused.value.code == "in-use"
    first.abandon()
    RecordingFolder(tmp_path / "rec", opened()).abandon()


def test_a_stream_that_no_file_takes_has_a_gap_and_the_others_go_on(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path / "rec", opened())
    folder.start_track(started("bad", "H264"))
    folder.start_track(started("good", "VP8", source="board"))
    folder.start_segment("bad", rtp=0, width=320, height=240, at=1.0)
    folder.start_segment("good", rtp=0, width=320, height=240, at=1.0)
    # Times that go back by hours are what a muxer refuses for sure.
    picture = encode_video("H264", 0.04)[0].data
    for pts in (0, 10**9, 3600, 7200):
        folder.write_frame("bad", Frame(pts, picture, keyframe=True), pts)
    write(folder, "good")
    folder.close(2.0, lesson_over=True)
    records = read_recording(tmp_path / "rec")
    assert [(r.track_id, r.reason) for r in records if isinstance(r, Gap)] == [
        ("bad", "unreadable")
    ]
    (ended,) = [r for r in records if isinstance(r, SegmentEnded)]
    assert ended.frames == 25
    file = next(r.file for r in records if isinstance(r, SegmentStarted) and r.track_id == "good")
    assert [n for _, n in decoded_counters(tmp_path / "rec" / TRACKS / file)] == list(range(25))


def test_what_was_never_started_is_not_written(tmp_path: Path) -> None:
    """Work queued for a recording before it failed may reach one that knows nothing of it."""
    folder = RecordingFolder(tmp_path / "rec", opened())
    folder.write_frame("t", Frame(0, b"x", keyframe=True), 0)
    folder.start_segment("t", rtp=0, width=1, height=1, at=1.0)
    folder.end_segment("t", 1.0)
    folder.close(1.0, lesson_over=False)
    assert read_recording(tmp_path / "rec") == [opened()]


def test_lines_that_cannot_be_read_stay_and_only_a_torn_one_is_cut_off(tmp_path: Path) -> None:
    """What somebody's editor, or a disk, made of them may yet be read by a person."""
    path = tmp_path / "rec"
    folder = RecordingFolder(path, opened())
    folder.start_track(started("t"))
    folder.abandon()
    edited = (path / JOURNAL).read_bytes().replace(b"\n", b"\r\n")
    (path / JOURNAL).write_bytes(edited + b'{"type":"closed","at":')
    RecordingFolder(path, opened(at=2.0)).abandon()
    assert (path / JOURNAL).read_bytes().startswith(edited)
    assert read_with_damage(path) == ([opened(at=2.0)], 2)
