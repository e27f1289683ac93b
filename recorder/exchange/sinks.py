"""Where an export is written: a folder, or a ZIP in one stream whose entries are only stored.

Both are made under another name beside their place and stand there whole, synced, or not at all.
Media is compressed already; an entry that is stored is read by anything, from its middle too.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Protocol

from recorder.recording_folder import sync_folder
from recorder.unfinished_work import hold, sweep


class ExportSink(Protocol):
    """Takes the files of an export, one after the other."""

    def add(self, name: str, size: int, pieces: Iterable[bytes]) -> None:
        """A file of `size` bytes."""
        ...

    def finish(self) -> None:
        """All is there: it is brought to the disk and stands at its place."""
        ...

    def abandon(self) -> None:
        """Nothing stays."""
        ...


class FolderSink:
    """`ExportSink` as a folder. Raises `OSError`, `FileExistsError` where something stands."""

    def __init__(self, place: Path) -> None:
        _refuse_standing(place)
        _sweep_before(place)
        self.aside = _beside(place)
        self._place = place
        self.aside.mkdir(mode=0o700)
        self._held = hold(self.aside)
        self._folders = {self.aside}

    def add(self, name: str, size: int, pieces: Iterable[bytes]) -> None:
        """A file, synced."""
        path = self.aside / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folders.add(path.parent)
        with path.open("xb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())

    def finish(self) -> None:
        """The folder has its name."""
        for folder in self._folders:
            sync_folder(folder)
        _refuse_standing(self._place)
        self.aside.rename(self._place)
        sync_folder(self._place.parent)
        self._let_go()

    def abandon(self) -> None:
        """The folder beside it goes."""
        shutil.rmtree(self.aside, ignore_errors=True)
        self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, -1
        if held >= 0:
            os.close(held)


class ZipSink:
    """`ExportSink` as a ZIP file. Raises as `FolderSink` does."""

    def __init__(self, place: Path, *, at: float, aside: Path | None = None) -> None:
        """`at` is what its entries say when they were made, Unix time; `aside` its name until it is
        whole.
        """
        _refuse_standing(place)
        if aside is None:
            _sweep_before(place)
        self.aside = aside or _beside(place)
        self._place = place
        handle = os.open(self.aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        self._file: IO[bytes] = os.fdopen(handle, "wb")
        self._held = hold(self.aside)
        self._zip = StoredZip(self._file, at=at)

    def add(self, name: str, size: int, pieces: Iterable[bytes]) -> None:
        """An entry."""
        self._zip.add(name, size, pieces)

    def finish(self) -> None:
        """The directory at its end, and its name."""
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        _refuse_standing(self._place)
        self.aside.rename(self._place)
        sync_folder(self._place.parent)
        self._let_go()

    def abandon(self) -> None:
        """The file beside it goes."""
        with contextlib.suppress(OSError, ValueError):
            self._zip.close()  # else it would come back to the file when it is collected
        with contextlib.suppress(OSError):
            self._file.close()  # a full disk refuses what it still holds
        self.aside.unlink(missing_ok=True)
        self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, -1
        if held >= 0:
            os.close(held)


class StoredZip:
    """Entries, stored, into any stream; ZIP64 where a size asks for it."""

    def __init__(self, stream: IO[bytes], *, at: float) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=True)
        moment = time.gmtime(min(max(at, _FIRST), _LAST))
        self._moment = (*moment[:5], moment[5] // 2 * 2)

    def add(self, name: str, size: int, pieces: Iterable[bytes]) -> None:
        """A file of `size` bytes: more would not fit into what its entry has said."""
        entry = zipfile.ZipInfo(name, self._moment)
        entry.file_size = size
        entry.external_attr = (stat.S_IFREG | 0o644) << 16
        with self._zip.open(entry, "w") as out:
            for piece in pieces:
                out.write(piece)

    def close(self) -> None:
        """The directory at the end."""
        self._zip.close()


# A ZIP counts its years from 1980, in seven bits (APPNOTE 4.4.6).
_FIRST, _LAST = 315_532_800.0, 4_354_819_198.0


_ASIDE_ENDS = ".part"


def _beside(place: Path) -> Path:
    return place.with_name(f".{place.name}.{secrets.token_hex(4)}{_ASIDE_ENDS}")


def _sweep_before(place: Path) -> None:
    """What an export to the same place has left that was killed."""
    sweep(place.parent, begins=f".{place.name}.", ends=_ASIDE_ENDS)


def _refuse_standing(place: Path) -> None:
    if os.path.lexists(place):
        raise FileExistsError(place)
