"""A recording's folder while its lesson runs: the journal and the files of its tracks.

    <recording>/journal.jsonl      what happened, in order (`records`)
    <recording>/tracks/*.mp4|webm  what the sources sent (`segment_file`)
    <recording>/manifest.json …    what the player plays, after the lesson (`finish`)

Owns opening (also after a crash: a torn tail is cut off, the story goes on), writing and closing.
All but `sync` belongs to one thread. Every call may raise `StorageError`.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path

from mixer.reading.frames import Frame
from recorder.errors import FormatError, StorageError
from recorder.journal import encode_line, read_journal
from recorder.records import (
    AnyRecord,
    Closed,
    DiskRefused,
    Gap,
    Opened,
    Resumed,
    SegmentEnded,
    SegmentStarted,
    TrackStarted,
    parse_records,
    to_line_members,
)
from recorder.segment_file import SegmentFile

JOURNAL = "journal.jsonl"
TRACKS = "tracks"
MANIFEST = "manifest.json"  # written by `finish`; named here for who only asks whether it stands

# A recorder whose server is gone closes its files within a second.
LOCK_TIMEOUT_S = 15.0
LOCK_RETRY_S = 0.05  # the system tells nobody that a lock is free


class RecordingFolder:
    """One open recording."""

    def __init__(self, path: Path, opened: Opened, *, failed: DiskRefused | None = None) -> None:
        """Make the folder, or go on in it when it is there already.

        `failed` says since when nothing could be recorded, if that is why we go on.
        """
        self.path = path
        self._lock = threading.Lock()
        self._tracks: dict[str, TrackStarted] = {}
        self._segments: dict[str, tuple[SegmentStarted, SegmentFile]] = {}
        self._segment_count = 0
        self._dirty = False
        self._journal = -1
        try:
            (path / TRACKS).mkdir(mode=0o700, parents=True, exist_ok=True)
            known = self._open_journal()
            sync_folder(path)
            # Names of an earlier life must not be used again, whether journaled or not.
            self._segment_count = len(list((path / TRACKS).iterdir()))
            self._begin_journal(opened, failed, known=known)
        except StorageError:
            self.abandon()
            raise
        except OSError as error:
            self.abandon()
            raise StorageError.from_os(error, path) from error

    def _begin_journal(self, opened: Opened, failed: DiskRefused | None, *, known: bool) -> None:
        if not known:
            self.append(opened)
        if failed is not None:
            self.append(failed)
        if known or failed is not None:
            self.append(Resumed(at=opened.at))

    def append(self, record: AnyRecord) -> None:
        """Write one record to the journal."""
        line = encode_line(to_line_members(record))
        try:
            view = memoryview(line)
            while view:
                view = view[os.write(self._journal, view) :]
        except OSError as error:
            raise StorageError.from_os(error, self.path) from error
        self._dirty = True

    def start_track(self, record: TrackStarted) -> None:
        """A track begins: its files are named after it."""
        self._tracks[record.track_id] = record
        self.append(record)

    def start_segment(self, track_id: str, *, rtp: int, width: int, height: int, at: float) -> None:
        """Begin a file of this track; the one before is closed. Without the track: nothing."""
        track = self._tracks.get(track_id)
        if track is None:
            return
        self.end_segment(track_id, at)
        self._segment_count += 1
        name = f"{track.seat_id}-{track.source}-{self._segment_count:04d}"
        name = "".join(c if (c.isalnum() and c.isascii()) or c in "-_." else "_" for c in name)
        name += SegmentFile.suffix(track.codec)
        file = SegmentFile(
            self.path / TRACKS / name,
            codec=track.codec,
            clock_rate=track.clock_rate,
            channels=track.channels,
            width=width,
            height=height,
        )
        begins_rtp = rtp - file.begins
        record = SegmentStarted(
            at=at, track_id=track_id, file=name, rtp=begins_rtp, width=width, height=height
        )
        self._segments[track_id] = (record, file)
        # The record comes before the first frame: a file no record names is never looked at.
        self.append(record)

    def write_frame(self, track_id: str, frame: Frame, pts: int) -> None:
        """Append a frame to the track's file; without a file (it failed) the frame is gone."""
        if track_id not in self._segments:
            return
        try:
            self._segments[track_id][1].write(frame, pts)
        except FormatError:
            record, file = self._segments.pop(track_id)
            self._close_file(file)
            rtp = record.rtp + file.begins + pts
            self.append(Gap(at=time.time(), track_id=track_id, rtp=rtp, reason="unreadable"))

    def end_segment(self, track_id: str, at: float) -> None:
        """Close the track's file, if it has one."""
        record, file = self._segments.pop(track_id, (None, None))
        if record is None or file is None:
            return
        self._close_file(file)
        self.append(
            SegmentEnded(
                at=at,
                track_id=track_id,
                file=record.file,
                rtp=record.rtp + file.begins + file.end_pts,
                frames=file.frames,
            )
        )

    def _close_file(self, file: SegmentFile) -> None:
        try:
            file.close()
        except FormatError:
            return  # what could be written of it is

    def close(self, at: float, *, lesson_over: bool) -> None:
        """Close every file. A recording whose lesson is over is never gone on with."""
        try:
            for track_id in list(self._segments):
                self.end_segment(track_id, at)
            if lesson_over:
                self.append(Closed(at=at))
            self.sync()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of everything after a refusal of the disk; what is written stays."""
        for _, file in self._segments.values():
            try:
                self._close_file(file)
            except StorageError:
                continue  # it refused before: that is why we are here
        self._segments.clear()
        with self._lock:
            if self._journal >= 0:
                os.close(self._journal)
                self._journal = -1

    def sync(self) -> None:
        """Bring all that is written to the disk itself. Any thread may call this."""
        for _, file in list(self._segments.values()):
            file.sync()
        with self._lock:
            if self._journal < 0 or not self._dirty:
                return
            self._dirty = False
            try:
                os.fdatasync(self._journal)
            except OSError as error:
                raise StorageError.from_os(error, self.path) from error

    def _open_journal(self) -> bool:
        """Open for appending, behind the last line that ended; whether there were any records."""
        path = self.path / JOURNAL
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._journal = os.open(path, flags, 0o600)
        lock_journal(self._journal, self.path)
        content = read_journal(path.read_bytes())
        os.ftruncate(self._journal, content.ended_bytes)
        return bool(content.records)


def lock_journal(journal: int, path: Path) -> None:
    """Make this open journal ours alone, until it is closed.

    The process before us may still be closing its files, or finishing. Raises `StorageError` when
    it does not come to an end.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StorageError(
                    "in-use",
                    f"Another process writes to the recording {path}. End it (it is a recorder "
                    "that was left behind); the recording goes on with the next start.",
                ) from None
            time.sleep(LOCK_RETRY_S)
        else:
            return


def read_recording(path: Path) -> list[AnyRecord]:
    """The records of a recording's journal. Raises `OSError` when there is none to read."""
    return read_with_damage(path)[0]


def read_with_damage(path: Path) -> tuple[list[AnyRecord], int]:
    """The records, and how many lines cannot be read beside one that a crash has torn."""
    content = read_journal((path / JOURNAL).read_bytes())
    records, _ = parse_records(content.records)
    return records, content.damaged_lines - content.torn


def sync_folder(path: Path) -> None:
    """Bring a folder's names to the disk. Raises `OSError`."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
