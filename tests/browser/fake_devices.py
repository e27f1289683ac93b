"""Cameras and microphones for real browsers: a seat's picture and voice as files for Chromium.

Chromium plays them in place of a device (`--use-file-for-fake-video-capture`,
`--use-file-for-fake-audio-capture`), over and over. The picture carries the seat's identity and a
counter that runs from 0 to the last frame and then begins again; the voice has the seat's tone.
The other end reads them with `identity.js` or `server.simulate.identity`.
"""

from __future__ import annotations

import atexit
import functools
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from server.simulate.scene import Scene, SceneView
from server.simulate.voice import SAMPLE_RATE, speech_loop

# Chromium plays a Motion-JPEG file at 30 frames a second, whatever it was made for.
MJPEG_FRAME_RATE = 30
_JPEG_QUALITY = 85


@dataclass(frozen=True, slots=True)
class FakeDevice:
    """The files of one seat's camera and microphone, and the flags that make Chromium use them."""

    video: Path
    audio: Path
    frames: int

    @property
    def chromium_flags(self) -> list[str]:
        return [
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={self.video}",
            f"--use-file-for-fake-audio-capture={self.audio}",
        ]


@functools.cache
def seat_device(identity: int, name: str, size: tuple[int, int]) -> FakeDevice:
    """The device of a seat, made once for all tests: drawing it takes longer than a start."""
    width, height = size
    return make_fake_device(
        _folder() / f"{name}-{width}x{height}",
        identity=identity,
        name=name,
        width=width,
        height=height,
    )


@functools.cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="tongke-devices-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def make_fake_device(
    folder: Path,
    *,
    identity: int,
    name: str,
    school: str = "",
    source: str = "students",
    width: int = 640,
    height: int = 360,
    seconds: int = 2,
) -> FakeDevice:
    """Write the seat's files into `folder` (about 2 MB for 2 s at 640×360)."""
    folder.mkdir(parents=True, exist_ok=True)
    device = FakeDevice(
        video=folder / f"seat-{identity}.mjpeg",
        audio=folder / f"seat-{identity}.wav",
        frames=seconds * MJPEG_FRAME_RATE,
    )
    view = SceneView(
        identity=identity,
        name=name,
        school=school,
        source=source,
        width=width,
        height=height,
        frame_rate=MJPEG_FRAME_RATE,
    )
    _write_mjpeg(device.video, view, device.frames)
    write_voice(device.audio, identity)
    return device


def _write_mjpeg(file: Path, view: SceneView, frames: int) -> None:
    scene = Scene(view)
    with file.open("wb") as out:
        for counter in range(frames):
            clock = f"{counter // MJPEG_FRAME_RATE:02d}.{counter % MJPEG_FRAME_RATE:02d}"
            picture = scene.picture(counter, clock=clock)
            colours = cv2.cvtColor(picture, cv2.COLOR_YUV2BGR_I420)
            quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
            written, jpeg = cv2.imencode(".jpg", colours, quality)
            if not written:
                raise RuntimeError("OpenCV cannot write JPEG")
            out.write(np.asarray(jpeg, dtype=np.uint8).tobytes())


def write_voice(file: Path, identity: int) -> None:
    """A microphone's file: who opens one from now on has this seat's voice."""
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(speech_loop(identity).tobytes())
