"""The owner of a child that decodes and encodes: starts it, feeds it, watches it, ends it.

Owns the process and its pipes. One child for each stream: one camera's trouble is no other's.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from hardware_profiles.room_agent.converting.messages import (
    BrokenMessage,
    ChildMessages,
    MessageKind,
    PictureMessage,
    message_bytes,
    read_numbers,
)

# A picture is through in milliseconds, so three seconds are a child that hangs; the first one waits
# until PyAV is loaded, on an old PC three seconds by itself.
_FIRST_ANSWER_S, _ANSWER_S = 8.0, 3.0
_LOOK_EVERY_S = 0.5  # so much longer it may hang
_READ_BYTES = 1 << 18
_PRICE_OVER_S = 2.0
# SIGKILL is how the kernel ends who takes too much memory; what a picture does is another signal.
_BY_THE_SYSTEM = (-9, -15)
COMMAND = (sys.executable, "-m", "hardware_profiles.room_agent.converting")


class Maker(Protocol):
    """Who is told what the child makes. Called in the event loop: must be quick."""

    def made(self, picture: PictureMessage) -> None: ...

    def done(self) -> None:
        """It is through with a coded picture."""
        ...


class Converter:
    """`run` it for as long as pictures come; `tell` may be called before the child is there.

    `size` is that of the pictures it decodes, `price` what it takes of one core, 0 to 1 and above.
    """

    def __init__(
        self,
        setup: Mapping[str, Any],
        maker: Maker,
        *,
        clock: Callable[[], float],
        command: Sequence[str] | None = None,
    ) -> None:
        self.size: tuple[int, int] | None = None
        self.price = 0.0
        self.failure = ""  # a word for why it has ended: the child's own, or what was seen of it
        self._maker = maker
        self._command = command or COMMAND
        self._clock = clock
        self._early: list[bytes] = [message_bytes(MessageKind.SETUP, json.dumps(setup).encode())]
        self._process: Process | None = None
        self._unanswered = 0
        self._asked_at: float | None = None  # since when the oldest is
        self._answered = False
        self._spent: tuple[float, float] | None = None  # when, and processor time until then

    async def run(self) -> None:
        """Ends only when the child does or hangs. Cancel it, and the child is gone.

        Raises what `Maker` raises: that is no fault of the child.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
            )
        except OSError:  # too many processes, no memory
            self.failure = "start"
            return
        self._process = process
        try:
            for data in self._early:
                self._write(data)
            self._early.clear()
            reading = asyncio.create_task(self._read(process))
            watching = asyncio.create_task(self._watch())
            try:
                await asyncio.wait((reading, watching), return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    self.failure = "silent"
            finally:
                for part in (reading, watching):
                    part.cancel()
                await asyncio.gather(reading, watching, return_exceptions=True)
            if not reading.cancelled():
                reading.result()
                self.failure = self.failure or await self._ended(process)
        finally:
            self._process = None
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
            await process.wait()

    @staticmethod
    async def _ended(process: Process) -> str:
        """The word for how a child has ended that said nothing more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY_S):
                await process.wait()
        code = process.returncode
        if code is None or code >= 0:
            return "ended"
        return "killed" if code in _BY_THE_SYSTEM else "crashed"

    def put(self, picture: PictureMessage) -> None:
        """Decode it. The caller bounds how many wait (`load`)."""
        if not self._unanswered:
            self._asked_at = self._clock()
        self._unanswered += 1
        self.tell(MessageKind.CODED, picture.body())

    def need(self, layers: int) -> None:
        """Which layers anybody wants, a bit for each: a device of this machine rests meanwhile."""
        self.tell(MessageKind.NEEDED, bytes((layers,)))

    def tell(self, kind: MessageKind, body: bytes) -> None:
        """A message of another kind, which it does not answer."""
        data = message_bytes(kind, body)
        if self._process is None:
            self._early.append(data)
        else:
            self._write(data)

    def _write(self, data: bytes) -> None:
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(data)

    async def _read(self, process: Process) -> None:
        messages = ChildMessages()
        while process.stdout is not None and (data := await process.stdout.read(_READ_BYTES)):
            try:
                for message in messages.feed(data):
                    self._take(message.kind, message.body)
            except BrokenMessage:
                return

    async def _watch(self) -> None:
        """Returns when it does not answer."""
        while True:
            most_s = _ANSWER_S if self._answered else _FIRST_ANSWER_S
            if self._asked_at is not None and self._clock() - self._asked_at >= most_s:
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    def _take(self, kind: MessageKind, body: bytes) -> None:
        match kind:
            case MessageKind.ENCODED:
                self._maker.made(PictureMessage.read(body))
            case MessageKind.DONE:
                (spent_us,) = read_numbers(body, 1)
                self._answered = True
                self._unanswered = max(0, self._unanswered - 1)
                self._asked_at = self._clock() if self._unanswered else None
                self._note_price(spent_us / 1e6)
                self._maker.done()
            case MessageKind.SIZE:
                width, height = read_numbers(body, 2)
                self.size = width, height
            case MessageKind.FAILED:
                self.failure = body.decode("ascii", "replace")
            case _:
                pass

    def _note_price(self, spent_s: float) -> None:
        now = self._clock()
        if self._spent is None:
            self._spent = now, spent_s
        elif now - self._spent[0] >= _PRICE_OVER_S:
            self.price = (spent_s - self._spent[1]) / (now - self._spent[0])
            self._spent = now, spent_s
