"""The room's page over the whole screen, beside the agent: opened, and opened again when it ends.

Owns the browser's life; which one and how is `browsers`. The page sends the room's sound and what
the agent does not: the server's profile tells it which pictures the agent carries.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum

from hardware_profiles.system_words import why_zh
from signaling.client.sentences import Say, Sentence

# At once after somebody closed it by mistake; a browser that cannot start must not fill the log.
AGAIN_S = (1.0, 2.0, 5.0, 15.0, 30.0)
# What lived as long was well.
WELL_S = 60.0
_END_S = 5.0


class KioskState(Enum):
    """How the page is."""

    OPEN = "open"
    AGAIN = "again"  # it ended, and is opened again
    NO_BROWSER = "no_browser"
    NO_SCREEN = "no_screen"
    NO_FOLDER = "no_folder"  # its state folder cannot be written
    AS_ROOT = "as_root"  # nobody said that it should run as root


def patience_s(failures: int) -> float:
    """How long to wait after so many short lives in a row (from 1)."""
    return AGAIN_S[min(failures, len(AGAIN_S)) - 1]


class Kiosk:
    """`await run()` for good; `state` and `ended` (how often) tell. Without a command it only says
    by `state` why there is none.
    """

    def __init__(self, command: Sequence[str], state: KioskState, *, say: Say) -> None:
        self.state = state
        self.ended = 0
        self._command = list(command)
        self._say = say

    async def run(self) -> None:
        if not self._command:
            return
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            code = await self._live()
            if code is None:
                return
            failures = 1 if loop.time() - began >= WELL_S else failures + 1
            self.state = KioskState.AGAIN
            self.ended += 1
            if failures <= len(AGAIN_S):  # one that never starts is told five times, not for ever
                self._say(
                    Sentence(
                        f"教室网页已关闭（{code}），正在重新打开",
                        f"the room's page ended ({code}); it is opened again",
                    )
                )
            await asyncio.sleep(patience_s(failures))

    async def _live(self) -> int | None:
        """One life of the browser: its exit code; None where it is no program."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=os.name == "posix",
            )
        except OSError as error:
            self.state = KioskState.NO_BROWSER
            browser = self._command[0]
            self._say(
                Sentence(
                    f"无法启动浏览器 {browser}：{why_zh(error)}",
                    f"the browser {browser} cannot be started: {error.strerror}",
                )
            )
            return None
        self.state = KioskState.OPEN
        try:
            return await process.wait()
        finally:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """The browser and its children; what does not go by itself is killed."""
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(process.pid, number)
            elif process.returncode is None:
                process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                await process.wait()
                return
