"""ffmpeg's `xstack`, as one writes it and tuned: RTP out, the same encoder's settings.

Its sources are files that it reads at their pace. By RTP it opens one input after the other, loses
packets of the first meanwhile, and then works on damaged pictures, which costs less. That it has no
RTP to read is in its favour.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.compositors import BITRATE_BPS, CAP_S, FRAMES_PER_S, HEIGHT, QUALITY, WIDTH
from benchmarks.compositors.arriving import Arriving
from benchmarks.compositors.classroom import Clip
from benchmarks.compositors.sending import Target
from benchmarks.compositors.spawned import HOST, Spawned, udp_socket
from benchmarks.servers.bound import bound

LOOPS = 20  # of five seconds: longer than a run


class Xstack(Spawned):
    """`tuned`: one thread each for decoders, filters and encoder, and the cheapest scaler."""

    def __init__(self, folder: Path, *, tuned: bool) -> None:
        self.name = "xstack-tuned" if tuned else "xstack"
        self._folder = folder
        self._tuned = tuned

    @property
    def missing(self) -> str:
        """Debian's package."""
        return "" if shutil.which("ffmpeg") else "ffmpeg"

    def start(self, clips: Sequence[Clip]) -> list[Target]:
        """Start it: it has its sources already."""
        receiver, port = udp_socket()
        self.arriving = Arriving(receiver)
        inputs: list[str] = []
        for place, clip in enumerate(clips):
            file = self._folder / f"{self.name}-{place}.h264"
            file.write_bytes(clip.stream * LOOPS)
            inputs += ["-threads", "1"] if self._tuned else []
            inputs += ["-re", "-f", "h264", "-framerate", str(FRAMES_PER_S), "-i", str(file)]
        command = ["ffmpeg", "-nostdin", "-loglevel", "error", *inputs]
        command += ["-filter_complex_threads", "1"] if self._tuned else []
        command += ["-filter_complex", self._filter(len(clips)), "-map", "[out]"]
        command += ["-r", str(FRAMES_PER_S), "-c:v", "libx264", *encoder_settings()]
        command += ["-threads", "1"] if self._tuned else []
        command += ["-f", "rtp", f"rtp://{HOST}:{port}?pkt_size=1200"]
        self._process = subprocess.Popen(bound(command), stdout=subprocess.DEVNULL)
        return []

    def _filter(self, sources: int) -> str:
        flags = ":flags=fast_bilinear" if self._tuned else ""
        size = f"{WIDTH // 2}:{HEIGHT // 2}"
        scaled = ";".join(f"[{n}:v]scale={size}{flags}[s{n}]" for n in range(sources))
        names = "".join(f"[s{n}]" for n in range(sources))
        return f"{scaled};{names}xstack=inputs={sources}:layout=0_0|w0_0|0_h0|w0_h0[out]"


def encoder_settings() -> list[str]:
    """As the compositor's own encoder is set."""
    return [
        *("-preset", "superfast", "-tune", "zerolatency", "-profile:v", "baseline"),
        *("-crf", str(QUALITY), "-maxrate", str(BITRATE_BPS)),
        *("-bufsize", str(round(BITRATE_BPS * CAP_S)), "-g", "100000", "-sc_threshold", "0"),
    ]
