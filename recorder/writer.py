"""The writer: the thread that touches the disk, so that a slow disk never stops the receiving.

Owns the open recordings. Work comes over a bounded queue; when the disk is too slow for it,
frames are refused (the caller counts them and waits for a keyframe), records never are as long as
memory for a minute of them lasts. A second thread syncs once a second, so that a cut of the power
costs a second more than a kill. What a refusing disk does to one recording stays there: it stands
still until it is opened again, and its journal then says since when.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mixer.reading.frames import Frame
from recorder.errors import StorageError
from recorder.recording_folder import RecordingFolder
from recorder.records import (
    AnyRecord,
    DiskRefused,
    Happened,
    Opened,
    SwitchedOff,
    TrackEnded,
    TrackStarted,
)

# Half a minute of one lesson, or a second of thirty: a disk that is behind further will not catch
# up, and memory is for lessons.
MAX_QUEUED_FRAME_BYTES = 64 << 20
MAX_QUEUED = 50_000

# Each pass makes the disk write, and wakes it: oftener costs more than all of the receiving.
SYNC_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True)
class Open:
    """Open or go on with a recording."""

    recording_id: str
    folder: Path
    opened: Opened


@dataclass(frozen=True, slots=True)
class Append:
    """A record for the journal."""

    recording_id: str
    record: AnyRecord


@dataclass(frozen=True, slots=True)
class StartSegment:
    """The next frames of this track go to a new file."""

    recording_id: str
    track_id: str
    rtp: int
    width: int
    height: int
    at: float


@dataclass(frozen=True, slots=True)
class WriteFrame:
    """A frame of a track."""

    recording_id: str
    track_id: str
    frame: Frame
    pts: int


@dataclass(frozen=True, slots=True)
class SwitchOff:
    """Close a recording's files until it is opened again: it was switched off."""

    recording_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Close:
    """Close a recording; `lesson_over` says for good."""

    recording_id: str
    at: float
    lesson_over: bool


Work = Open | Append | StartSegment | WriteFrame | SwitchOff | Close


@dataclass(frozen=True, slots=True)
class Opening:
    """The recording is open."""

    recording_id: str


@dataclass(frozen=True, slots=True)
class EventWritten:
    """An event is in the journal."""

    event_id: str


@dataclass(frozen=True, slots=True)
class WriteRefused:
    """The disk refused; the recording takes nothing more until it is opened again."""

    recording_id: str
    error: StorageError


@dataclass(frozen=True, slots=True)
class ClosedFor:
    """The recording is closed, and its journal says so; `folder` holds it."""

    recording_id: str
    folder: Path
    lesson_over: bool


Outcome = Opening | EventWritten | WriteRefused | ClosedFor


