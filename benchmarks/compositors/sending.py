"""Sends the sources, alike to everybody: each frame at its time, the sources' phases apart."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.compositors.classroom import CLOCK_RATE, FRAMES_PER_S, Clip

_HEADER = struct.Struct("!HI")  # sequence number and timestamp, from the third byte on


@dataclass(frozen=True, slots=True)
class Target:
    """Where a source goes: a UDP address, or the path of a Unix datagram socket."""

    family: socket.AddressFamily
    address: str | tuple[str, int]


class Sending:
    """Sends from `start` to `stop`, in a thread."""

    def __init__(self, clips: Sequence[Clip], targets: Sequence[Target]) -> None:
        self._sources = [
            (clip, target, socket.socket(target.family, socket.SOCK_DGRAM))
            for clip, target in zip(clips, targets, strict=True)
        ]
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sending", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ending.set()
        self._thread.join()
        for _, _, sender in self._sources:
            sender.close()

    def _run(self) -> None:
        began, tick = time.monotonic(), 0
        steps = len(self._sources)
        while steps:
            # One source after the other, evenly over a frame's time: no two rooms' cameras agree.
            due = began + tick / (FRAMES_PER_S * steps)
            if self._ending.wait(max(0.0, due - time.monotonic())):
                return
            clip, target, sender = self._sources[tick % steps]
            frame = tick // steps
            turn, place = divmod(frame, len(clip.frames))
            timestamp = round(frame * CLOCK_RATE / FRAMES_PER_S) & 0xFFFF_FFFF
            for data in clip.frames[place]:
                number = (int.from_bytes(data[2:4], "big") + turn * clip.packets) & 0xFFFF
                packet = bytearray(data)
                _HEADER.pack_into(packet, 2, number, timestamp)
                send(sender, packet, target)
            tick += 1


def send(sender: socket.socket, packet: bytes | bytearray, target: Target) -> None:
    """Wait for room (a Unix queue may hold ten); who is gone gets nothing."""
    with contextlib.suppress(OSError):
        sender.sendto(packet, target.address)
