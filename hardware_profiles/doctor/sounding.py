"""The child that records and plays: `sounding MICROPHONE SPEAKER SECONDS PLAY_AT_S`.

What is to be played comes on standard input (16 bits, one channel, 48 kHz). A first line is
written when the microphone is open, a second one of JSON when all is over, and behind it what was
heard. ALSA through PyAV; it ends by itself, and whoever started it ends it else.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame

RATE = 48_000
_BLOCK = RATE // 50
# The sound library that comes with PyAV looks for its settings where it was built.
_ALSA_SETTINGS = Path("/usr/share/alsa/alsa.conf")


def main() -> int:
    microphone, speaker, seconds, play_at_s = sys.argv[1:5]
    if _ALSA_SETTINGS.exists():
        os.environ.setdefault("ALSA_CONFIG_PATH", str(_ALSA_SETTINGS))
    given = sys.stdin.buffer.read()
    told: dict[str, Any] = {"microphone": "", "speaker": "", "played_at": None}
    heard = bytearray()
    length, play_at = 2 * round(float(seconds) * RATE), 2 * round(float(play_at_s) * RATE)
    playing: threading.Thread | None = None
    try:
        for block in _recorded(microphone):
            if not heard:
                _begun()
            heard += block
            if given and speaker and playing is None and len(heard) >= play_at:
                told["played_at"] = len(heard) // 2
                playing = threading.Thread(target=_play, args=(speaker, given, told), daemon=True)
                playing.start()
            if len(heard) >= length:
                break
    except (av.error.FFmpegError, OSError) as error:
        told["microphone"] = _word(error)
        if not heard:
            _begun()
        if given and speaker:
            _play(speaker, given, told)
    if playing is not None:
        playing.join(timeout=5.0)
        if playing.is_alive():
            told["speaker"] = "hangs"
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + heard[:length])
    sys.stdout.buffer.flush()
    os._exit(0)  # a device that hangs is not waited for


def _recorded(device: str) -> Iterator[bytes]:
    """As it comes: ALSA gives 16 bits. A device that has no single channel gives two; the first."""
    for channels in (1, 2):
        options = {"sample_rate": str(RATE), "channels": str(channels)}
        try:
            container = av.open(device, format="alsa", options=options)
        except (av.error.FFmpegError, OSError):
            if channels == 2:
                raise
            continue
        with container:
            for packet in container.demux():
                block = bytes(packet)
                yield block if channels == 1 else _first_of_two(block)
        return


def _first_of_two(block: bytes) -> bytes:
    return np.frombuffer(block, np.int16)[::2].tobytes()


def _begun() -> None:
    sys.stdout.buffer.write(b"begun\n")
    sys.stdout.buffer.flush()


def _play(device: str, given: bytes, told: dict[str, Any]) -> None:
    samples = np.frombuffer(given, np.int16)
    try:
        with av.open(device, "w", format="alsa") as container:
            stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
            for at in range(0, len(samples), _BLOCK):
                frame = AudioFrame.from_ndarray(
                    samples[None, at : at + _BLOCK], format="s16", layout="mono"
                )
                frame.sample_rate, frame.pts = RATE, at
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (av.error.FFmpegError, OSError) as error:
        told["speaker"] = _word(error)


def _word(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EBUSY:
        return "busy"
    if number in (errno.EACCES, errno.EPERM):
        return "forbidden"
    return "missing" if number in (errno.ENOENT, errno.ENODEV, errno.EINVAL, errno.EIO) else "lost"


if __name__ == "__main__":
    sys.exit(main())
