"""A real network camera for tests: a process of GStreamer's RTSP server whose pictures are marked.

Every picture carries the camera's identity and a counter that is the wall clock in frames
(`server.simulate.identity`): a still, a stranger's or an old picture cannot pass for a new one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pytest

from server.simulate.identity import COUNTER_RANGE
from server.simulate.scene import Scene, SceneView
from tests.ports import free_port

DEBIAN_PYTHON = "/usr/bin/python3"
_PROBE = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); "
    "from gi.repository import Gst, GstRtspServer; Gst.init(None); "
    "assert Gst.ElementFactory.find('x264enc') and Gst.ElementFactory.find('rtph264pay')"
)


def need_cameras() -> None:
    """Skip the test where GStreamer's RTSP server is not installed (`scripts/need-cameras.sh`)."""
    probe = [DEBIAN_PYTHON, "-c", _PROBE]
    if (
        not Path(DEBIAN_PYTHON).exists()
        or subprocess.run(probe, capture_output=True, check=False).returncode
    ):
        pytest.skip("needs GStreamer's RTSP server: scripts/need-cameras.sh")


@dataclass(frozen=True)
class CameraModel:
    """What a camera is set to."""

    width: int = 320
    height: int = 240
    frame_rate: int = 15
    codec: str = "h264"  # or "h265", "jpeg", "b-frames"
    profile: str = "constrained-baseline"
    gop: int = 15
    kbps: int = 600
    mtu: int = 1400
    sets_every_s: int = 0  # -1: before every IDR; 0: once, and in the description
    password: str = ""
    exact: bool = False  # its times are those of the wall clock's frames, however busy the machine
    sound: str = ""  # or "pcma", "g722", "aac"
    sound_file: str = ""  # 16 bits a sample, a whole number of seconds


@dataclass
class NetworkCamera:
    """`start`, `kill` (as a plug pulled), `start` again: the same address all along."""

    identity: int
    model: CameraModel = field(default_factory=CameraModel)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    inside: tuple[str, ...] = ()  # what puts it into another network (`ip netns exec …`)
    scene: ShownScene | None = None  # other pictures than the usual ones

    def __post_init__(self) -> None:
        model = self.model
        view = SceneView(
            identity=self.identity,
            name="camera",
            school="camera",
            source="students",
            width=model.width,
            height=model.height,
            frame_rate=model.frame_rate,
        )
        self._scene = Scene(view)

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/main"

    def start(self) -> None:
        """Returns when it listens."""
        given = {**asdict(self.model), "port": self.port}
        script = Path(__file__).with_name("camera_server.py")
        self.process = subprocess.Popen(
            [*self.inside, DEBIAN_PYTHON, str(script), json.dumps(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == str(self.port).encode()
        feeding = (self.process, self.scene or self._scene, self.model.frame_rate)
        threading.Thread(target=feed_pictures, args=feeding, daemon=True).start()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()


class ShownScene(Protocol):
    """What a camera sees."""

    def picture(self, counter: int, *, at: float) -> npt.NDArray[np.uint8]:
        """I420, of this moment of the wall clock."""
        ...


def feed_pictures(process: subprocess.Popen[bytes], scene: ShownScene, rate: int) -> None:
    """Write marked pictures (I420) to the process's input, each in its time, until it ends."""
    counter = int(time.time() * rate) + 1
    with suppress(OSError, ValueError):  # it was killed
        while process.poll() is None and process.stdin is not None:
            time.sleep(max(0.0, counter / rate - time.time()))
            picture = scene.picture(counter % COUNTER_RANGE, at=counter / rate)
            process.stdin.write(picture.tobytes())
            process.stdin.flush()
            counter += 1
