"""A recorder process fed as the media core feeds it: RTP in Unix datagrams, each at its time.

What a socket does not take waits here, as it does in the core, and is offered again; so nothing is
lost that the core would not lose.
"""

from __future__ import annotations

import heapq
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.archived_lesson import (
    FRAMES_PER_S,
    LessonShape,
    loop_of_pictures,
    loop_of_sound,
)
from mixer.reading.control import LineSplitter
from mixer.rtp.packet import RtpPacket
from recorder import control as c
from recorder.records import SeatRecord

# As browsers cut their pictures.
PAYLOAD_BYTES = 1100
PICTURE_TYPE, SOUND_TYPE = 102, 111
START_S = 10.0
# As often as the core's pump drains what a reader did not take.
_STEP_S = 0.002

_FU_A = 28  # RFC 6184 §5.8


@dataclass(slots=True)
class _Source:
    track_id: str
    path: str
    ssrc: int
    is_sound: bool
    phase: float
    sequence: int = 0
    sent_units: int = 0
    waiting: deque[bytes] = field(default_factory=deque)


class FedRecorder:
    """A recorder at work on one recording in `folder`."""

    def __init__(self, runtime: Path, folder: Path, shape: LessonShape) -> None:
        """Starts it, opens the recording and all taps."""
        self.folder = folder
        self._shape = shape
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
        self._sources = [
            _Source(f"v{n}", str(runtime / f"v{n}.sock"), 100 + n, False, n / 200)
            for n in range(shape.pictures)
        ] + [
            _Source(f"a{n}", str(runtime / f"a{n}.sock"), 200 + n, True, n / 250)
            for n in range(shape.sounds)
        ]
        seats = tuple(
            SeatRecord(seat_id=f"seat{n}", role="room" if n else "lead")
            for n in range(max(shape.pictures, shape.sounds))
        )
        self._say(
            c.OpenRecording(
                recording_id=folder.name,
                folder=str(folder),
                lesson_id="l",
                title="",
                seats=seats,
            )
        )
        for source in self._sources:
            self._tap(source)

    def play(self, seconds: float) -> float:
        """Send so many seconds of the lesson in as many. Returns when the last unit was sent, in
        seconds of the lesson."""
        began = time.monotonic()
        due = [(source.phase, number) for number, source in enumerate(self._sources)]
        heapq.heapify(due)
        now = 0.0
        while now < seconds:
            now = time.monotonic() - began
            while due[0][0] <= now:
                at, number = heapq.heappop(due)
                source = self._sources[number]
                source.waiting.extend(self._packets(source))
                heapq.heappush(due, (at + _interval(source), number))
            for source in self._sources:
                self._drain(source)
            self._listen()
            time.sleep(_STEP_S)
        return now

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

    def sent(self, track_id: str) -> int:
        """Frames or packets of sound sent so far."""
        return next(s.sent_units for s in self._sources if s.track_id == track_id)

    def _packets(self, source: _Source) -> Iterator[bytes]:
        unit = source.sent_units
        source.sent_units += 1
        if source.is_sound:
            sounds = loop_of_sound()
            yield self._rtp(source, sounds[unit % len(sounds)], unit * 960, marker=False)
            return
        pictures = loop_of_pictures(self._shape.picture_bps, self._shape.keyframe_every_s)
        payloads = list(_payloads(pictures[unit % len(pictures)][0]))
        step = 90_000 // FRAMES_PER_S
        for number, payload in enumerate(payloads):
            yield self._rtp(source, payload, unit * step, marker=number == len(payloads) - 1)

    def _rtp(self, source: _Source, payload: bytes, timestamp: int, *, marker: bool) -> bytes:
        packet = RtpPacket(
            payload_type=SOUND_TYPE if source.is_sound else PICTURE_TYPE,
            sequence_number=source.sequence & 0xFFFF,
            timestamp=timestamp & 0xFFFF_FFFF,
            ssrc=source.ssrc,
            marker=marker,
            payload=payload,
        )
        source.sequence += 1
        return packet.serialize()

    def _drain(self, source: _Source) -> None:
        while source.waiting:
            try:
                self._core.sendto(source.waiting[0], source.path)
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

    def _tap(self, source: _Source) -> None:
        seat = f"seat{source.track_id[1:]}"
        self._say(
            c.OpenTap(
                recording_id=self.folder.name,
                track_id=source.track_id,
                socket_path=source.path,
                seat_id=seat,
                source="room" if source.is_sound else "teacher",
                producer_id=f"p-{source.track_id}",
            )
        )
        self._wait_for(c.TapReady)
        self._say(
            c.StartTap(
                track_id=source.track_id,
                device_id=seat,
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


def _interval(source: _Source) -> float:
    return 0.02 if source.is_sound else 1 / FRAMES_PER_S


def _payloads(frame: bytes) -> Iterator[bytes]:
    """A frame's NAL units as RFC 6184 §5.6 and §5.8 send them."""
    for unit in frame.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1"):
        if not unit:
            continue
        if len(unit) <= PAYLOAD_BYTES:
            yield unit
            continue
        indicator, kind, body = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F, unit[1:]
        for at in range(0, len(body), PAYLOAD_BYTES):
            begins, ends = at == 0, at + PAYLOAD_BYTES >= len(body)
            header = begins << 7 | ends << 6 | kind
            yield bytes((indicator, header)) + body[at : at + PAYLOAD_BYTES]
