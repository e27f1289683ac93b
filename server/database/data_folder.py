"""The data folder: made, checked for writing, locked against a second server, home of the keys.

Owns the folder's own files (`lock`, key files). The database, the certificate and the recordings
in it belong to their own modules.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from server.errors import StartPutOff, StartRefused, start_refused
from server.system_errors import why

UNFINISHED_RESTORE = ".restore-"  # begins the name of the folder that a restore fills first


class DataFolder:
    """A writable folder that only this process serves from; `close()` gives it free."""

    def __init__(self, path: Path) -> None:
        """Makes the folder if it is missing and locks it.

        Raises `StartRefused` when it cannot be written or another server runs from it.
        """
        self.path = path
        make_folder(path, setting="data_folder")
        with told_of(path / "lock"):
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise StartPutOff(
                f"Another Tongke server is already running from the data folder {path}. Stop it "
                "first, or give this one a folder of its own with --data-folder.",
                f"另一个同课服务器正在使用数据文件夹 {path}。请先停止它，"
                "或用 --data-folder 另指定一个文件夹。",
            ) from None

        if any(path.glob(f"{UNFINISHED_RESTORE}*")):
            os.close(self._lock)
            raise StartRefused(
                f"A restore into the data folder {path} was cut short, and what lies there is not "
                "whole. Empty the folder and restore again.",
                f"恢复到数据文件夹 {path} 的过程中断了，其中的内容不完整。"
                "请清空该文件夹，再恢复一次。",
            )

    def close(self) -> None:
        """Let go of the lock. The folder stays."""
        os.close(self._lock)


@contextlib.contextmanager
def told_of(path: Path) -> Iterator[None]:
    """A file of the data folder that the server must write or read and cannot: `StartRefused`."""
    try:
        yield
    except OSError as error:
        raise start_refused(
            f"The file {path} cannot be used ({error.strerror}). It is the server's own: if "
            "something else stands in its place, take that away; else give the user that runs "
            "Tongke the right to read and write it, or free some space.",
            f"无法使用文件 {path}（{why(error).zh}）。它是服务器自己的文件："
            "若有别的东西占了它的位置，请移走；否则请让运行同课的用户有权读写，或腾出空间。",
            error,
        ) from None


def make_folder(path: Path, *, setting: str) -> None:
    """Make `path` (private to us when new) and prove that a file can be written there.

    Raises `StartRefused`, naming the setting to change.
    """
    probe = path / f".probe-{os.getpid()}"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise start_refused(
            f"The folder {path} cannot be written ({error.strerror}). Give the user that runs "
            f"Tongke the right to write there, free some space, or choose another folder by the "
            f"setting {setting} (TONGKE_{setting.upper()}).",
            f"无法写入文件夹 {path}（{why(error).zh}）。请让运行同课的用户有权写入，腾出空间，"
            f"或用设置 {setting}（TONGKE_{setting.upper()}）另选一个文件夹。",
            error,
        ) from None


def write_private(path: Path, content: bytes) -> None:
    """Write a file only its owner can read: temporary name, synced, renamed."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load_or_make_key(path: Path, *, size: int = 32) -> bytes:
    """The secret key kept at `path`, made at the first call. Raises `StartRefused` if damaged."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(size)
        write_private(path, key)
    except OSError as error:
        raise StartRefused(
            f"The key file {path} cannot be read ({error.strerror}).",
            f"无法读取密钥文件 {path}（{why(error).zh}）。",
        ) from None
    if len(key) != size:
        raise StartRefused(
            f"The key file {path} is damaged. Delete it: a new one is made, and whoever is in a "
            "lesson joins again by itself.",
            f"密钥文件 {path} 已损坏。请删除它：会自动生成新的，课堂中的设备会自行重新进入。",
        )
    return key
