"""Where an export is read from: a folder, or a ZIP. Whatever a name says, it leads nowhere else.

A folder's files are opened step by step without following links; of a ZIP only entries are read
that are stored, plain files, apart from each other and no longer than the ZIP itself: what is
stored cannot grow. A ZIP names nothing that is no file of an export.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from recorder.errors import ExchangeError
from recorder.exchange.form import ABOUT, MOST_FILES, is_name

_PIECE = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_ENTRY = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError)
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class ExportSource(Protocol):
    """Gives the bytes of an export's files."""

    def read(self, name: str) -> Iterator[bytes]:
        """Of one file. Raises `ExchangeError` when it is not there, or is none."""
        ...


@contextmanager
def open_source(place: Path) -> Iterator[ExportSource]:
    """An export at its place. Raises `ExchangeError`, `OSError`."""
    if place.is_dir():
        with contextlib.closing(_FolderSource(place)) as folder:
            yield folder
        return
    with place.open("rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or not zipfile.is_zipfile(file):
            raise ExchangeError("no-export", place.name)
        size = file.seek(0, os.SEEK_END)
        try:
            with zipfile.ZipFile(file) as opened:
                yield _ZipSource(opened, size)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, EOFError) as error:
            raise ExchangeError("no-export", place.name, str(error)) from None


class _FolderSource:
    def __init__(self, place: Path) -> None:
        self._root = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        if not (place / ABOUT).is_file():
            self.close()
            raise ExchangeError("no-export", place.name)

    def close(self) -> None:
        os.close(self._root)

    def read(self, name: str) -> Iterator[bytes]:
        *steps, last = name.split("/")
        folder = os.dup(self._root)
        try:
            for step in steps:
                inner = os.open(step, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
            handle = os.open(last, _FILE, dir_fd=folder)
        except FileNotFoundError:
            raise ExchangeError("wrong-bytes", name, "it is not there") from None
        except OSError as error:  # a link, or a file where a folder is to be
            raise ExchangeError("unsafe", name, error.strerror or "") from None
        finally:
            os.close(folder)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ExchangeError("unsafe", name)
            while piece := file.read(_PIECE):
                yield piece


class _ZipSource:
    def __init__(self, opened: zipfile.ZipFile, size: int) -> None:
        self._zip = opened
        entries = opened.infolist()
        if len(entries) > MOST_FILES + 1:
            raise ExchangeError("unsafe", f"{len(entries)} files")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            if entry.filename[-1:] == "/" and is_name(entry.filename.removesuffix("/")):
                continue  # some programs put them in
            _refuse_unsafe(entry)
            if entry.filename in self._entries:
                raise ExchangeError("unsafe", entry.filename, "it is in it twice")
            self._entries[entry.filename] = entry
        # Stored entries that lie apart are together no longer than the file.
        if sum(entry.file_size for entry in self._entries.values()) > size:
            raise ExchangeError("unsafe", "the ZIP", "it says it holds more than it is long")
        if ABOUT not in self._entries:
            raise ExchangeError("no-export", "the ZIP")

    def read(self, name: str) -> Iterator[bytes]:
        entry = self._entries.get(name)
        if entry is None:
            raise ExchangeError("wrong-bytes", name, "it is not there")
        try:
            with self._zip.open(entry) as file:
                while piece := file.read(_PIECE):
                    yield piece
        except (*_NO_ENTRY, OSError) as error:
            # Its checksum does not fit, it is locked with a password, it was cut off, or lies
            # nowhere: a place before the file's beginning is an `OSError`, as a bad disk is.
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            raise ExchangeError("wrong-bytes", name, str(error)) from None


def _refuse_unsafe(entry: zipfile.ZipInfo) -> None:
    mode = entry.external_attr >> 16
    name = entry.orig_filename  # `filename` ends at a NUL
    if not is_name(name) or (mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
        raise ExchangeError("unsafe", ascii(name))
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise ExchangeError("packed", name)
