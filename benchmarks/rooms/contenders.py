"""Who carries the camera's picture: each a process of its own, and what it takes to run it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from benchmarks.servers.bound import bound

DEBIAN_PYTHON = "/usr/bin/python3"
_GST = (
    "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstWebRTC', '1.0'); "
    "from gi.repository import Gst, GstWebRTC; Gst.init(None); "
    "assert all(map(Gst.ElementFactory.find, ('webrtcbin', 'nicesink', 'rtspsrc', 'rtph264pay')))"
)
OURS, FFMPEG, GSTREAMER = "tongke", "ffmpeg-whip", "gstreamer"


@dataclass(frozen=True, slots=True)
class Contender:
    """`command` gets the camera's address and the sink's; "" in `missing`: it can be run."""

    name: str
    command: tuple[str, ...]
    missing: str = ""

    def start(self, url: str, whip: str, *more: str) -> subprocess.Popen[bytes]:
        """Runs until killed, and no longer than we do."""
        return subprocess.Popen(
            bound([*self.command, url, whip, *more]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def contenders() -> Sequence[Contender]:
    """All of them, ours first."""
    no_muxer = "" if "whip" in av.formats_available else "FFmpeg 8's whip muxer"
    return (
        Contender(OURS, (sys.executable, "-m", "benchmarks.rooms.tongke_room")),
        Contender(FFMPEG, (sys.executable, "-m", "benchmarks.rooms.ffmpeg_whip"), no_muxer),
        Contender(
            GSTREAMER, (DEBIAN_PYTHON, "-m", "benchmarks.rooms.gst_whip"), _gstreamer_missing()
        ),
    )


def _gstreamer_missing() -> str:
    packages = (
        "python3-gi, gir1.2-gst-plugins-bad-1.0, gstreamer1.0-nice, gstreamer1.0-plugins-good "
        "and -bad"
    )
    if not Path(DEBIAN_PYTHON).exists():
        return packages
    probe = subprocess.run([DEBIAN_PYTHON, "-c", _GST], capture_output=True, check=False)
    return packages if probe.returncode else ""
