"""The parts of a recording are made: two at a time, and none twice.

Each part that stands has a note beside it (`.made-NAME.json`): of what it was made, and its files'
checksums. Finishing that was cut short goes on behind the last one: a part whose note speaks of the
same tracks, and whose files are still what the note says, is not made again. The notes go when the
manifest stands.

The second process is a fork: it has all that was read, and ends when we do.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recorder.checksums import Checksum, checksum_of
from recorder.errors import FinishError, StorageError
from recorder.part_file import MadePart, PartContent, make_part
from recorder.recording_folder import JOURNAL
from recorder.whole_file import whole_file

NOTES = ".made-*.json"

# Changed whenever the same tracks give another file.
_MAKING = 1

# A second process costs a moment: less than this is made by one, in as long.
WORTH_BYTES = 16 << 20

_SET_PARENT_DEATH_SIGNAL = 1  # prctl(2), PR_SET_PDEATHSIG


@dataclass(frozen=True, slots=True)
class PartToMake:
    """A part to be made, by its name without ending."""

    name: str
    content: PartContent

    @property
    def bytes(self) -> int:
        """About how much there is to do."""
        return sum(file.stat().st_size for file in self.files if file.exists())

    @property
    def files(self) -> list[Path]:
        """The tracks' files that go into it."""
        tracks = [*([self.content.picture] if self.content.picture else ()), *self.content.sounds]
        return [track.file.path for track in tracks]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order: a part, nothing (there was nothing in it), or why there is none."""

    made: MadePart | None = None
    checksums: tuple[Checksum, ...] = ()
    refused: str = ""


def make_all(folder: Path, orders: Sequence[PartToMake]) -> list[Outcome]:
    """Each order's outcome, in their order. Raises `StorageError` when the disk refuses."""
    worth_it = sum(order.bytes for order in orders) >= WORTH_BYTES
    # A fork has one thread only: what others of ours hold just then it would wait for for ever.
    can = len(orders) > 1 and threading.active_count() == 1
    ours, theirs = _shared(orders) if worth_it and can else (orders, ())
    with _second_process(folder, theirs) as second:
        done = {order.name: _make(folder, order) for order in ours}
        done |= second.outcomes()
    # What a second process that ended early left is made here.
    return [done.get(order.name) or _make(folder, order) for order in orders]


def forget_notes(folder: Path) -> None:
    """The manifest says it all."""
    for note in folder.glob(NOTES):
        note.unlink(missing_ok=True)


def noted_files(folder: Path) -> set[str]:
    """Files that a note vouches for."""
    return {
        str(checksum.get("file"))
        for note in folder.glob(NOTES)
        for checksum in _members(note).get("checksums", ())
    }


def _shared(orders: Sequence[PartToMake]) -> tuple[list[PartToMake], list[PartToMake]]:
    """Two halves of about the same work."""
    halves: tuple[list[PartToMake], list[PartToMake]] = ([], [])
    loads = [0, 0]
    for order in sorted(orders, key=lambda order: -order.bytes):
        lighter = 0 if loads[0] <= loads[1] else 1
        halves[lighter].append(order)
        loads[lighter] += order.bytes
    return halves


def _make(folder: Path, order: PartToMake) -> Outcome:
    note = folder / f".made-{order.name}.json"
    key = _key(folder, order)
    standing = _standing(folder, note, key)
    if standing is not None:
        return standing
    try:
        made = make_part(folder, order.name, order.content)
    except FinishError as error:
        return Outcome(refused=str(error))
    if made is None:
        return Outcome()
    try:
        names = filter(None, (made.file, made.playlist))
        outcome = Outcome(made, tuple(checksum_of(folder / name) for name in names))
        _write_note(note, key, outcome)
    except OSError as error:
        raise StorageError.from_os(error, folder) from error
    return outcome


# --- notes --------------------------------------------------------------------------------------


def _key(folder: Path, order: PartToMake) -> str:
    """Of what the part is made: the journal says when everything was, the files what."""
    content = order.content
    files = [(file.name, *_state(file)) for file in order.files]
    said = repr((_MAKING, content.start, content.end, content.picture_end, content.codec, files))
    digest = hashlib.sha256(said.encode())
    digest.update((folder / JOURNAL).read_bytes())
    return digest.hexdigest()


def _state(file: Path) -> tuple[int, int]:
    try:
        standing = file.stat()
    except OSError:
        return (0, 0)
    return (standing.st_size, standing.st_mtime_ns)


def _write_note(note: Path, key: str, outcome: Outcome) -> None:
    members = {"key": key, **_told(outcome)}
    with whole_file(note) as file:
        file.write(json.dumps(members).encode())


def _standing(folder: Path, note: Path, key: str) -> Outcome | None:
    """The part that was made of this before, if it is still what it was."""
    members = _members(note)
    if members.get("key") != key:
        return None
    try:
        outcome = _outcome(members)
        if all(checksum_of(folder / one.file) == one for one in outcome.checksums):
            return outcome
    except (KeyError, TypeError, ValueError, OSError):
        return None
    return None


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "made": asdict(outcome.made) if outcome.made else None,
        "checksums": [one.model_dump() for one in outcome.checksums],
        "refused": outcome.refused,
    }


def _outcome(members: dict[str, Any]) -> Outcome:
    """Raises `KeyError`, `TypeError` or `ValueError` for members that are none."""
    return Outcome(
        MadePart(**members["made"]) if members["made"] else None,
        tuple(Checksum.model_validate(one) for one in members["checksums"]),
        members.get("refused", ""),
    )


def _members(note: Path) -> dict[str, Any]:
    try:
        members = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return {}
    return members if isinstance(members, dict) else {}


# --- the second process -------------------------------------------------------------------------


class _SecondProcess:
    """A fork that makes orders; `outcomes` waits for it."""

    def __init__(self, pid: int, pipe: int) -> None:
        """`pid` is 0 where there is none."""
        self._pid = pid
        self._pipe = pipe

    def __enter__(self) -> _SecondProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)  # we have failed, or it has ended
            os.waitpid(self._pid, 0)
            os.close(self._pipe)

    def outcomes(self) -> dict[str, Outcome]:
        """What it made. Raises `StorageError` as it did."""
        if not self._pid:
            return {}
        with os.fdopen(os.dup(self._pipe), "rb") as pipe:
            told = pipe.read()
        try:
            members = json.loads(told)
        except ValueError:
            return {}  # it was killed
        if "refused" in members:
            raise StorageError(**members["refused"])
        return {name: _outcome(one) for name, one in members["outcomes"].items()}


def _second_process(folder: Path, orders: Sequence[PartToMake]) -> _SecondProcess:
    if not orders:
        return _SecondProcess(0, -1)
    parent = os.getpid()
    read, write = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid:
        os.close(write)
        return _SecondProcess(pid, read)
    status = 1
    try:
        os.close(read)
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() == parent:
            outcomes = {order.name: _told(_make(folder, order)) for order in orders}
            _tell(write, {"outcomes": outcomes})
        status = 0
    except StorageError as error:
        _tell(write, {"refused": {"code": error.code, "text": str(error)}})
    finally:
        os._exit(status)


def _tell(pipe: int, members: dict[str, Any]) -> None:
    with os.fdopen(pipe, "w", encoding="utf-8") as out:
        json.dump(members, out)
