"""`python -m mixer.outputs.push`: sends the program to one RTMP server. A process of its own.

On standard input comes the server's address, as one line, and then the program as fragmented MP4,
as it is made; it is sent as it is, in FLV. On standard output a line a second says how much was
sent, and a last one why no more can be. The address may hold a secret, so it is never an argument
of the process, and never printed: libav's own words are left out because they name it.

A server that accepts and does not read stops this process in a system call. Whoever started it sees
that no line comes, and ends it (`server.broadcasts.pushing`).
"""

from __future__ import annotations

import os
import resource
import sys
import time
from typing import BinaryIO

import av
import av.error
import av.logging

SENT, FAILED = "sent", "failed"

# A header, a dozen streams of libav and some packets of 1080p: beyond, something fills us.
MOST_MEMORY_BYTES = 2 << 30
# The longest that is taken (`server.broadcasts.targets`), each letter of it in four bytes.
MOST_ADDRESS_BYTES = 4 * 1024 + 1

# Everything that a player must know stands in the header: nothing is looked for in what follows.
_READ_AT_ONCE = {"analyzeduration": "1", "fpsprobesize": "0", "probesize": "65536"}

# There is no end to go back from.
_LIVE = {"flvflags": "no_duration_filesize"}

_TOLD_EVERY_S = 1.0

_WHY: tuple[tuple[type[OSError], str], ...] = (
    (ConnectionRefusedError, "refused"),
    (TimeoutError, "unreachable"),
    (ConnectionResetError, "closed"),
    (BrokenPipeError, "closed"),
)


def send(source: BinaryIO, address: str) -> str:
    """Send until the source ends; the code of what ended it, "" for its own end."""
    try:
        read = av.open(source, "r", format="mp4", options=_READ_AT_ONCE)
    except av.error.FFmpegError:
        return "nothing-to-send"
    try:
        with av.open(address, "w", format="flv", options=_LIVE) as to:
            streams = {one.index: to.add_stream_from_template(one) for one in read.streams}
            told_at = 0.0
            for packet in read.demux():
                if packet.dts is None:
                    continue
                packet.stream = streams[packet.stream.index]
                to.mux(packet)
                if time.monotonic() - told_at >= _TOLD_EVERY_S:
                    told_at = time.monotonic()
                    _tell(SENT)
    except OSError as error:  # all of libav's that come from a system call are one
        return next((code for kind, code in _WHY if isinstance(error, kind)), "unreachable")
    except av.error.FFmpegError:
        return "not-taken"
    return ""


def _tell(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Send what comes on standard input."""
    av.logging.set_level(None)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with os.fdopen(sys.stdin.fileno(), "rb", closefd=False) as source:
        address = source.readline(MOST_ADDRESS_BYTES).decode().strip()
        code = send(source, address)
    if code:
        _tell(FAILED, code)
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main())
