"""One server that the program is sent to: a process for it, watched, ended when it stalls, tried
again.

Owns that process and how a push stands. What it sends is the parts of the lesson's HLS, as they are
made, from a keyframe on; where those break, it begins anew. RTMP is `mixer.outputs.push`, SRT is
Debian's `ffmpeg`, which copies: PyAV's libav has no SRT.

    CONNECTING ──something is taken──► SENDING ──it ends, stalls──► WAITING ──back-off──► CONNECTING
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog

from server.broadcasts.hls import HlsLate
from server.broadcasts.targets import PushTarget
from server.errors import Text
from server.ids import new_id

_log = structlog.get_logger("tongke.broadcasts")

# A server that takes nothing for so long takes nothing; a line that is gone for less is caught up.
STALLS_S: Final = 8.0
# From the start of its process to the first word that something was taken: TLS over a far line.
CONNECTS_S: Final = 15.0

# What a server does that is restarted, or whose stream is still thought to be there, takes some
# seconds; one that is gone for the day is not asked more often than this.
BACK_OFF_S: Final = (1.0, 2.0, 5.0, 15.0, 30.0)
# One that was sent to for so long begins with the shortest again.
LASTED_S: Final = 60.0

# What waits in us for the process: three seconds of 1080p.
_MOST_WAITING_BYTES = 1 << 20

_KNOWS = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "TZ")


class PushStanding(StrEnum):
    """Where a push stands."""

    CONNECTING = "connecting"
    SENDING = "sending"
    WAITING = "waiting"  # to try again
    ENDED = "ended"


WHY: dict[str, Text] = {
    "": Text("", ""),
    "refused": Text(
        "对方服务器拒绝连接：没有在运行，或端口不对。",
        "The server refuses the connection: it does not run, or not at this port.",
    ),
    "unreachable": Text(
        "连接不到对方服务器。请检查地址和网络。",
        "The server cannot be reached. Check the address and the network.",
    ),
    "closed": Text(
        "对方服务器中断了连接。常见原因：密钥不对，或同一密钥已有人在推流。",
        "The server has cut the connection. Often the key is wrong, or somebody sends under it.",
    ),
    "not-taken": Text(
        "对方服务器不接受这路推流。请检查应用名和密钥。",
        "The server does not take this stream. Check its application and key.",
    ),
    "stalled": Text(
        "对方服务器不再接收数据，已断开重试。",
        "The server takes no more data; the connection was ended and is tried again.",
    ),
    "nothing-to-send": Text(
        "节目暂时中断，恢复后继续推流。",
        "The program is interrupted; pushing goes on with it.",
    ),
    "no-ffmpeg": Text(
        "推送 SRT 需要在服务器上安装 ffmpeg（Debian：apt install ffmpeg）。",
        "Pushing by SRT needs ffmpeg on the server (Debian: apt install ffmpeg).",
    ),
    "failed": Text("推流中断，原因不明。", "Pushing has failed; nobody knows why."),
}

# ffmpeg's words, of which the first that is found counts; it names the address, so they stay here.
_WORDS_OF_FFMPEG = {
    b"Connection refused": "refused",
    b"Connection rejected": "not-taken",
    b"failed: Input/output error": "unreachable",
    b"timed out": "unreachable",
    b"Broken pipe": "closed",
}


@dataclass(frozen=True, slots=True)
class PushState:
    """How a push stands: since when (Unix time), why it does not send, how often it has begun."""

    standing: PushStanding
    since: float
    code: str = ""
    starts: int = 0

    @property
    def text(self) -> Text:
        """Why, in words."""
        return WHY[self.code]


Film = Callable[[], AsyncGenerator[bytes]]


class Push:
    """`start` it, `close` it. `film` gives the program, its header first; it ends at a break."""

    def __init__(
        self,
        target: PushTarget,
        film: Film,
        *,
        lesson_id: str,
        clock: Callable[[], float],
        back_off_s: tuple[float, ...] = BACK_OFF_S,
        stalls_s: float = STALLS_S,
        connects_s: float = CONNECTS_S,
        push_id: str = "",
    ) -> None:
        """`push_id` of one that is begun again after a restart."""
        self.push_id = push_id or new_id()
        self.target = target
        self._film = film
        self._clock = clock
        self._back_off_s = back_off_s
        self._stalls_s = stalls_s
        self._connects_s = connects_s
        self.state = PushState(PushStanding.CONNECTING, clock())
        self._task: asyncio.Task[None] | None = None
        self._log = _log.bind(lesson=lesson_id, push=self.push_id, to=target.shown)

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._keep_sending(), name=f"push-{self.push_id}")

    async def close(self) -> None:
        """End it; the server sees the stream's end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._reach(PushStanding.ENDED)

    async def _keep_sending(self) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._reach(PushStanding.CONNECTING, self.state.code, starts=self.state.starts + 1)
            try:
                code = await self._send()
            except Exception:  # it is tried again, as whatever else ends a push
                self._log.exception("a push has failed")
                code = "failed"
            failures = 1 if loop.time() - began >= LASTED_S else failures + 1
            pause_s = self._back_off_s[min(failures, len(self._back_off_s)) - 1]
            self._log.warning("a push has ended and is tried again", why=code, after_s=pause_s)
            self._reach(PushStanding.WAITING, code)
            await asyncio.sleep(pause_s)

    def _reach(self, standing: PushStanding, code: str = "", starts: int | None = None) -> None:
        starts = self.state.starts if starts is None else starts
        self.state = PushState(standing, self._clock(), code, starts)

    # --- one connection -----------------------------------------------------------------------

    async def _send(self) -> str:
        """Send until it ends; why it did."""
        async with contextlib.aclosing(self._film()) as film:
            try:
                header = await anext(film)
            except (HlsLate, StopAsyncIteration):
                return "nothing-to-send"
            process = await self._process()
            if process is None:
                return "no-ffmpeg"
            feeding = asyncio.create_task(self._feed(process, header, film))
            hearing = asyncio.create_task(self._hear(process))
            minding = asyncio.create_task(_words_of(process))
            try:
                done, _ = await asyncio.wait(
                    (feeding, hearing), return_when=asyncio.FIRST_COMPLETED
                )
                if feeding in done and (code := feeding.result()):
                    return code  # the program has broken, or nothing is taken
                code = await hearing
                return code or await minding or "closed"
            finally:
                for task in (feeding, hearing, minding):
                    task.cancel()
                await asyncio.gather(feeding, hearing, minding, return_exceptions=True)
                await _ended(process)

    async def _process(self) -> asyncio.subprocess.Process | None:
        environment = {name: os.environ[name] for name in _KNOWS if name in os.environ}
        pipe = asyncio.subprocess.PIPE
        if self.target.kind == "rtmp":
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "mixer.outputs.push"),
                env=environment,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
            )
            assert process.stdin is not None  # it has a pipe
            process.stdin.write(self.target.address.encode() + b"\n")
            return process
        ffmpeg = shutil.which("ffmpeg")
        if ffmpeg is None:
            return None
        address, secret = self.target.srt
        with _told_by_file(secret) as (options, descriptors):
            return await asyncio.create_subprocess_exec(
                ffmpeg,
                *("-hide_banner", "-nostats", "-loglevel", "error", "-progress", "pipe:1"),
                *("-analyzeduration", "1", "-fpsprobesize", "0", "-f", "mp4", "-i", "pipe:0"),
                *("-c", "copy", "-flush_packets", "1", "-f", "mpegts", *options, address),
                env=environment,
                pass_fds=descriptors,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
            )

    async def _feed(
        self, process: asyncio.subprocess.Process, header: bytes, film: AsyncIterator[bytes]
    ) -> str:
        """Hand it the film; why no more can be handed, "" when the process has gone."""
        assert process.stdin is not None  # it has a pipe
        into = process.stdin
        into.transport.set_write_buffer_limits(_MOST_WAITING_BYTES)
        try:
            into.write(header)
            async for part in film:
                into.write(part)
                async with asyncio.timeout(self._stalls_s):
                    await into.drain()
        except TimeoutError:
            return "stalled"
        except OSError:
            return ""
        except HlsLate:
            pass
        return "nothing-to-send"

    async def _hear(self, process: asyncio.subprocess.Process) -> str:
        """What it says of itself; why it sends no more, "" when it says nothing of that."""
        assert process.stdout is not None  # it has a pipe
        patience_s = self._connects_s
        taken = b""
        while True:
            try:
                async with asyncio.timeout(patience_s):
                    line = await self._next_word(process.stdout, taken)
            except TimeoutError:
                return "stalled"
            if not line:
                return ""
            word, _, code = line.decode(errors="replace").strip().partition(" ")
            if word == "failed":
                return code if code in WHY else "failed"
            taken, patience_s = line, self._stalls_s
            if self.state.standing is not PushStanding.SENDING:
                self._log.info("a push is taken")
                self._reach(PushStanding.SENDING)

    async def _next_word(self, said: asyncio.StreamReader, before: bytes) -> bytes:
        """A line that says that more was taken: of ours each, of ffmpeg's a larger size."""
        while line := await said.readline():
            of_ours = line.startswith((b"sent", b"failed"))
            of_ffmpeg = line.startswith(b"total_size=") and line[11:12].isdigit()
            if of_ours or (of_ffmpeg and line != before and line.strip() != b"total_size=0"):
                return line
        return b""


async def _words_of(process: asyncio.subprocess.Process) -> str:
    """Why it has ended, by its last words; they are kept by nobody."""
    assert process.stderr is not None  # it has a pipe
    said = b""
    while data := await process.stderr.read(1 << 14):
        said = (said + data)[-(1 << 14) :]
    return next((code for words, code in _WORDS_OF_FFMPEG.items() if words in said), "")


async def _ended(process: asyncio.subprocess.Process) -> None:
    """What is sent has its end; a process that hangs is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(2.0):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.contextmanager
def _told_by_file(
    secret: dict[str, str],
) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Options that no list of processes shows: ffmpeg reads them from a pipe of its own."""
    if not secret:
        yield (), ()
        return
    read_fd, write_fd = os.pipe()
    try:
        lines = "".join(f"{name}={value}\n" for name, value in secret.items())
        os.write(write_fd, lines.encode())
        os.close(write_fd)
        yield ("-fpre", f"/dev/fd/{read_fd}"), (read_fd,)
    finally:
        os.close(read_fd)
