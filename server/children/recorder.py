"""The recorder process as the server runs it: started, watched, started again, spoken with.

Owns the child process and the control connection (`recorder.control`). What is said over it, and
what has to be said again to a new recorder, is `server.recordings.recording`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable

import structlog

from recorder.control import MAX_LINE_BYTES, Command, Hello, Report, encode, parse_report
from recorder.errors import ControlError

_log = structlog.get_logger("tongke.recording")

# A recorder that crashes at once is not started more often than this; one that lived is started
# again at once, for every second without it is a second not recorded.
BACKOFF_S = (0.0, 0.5, 2.0, 5.0)
LIVED_S = 30.0

# It starts in half a second; a machine that is busy with eighty rooms joining takes longer.
HELLO_TIMEOUT_S = 20.0

# What it needs to close its files; a disk that hangs must not keep the server from stopping.
STOP_TIMEOUT_S = 10.0

# Commands are small and few: a recorder that leaves so many unread hangs.
MAX_UNREAD_BYTES = 8 << 20


class RecorderLink:
    """Keeps one recorder running from `start` to `close`.

    `on_up` is called when a recorder is there, `on_down` when it is gone, `on_report` for all it
    says; they are called in the event loop and must not block.
    """

    def __init__(
        self,
        *,
        on_up: Callable[[], None],
        on_report: Callable[[Report], None],
        on_down: Callable[[], None],
    ) -> None:
        self._on_up = on_up
        self._on_report = on_report
        self._on_down = on_down
        self._writer: asyncio.StreamWriter | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self.starts = 0

    @property
    def up(self) -> bool:
        """Whether a recorder is there to be told something."""
        return self._writer is not None

    @property
    def pid(self) -> int | None:
        """The recorder's process id, for tests and the metrics."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the recorder; it is there when `on_up` is called."""
        self._task = asyncio.create_task(self._keep_running(), name="recorder-link")

    async def close(self) -> None:
        """Let the recorder close its files and go."""
        self._closing.set()
        if self._task is None:
            return
        if self._writer is not None:
            self._writer.close()
        _, late = await asyncio.wait({self._task}, timeout=STOP_TIMEOUT_S)
        if late and self._process is not None:
            _log.error("the recorder does not stop and is killed", pid=self.pid)
            self._process.kill()
        await self._task

    def send(self, command: Command) -> bool:
        """Say something; False when nobody is there (it must be said again on `on_up`)."""
        if self._writer is None:
            return False
        try:
            line = encode(command)
        except ValueError as error:  # an event with text that is no text
            _log.error("the recorder cannot be told", type=command.type, why=str(error))
            return False
        if len(line) > MAX_LINE_BYTES:
            _log.error("too long for the recorder", type=command.type, bytes=len(line))
            return False
        self._writer.write(line)
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            _log.error("the recorder hangs and is stopped", pid=self.pid)
            if self._process is not None:
                self._process.kill()
        return True

    async def _keep_running(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._closing.is_set():
            began = loop.time()
            try:
                await self._run_once()
            except (OSError, TimeoutError) as error:
                _log.error("the recorder cannot be started", why=str(error) or repr(error))
            failures = 1 if loop.time() - began > LIVED_S else failures + 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1]):
                    await self._closing.wait()

    async def _run_once(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                control_fd = theirs.fileno()
                # Our own interpreter and module. It starts in a millisecond or two: no lesson
                # notices that the loop waits for it.
                self._process = subprocess.Popen(  # noqa: S603, ASYNC220
                    [sys.executable, "-m", "recorder", "--control-fd", str(control_fd)],
                    pass_fds=[control_fd],
                    stdin=subprocess.DEVNULL,
                )
            reader, writer = await asyncio.open_unix_connection(sock=ours, limit=MAX_LINE_BYTES)
        except BaseException:
            ours.close()
            await self._reap()
            raise
        self.starts += 1
        try:
            await self._converse(reader, writer)
        finally:
            was_up, self._writer = self._writer is not None, None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            status = await self._reap()
            if not self._closing.is_set():
                _log.error("the recorder ended and is started again", status=status)
            if was_up:
                self._on_down()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            hello = await _next_report(reader)
        if not isinstance(hello, Hello) or self._closing.is_set():
            return
        self._writer = writer
        self._on_up()
        while (report := await _next_report(reader)) is not None:
            self._on_report(report)

    async def _reap(self) -> int | None:
        """Wait for the process's end, and bring it about if need be."""
        process, self._process = self._process, None
        if process is None:
            return None
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await _ended(process)
        except TimeoutError:
            process.kill()
            await _ended(process)
        return process.wait()


async def _ended(process: subprocess.Popen[bytes]) -> None:
    """Returns when the process has ended (pidfd_open(2): no thread has to wait for it)."""
    if process.poll() is not None:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    pidfd = os.pidfd_open(process.pid)
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


async def _next_report(reader: asyncio.StreamReader) -> Report | None:
    """The next thing it says; None when it says nothing more (or nothing that we understand)."""
    try:
        line = await reader.readline()
    except (OSError, ValueError):
        return None  # it was killed with our words unread, or speaks in lines without end
    if not line.endswith(b"\n"):
        return None
    try:
        return parse_report(line)
    except ControlError as error:
        _log.error("the recorder is not understood", why=str(error))
        return None
