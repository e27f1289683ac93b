"""A process of its own that feeds a lesson: a picture in two sizes and a tone, plain RTP.

`python -m tests.feeder` reads one JSON object from its standard input: streams by any name, each
with the socket to bind, `media_path`, `ssrcs`, `payload_type` (`mixer.model.FeedInfo`) and its
codec: H264, VP8 or opus. It ends when its standard input is closed. Each layer has its own
brightness, so that whoever looks knows which one came; a keyframe is sent when asked for and at no
other time but the beginning.
"""

from __future__ import annotations

import fractions
import json
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder

from mixer.rtp.feedback import Pli
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import RtcpPacket, SenderReport, parse_compound, serialize_compound

FRAME_RATE = 15
SIZES = ((320, 180), (640, 360))  # the smallest layer first
BRIGHTNESS = (60, 180)
TONE_HZ = 660.0
SAMPLE_RATE = 48_000
SOUND_S = 0.02
NTP_OF_1970 = 2_208_988_800


class Sender:
    """One feed's socket: RTP and reports out, keyframe requests in."""

    def __init__(self, feed: dict[str, Any]) -> None:
        self.ssrcs: list[int] = feed["ssrcs"]
        self._payload_type: int = feed["payload_type"]
        self._to: str = feed["media_path"]
        self._sequence = dict.fromkeys(self.ssrcs, 0)
        self._sent = dict.fromkeys(self.ssrcs, (0, 0))
        path = Path(feed["socket"])
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def send(self, ssrc: int, payload: bytes, timestamp: int, *, marker: bool) -> None:
        packet = RtpPacket(
            payload_type=self._payload_type,
            sequence_number=self._sequence[ssrc],
            timestamp=timestamp & 0xFFFFFFFF,
            ssrc=ssrc,
            marker=marker,
            payload=payload,
        )
        self._sequence[ssrc] = (self._sequence[ssrc] + 1) & 0xFFFF
        packets, octets = self._sent[ssrc]
        self._sent[ssrc] = (packets + 1, octets + len(payload))
        self._put(packet.serialize())

    def report(self, ssrc: int, timestamp: int, at: float) -> None:
        packets, octets = self._sent[ssrc]
        ntp = round((at + NTP_OF_1970) * 2**32)
        packet: RtcpPacket = SenderReport(ssrc, ntp, timestamp & 0xFFFFFFFF, packets, octets)
        self._put(serialize_compound([packet]))

    def wanted_keyframes(self) -> set[int]:
        """The SSRCs of which a keyframe was asked for since the last call."""
        wanted: set[int] = set()
        while True:
            try:
                data = self._socket.recv(2048)
            except BlockingIOError:
                return wanted
            wanted |= {p.media_ssrc for p in parse_compound(data) if isinstance(p, Pli)}

    def _put(self, data: bytes) -> None:
        while True:
            try:
                self._socket.sendto(data, self._to)
            except BlockingIOError:
                time.sleep(0.001)  # the queue of a Unix datagram socket may hold ten datagrams
            except OSError:
                return  # the server is being restarted
            else:
                return


H264_OPTIONS = {"preset": "superfast", "tune": "zerolatency", "profile": "baseline"}
VP8_OPTIONS = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}


def encoder_of(size: tuple[int, int], codec: str = "H264") -> av.VideoCodecContext:
    encoder = av.CodecContext.create("libvpx" if codec == "VP8" else "libx264", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = fractions.Fraction(FRAME_RATE)
    encoder.time_base = fractions.Fraction(1, 90_000)
    encoder.gop_size = 10_000
    encoder.options = VP8_OPTIONS if codec == "VP8" else H264_OPTIONS
    return encoder


def send_pictures(feed: dict[str, Any], ended: threading.Event) -> None:
    sender = Sender(feed)
    packers = [Vp8Encoder() if feed["codec"] == "VP8" else H264Encoder() for _size in SIZES]
    encoders = [encoder_of(size, feed["codec"]) for size in SIZES]
    number = 0
    while not ended.wait(1 / FRAME_RATE):
        wanted = sender.wanted_keyframes()
        for ssrc, packer, encoder, size, level in zip(
            sender.ssrcs, packers, encoders, SIZES, BRIGHTNESS, strict=True
        ):
            width, height = size
            plane = np.full((height * 3 // 2, width), 128, np.uint8)
            plane[:height] = level + number % 8
            frame = av.VideoFrame.from_ndarray(plane, format="yuv420p")
            frame.pts = number * 90_000 // FRAME_RATE
            frame.time_base = encoder.time_base
            if ssrc in wanted:
                frame.pict_type = av.video.frame.PictureType.I
            for packet in encoder.encode(frame):
                payloads, timestamp = packer.pack(packet)
                for payload in payloads:
                    sender.send(ssrc, payload, timestamp, marker=payload is payloads[-1])
            if number % FRAME_RATE == 0:
                sender.report(ssrc, frame.pts, time.time())
        number += 1


def send_sound(feed: dict[str, Any], ended: threading.Event) -> None:
    sender = Sender(feed)
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE, "stereo", "s16"
    samples = int(SAMPLE_RATE * SOUND_S)
    number, began = 0, time.monotonic()
    while not ended.wait(max(0.0, began + number * SOUND_S - time.monotonic())):
        t = (np.arange(samples) + number * samples) / SAMPLE_RATE
        tone = (8000 * np.sin(2 * np.pi * TONE_HZ * t)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(
            np.repeat(tone, 2).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate, frame.pts = SAMPLE_RATE, number * samples
        for packet in encoder.encode(frame):
            sender.send(sender.ssrcs[0], bytes(packet), number * samples, marker=False)
        if number % 50 == 0:
            sender.report(sender.ssrcs[0], number * samples, time.time())
        number += 1


def main() -> None:
    feeds = json.loads(sys.stdin.readline())
    ended = threading.Event()
    threads = [
        threading.Thread(
            target=send_sound if feed["codec"] == "opus" else send_pictures, args=(feed, ended)
        )
        for feed in feeds.values()
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    ended.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
