"""The least that it can cost in this stack: the libraries' calls in one loop, and nothing between.

One thread decodes the sources, scales each into its place and encodes the picture, all at the tick,
with the compositor's own settings. No RTP is read or packed, nothing is lost or late, nobody
changes the layout. What goes out is one packet for each picture, so that it can be counted.

`python -m benchmarks.compositors.run_floor PORT FILE…` is its process.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import cv2

from benchmarks.compositors import BITRATE_BPS, FRAMES_PER_S, HEIGHT, SOURCES, WIDTH
from benchmarks.compositors.arriving import Arriving
from benchmarks.compositors.classroom import PAYLOAD_TYPE, Clip
from benchmarks.compositors.sending import Target
from benchmarks.compositors.spawned import HOST, Spawned, udp_socket
from benchmarks.servers.bound import bound
from mixer.composite.layouts import Box
from mixer.composite.picture_decoder import picture_of
from mixer.composite.process.picture_encoder import FrameBuffer, PictureEncoder
from mixer.composite.scaling import draw_picture
from mixer.rtp.packet import RtpPacket

_WIDE, _HIGH = WIDTH // 2, HEIGHT // 2
_BOXES = tuple(Box(place % 2 * _WIDE, place // 2 * _HIGH, _WIDE, _HIGH) for place in range(SOURCES))


class Floor(Spawned):
    """Its sources are files, as ffmpeg's are."""

    name = "floor"
    missing = ""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self, clips: Sequence[Clip]) -> list[Target]:
        """Start it: it has its sources already."""
        receiver, port = udp_socket()
        self.arriving = Arriving(receiver)
        files = []
        for place, clip in enumerate(clips):
            files.append(self._folder / f"{self.name}-{place}.h264")
            files[-1].write_bytes(clip.stream)
        module = [sys.executable, "-m", "benchmarks.compositors.run_floor", str(port)]
        self._process = subprocess.Popen(bound([*module, *map(str, files)]))
        return []


def main(port: int, files: Sequence[str]) -> None:
    """Go on until ended."""
    cv2.setNumThreads(1)
    sources = [_packets(file) for file in files]
    decoders = [_decoder() for _ in sources]
    encoder = PictureEncoder(WIDTH, HEIGHT, bitrate_bps=BITRATE_BPS, frames_per_s=FRAMES_PER_S)
    drawn = FrameBuffer(WIDTH, HEIGHT)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    began, tick = time.monotonic(), 0
    while True:
        time.sleep(max(0.0, began + tick / FRAMES_PER_S - time.monotonic()))
        for box, packets, decoder in zip(_BOXES, sources, decoders, strict=True):
            for frame in decoder.decode(av.Packet(packets[tick % len(packets)])):
                draw_picture(drawn.canvas, picture_of(frame), box, letterbox=False)
        made = encoder.encode(drawn.frame, tick / FRAMES_PER_S)
        packet = RtpPacket(PAYLOAD_TYPE, tick & 0xFFFF, 0, 0, made[:1000], marker=True)
        sender.sendto(packet.serialize(), (HOST, port))
        tick += 1


def _packets(file: str) -> list[bytes]:
    """Of each picture, the first of which is a keyframe."""
    with av.open(file) as opened:
        return [bytes(packet) for packet in opened.demux() if packet.size]


def _decoder() -> Any:
    context = av.CodecContext.create("h264", "r")
    context.thread_count = 1
    context.options = {"flags": "low_delay"}
    return context


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
