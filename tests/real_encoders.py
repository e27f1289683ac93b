"""Real encoders of two makes that send marked pictures and a tone by RTMP or SRT.

FFmpeg's `flv` and `mpegts` muxers, and GStreamer's `rtmp2sink` and `srtsink`: processes of their
own, fed raw pictures whose identity and counter are the wall clock's (`tests.network_camera`).
"""

from __future__ import annotations

import shutil
import subprocess
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from server.simulate.identity import tone_hz
from server.simulate.scene import Scene, SceneView
from tests.network_camera import feed_pictures

WIDTH, HEIGHT, RATE = 320, 240, 15
SAMPLE_RATE = 48_000
PICTURES = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", f"{RATE}"]
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "high"]


def need_encoders() -> None:
    """Skip the test where they are not installed (`scripts/need-encoders.sh`)."""
    if not (shutil.which("ffmpeg") and shutil.which("gst-launch-1.0")):
        pytest.skip("needs FFmpeg and GStreamer: scripts/need-encoders.sh")


def ffmpeg(
    address: str, form: str, voice: Path | None, *, codec: list[str] | None = None
) -> list[str]:
    """FFmpeg sending to this address in this container, with a group of two seconds."""
    sound = ["-re", "-stream_loop", "-1", "-i", str(voice), "-c:a", "aac"] if voice else []
    return [
        *("ffmpeg", "-hide_banner", "-loglevel", "error", "-fflags", "nobuffer"),
        *(*PICTURES, "-i", "pipe:0", *sound[:5]),
        *(*(codec or X264), "-g", f"{2 * RATE}", "-pix_fmt", "yuv420p", *sound[5:]),
        *("-flush_packets", "1", "-f", form, address),
    ]


def gstreamer(address: str, muxer: str, sink: str, voice: Path | None) -> list[str]:
    """GStreamer sending there; `sink` is its last element with what it needs."""
    del address
    pictures = (
        f"fdsrc fd=0 ! rawvideoparse format=i420 width={WIDTH} height={HEIGHT} framerate={RATE}/1 "
        f"! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={2 * RATE} bitrate=600 "
        "! video/x-h264,profile=main ! h264parse config-interval=-1 ! queue ! mux. "
    )
    # It has no loop of a file: half a minute of it, from the first picture on.
    sound = ""
    if voice is not None:
        sound = (
            f"filesrc location={voice} ! wavparse ! audioconvert ! voaacenc ! aacparse ! queue "
            "! mux. "
        )
    return ["gst-launch-1.0", "-q", *f"{muxer} name=mux ! {sink} {pictures} {sound}".split()]


def voice_file(folder: Path, identity: int) -> Path:
    """Thirty seconds of this identity's tone."""
    path = folder / f"tone-{identity}.wav"
    times = np.arange(30 * SAMPLE_RATE) / SAMPLE_RATE
    tone = 8_000 * np.sin(2 * np.pi * tone_hz(identity) * times)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(tone.astype("<i2").tobytes())
    return path


@contextmanager
def sending(command: list[str], identity: int) -> Iterator[subprocess.Popen[bytes]]:
    """The encoder, while it sends."""
    process = _started(command)
    feeding = threading.Thread(target=feed_pictures, args=(process, _scene(identity), RATE))
    feeding.start()
    try:
        yield process
    finally:
        process.kill()
        feeding.join()
        _close(process)


@contextmanager
def sending_again(command: list[str], identity: int) -> Iterator[None]:
    """The encoder as a box is: begun anew whenever it has ended."""
    over = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def run() -> None:
        while not over.is_set():
            process = _started(command)
            running[:] = [process]
            feed_pictures(process, _scene(identity), RATE)
            _close(process)
            over.wait(0.5)

    box = threading.Thread(target=run)
    box.start()
    try:
        yield
    finally:
        over.set()
        for process in running:
            process.kill()
        box.join()


def _scene(identity: int) -> Scene:
    return Scene(SceneView(identity, "Encoder", "County", "board", WIDTH, HEIGHT, RATE))


def _started(command: list[str]) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)


def _close(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdin is not None:
        with suppress(OSError, ValueError):
            process.stdin.close()
