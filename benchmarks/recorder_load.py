"""A recorder process fed as the media core feeds it: RTP in Unix datagrams, each at its time.

What a socket does not take waits here, as it does in the core, and is offered again; so nothing is
lost that the core would not lose.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.archived_lesson import LessonShape
from benchmarks.sent_lesson import PICTURE_TYPE, SOUND_TYPE, SentLesson, SentSource
from mixer.reading.control import LineSplitter
from recorder import control as c
from recorder.records import SeatRecord

START_S = 10.0


class FedRecorder:
    """A recorder at work, on one recording in `folder` or on several."""

    def __init__(self, runtime: Path, folder: Path, shape: LessonShape, *further: Path) -> None:
        """Starts it, opens the recordings and all taps; each has the same lesson of its own."""
        self._runtime = runtime
        (runtime / "core.sock").unlink(missing_ok=True)  # of one that was killed
        self._core = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._core.setblocking(False)
        self._core.bind(str(runtime / "core.sock"))
        self._feedback = str(runtime / "core.sock")
        self._control, theirs = socket.socketpair()
        self._control.settimeout(START_S)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "recorder", "--control-fd", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
            )
        self._lines = LineSplitter()
        self._lesson = SentLesson(shape, times=1 + len(further))
        self._open(shape, (folder, *further))

    def play(
        self,
        seconds: float,
        tell: Callable[[], None] = lambda: None,
        begun: Callable[[], bool] = lambda: True,
    ) -> float:
        """Send so many seconds of the lesson in as many, and `tell` now and then; they count from
        when it has `begun`. Returns when the last unit was sent, in seconds of the lesson."""

        def between() -> None:
            self._listen()
            tell()

        return self._lesson.play(seconds, self._drain, between, begun)

    def close(self) -> None:
        """The server is gone: the recorder ends in order."""
        self._control.close()
        self.process.wait(START_S)
        self._core.close()

    def kill(self) -> None:
        """SIGKILL; the sockets are free again."""
        self.process.kill()
        self.process.wait()
        self._control.close()
        self._core.close()

    def sent(self) -> dict[str, int]:
        """Frames or packets of sound sent so far, by track."""
        return self._lesson.sent()

    def _open(self, shape: LessonShape, folders: tuple[Path, ...]) -> None:
        seats = tuple(
            SeatRecord(seat_id=f"seat{n}", role="room" if n else "lead")
            for n in range(max(shape.pictures, shape.sounds))
        )
        for number, folder in enumerate(folders):
            self._say(
                c.OpenRecording(
                    recording_id=folder.name,
                    folder=str(folder),
                    lesson_id=f"l{number}",
                    title="",
                    seats=seats,
                )
            )
        each = len(self._lesson.sources) // len(folders)
        for number, source in enumerate(self._lesson.sources):
            self._tap(source, folders[number // each].name)

    def _path(self, source: SentSource) -> str:
        return str(self._runtime / f"{source.track_id}.sock")

    def _drain(self, source: SentSource) -> None:
        path = self._path(source)
        while source.waiting:
            try:
                self._core.sendto(source.waiting[0], path)
            except (BlockingIOError, OSError):
                return
            source.waiting.popleft()

    def _listen(self) -> None:
        """Keyframe requests and reports are read, and need no answer."""
        try:
            while self._core.recv(2048):
                continue
        except BlockingIOError:
            return

    def _tap(self, source: SentSource, recording_id: str) -> None:
        self._say(
            c.OpenTap(
                recording_id=recording_id,
                track_id=source.track_id,
                socket_path=self._path(source),
                seat_id=source.seat_id,
                source="room" if source.is_sound else "teacher",
                producer_id=f"p-{source.track_id}",
            )
        )
        self._wait_for(c.TapReady)
        self._say(
            c.StartTap(
                track_id=source.track_id,
                device_id=source.seat_id,
                kind="audio" if source.is_sound else "video",
                codec="opus" if source.is_sound else "H264",
                payload_type=SOUND_TYPE if source.is_sound else PICTURE_TYPE,
                clock_rate=48_000 if source.is_sound else 90_000,
                channels=2 if source.is_sound else 0,
                ssrc=source.ssrc,
                feedback_path=self._feedback,
            )
        )

    def _say(self, command: c.Command) -> None:
        self._control.sendall(c.encode(command))

    def _wait_for(self, kind: type[c.Message]) -> None:
        while True:
            data = self._control.recv(1 << 16)
            if not data:
                raise RuntimeError("the recorder went away")
            if any(isinstance(c.parse_report(line), kind) for line in self._lines.feed(data)):
                return
