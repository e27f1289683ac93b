"""A server as the recorder sees it: who holds its control connection and sends it packets.

It is a process of its own, so that it can be killed as a server is: from one moment to the next the
connection is closed, no packet comes, and nobody has said that the lesson is over.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import struct
import time
from pathlib import Path

from benchmarks.archived_lesson import LessonShape
from benchmarks.recorder_load import START_S, FedRecorder

# Longer than anybody lets it live.
_LONGEST_S = 600.0


class StandInServer:
    """Starts a recorder and sends it a lesson until it is killed."""

    def __init__(self, runtime: Path, folder: Path, shape: LessonShape) -> None:
        self._tracks = [f"v{n}" for n in range(shape.pictures)]
        self._tracks += [f"a{n}" for n in range(shape.sounds)]
        self._told = mmap.mmap(-1, mmap.PAGESIZE)  # the recorder's pid, then what was sent
        self._form = f"{1 + len(self._tracks)}q"
        self._pid = os.fork()
        if self._pid == 0:
            try:
                self._serve(FedRecorder(runtime, folder, shape))
            finally:
                os._exit(1)
        deadline = time.monotonic() + START_S
        while not self._numbers()[0]:
            if time.monotonic() > deadline:
                raise RuntimeError("the recorder did not start")
            time.sleep(0.01)
        self._recorder = os.pidfd_open(self._numbers()[0])

    def kill(self) -> dict[str, int]:
        """SIGKILL. Returns, when its recorder has closed its files and gone, what was sent."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        gone, _, _ = select.select([self._recorder], [], [], START_S)
        os.close(self._recorder)
        if not gone:
            raise RuntimeError("a recorder outlives its server")
        return dict(zip(self._tracks, self._numbers()[1:], strict=True))

    def _numbers(self) -> tuple[int, ...]:
        return struct.unpack_from(self._form, self._told)

    def _serve(self, recorder: FedRecorder) -> None:
        def tell() -> None:
            sent = recorder.sent()
            numbers = (sent[track] for track in self._tracks)
            struct.pack_into(self._form, self._told, 0, recorder.process.pid, *numbers)

        recorder.play(_LONGEST_S, tell)
