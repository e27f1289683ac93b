"""The SRT listener of one key: an FFmpeg on a UDP port of its own, started again and again.

SRT's own encryption is the lock: libsrt refuses whoever has not the key's passphrase before
anything is read of it, and listens on. FFmpeg takes one encoder at a time; when that one has gone
another FFmpeg listens.
"""

from __future__ import annotations

import asyncio
from random import Random

from server.encoders.encoded_stream import EncodedStream
from server.encoders.errors import EncoderFault, port_taken
from server.encoders.ffmpeg import FfmpegRun
from signaling.protocol.messages import Source

# An encoder tries again every second or so; one that fails at once is not begun more often.
_AGAIN_S = 0.5
_AFTER_FAULT_S = 5.0
# A camera's watch-dog has 3 s; libsrt would hold the place of a silent encoder for 5.
_SILENT_S = 3.0
_LOOK_EVERY_S = 0.5  # so much longer a silent one holds it
# What is under way is waited for so long when it is lost on the way: two round trips of 100 ms.
_LATENCY_MS = 200


class SrtDoor:
    """An `Inflow`; `start` it."""

    def __init__(
        self, key_id: str, source: Source, *, host: str, port: int, passphrase: str, rng: Random
    ) -> None:
        self.key_id = key_id
        self.source = source
        self.stream = EncodedStream(rng)
        self.pictures = (self.stream.picture,)
        self.fault: EncoderFault | None = None
        self._host = host
        self._port = port
        self._passphrase = passphrase
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Listen."""
        self._task = asyncio.create_task(self._run(), name=f"srt-{self.key_id}")

    @property
    def sends(self) -> bool:
        now = asyncio.get_running_loop().time()
        return now - self.stream.last_at < _SILENT_S

    @property
    def ready(self) -> bool:
        return self.sends

    async def wanted(self, wanted: bool) -> None:
        """It listens always: an encoder may be started before its lesson."""

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            pause_s = _AGAIN_S
            before = self.stream.packets
            run = FfmpegRun(self.stream, name=self.key_id, secrets=[self._passphrase])
            try:
                await run.start(
                    *("-f", "concat", "-safe", "0", "-protocol_whitelist", "pipe,srt,udp"),
                    *("-i", "pipe:0"),
                )
                run.feed(self._script())
                await run.end_of_input()
                fault = await self._ended(run)
                # An encoder that has sent and is gone is no fault.
                self.fault = None if self.stream.packets > before else self._better(fault, run)
            except EncoderFault as fault:
                self.fault = fault
            finally:
                await run.close()
            if self.fault is not None:
                pause_s = _AFTER_FAULT_S
            await asyncio.sleep(pause_s)

    async def _ended(self, run: FfmpegRun) -> EncoderFault:
        """Until FFmpeg has ended, or its encoder has gone without a word: the next one waits."""
        ending = asyncio.create_task(run.wait(), name="ffmpeg-ends")
        before = self.stream.packets
        try:
            while not ending.done():
                await asyncio.wait([ending], timeout=_LOOK_EVERY_S)
                if self.stream.packets > before and not self.sends:
                    await run.close()
            return await ending
        finally:
            ending.cancel()

    def _script(self) -> bytes:
        host = f"[{self._host}]" if ":" in self._host else self._host
        address = (
            f"srt://{host}:{self._port}?mode=listener&passphrase={self._passphrase}"
            f"&pbkeylen=16&latency={_LATENCY_MS * 1000}&rcvlatency={_LATENCY_MS * 1000}"
        )
        return f"ffconcat version 1.0\nfile '{address}'\n".encode()

    def _better(self, fault: EncoderFault, run: FfmpegRun) -> EncoderFault:
        taken = any("in use" in line or "bind" in line.lower() for line in run.said)
        return port_taken(self._port) if taken else fault