class Writer:
    """`put` work from one thread; `outcomes` come back, and `wake` is called when there are any.

    `wall` gives Unix time.
    """

    def __init__(self, wake: Callable[[], None], *, wall: Callable[[], float] = time.time) -> None:
        self._wake = wake
        self._wall = wall
        self._work: deque[Work] = deque()
        self._frame_bytes = 0
        self._ready = threading.Condition()
        self._stopping = False
        self._folders: dict[str, RecordingFolder] = {}
        self._opens: dict[str, Open] = {}
        self._failures: dict[str, DiskRefused] = {}  # what their journals do not say yet
        self._outcomes: deque[Outcome] = deque()
        self._stop_sync = threading.Event()
        self._sync_refused: deque[tuple[str, RecordingFolder, StorageError]] = deque()
        self._thread = threading.Thread(target=self._run, name="recording-writer", daemon=True)
        self._sync_thread = threading.Thread(
            target=self._run_sync, name="recording-sync", daemon=True
        )
        self._thread.start()
        self._sync_thread.start()

    def put(self, work: Work, *, at_once: bool = True) -> bool:
        """Hand over work. False: the queue is full and the work is dropped.

        Not `at_once`: it waits for the next `hand_over`, and the writer sleeps on.
        """
        with self._ready:
            if isinstance(work, WriteFrame):
                size = len(work.frame.data)
                if self._frame_bytes + size > MAX_QUEUED_FRAME_BYTES:
                    return False
                if len(self._work) >= MAX_QUEUED // 2:
                    return False
                self._frame_bytes += size
            elif isinstance(work, Append) and len(self._work) >= MAX_QUEUED:
                return False
            self._work.append(work)
            if at_once:
                self._ready.notify()
        return True

    def hand_over(self) -> None:
        """The writer takes what was put."""
        with self._ready:
            if self._work:
                self._ready.notify()

    def outcomes(self) -> list[Outcome]:
        """What has come of the work since the last call."""
        out = []
        while self._outcomes:
            out.append(self._outcomes.popleft())
        return out

    def stop(self, at: float) -> None:
        """Do all work that waits, close every recording (not for good), end both threads."""
        with self._ready:
            self._stopping = True
            self._ready.notify()
        self._thread.join()
        self._stop_sync.set()
        self._sync_thread.join()
        for recording_id in list(self._folders):
            self._do(Close(recording_id, at, lesson_over=False))

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._work and not self._stopping:
                    self._ready.wait()
                if not self._work:
                    return
                batch = list(self._work)
                self._work.clear()
                self._frame_bytes = 0
            while self._sync_refused:
                recording_id, folder, error = self._sync_refused.popleft()
                if self._folders.get(recording_id) is folder:
                    self._refuse(recording_id, error)
            for work in batch:
                self._do(work)

    def _do(self, work: Work) -> None:
        try:
            self._carry_out(work)
        except StorageError as error:
            self._refuse(work.recording_id, error)
        except Exception:
            # Our own fault, and this recording's end; the others' writer must live.
            traceback.print_exc()
            fault = StorageError(
                "recorder-fault",
                "The recorder met an error of its own; its log has the details. What was "
                "recorded up to now is kept.",
            )
            self._refuse(work.recording_id, fault)

    def _carry_out(self, work: Work) -> None:
        if isinstance(work, Open):
            self._opens[work.recording_id] = work
            if work.recording_id not in self._folders:
                self._open(work)
            self._tell(Opening(work.recording_id))
            return
        folder = self._folders.get(work.recording_id)
        if isinstance(work, Close):
            self._close(work, folder)
        elif folder is None:
            return  # it stands still: what still comes for it is not recorded, and that was told
        elif isinstance(work, SwitchOff):
            self._pause(work, folder)
        elif isinstance(work, WriteFrame):
            folder.write_frame(work.track_id, work.frame, work.pts)
        elif isinstance(work, StartSegment):
            folder.start_segment(
                work.track_id, rtp=work.rtp, width=work.width, height=work.height, at=work.at
            )
        else:
            self._append(folder, work.record)

    def _open(self, work: Open) -> RecordingFolder:
        recording_id = work.recording_id
        failed = self._failures.get(recording_id)
        folder = RecordingFolder(work.folder, work.opened, failed=failed)
        self._failures.pop(recording_id, None)
        self._folders[recording_id] = folder
        return folder

    def _pause(self, work: SwitchOff, folder: RecordingFolder) -> None:
        """Its journal says since when; that it goes on is said when it is opened again."""
        folder.append(SwitchedOff(at=work.at))
        folder.close(work.at, lesson_over=False)
        del self._folders[work.recording_id]

    def _close(self, work: Close, folder: RecordingFolder | None) -> None:
        opened = self._opens.get(work.recording_id)
        if opened is None:
            return
        if folder is None and work.lesson_over:
            # The disk refused earlier. Perhaps it has room for the last words by now.
            now = opened.opened.model_copy(update={"at": work.at})
            folder = self._open(replace(opened, opened=now))
        if folder is not None:
            folder.close(work.at, lesson_over=work.lesson_over)
            del self._folders[work.recording_id]
        del self._opens[work.recording_id]
        self._tell(ClosedFor(work.recording_id, opened.folder, work.lesson_over))

    def _append(self, folder: RecordingFolder, record: AnyRecord) -> None:
        if isinstance(record, TrackStarted):
            folder.start_track(record)
            return
        if isinstance(record, TrackEnded):
            folder.end_segment(record.track_id, record.at)
        folder.append(record)
        if isinstance(record, Happened):
            self._tell(EventWritten(record.event_id))

    def _refuse(self, recording_id: str, error: StorageError) -> None:
        folder = self._folders.pop(recording_id, None)
        if folder is not None:
            folder.abandon()
        failed = DiskRefused(at=self._wall(), code=error.code, text=str(error))
        self._failures.setdefault(recording_id, failed)  # it stands still since the first
        self._tell(WriteRefused(recording_id, error))

    def _tell(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._wake()

    def _run_sync(self) -> None:
        while not self._stop_sync.wait(SYNC_INTERVAL_S):
            for recording_id, folder in list(self._folders.items()):
                try:
                    folder.sync()
                except StorageError as error:
                    self._sync_refused.append((recording_id, folder, error))
