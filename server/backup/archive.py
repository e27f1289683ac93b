"""A backup's form: a tar file (POSIX.1-2001), uncompressed, for recordings are compressed already.

    backup.json      what it is (`About`); always the first
    data/…           the data folder
    tongke.db        a copy of the database as it was at one moment
    recordings/…     the recordings, wherever they lay
    elsewhere/NAME/… what a setting named that lay somewhere else (`tls_key`, the settings file)
    digests.json     the SHA-256 of each of them; always the last, so a torn file has none

Any tar program reads it. Names are checked on reading as if a stranger had made it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from server.backup.errors import BackupDamaged

ABOUT = "backup.json"
DIGESTS = "digests.json"
DATABASE = "tongke.db"
DATA = "data"
RECORDINGS = "recordings"
ELSEWHERE = "elsewhere"

FORMAT = 1
_PIECE = 1 << 20
_MOST_DIGESTS_BYTES = 1 << 28  # a million files


class About(BaseModel):
    """What a backup says of itself. `elsewhere` says where each such file lay."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: int
    version: str
    schema_version: str
    made_at: float
    with_recordings: bool
    with_database: bool
    elsewhere: dict[str, str] = {}
    recordings_folder: str = ""  # where a setting had put them; "" is in the data folder


class BackupWriter:
    """Puts files in, one after the other; `finish` before closing the stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._tar = tarfile.open(  # noqa: SIM115 - closed by `finish`
            # Not as a stream of its own ("w|"), which cries out when its disk is full.
            fileobj=stream,
            mode="w",
            format=tarfile.PAX_FORMAT,
        )
        self._digests: dict[str, str] = {}
        self.size = 0

    def add_bytes(self, name: str, content: bytes, *, at: float) -> None:
        """A file made for the backup."""
        self._add(name, io.BytesIO(content), len(content), at, 0o600)

    def add_file(self, name: str, path: Path) -> bool:
        """A file as it is now; False when it is gone.

        One that grows meanwhile goes in as long as it was when it was opened; one that became
        shorter is filled up with zeros.
        """
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            self._add(name, file, found.st_size, found.st_mtime, found.st_mode & 0o700)
        return True

    def finish(self) -> None:
        """The digests, and the end."""
        # In ASCII: a name that is no text (old systems' Chinese) stands as half characters.
        digests = json.dumps(self._digests, indent=0).encode()
        self._put(DIGESTS, io.BytesIO(digests), len(digests), 0.0, 0o600)
        self._tar.close()

    def _add(self, name: str, file: IO[bytes], size: int, at: float, mode: int) -> None:
        self._digests[name] = self._put(name, file, size, at, mode)

    def _put(self, name: str, file: IO[bytes], size: int, at: float, mode: int) -> str:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime, entry.mode = size, int(at), mode
        reader = _Exactly(file, size)
        self._tar.addfile(entry, reader)  # type: ignore[arg-type]  # it only reads
        self.size += size
        return reader.digest.hexdigest()


class _Exactly:
    """Reads so many bytes of a file, whatever becomes of it meanwhile, and sums them up."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        wanted = min(size, self._left)
        found = self._file.read(wanted)
        found += bytes(wanted - len(found))
        self._left -= wanted
        self.digest.update(found)
        return found


def read_backup(path: Path, take: Callable[[About, str, Iterator[bytes], int], None]) -> About:
    """Hand every file of a backup to `take` (about, name, its bytes, its mode), in its order.

    What `take` does not read is read and checked all the same. Raises `BackupDamaged`, at the end
    for a digest that does not fit: use nothing of it before this returns. Raises OSError.
    """
    about: About | None = None
    found: dict[str, str] = {}
    digests: dict[str, str] | None = None
    try:
        with tarfile.open(path, mode="r|") as tar:
            for entry in tar:
                file = tar.extractfile(entry) if entry.isreg() else None
                if file is None or not _is_safe(entry.name) or digests is not None:
                    raise BackupDamaged(
                        f"{entry.name!r} does not belong into a backup",
                        f"其中的 {entry.name!r} 不属于备份",
                    )
                if about is None:
                    about = _about(entry, file.read(_PIECE))
                    continue
                if entry.name == DIGESTS:
                    if entry.size > _MOST_DIGESTS_BYTES:
                        raise BackupDamaged("its digests are too long", "校验值的列表过长")
                    digests = json.loads(file.read())
                    continue
                if entry.name in found:
                    raise BackupDamaged(
                        f"{entry.name!r} is in it twice", f"其中有两个 {entry.name!r}"
                    )
                digest = hashlib.sha256()
                pieces = _pieces(file, digest.update)
                take(about, entry.name, pieces, entry.mode & 0o700)
                for _ in pieces:
                    pass
                found[entry.name] = digest.hexdigest()
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise BackupDamaged(str(error) or "it is no backup", "文件不完整，或不是备份") from None
    if about is None or digests is None:
        raise BackupDamaged("its end is missing", "缺少结尾")
    wrong = next(
        (
            name
            for name in {**digests, **found}
            if name != ABOUT and found.get(name) != digests.get(name)
        ),
        None,
    )
    if wrong is not None:
        raise BackupDamaged(f"{wrong!r} is not what was put in", f"{wrong!r} 已不是放入时的内容")
    return about


def _pieces(file: IO[bytes], seen: Callable[[bytes], None]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        seen(piece)
        yield piece


def _about(entry: tarfile.TarInfo, content: bytes) -> About:
    if entry.name != ABOUT:
        raise BackupDamaged("it is no backup of Tongke", "不是同课的备份")
    try:
        return About.model_validate_json(content)
    except ValidationError:
        raise BackupDamaged(f"its {ABOUT} cannot be read", f"无法读取其中的 {ABOUT}") from None


def _is_safe(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts
