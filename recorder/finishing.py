"""The queue of recordings to be finished: one at a time, each in a child process of its own.

Finishing reads and decodes what strangers sent; whatever that does to the child, the recorder goes
on recording. The child works at low priority. A recording whose finishing was cut short is simply
finished again: `finish` leaves nothing half done.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from pathlib import Path

# What `finish` ends with when the recording can be played and something that was recorded cannot.
EXIT_MISSING = 3

# An hour's lesson is copied in seconds, a day's in minutes; a child that takes longer hangs.
TIMEOUT_S = 1800.0

Refusal = tuple[str, str]


class FinishingQueue:
    """`add` recordings, `poll` for those that are done."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Path]] = deque()
        self._child: subprocess.Popen[bytes] | None = None
        self._recording_id = ""
        self._started_at = 0.0

    def add(self, recording_id: str, folder: Path) -> None:
        """Finish this recording when its turn comes; one that waits already is not added again."""
        if recording_id == self._recording_id or any(r == recording_id for r, _ in self._waiting):
            return
        self._waiting.append((recording_id, folder))

    def poll(self, now: float) -> list[tuple[str, Refusal | None]]:
        """Recordings that ended since the last call: (recording id, None or why it failed)."""
        done: list[tuple[str, Refusal | None]] = []
        if self._child is not None and now - self._started_at > TIMEOUT_S:
            self._child.kill()
        if self._child is not None and self._child.poll() is not None:
            output, _ = self._child.communicate()
            done.append((self._recording_id, _refusal(self._child.returncode, output)))
            self._child, self._recording_id = None, ""
        if self._child is None and self._waiting:
            self._recording_id, folder = self._waiting.popleft()
            self._started_at = now
            # Our own interpreter and module, and a path of our own making.
            self._child = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "recorder.finish", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C is for the server, which ends us all in order
            )
        return done

    def stop(self) -> None:
        """End the child; what it was doing is done again at the next start."""
        self._waiting.clear()
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child, self._recording_id = None, ""


def _refusal(returncode: int, output: bytes) -> Refusal | None:
    if returncode in (0, EXIT_MISSING):
        return None  # it can be played; what is missing is in its manifest
    try:
        answer = json.loads(output)
        return str(answer["code"]), str(answer["text"])
    except (ValueError, KeyError, TypeError):
        return (
            "finish-crashed",
            f"Making the recording playable failed (exit status {returncode}). What was recorded "
            "is kept, and finishing is tried again when the server starts.",
        )
