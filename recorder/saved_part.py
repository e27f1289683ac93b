"""What can still be read of a damaged file, as a file that plays: frames copied, none decoded."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

# What the file that is written can say of its disk, and no damaged one that is read.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
_OPTIONS = {"mp4": {"movflags": "faststart"}, "webm": {"cues_to_front": "1"}}


@dataclass(frozen=True, slots=True)
class Saved:
    """It stands in `aside`, synced, and is to take the place of `path`."""

    path: Path
    aside: Path
    duration_s: float


def save_part(path: Path) -> Saved | None:
    """Copy what can be read into a file beside it; None when that is nothing.

    Raises `OSError` where the disk does not take it: then nothing is left of it.
    """
    container_format = path.suffix.removeprefix(".")
    if container_format not in _OPTIONS:
        return None
    aside = path.with_name(f".{path.name}.saved")
    duration_s, packets = 0.0, 0
    try:
        with (
            av.open(str(path)) as damaged,
            av.open(
                str(aside), "w", format=container_format, options=_OPTIONS[container_format]
            ) as out,
        ):
            for packet, ends_s in _copied(damaged, out):
                out.mux(packet)
                duration_s, packets = max(duration_s, ends_s), packets + 1
        if not packets:
            raise av.error.InvalidDataError(0, "no frame")
        with aside.open("rb") as file:
            os.fsync(file.fileno())
    except (av.error.FFmpegError, ValueError) as error:
        aside.unlink(missing_ok=True)
        code = getattr(error, "errno", None)
        if code in _NO_ROOM:
            raise OSError(code, os.strerror(code), str(aside)) from error
        return None
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    return Saved(path, aside, duration_s)


def _copied(
    damaged: InputContainer, out: OutputContainer
) -> Iterator[tuple[Packet[Stream], float]]:
    """Packets for `out` and where each ends in seconds, up to the first that cannot be read."""
    targets: dict[int, Stream] = {
        stream.index: out.add_stream_from_template(stream, opaque=True)
        for stream in damaged.streams
        if stream.type in ("video", "audio")
    }
    last: dict[int, int] = {}
    packets = damaged.demux()
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            return
        if packet is None:
            return
        index = packet.stream.index
        if not packet.size or packet.dts is None or packet.is_corrupt or index not in targets:
            continue
        if packet.dts <= last.get(index, packet.dts - 1):
            continue  # a damaged index may name a frame twice
        last[index] = packet.dts
        base = packet.time_base
        shown = packet.pts if packet.pts is not None else packet.dts
        ends_s = float((shown + (packet.duration or 0)) * base) if base else 0.0
        packet.stream = targets[index]
        yield packet, ends_s
