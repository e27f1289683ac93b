"""The recorder process: one loop over the control connection and the taps.

Owns nothing by itself: it hands datagrams to `track`, work to `writer`, closed recordings to
`finishing`, and messages both ways over the control connection. It ends when that connection does:
files are closed in order then, and recordings whose lesson is not over stay open for the next
recorder.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
import traceback
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from mixer.reading.control import LineSplitter, TapFailed, TapReady, encode
from mixer.reading.errors import ControlError
from mixer.reading.tap_socket import TapSocket
from recorder.collecting import Collecting, datagrams_held
from recorder.control import (
    CloseRecording,
    CloseTap,
    Command,
    Finished,
    Finishing,
    FinishRecording,
    Hello,
    Journaled,
    JournalEvent,
    OpenRecording,
    OpenTap,
    PauseRecording,
    RecordingFailed,
    Report,
    Running,
    StartTap,
    parse_command,
)
from recorder.finishing import FinishingQueue
from recorder.records import Happened, Opened, TrackEnded, TrackStarted
from recorder.track import Feedback, FrameReady, NewFile, Output, Track, TrackFormat
from recorder.writer import (
    Append,
    Close,
    ClosedFor,
    EventWritten,
    Open,
    Opening,
    Outcome,
    StartSegment,
    SwitchOff,
    Work,
    WriteFrame,
    Writer,
    WriteRefused,
)

# How often time alone is looked at, and the writer given what has come: holes in a track are given
# up, and a frame is written, this much late at most. To wake the writer costs more than a frame.
TICK_S = 0.1


# Datagrams that wait for a tap's description (they arrive within milliseconds of each other).
MAX_EARLY_DATAGRAMS = 2048

# An hour of reports; a server that left so many unread is not coming back to them.
MAX_UNSENT_BYTES = 16 << 20


@dataclass(slots=True)
class _Tap:
    command: OpenTap
    socket: TapSocket
    track: Track | None
    early: deque[tuple[bytes, float, float]]


def unix_offset_s() -> float:
    """Unix time less our steady clock's, as the machine has both now."""
    return time.time() - time.monotonic()


