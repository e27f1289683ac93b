"""One process beside the server: started, watched, spoken with, started again, stopped.

Owns the child process and the control connection: lines over a socket pair whose far end the child
is given. What the lines mean is a `Program`'s; what has to be said again to a new child is its
user's, in `on_up`. When the connection ends the child closes its files and goes: a server that was
killed leaves no child behind.

    STARTING ──it greets──► UP ──it ends, hangs, is not understood──► DOWN ──backoff──► STARTING
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog

_log = structlog.get_logger("tongke.children")


class Said(Protocol):
    """A message in either direction."""

    @property
    def type(self) -> str:
        """Its name, for the log."""
        ...


Command = TypeVar("Command", bound=Said)
Report = TypeVar("Report", bound=Said)


@dataclass(frozen=True, slots=True)
class Program(Generic[Command, Report]):
    """A program that can run beside the server, and how one speaks with it."""

    name: str
    """As the log calls it."""

    arguments: tuple[str, ...]
    """What starts it; the descriptor of its end of the connection is added at the end. It begins
    with SIGINT and SIGTERM held back, and lets them come when it has said that it ignores them."""

    encode: Callable[[Command], bytes]
    """A command as a line with its line feed; raises ValueError for what is no text."""

    parse: Callable[[bytes], Report]
    """What it said; raises ValueError for what is not understood."""

    greets: Callable[[Report], bool]
    """Whether this is the report with which it says that it is ready."""

    max_line_bytes: int
    """Longer lines are neither sent nor read."""

    environment: Mapping[str, str] | None = None
    """What it has of the server's environment; None for all of it."""

    silent_s: float | None = None
    """One that says nothing for so long hangs, and is killed; None for those that say nothing of
    themselves."""


@dataclass(frozen=True, slots=True)
class Allowances:
    """How long a child may take, and how much it may leave unread."""

    greeting_s: float = 20.0
    """It starts in half a second; a machine that is busy with eighty rooms joining takes longer."""

    stop_s: float = 10.0
    """What it needs to close its files; a disk that hangs must not keep the server running."""

    lived_s: float = 30.0
    """One that lived so long is started again at once: every second without it is lost."""

    backoff_s: tuple[float, ...] = (0.0, 0.5, 2.0, 5.0)
    """After each failure in a row: one that crashes at once is not started more often than this."""

    overslept_s: float = 1.0
    """What a child has said while we could not listen is read in a moment."""

    unread_bytes: int = 8 << 20
    """Commands are small and few: a child that leaves so much unread hangs."""


USUAL = Allowances()


class Child(Generic[Command, Report]):
    """Keeps one child running from `start` to `close`.

    `on_up` is called when it is there, `on_down` when it is gone, `on_report` for all it says; they
    are called in the event loop and must not block.
    """

    def __init__(
        self,
        program: Program[Command, Report],
        *,
        on_up: Callable[[], None],
        on_report: Callable[[Report], None],
        on_down: Callable[[], None],
        allowed: Allowances = USUAL,
    ) -> None:
        self._program = program
        self._on_up = on_up
        self._on_report = on_report
        self._on_down = on_down
        self._allowed = allowed
        self._writer: asyncio.StreamWriter | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._log = _log.bind(program=program.name)
        self.starts = 0

    @property
    def up(self) -> bool:
        """Whether it is there to be told something."""
        return self._writer is not None

    @property
    def pid(self) -> int | None:
        """Its process id while one runs."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Begin to keep it running; it is there when `on_up` is called."""
        self._task = asyncio.create_task(self._keep_running(), name=f"{self._program.name}-child")

    async def close(self) -> None:
        """Let it close its files and go."""
        self._closing.set()
        if self._task is None:
            return
        if self._writer is not None:
            self._writer.close()
        _, late = await asyncio.wait({self._task}, timeout=self._allowed.stop_s)
        if late and self._process is not None:
            self._log.error("a child does not stop and is killed", pid=self.pid)
            self._process.kill()
        await self._task

    def send(self, command: Command) -> bool:
        """Say something; False when nobody is there (it must be said again on `on_up`)."""
        if self._writer is None:
            return False
        try:
            line = self._program.encode(command)
        except ValueError as error:  # text that is no text
            self._log.error("a child cannot be told", type=command.type, why=str(error))
            return False
        if len(line) > self._program.max_line_bytes:
            self._log.error("too long for a child", type=command.type, bytes=len(line))
            return False
        self._writer.write(line)
        if self._writer.transport.get_write_buffer_size() > self._allowed.unread_bytes:
            self._log.error("a child hangs and is killed", pid=self.pid)
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
                self._log.error("a child cannot be started", why=str(error) or repr(error))
            failures = 1 if loop.time() - began > self._allowed.lived_s else failures + 1
            backoff_s = self._allowed.backoff_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(backoff_s[min(failures, len(backoff_s)) - 1]):
                    await self._closing.wait()

    async def _run_once(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                control_fd = theirs.fileno()
                # Our own interpreter and module. It starts in a millisecond or two: no lesson
                # notices that the loop waits for it.
                with _held_back():
                    self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - see above
                        [*self._program.arguments, str(control_fd)],
                        pass_fds=[control_fd],
                        stdin=subprocess.DEVNULL,
                        env=self._program.environment,
                    )
            reader, writer = await asyncio.open_unix_connection(
                sock=ours, limit=self._program.max_line_bytes
            )
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
                self._log.error("a child ended and is started again", status=status)
            if was_up:
                self._on_down()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._allowed.greeting_s):
            greeting = await self._next_report(reader)
        if greeting is None or not self._program.greets(greeting) or self._closing.is_set():
            return
        self._writer = writer
        self._on_up()
        while (report := await self._next_while_it_lives(reader)) is not None:
            self._on_report(report)

    async def _next_while_it_lives(self, reader: asyncio.StreamReader) -> Report | None:
        """The next thing it says; None as well when it has been silent for too long."""
        # A machine that stood still, and we with it: what it has said meanwhile is read first.
        for patience_s in (self._program.silent_s, self._allowed.overslept_s):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    return await self._next_report(reader)
        self._log.error("a child says nothing, hangs and is killed", pid=self.pid)
        if self._process is not None:
            self._process.kill()
        return None

    async def _next_report(self, reader: asyncio.StreamReader) -> Report | None:
        """The next thing it says; None when it says nothing more (or nothing understood)."""
        try:
            line = await reader.readline()
        except (OSError, ValueError):
            return None  # it was killed with our words unread, or speaks in lines without end
        if not line.endswith(b"\n"):
            return None
        try:
            return self._program.parse(line)
        except ValueError as error:
            self._log.error("a child is not understood", why=str(error))
            return None

    async def _reap(self) -> int | None:
        """Wait for the process's end, and bring it about if need be."""
        process, self._process = self._process, None
        if process is None:
            return None
        try:
            async with asyncio.timeout(self._allowed.stop_s):
                await ended(process)
        except TimeoutError:
            process.kill()
            await ended(process)
        return process.wait()


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """What is started here is not ended by a terminal's or a service's stop, which goes to all of
    us at once, before it can say how it takes that: signals that come meanwhile wait (signal(7): a
    mask outlives exec). Its program ignores them and lets them come; our going ends it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


async def ended(process: subprocess.Popen[bytes]) -> None:
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
