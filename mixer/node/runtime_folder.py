"""A folder for the sockets of one life of a process: its own, and gone with it.

Owns making it in the system's temporary folder (a Unix address holds 107 bytes, and a data folder's
name may be longer), removing it at an orderly end, and removing what killed forerunners left. Who
lives holds a lock (`flock`) on the folder, which the kernel lets go when the process dies, however;
`systemd-tmpfiles` leaves a locked folder alone too. In the temporary folder everybody may write:
what is not a real folder, ours and by our name is not touched, and no link is followed. Where
folders cannot be locked (NFS) nothing is removed but one's own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path

PREFIX = "tongke-run-"
_FOLDER_ITSELF = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class RuntimeFolder:
    """Made at once; `close` it."""

    def __init__(self) -> None:
        """Raises `OSError` when it cannot be made."""
        with contextlib.suppress(OSError):  # who may not look there leaves what is there
            remove_left_behind(Path(tempfile.gettempdir()))
        self.path, self._handle = _made()

    def close(self) -> None:
        """Remove it with what is in it; closing twice is fine."""
        if self._handle is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._handle)
            self._handle = None


def remove_left_behind(parent: Path) -> None:
    """Remove the folders in `parent` of this user's processes that have ended without doing it."""
    with os.scandir(parent) as entries:
        found = [Path(entry.path) for entry in entries if entry.name.startswith(PREFIX)]
    for path in found:
        with contextlib.suppress(OSError):  # gone meanwhile, a link, or somebody lives in it
            handle = os.open(path, _FOLDER_ITSELF)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_ours(handle) and _is_at(handle, path):
                    shutil.rmtree(path)
            finally:
                os.close(handle)


def _made() -> tuple[Path, int | None]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            handle = os.open(path, _FOLDER_ITSELF)
        except FileNotFoundError:
            continue  # another that starts has taken it for left behind: it was not locked yet
        with contextlib.suppress(OSError):  # no locks here, or one that is about to remove it
            fcntl.flock(handle, fcntl.LOCK_EX)
        if _is_at(handle, path):
            return path, handle
        os.close(handle)


def _is_ours(handle: int) -> bool:
    found = os.fstat(handle)
    return found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == stat.S_IRWXU


def _is_at(handle: int, path: Path) -> bool:
    """Whether the folder that is open still has this name."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False
