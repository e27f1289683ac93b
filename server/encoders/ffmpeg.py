"""One FFmpeg process that reads what an encoder sends and gives it to an `Inlet`.

The picture is copied, the sound made into Opus. Its input comes by its standard input: an RTMP
encoder's media as FLV, or the address to listen at (a script for FFmpeg's concat reader), so that
no key stands in a command line, which every user of the machine can read. What it says goes to the
log without what looks like a key.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress

import structlog

from server.encoders.encoded_stream import EncodedStream
from server.encoders.errors import EncoderFault, no_ffmpeg, no_h264, not_read
from server.encoders.inlet import Inlet
from server.log_blots import BLOT, blotted

_log = structlog.get_logger("tongke.encoders")

FFMPEG = "ffmpeg"
# Where it and its libraries are found, and how text is written: none of the server's secrets.
_KNOWS = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")
_READS = (
    # It begins as soon as it knows both tracks. An encoder that comes back by SRT is in the middle
    # of a group, and its parameter sets come with the next keyframe: OBS's usual is 8 s away.
    *("-probesize", "20000000", "-analyzeduration", "10000000", "-fpsprobesize", "0"),
    *("-fflags", "nobuffer"),
)
_SENDS = (
    *("-map", "0:v:0?", "-map", "0:a:0?"),
    *("-c:v", "copy"),
    *("-c:a", "libopus", "-b:a", "64000", "-ac", "2", "-ar", "48000", "-frame_duration", "20"),
    # Neither waits longer for the other: a microphone that is off must not stop the picture.
    *("-max_interleave_delta", "100000", "-flush_packets", "1"),
    *("-f", "rtsp", "-rtsp_transport", "tcp", "-pkt_size", "1200"),
)
# A line of its log; what it says of a broken stream is one a picture, so each is told once.
_MOST_LINE_BYTES = 4096
_MOST_LINES = 20
_WHERE = re.compile(r" @ 0x[0-9a-f]+")
_WRONG_CODEC = ("Unsupported codec", "could not find tag for codec")
# FLV has the parameter sets aside, and of another size in the middle new ones: each keyframe bears
# its own.
SETS_IN_STREAM = ("-bsf:v", "h264_mp4toannexb")


def is_installed() -> bool:
    """Whether there is an FFmpeg on this machine."""
    return shutil.which(FFMPEG) is not None


class FfmpegRun:
    """`start`, then `feed` (or not), `wait`, `close`. `fault` says why it ended, if it has."""

    def __init__(self, stream: EncodedStream, *, name: str, secrets: Sequence[str] = ()) -> None:
        """`name` is for the log; `secrets` are blotted out of what it says there."""
        self.fault: EncoderFault | None = None
        self.said: list[str] = []
        self._inlet = Inlet(stream)
        self._secrets = tuple(secrets)
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._log = _log.bind(encoder=name)

    async def start(self, *reads: str, writes: Sequence[str] = ()) -> None:
        """Begin, with these options of its input and its output. Raises `EncoderFault` where there
        is none.
        """
        address = await self._inlet.open()
        if not is_installed():
            self._inlet.close()
            raise no_ffmpeg()
        # A server that is killed leaves none behind that listens on.
        dies_with_us = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
        self._process = await asyncio.create_subprocess_exec(
            *dies_with_us,
            *(FFMPEG, "-hide_banner", "-loglevel", "error", "-nostats"),
            *(*_READS, *reads, *_SENDS, *writes, address),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in _KNOWS if name in os.environ},
            limit=_MOST_LINE_BYTES,
        )
        self._listening = asyncio.create_task(self._listen(), name="ffmpeg-says")

    async def drain(self) -> None:
        """Until it has read nearly all that it was fed, or has ended."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(ConnectionError):  # it has ended: `wait` tells
                await self._process.stdin.drain()

    def feed(self, data: bytes) -> None:
        """Give it bytes; what it does not take waits (`drain`)."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, RuntimeError):  # it has ended: `wait` tells
                self._process.stdin.write(data)

    async def end_of_input(self) -> None:
        """Nothing more comes."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, RuntimeError):
                await self._process.stdin.drain()
            self._process.stdin.close()

    async def wait(self) -> EncoderFault:
        """Until it has ended by itself; why."""
        assert self._process is not None and self._listening is not None  # started
        await self._process.wait()
        await self._listening
        wrong = self._inlet.wrong_codec or any(
            words in line for line in self.said for words in _WRONG_CODEC
        )
        self.fault = no_h264() if wrong else not_read()
        return self.fault

    async def close(self) -> None:
        """End it, at once."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._listening is not None:
            await asyncio.gather(self._listening, return_exceptions=True)
        self._inlet.close()
        await self._inlet.stream.picture.gone()

    async def _listen(self) -> None:
        assert self._process is not None and self._process.stderr is not None
        while True:
            try:
                data = await self._process.stderr.readline()
            except ValueError:  # a line without end: the rest of it follows
                continue
            if not data:
                return
            line = data.decode("utf-8", "replace").strip()
            for secret in self._secrets:
                line = line.replace(secret, BLOT)
            line = _WHERE.sub("", blotted(line))
            if line and line not in self.said and len(self.said) < _MOST_LINES:
                self.said.append(line)
                self._log.info("ffmpeg says", line=line)
