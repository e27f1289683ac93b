"""Recordings being finished: each in a child process of its own, a few at a time.

Finishing reads and decodes what strangers sent; whatever that does to a child, the recorder goes on
recording, and no other recording waits for it: a child that takes longer than its recording's size
explains gives its turn away, and is ended when it takes far longer. Children work at low priority.
A recording whose finishing was cut short is simply finished again: `finish` leaves nothing half
done.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from recorder.recording_folder import TRACKS

# What `finish` ends with when the recording can be played and something that was recorded cannot.
EXIT_MISSING = 3

# Children at work at once: lessons that end with the bell are finished one after the other.
TURNS = 2
# With those that have given their turn away. Each needs about a hundred megabytes.
MOST_CHILDREN = 8

# An hour of a seat in 720p (a gigabyte) is finished in half a minute on an idle machine; sound
# alone costs more per byte, and starting a second. While twelve lessons run it takes several times
# that.
_TURN_S, _TURN_BYTES_PER_S = 10.0, 10e6
_LIMIT_S, _LIMIT_BYTES_PER_S = 120.0, 500e3

# A child that is stuck in a failing disk cannot even be killed; it is not waited for.
_KILLED_S = 5.0

Refusal = tuple[str, str]


class FinishProcess(Protocol):
    """A process that finishes a recording: `subprocess.Popen`, as far as it is used here."""

    returncode: int | None

    def poll(self) -> int | None: ...
    def kill(self) -> None: ...
    def communicate(self, *, timeout: float | None = None) -> tuple[bytes, bytes]: ...


@dataclass(slots=True)
class _Finishing:
    recording_id: str
    child: FinishProcess
    turn_until: float
    limit: float
    killed_at: float | None = None


class FinishingQueue:
    """`add` recordings, `poll` for those that are done. `now` is a steady clock."""

    def __init__(self, start: Callable[[Path], FinishProcess] | None = None) -> None:
        self._start = start or start_child
        self._waiting: deque[tuple[str, Path]] = deque()
        self._finishing: list[_Finishing] = []

    def add(self, recording_id: str, folder: Path) -> None:
        """Finish this recording when its turn comes; one that waits already is not added again."""
        known = {one.recording_id for one in self._finishing} | {r for r, _ in self._waiting}
        if recording_id not in known:
            self._waiting.append((recording_id, folder))

    def poll(self, now: float) -> list[tuple[str, Refusal | None]]:
        """Recordings that ended since the last call: (recording id, None or why it failed)."""
        done: list[tuple[str, Refusal | None]] = []
        for one in list(self._finishing):
            if one.child.poll() is not None:
                output, _ = one.child.communicate()
                late = one.killed_at is not None
                refusal = _TOO_LONG if late else _refusal(one.child.returncode or 0, output)
            elif one.killed_at is None and now > one.limit:
                one.killed_at = now
                one.child.kill()
                continue
            elif one.killed_at is not None and now > one.killed_at + _KILLED_S:
                refusal = _TOO_LONG
            else:
                continue
            self._finishing.remove(one)
            done.append((one.recording_id, refusal))
        while self._waiting and self._has_turn(now):
            recording_id, folder = self._waiting.popleft()
            size = tracks_bytes(folder)
            self._finishing.append(
                _Finishing(
                    recording_id,
                    self._start(folder),
                    turn_until=now + _TURN_S + size / _TURN_BYTES_PER_S,
                    limit=now + _LIMIT_S + size / _LIMIT_BYTES_PER_S,
                )
            )
        return done

    def stop(self) -> None:
        """End the children; what they were doing is done again at the next start."""
        self._waiting.clear()
        for one in self._finishing:
            one.child.kill()
        for one in self._finishing:
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.child.communicate(timeout=_KILLED_S)
        self._finishing.clear()

    def _has_turn(self, now: float) -> bool:
        at_work = sum(now < one.turn_until for one in self._finishing)
        return at_work < TURNS and len(self._finishing) < MOST_CHILDREN


def tracks_bytes(folder: Path) -> int:
    """How much was recorded: what finishing's time and output are measured by."""
    size = 0
    with contextlib.suppress(OSError), os.scandir(folder / TRACKS) as files:
        for file in files:
            with contextlib.suppress(OSError):
                size += file.stat().st_size
    return size


def start_child(folder: Path) -> FinishProcess:
    """Begin to finish the recording in `folder`."""
    # Our own interpreter and module, and a path of our own making.
    return subprocess.Popen(  # noqa: S603 - see above
        [sys.executable, "-m", "recorder.finish", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C is for the server, which ends us all in order
    )


_TOO_LONG: Refusal = (
    "finish-too-long",
    "Making the recording playable took far longer than its size explains and was ended. What was "
    "recorded is kept.",
)


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
            "is kept.",
        )
