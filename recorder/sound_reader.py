"""Opus packets in a track's MP4, and how long each lasts by its first two bytes (RFC 6716 §3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.opus import CLOCK_RATE, OpusPacket
from recorder.samples import Samples

# A second of packets, with the boxes between them.
READ_AT_ONCE = 50


def stored_packets(file: BinaryIO, samples: Samples, first: int = 0) -> Iterator[bytes]:
    """The packets of an open file, from the `first` on. Raises `OSError`."""
    offsets, sizes = samples.offset.tolist(), samples.size.tolist()
    for begins in range(first, len(sizes), READ_AT_ONCE):
        ends = min(begins + READ_AT_ONCE, len(sizes))
        base = offsets[begins]
        file.seek(base)
        block = file.read(offsets[ends - 1] + sizes[ends - 1] - base)
        for at in range(begins, ends):
            yield block[offsets[at] - base : offsets[at] - base + sizes[at]]


def sound_durations(path: Path, samples: Samples) -> list[float | None]:
    """Of every packet, in seconds; None for what is no Opus. Raises `OSError`."""
    with path.open("rb") as file:
        return [sound_duration(data[:2]) for data in stored_packets(file, samples)]


@lru_cache(maxsize=1024)
def sound_duration(head: bytes) -> float | None:
    """How long an Opus packet that begins so lasts, by its first two bytes; None: it is none."""
    try:
        return OpusPacket.parse(head).samples / CLOCK_RATE
    except MalformedPacketError:
        return None
