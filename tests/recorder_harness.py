"""Drives a real recorder process in tests, as the server and the media core would."""

from __future__ import annotations

import fcntl
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from mixer.reading.control import LineSplitter
from recorder import control as c
from recorder.records import SeatRecord
from tests.recorded_media import Stream

R = TypeVar("R", bound=c.Message)

# Nothing here takes a second but finishing, which gives way to all else on the machine; only a
# recorder that hangs gets near this.
PATIENCE_S = 90.0


class RecorderHarness:
    """A recorder process and the media core's end of its taps."""

    def __init__(self, runtime: Path) -> None:
        self.runtime = runtime
        self.core_path = runtime / "core.sock"
        self.core_path.unlink(missing_ok=True)
        self.core = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.core.bind(str(self.core_path))
        self.core.settimeout(PATIENCE_S)
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE_S)
        self.control = ours
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "recorder", "--control-fd", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                umask=0,  # how open what it writes is, is its own matter
            )
        self._lines = LineSplitter()
        self._reports: list[c.Report] = []
        self.seen: list[c.Report] = []
        self._streams: dict[str, Stream] = {}
        self._flushes = 0
        self.wait(c.Hello)

    def __enter__(self) -> RecorderHarness:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> int:
        """The server goes: the recorder follows, with this exit status."""
        self.control.close()
        self.core.close()
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def say(self, command: c.Command) -> None:
        self.control.sendall(c.encode(command))

    def wait(self, kind: type[R]) -> R:
        """The next report of this kind; those before it are kept in `seen`."""
        while True:
            while self._reports:
                report = self._reports.pop(0)
                self.seen.append(report)
                if isinstance(report, kind):
                    return report
            data = self.control.recv(1 << 16)
            if not data:
                raise AssertionError(f"the recorder went away; it said {self.seen}")
            self._reports += [c.parse_report(line) for line in self._lines.feed(data)]

    # --- a lesson ---------------------------------------------------------------------------

    def open(self, folder: Path, *, recording_id: str = "rec1") -> None:
        """Open a recording of a lesson with a lead and a room."""
        self.say(
            c.OpenRecording(
                recording_id=recording_id,
                folder=str(folder),
                lesson_id="lesson1",
                title="数学",
                seats=(
                    SeatRecord(seat_id="lead", role="lead", name="李老师", school="一小"),
                    SeatRecord(seat_id="room1", role="room", name="三年级", school="山村小学"),
                ),
            )
        )

    def tap(
        self, track_id: str, stream: Stream, *, seat: str, source: str, device: str = ""
    ) -> None:
        """Open a tap and say what will come."""
        self.say(
            c.OpenTap(
                recording_id="rec1",
                track_id=track_id,
                socket_path=str(self.runtime / f"{track_id}.sock"),
                seat_id=seat,
                source=source,
                producer_id=f"p-{track_id}",
            )
        )
        assert self.wait(c.TapReady).track_id == track_id
        sound = stream.codec == "opus"
        self.say(
            c.StartTap(
                track_id=track_id,
                device_id=device or seat,
                kind="audio" if sound else "video",
                codec=stream.codec,
                payload_type=stream.payload_type,
                clock_rate=stream.clock_rate,
                channels=2 if sound else 0,
                ssrc=stream.ssrc,
                feedback_path=str(self.core_path),
            )
        )

    def send(self, track_id: str, data: bytes) -> None:
        """One datagram; waits while the tap's socket is full (the real core would drop)."""
        self.core.sendto(data, str(self.runtime / f"{track_id}.sock"))

    def play(self, packets: Iterable[tuple[float, str, bytes]]) -> None:
        """(time, track, datagram), each at its time: a recording is as long as it took."""
        began = time.monotonic()
        for at, track_id, data in sorted(packets, key=lambda packet: packet[0]):
            time.sleep(max(0.0, began + at - time.monotonic()))
            self.send(track_id, data)

    def settle(self) -> None:
        """Returns when all that was sent has gone through the recorder to its files.

        The kernel tells when the taps are drained; then an event goes the same way as the frames.
        """
        while struct.unpack("i", fcntl.ioctl(self.core, termios.TIOCOUTQ, bytes(4)))[0]:
            self._flush()
        self._flush()

    def _flush(self) -> None:
        self._flushes += 1
        event_id = f"settle-{self.process.pid}-{self._flushes}"
        self.say(c.JournalEvent(recording_id="rec1", event_id=event_id, event={"type": "settle"}))
        while self.wait(c.Journaled).event_id != event_id:
            continue
