"""The folder of a process's sockets: what killed ones left is removed, and nothing else."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from mixer.model import NodeSettings
from mixer.node import MediaNode, RuntimeFolder
from mixer.node.runtime_folder import PREFIX
from mixer.pump import Pump
from tests.unit.node.fake_pump import FakePump


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The system's temporary folder, empty, with a short name: a socket's address holds 107 bytes,
    and a test's own folder may be longer."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def within(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def left_by_a_killed_one() -> Path:
    """A process makes its folder, binds a socket there, and is killed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            mine = RuntimeFolder()
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind(str(mine.path / "tap.sock"))
            os.write(write, str(mine.path).encode())
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(write)  # else a child that fails is waited for
    os.waitpid(child, 0)
    told = os.read(read, 4096)
    os.close(read)
    assert told, "the child has made no folder"
    path = Path(told.decode())
    assert (path / "tap.sock").is_socket()
    return path


def test_an_orderly_end_leaves_nothing(temporary: Path) -> None:
    folder = RuntimeFolder()
    assert folder.path.parent == temporary
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "pump-0.sock").touch()
    folder.close()
    folder.close()
    assert within(temporary) == []


def test_the_next_life_removes_what_killed_ones_left_and_no_living_ones(temporary: Path) -> None:
    living = RuntimeFolder()
    left = [left_by_a_killed_one()]
    left.append(left_by_a_killed_one())
    assert not left[0].exists()  # the second has removed what the first had left
    folder = RuntimeFolder()
    assert set(temporary.iterdir()) == {living.path, folder.path}
    folder.close()
    living.close()


def test_what_is_not_a_folder_of_ours_stays_and_no_link_is_followed(
    temporary: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o700)
    (precious / "file").touch()
    (temporary / f"{PREFIX}link").symlink_to(precious, target_is_directory=True)
    (temporary / f"{PREFIX}file").touch()
    (temporary / f"{PREFIX}open").mkdir(mode=0o755)  # no folder that we have made
    (temporary / "tongke-of-somebody").mkdir(mode=0o700)
    before = set(temporary.iterdir())
    left = left_by_a_killed_one()
    (left / "within").symlink_to(precious, target_is_directory=True)
    RuntimeFolder().close()
    assert set(temporary.iterdir()) == before
    assert (precious / "file").exists()


def test_what_is_another_users_stays(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = left_by_a_killed_one()
    monkeypatch.setattr(os, "geteuid", lambda: left.stat().st_uid + 1)
    RuntimeFolder().close()
    assert left.exists()


def test_one_that_is_removed_before_it_is_locked_is_made_anew(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another process that starts at the same moment."""
    make, made = tempfile.mkdtemp, 0

    def mkdtemp(**named: str) -> str:
        nonlocal made
        made += 1
        path = make(**named)
        if made == 1:
            Path(path).rmdir()
        return path

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)
    folder = RuntimeFolder()
    assert made == 2
    assert within(temporary) == [folder.path]
    folder.close()


async def test_a_node_keeps_its_sockets_there(temporary: Path) -> None:
    left = left_by_a_killed_one()
    pump = FakePump()
    node = MediaNode(NodeSettings(host="127.0.0.1"), pump_factory=lambda *_: cast(Pump, pump))
    await node.start()
    (own,) = within(temporary)
    assert own != left
    await node.close()
    pump.close()
    assert within(temporary) == []
