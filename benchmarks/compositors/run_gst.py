"""GStreamer's `compositor`: RTP in, RTP out, the same encoder's settings."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Sequence

from benchmarks.compositors import BITRATE_BPS, CAP_S, FRAMES_PER_S, HEIGHT, QUALITY, WIDTH
from benchmarks.compositors.arriving import Arriving
from benchmarks.compositors.classroom import PAYLOAD_TYPE, Clip
from benchmarks.compositors.sending import Target
from benchmarks.compositors.spawned import HOST, Spawned, free_port, udp_socket
from benchmarks.servers.bound import bound

_ELEMENTS = ("compositor", "avdec_h264", "x264enc", "rtph264depay", "rtph264pay", "udpsrc")
_CAPS = f"application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload={PAYLOAD_TYPE}"


class Gstreamer(Spawned):
    """One pipeline."""

    name = "gstreamer"

    @property
    def missing(self) -> str:
        """Debian's packages."""
        packages = (
            "gstreamer1.0-tools and gstreamer1.0-plugins-base, -good, -ugly, gstreamer1.0-libav"
        )
        if not shutil.which("gst-inspect-1.0"):
            return packages
        for element in _ELEMENTS:
            asked = subprocess.run(
                ["gst-inspect-1.0", "--exists", element], check=False, capture_output=True
            )
            if asked.returncode:
                return f"{packages} (there is no {element})"
        return ""

    def start(self, clips: Sequence[Clip]) -> list[Target]:
        """Start it; it takes its sources when they come."""
        receiver, port = udp_socket()
        self.arriving = Arriving(receiver)
        targets = []
        tiles, sources = "", ""
        for place in range(len(clips)):
            at = free_port()
            targets.append(Target(socket.AF_INET, (HOST, at)))
            x, y = place % 2 * WIDTH // 2, place // 2 * HEIGHT // 2
            tiles += (
                f"sink_{place}::xpos={x} sink_{place}::ypos={y} "
                f"sink_{place}::width={WIDTH // 2} sink_{place}::height={HEIGHT // 2} "
            )
            sources += (
                f"udpsrc address={HOST} port={at} caps={_CAPS} ! rtph264depay ! avdec_h264 ! "
                f"c.sink_{place} "
            )
        encoder = (
            f"x264enc speed-preset=superfast tune=zerolatency key-int-max=100000 pass=qual "
            f"quantizer={QUALITY} bitrate={BITRATE_BPS // 1000} "
            f"vbv-buf-capacity={round(CAP_S * 1000)} ! video/x-h264,profile=constrained-baseline"
        )
        pipeline = (
            f"compositor name=c background=black {tiles} ! "
            f"video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FRAMES_PER_S}/1 ! "
            f"{encoder} ! rtph264pay mtu=1200 ! udpsink host={HOST} port={port} sync=false "
            f"{sources}"
        )
        command = ["gst-launch-1.0", "-q", *pipeline.split()]
        self._process = subprocess.Popen(bound(command), stdout=subprocess.DEVNULL)
        return targets