class RecorderProcess:
    """`run` returns when the server is gone."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._control.setblocking(False)
        self._lines = LineSplitter()
        self._unsent = b""
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # Unix time that never jumps while anything is recorded, whatever is done to the machine's
        # clock. A lesson keeps time so as well, from its own beginning (`signaling.lesson_clock`).
        self._epoch = unix_offset_s()
        self._open: set[str] = set()  # recordings
        self._writer = Writer(self._wake, wall=lambda: self._epoch + time.monotonic())
        self._finishing = FinishingQueue()
        self._taps: dict[str, _Tap] = {}
        self._server_is_there = True
        self._collecting = Collecting(datagrams_held())
        self._took = 0  # datagrams of the fullest tap, at the last look
        self._stepped_at = 0.0
        self._ticked_at = 0.0

    def run(self) -> None:
        """Serve until the control connection ends."""
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._report(Hello(pid=os.getpid()))
        try:
            while self._server_is_there:
                self._step()
        finally:
            self._stop()

    def _step(self) -> None:
        # While packets come there is something each time: we sleep, and then look. One wake-up.
        if self._took:
            slept_s = time.monotonic() - self._stepped_at
            time.sleep(max(0.0, self._collecting.collect_s - slept_s))
        ready = self._selector.select(0 if self._took else TICK_S)
        self._stepped_at = time.monotonic()
        taps = [key.data for key, _ in ready if isinstance(key.data, _Tap)]
        self._took = max((self._receive(tap) for tap in taps), default=0)
        self._collecting.took(self._took)
        for key, _ in ready:
            if key.fileobj is self._control:
                self._read_control()
            elif key.fileobj == self._wake_read:
                self._drain_wake()
        for outcome in self._writer.outcomes():
            self._heed(outcome)
        if time.monotonic() - self._ticked_at >= TICK_S:
            self._tick(time.monotonic())
        self._flush()

    def _tick(self, now: float) -> None:
        self._ticked_at = now
        for tap in list(self._taps.values()):
            if tap.track is not None:
                self._apply(tap, tap.track.poll(now, self._epoch + now))
        for recording_id, refusal in self._finishing.poll(now):
            if refusal is None:
                self._report(Finished(recording_id=recording_id))
            else:
                code, text = refusal
                self._report(RecordingFailed(recording_id=recording_id, code=code, text=text))
        self._writer.hand_over()

    # --- media ------------------------------------------------------------------------------

    def _receive(self, tap: _Tap) -> int:
        """How many datagrams waited."""
        try:
            return self._take_datagrams(tap)
        except Exception as error:
            # Our own fault with this source's packets: the other sources are still recorded.
            traceback.print_exc()
            tap.track = None
            self._forget_tap(tap)
            ended = TrackEnded(at=self._epoch + time.monotonic(), track_id=tap.command.track_id)
            self._writer.put(Append(tap.command.recording_id, ended))
            self._report(TapFailed(track_id=tap.command.track_id, text=f"{error!r}"))
            return 0

    def _take_datagrams(self, tap: _Tap) -> int:
        datagrams = tap.socket.receive()
        now = time.monotonic()
        wall = self._epoch + now
        for data in datagrams:
            if tap.track is not None:
                self._apply(tap, tap.track.handle_datagram(data, now, wall))
            elif len(tap.early) < MAX_EARLY_DATAGRAMS:
                tap.early.append((data, now, wall))
        return len(datagrams)

    def _apply(self, tap: _Tap, outputs: list[Output]) -> None:
        recording_id, track_id = tap.command.recording_id, tap.command.track_id
        for output in outputs:
            if isinstance(output, FrameReady):
                work: Work = WriteFrame(recording_id, track_id, output.frame, output.pts)
                if not self._writer.put(work, at_once=False) and tap.track is not None:
                    now = time.monotonic()
                    self._apply(tap, tap.track.overflow(now, self._epoch + now))
            elif isinstance(output, Feedback):
                tap.socket.send(output.data)
            elif isinstance(output, NewFile):
                at = self._epoch + time.monotonic()
                self._writer.put(
                    StartSegment(
                        recording_id, track_id, output.rtp, output.width, output.height, at
                    ),
                    at_once=False,
                )
            else:
                self._writer.put(Append(recording_id, output), at_once=False)

    def _close_tap(self, tap: _Tap) -> None:
        self._receive(tap)  # what was sent before the end
        self._forget_tap(tap)
        if tap.track is not None:
            now = time.monotonic()
            self._apply(tap, tap.track.end(now, self._epoch + now))

    def _forget_tap(self, tap: _Tap) -> None:
        if self._taps.pop(tap.command.track_id, None) is not None:
            self._selector.unregister(tap.socket)
            tap.socket.close()

    # --- the server's commands --------------------------------------------------------------

    def _read_control(self) -> None:
        try:
            data = self._control.recv(1 << 16)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._server_is_there = False
            return
        try:
            for line in self._lines.feed(data):
                self._obey(parse_command(line))
        except ControlError:
            # Only our own server speaks here: a line we cannot read means it is not ours.
            self._server_is_there = False
            raise

    def _obey(self, command: Command) -> None:
        if isinstance(command, OpenRecording):
            self._note_open(command.recording_id)
        at = self._epoch + time.monotonic()
        match command:
            case OpenRecording():
                opened = Opened(
                    recording_id=command.recording_id,
                    lesson_id=command.lesson_id,
                    title=command.title,
                    at=at,
                    seats=command.seats,
                )
                self._writer.put(Open(command.recording_id, Path(command.folder), opened))
            case JournalEvent():
                record = Happened(event_id=command.event_id, event=command.event)
                self._writer.put(Append(command.recording_id, record))
            case OpenTap():
                self._open_tap(command)
            case StartTap():
                self._start_tap(command, at)
            case CloseTap():
                tap = self._taps.get(command.track_id)
                if tap is not None:
                    self._close_tap(tap)
            case PauseRecording():
                self._close_taps_of(command.recording_id)
                self._writer.put(SwitchOff(command.recording_id, at))
            case CloseRecording():
                self._open.discard(command.recording_id)
                self._close_taps_of(command.recording_id)
                self._writer.put(Close(command.recording_id, at, lesson_over=True))
            case FinishRecording():
                self._finish(command.recording_id, Path(command.folder))

    def _note_open(self, recording_id: str) -> None:
        """Where nothing else is recorded the machine's clock is looked at again: it may have been
        set since."""
        if not self._open:
            self._epoch = unix_offset_s()
        self._open.add(recording_id)

    def _open_tap(self, command: OpenTap) -> None:
        if command.track_id in self._taps:
            return
        try:
            tap_socket = TapSocket(Path(command.socket_path))
        except OSError as error:
            text = f"no socket at {command.socket_path}: {error.strerror or error}"
            self._report(TapFailed(track_id=command.track_id, text=text, passes=True))
            return
        tap = _Tap(command, tap_socket, None, deque())
        self._taps[command.track_id] = tap
        self._selector.register(tap_socket, selectors.EVENT_READ, tap)
        self._report(TapReady(track_id=command.track_id))

    def _start_tap(self, command: StartTap, at: float) -> None:
        tap = self._taps.get(command.track_id)
        if tap is None or tap.track is not None:
            return
        tap.socket.feedback_path = command.feedback_path
        track_format = TrackFormat(
            kind=command.kind,
            codec=command.codec,
            payload_type=command.payload_type,
            clock_rate=command.clock_rate,
            channels=command.channels,
            ssrc=command.ssrc,
            fmtp=command.fmtp,
        )
        try:
            tap.track = Track(command.track_id, track_format)
        except ValueError as error:
            self._report(TapFailed(track_id=command.track_id, text=str(error)))
            self._close_tap(tap)
            return
        started = TrackStarted(
            at=at,
            track_id=command.track_id,
            seat_id=tap.command.seat_id,
            source=tap.command.source,
            producer_id=tap.command.producer_id,
            device_id=command.device_id,
            kind=command.kind,
            codec=command.codec,
            clock_rate=command.clock_rate,
            channels=command.channels,
            beside=tap.command.beside,
        )
        self._writer.put(Append(tap.command.recording_id, started))
        while tap.early:
            self._apply(tap, tap.track.handle_datagram(*tap.early.popleft()))

    def _close_taps_of(self, recording_id: str) -> None:
        for tap in list(self._taps.values()):
            if tap.command.recording_id == recording_id:
                self._close_tap(tap)

    # --- what came of the work --------------------------------------------------------------

    def _heed(self, outcome: Outcome) -> None:
        match outcome:
            case Opening():
                self._report(Running(recording_id=outcome.recording_id))
            case EventWritten():
                self._report(Journaled(event_id=outcome.event_id))
            case WriteRefused():
                self._close_taps_of(outcome.recording_id)
                error = outcome.error
                self._report(
                    RecordingFailed(
                        recording_id=outcome.recording_id, code=error.code, text=str(error)
                    )
                )
            case ClosedFor():
                if outcome.lesson_over:
                    self._finish(outcome.recording_id, outcome.folder)

    def _finish(self, recording_id: str, folder: Path) -> None:
        self._report(Finishing(recording_id=recording_id))
        self._finishing.add(recording_id, folder)

    # --- the way back, and the end ----------------------------------------------------------

    def _report(self, report: Report) -> None:
        self._unsent += encode(report)
        self._flush()

    def _flush(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self._control.send(self._unsent) :]
        except (BlockingIOError, InterruptedError):
            # The server is busy; the next tick tries again. One that never reads is no server.
            self._server_is_there &= len(self._unsent) < MAX_UNSENT_BYTES
        except OSError:
            self._server_is_there = False

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"\0")
        except BlockingIOError:
            return  # it is awake enough

    def _drain_wake(self) -> None:
        try:
            os.read(self._wake_read, 4096)
        except BlockingIOError:
            return

    def _stop(self) -> None:
        for tap in list(self._taps.values()):
            self._close_tap(tap)
        self._finishing.stop()
        self._writer.stop(self._epoch + time.monotonic())
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
        self._control.close()
