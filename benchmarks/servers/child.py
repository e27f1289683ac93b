"""A server of ours in a process of its own, told what to do by lines of JSON through a pipe.

The process ends when its input ends (`serving.py`), and with the benchmark (`bound.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from collections.abc import Sequence

from benchmarks.servers import ServerFailedError
from benchmarks.servers.bound import bound

START_TIMEOUT_S = 15.0
CALL_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 5.0
# An offer of 30 streams has 60 kB.
LINE_BYTES = 1 << 20


class ChildServer:
    """See `benchmarks.servers.Server`; `module` is run with `arguments` and speaks `serving.py`."""

    name = ""
    decodes = False

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = (sys.executable, "-m", module, *arguments)
        self._process: asyncio.subprocess.Process | None = None
        self._sessions = itertools.count(1)
        self._calls = asyncio.Lock()

    @property
    def running(self) -> bool:
        """Started, and not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def pids(self) -> tuple[int, ...]:
        """The one process."""
        return () if self._process is None else (self._process.pid,)

    async def start(self) -> None:
        """Start the process and wait for its first word."""
        self._process = await asyncio.create_subprocess_exec(
            *bound(self._command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_BYTES,
            start_new_session=True,  # the terminal's signals are the benchmark's
        )
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                hello = await self._read()
        except TimeoutError:
            raise ServerFailedError(
                f"{self.name} said nothing within {START_TIMEOUT_S:g} s of its start"
            ) from None
        if hello.get("ready") is not True:
            raise ServerFailedError(f"{self.name} did not start: {hello.get('error', hello)}")

    async def stop(self) -> None:
        """Close the pipe: the process ends by itself; if not, it is ended."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            pass
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def open_session(self) -> str:
        """A lesson, a group, …: whatever the child calls it."""
        session = f"lesson-{next(self._sessions)}"
        await self._call("open", session=session)
        return session

    async def publish(self, session: str, seat: str, offer: str) -> str:
        """The child's answer to a seat's publish offer."""
        return str(await self._call("publish", session=session, seat=seat, sdp=offer))

    async def subscribe(self, session: str, seat: str, publishers: Sequence[str]) -> str:
        """The child's offer with all streams of these seats."""
        wanted = list(publishers)
        return str(await self._call("subscribe", session=session, seat=seat, publishers=wanted))

    async def subscribe_answer(self, session: str, seat: str, answer: str) -> None:
        """The seat's answer to that offer."""
        await self._call("subscribe_answer", session=session, seat=seat, sdp=answer)

    async def _call(self, method: str, **arguments: object) -> object:
        line = json.dumps({"method": method, **arguments}) + "\n"
        try:
            async with self._calls, asyncio.timeout(CALL_TIMEOUT_S):
                if self._process is None or self._process.stdin is None:
                    raise ServerFailedError(f"{self.name} is not running")
                self._process.stdin.write(line.encode())
                await self._process.stdin.drain()
                reply = await self._read()
        except TimeoutError:
            raise ServerFailedError(
                f"{self.name} gave no answer to {method} within {CALL_TIMEOUT_S:g} s"
            ) from None
        except ConnectionError:
            raise ServerFailedError(f"{self.name} has ended; its error stands above") from None
        if "error" in reply:
            raise ServerFailedError(f"{self.name}, {method}: {reply['error']}")
        return reply.get("result")

    async def _read(self) -> dict[str, object]:
        if self._process is None or self._process.stdout is None:
            raise ServerFailedError(f"{self.name} is not running")
        line = await self._process.stdout.readline()
        if not line:
            raise ServerFailedError(f"{self.name} has ended; its error stands above")
        reply = json.loads(line)
        if not isinstance(reply, dict):
            raise ServerFailedError(f"{self.name} said something that is no object: {line!r}")
        return reply
