"""Tongke under test: a MediaNode alone in its own process, told what to do through a pipe.

The whole server adds HTTP, WebSockets and a database, which forward nothing; other SFUs are
measured with their signaling idle too.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Sequence
from importlib.metadata import version

from benchmarks.servers import ServerUnavailableError

START_TIMEOUT_S = 15.0
CALL_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 5.0


class Tongke:
    """See `benchmarks.servers.Server`."""

    name = "tongke"

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._sessions = itertools.count(1)
        self._calls = asyncio.Lock()

    @property
    def description(self) -> str:
        """Name, version and kind."""
        return f"Tongke {version('tongke')}, one MediaNode with one pump"

    @property
    def pids(self) -> tuple[int, ...]:
        """The node's process."""
        return () if self._process is None else (self._process.pid,)

    async def start(self) -> None:
        """Start the process and wait for its first word."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.servers.tongke_node",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )
        async with asyncio.timeout(START_TIMEOUT_S):
            hello = await self._read()
        if hello.get("ready") is not True:
            raise ServerUnavailableError(f"the node did not start: {hello.get('error', hello)}")

    async def stop(self) -> None:
        """Close the pipe: the process ends by itself; if not, it is ended."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def open_session(self) -> str:
        """A lesson."""
        session = f"lesson-{next(self._sessions)}"
        await self._call("open", session=session)
        return session

    async def publish(self, session: str, seat: str, offer: str) -> str:
        """`MediaNode.publish`."""
        return str(await self._call("publish", session=session, seat=seat, sdp=offer))

    async def subscribe(self, session: str, seat: str, publishers: Sequence[str]) -> str:
        """`MediaNode.subscribe` to all producers of these seats."""
        wanted = list(publishers)
        return str(await self._call("subscribe", session=session, seat=seat, publishers=wanted))

    async def subscribe_answer(self, session: str, seat: str, answer: str) -> None:
        """`MediaNode.subscribe_answer`."""
        await self._call("subscribe_answer", session=session, seat=seat, sdp=answer)

    async def _call(self, method: str, **arguments: object) -> object:
        if self._process is None or self._process.stdin is None:
            raise ServerUnavailableError("the node is not running")
        async with self._calls, asyncio.timeout(CALL_TIMEOUT_S):
            line = json.dumps({"method": method, **arguments}) + "\n"
            self._process.stdin.write(line.encode())
            await self._process.stdin.drain()
            reply = await self._read()
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error']}")
        return reply.get("result")

    async def _read(self) -> dict[str, object]:
        if self._process is None or self._process.stdout is None:
            raise ServerUnavailableError("the node is not running")
        line = await self._process.stdout.readline()
        if not line:
            raise ServerUnavailableError("the node ended; its error stands above")
        reply = json.loads(line)
        if not isinstance(reply, dict):
            raise TypeError("the node said something that is no object")
        return reply
