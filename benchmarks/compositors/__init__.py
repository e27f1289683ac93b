"""Who makes one picture of four, and what is measured of each.

classroom    the sources: moving pictures, encoded once, sent in a loop
sending      the clock that sends them, alike to all
arriving     what comes out, counted
spawned      a contender's process and ports
run_tongke   the compositor's process, told as the server tells it
run_ffmpeg   ffmpeg's `xstack`
run_gst      GStreamer's `compositor`
run_floor    the libraries' calls, and nothing between them
quality      how near the picture is to an ideal one
sound_alone  the sound beside Janus' AudioBridge (`run_audiobridge`), what `speaking` sends
sound_quality  its repair and its delay, in virtual time
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.compositors.arriving import Arriving
from benchmarks.compositors.classroom import Clip
from benchmarks.compositors.sending import Target

WIDTH, HEIGHT, FRAMES_PER_S = 1280, 720, 30
SOURCES = 4
# The same for everybody: x264's preset, tuning, quality and cap (mixer.composite.process).
QUALITY, BITRATE_BPS, CAP_S = 24, 1_800_000, 0.5


@dataclass(frozen=True, slots=True)
class Made:
    """What one contender did in a while. `frames` went out; CPU is all of its processes'."""

    frames: int
    octets: int
    cpu_s: float
    seconds: float

    @property
    def cpu_ms_per_frame(self) -> float:
        """Not a number without a frame."""
        return 1000 * self.cpu_s / self.frames if self.frames else float("nan")

    @property
    def cores(self) -> float:
        """How much of one it used."""
        return self.cpu_s / self.seconds

    @property
    def kbit_per_s(self) -> float:
        """Of RTP payloads and headers."""
        return 8 * self.octets / self.seconds / 1000


class Contender(Protocol):
    """Started once for each run; `stop` in any case."""

    name: str

    @property
    def missing(self) -> str:
        """What has to be installed; empty when it can run."""
        ...

    def start(self, clips: Sequence[Clip]) -> list[Target]:
        """Where to send each source; nowhere if it reads files."""
        ...

    @property
    def pid(self) -> int:
        """Its process."""
        ...

    @property
    def arriving(self) -> Arriving:
        """What it sends."""
        ...

    def stop(self) -> None:
        """End it."""
        ...
