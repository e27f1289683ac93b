"""An object store that is really one, SeaweedFS on loopback; before it a relay that makes faults.

The program comes as a wheel. It listens on the ports it is told and on each of them plus 10000, and
ends only by SIGKILL.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from urllib.request import urlopen

PROGRAM = Path(sys.executable).with_name("weed")
BUCKET = "lessons"
KEYS = ("AKTONGKE", "a-secret-of-the-tests")
START_LIMIT_S = 90.0
START_TRIES = 3
_IDENTITIES = {
    "identities": [
        {
            "name": "tongke",
            "credentials": [{"accessKey": KEYS[0], "secretKey": KEYS[1]}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}


@contextmanager
def object_server(folder: Path) -> Iterator[int]:
    """The port of a running store with an empty bucket; nothing of it is left afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "s3.json").write_text(json.dumps(_IDENTITIES))
    process, port = _started(folder)
    try:
        yield port
    finally:
        _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _started(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A port that was free may be somebody's a moment later: then others are tried."""
    log = folder / "weed.log"
    for _ in range(START_TRIES):
        master, volume, filer, s3 = _ports(4)
        command = [
            str(PROGRAM), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}",
            f"-master.port={master}", f"-volume.port={volume}", "-volume.max=8",
            "-master.volumeSizeLimitMB=1024", "-filer", f"-filer.port={filer}", "-s3",
            f"-s3.port={s3}", f"-s3.config={folder / 's3.json'}", "-s3.autoCreateBucket",
        ]  # fmt: skip
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=folder, stdout=out, stderr=out, start_new_session=True,
                env={**os.environ, "HOME": str(folder)},
            )  # fmt: skip
        try:
            if _answers(process, s3):
                return process, s3
        except BaseException:
            _end(process)
            raise
        _end(process)
    raise AssertionError(f"the object store did not start:\n{log.read_text()[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def has_object_server() -> bool:
    return PROGRAM.is_file()


def _ports(count: int) -> list[int]:
    """Ports that are free, and those 10000 above them too."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(33_000, 45_000)
        if port not in found and _free(port) and _free(port + 10_000):
            found.append(port)
    return found


def _free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as said,
        ):
            if said.status == 200:
                return True
        time.sleep(0.1)
    return False


_REQUEST = re.compile(rb"^(PUT|GET|DELETE|HEAD) (\S+) HTTP/1\.1\r\n")
_BUSY = b"HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Hang(Enum):
    """Where an answer stays away for ever, while the connection stands."""

    UNHEARD = "the store never hears of it"
    DONE = "the store does it, and is not heard"
    TORN = "half of what the store says first"


@dataclass
class FaultyRelay:
    """Passes connections on to `port`; a share of the requests fails before the store hears of
    them, after it has done them, or with 503. `put_done` counts what the store was given whole.
    The next request of a method hangs as `hang` says, once, and is counted in `hung`.
    """

    port: int
    share: float
    rng: random.Random
    is_cut: bool = False
    hang: dict[str, Hang] = field(default_factory=dict)
    hung: Counter[Hang] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    put_done: Counter[str] = field(default_factory=Counter)
    put_begun: Counter[str] = field(default_factory=Counter)
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._taken, "127.0.0.1", 0, limit=1 << 20)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Every connection ends, and none comes about until `is_cut` is False again."""
        self.is_cut = True
        for writer in list(self._open):
            writer.transport.abort()

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        there: asyncio.StreamWriter | None = None
        try:
            if self.is_cut:
                return
            back, there = await asyncio.open_connection("127.0.0.1", self.port)
            self._open.add(there)
            line = _Line(self)
            await asyncio.gather(line.up(reader, there, writer), line.down(back, writer))
        except (OSError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for one in filter(None, (writer, there)):
                one.transport.abort()
                self._open.discard(one)
            self._tasks.discard(task)


@dataclass
class _Line:
    """One connection: requests come one after the other."""

    relay: FaultyRelay
    put: str = ""
    cut_answer: bool = False
    hangs: Hang | None = None

    async def up(
        self,
        reader: asyncio.StreamReader,
        there: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
    ) -> None:
        relay = self.relay
        while data := await reader.read(1 << 18):
            found = _REQUEST.match(data)
            if found is not None:
                key = found[2].decode().partition("?")[0]
                self.put = key if found[1] == b"PUT" else ""
                if self.put:
                    relay.put_begun[key] += 1
                self.hangs = relay.hang.pop(found[1].decode(), None)
                if self.hangs:
                    relay.hung[self.hangs] += 1
                if relay.rng.random() < relay.share:
                    how = relay.rng.choice(["before", "after", "503"])
                    relay.failed[how] += 1
                    if how == "503":
                        back.write(_BUSY)
                        await back.drain()
                    if how != "after":
                        raise ConnectionError(how)
                    self.cut_answer = True
            if self.hangs is Hang.UNHEARD:
                continue
            there.write(data)
            await there.drain()
        raise ConnectionError("the client is gone")

    async def down(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 18):
            if self.put and data.startswith(b"HTTP/1.1 200"):
                self.relay.put_done[self.put] += 1
                self.put = ""
            if self.cut_answer:
                raise ConnectionError("after")
            if self.hangs is Hang.TORN:
                data, self.hangs = data[: len(data) // 2], Hang.DONE
            elif self.hangs is Hang.DONE:
                continue
            back.write(data)
            await back.drain()
        raise ConnectionError("the store is gone")
