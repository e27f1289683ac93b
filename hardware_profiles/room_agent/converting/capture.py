"""A device of this machine in the child: opened, its pictures encoded in all sizes that are wanted.

USB cameras by V4L2, the X11 screen, films and test pictures, all through PyAV. Times are this
machine's monotonic clock, which the agent has, too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
from av.video.frame import VideoFrame

from hardware_profiles.room_agent.converting.decoder import CLOCK_RATE
from hardware_profiles.room_agent.converting.encoder import BaselineEncoder
from hardware_profiles.room_agent.converting.messages import (
    ChildMessage,
    MessageKind,
    message_bytes,
    number_bytes,
)
from hardware_profiles.room_agent.converting.target import EvenPace, Target
from hardware_profiles.room_agent.sources.usb.choice import INPUT_FORMATS, best_mode, device_path
from hardware_profiles.room_agent.sources.usb.probe import DeviceMode, describe

_PRICE_EVERY_S = 1.0
Write = Callable[[bytes], None]


class CaptureFailed(Exception):
    """`word` is the key of `sources.devices`' sentences."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True, slots=True)
class CaptureSetup:
    """What to open, and how large it goes out, the smallest first."""

    kind: str
    device: str
    targets: tuple[Target, ...]


class Capture:
    """`run` it in one thread, `take` messages in another."""

    def __init__(self, setup: CaptureSetup, write: Write) -> None:
        self._setup = setup
        self._write = write
        self._layers = [BaselineEncoder(target) for target in setup.targets]
        self._paces = [EvenPace(target.frame_rate, CLOCK_RATE) for target in setup.targets]
        self._needed = 0
        self._showed = 0  # the layers that got the picture before
        self._told_at = float("-inf")

    def take(self, message: ChildMessage) -> None:
        """What the agent says."""
        if message.kind is MessageKind.NEEDED and message.body:
            self._needed = message.body[0]

    def run(self) -> None:
        """Until the device is gone; always ends by raising `CaptureFailed`."""
        try:
            self._open()
        except av.error.FileNotFoundError:
            raise CaptureFailed("missing") from None
        except (av.error.PermissionError, PermissionError):
            raise CaptureFailed("forbidden") from None
        except OSError as error:
            raise CaptureFailed("busy" if error.errno == 16 else "lost") from None
        except av.error.FFmpegError:
            raise CaptureFailed("lost") from None
        raise CaptureFailed("lost")

    def _open(self) -> None:
        most = self._setup.targets[-1]
        match self._setup.kind:
            case "usb":
                self._usb(most)
            case "screen":
                options = {"framerate": f"{most.frame_rate:g}"}
                self._pictures(av.open(self._setup.device, format="x11grab", options=options))
            case "pattern":
                source = f"testsrc2=size={most.width}x{most.height}:rate={most.frame_rate:g}"
                self._paced(lambda: av.open(source, format="lavfi"))
            case _:
                if not Path(self._setup.device).is_file():
                    raise CaptureFailed("missing")
                self._paced(lambda: av.open(self._setup.device))

    def _usb(self, most: Target) -> None:
        path = device_path(self._setup.device)
        if path is None:
            raise CaptureFailed("missing")
        mode = _mode(path, most)
        options = {
            "input_format": INPUT_FORMATS[mode.fourcc],
            "video_size": f"{mode.width}x{mode.height}",
            "framerate": f"{mode.frame_rate:g}",
        }
        self._pictures(av.open(str(path), format="v4l2", options=options))

    def _pictures(self, container: Any) -> None:
        """Of a device, which gives them as they come."""
        with container:
            for packet in container.demux(video=0):
                # What nobody wants is not even decoded; JPEG and raw stand alone.
                if self._needed or packet.stream.codec_context.name == "h264":
                    for frame in packet.decode():
                        self._show(frame, time.monotonic())

    def _paced(self, opened: Callable[[], Any]) -> None:
        """Of a film, again and again, in its own time."""
        while True:
            began, shown = time.monotonic(), 0
            with opened() as container:
                for frame in container.decode(video=0):
                    at = began + float(frame.time or 0.0)
                    time.sleep(max(0.0, at - time.monotonic()))
                    self._show(frame, at)
                    shown += 1
            if not shown:
                raise CaptureFailed("format")

    def _show(self, frame: VideoFrame, at: float) -> None:
        timestamp, needed = round(at * CLOCK_RATE), self._needed
        if at - self._told_at >= _PRICE_EVERY_S:
            self._told_at = at
            spent = round(time.process_time() * 1e6)
            self._write(
                message_bytes(MessageKind.SIZE, number_bytes(frame.width, frame.height))
                + message_bytes(MessageKind.DONE, number_bytes(spent))
            )
        for number, (encoder, pace) in enumerate(zip(self._layers, self._paces, strict=True)):
            if not needed >> number & 1:
                continue
            if not self._showed >> number & 1:
                encoder.begin_anew()
            if pace.takes(timestamp):
                frame.pts = timestamp
                for picture in encoder.encode(frame):
                    body = replace(picture, layer=number).body()
                    self._write(message_bytes(MessageKind.ENCODED, body))
        self._showed = needed


def _mode(path: Path, most: Target) -> DeviceMode:
    device = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        described = describe(lambda request, buffer: _ioctl(device, request, buffer))
    finally:
        with suppress(OSError):
            os.close(device)
    modes: Iterator[DeviceMode] = iter(described.modes if described is not None else ())
    mode = best_mode(modes, most.width, most.height, most.frame_rate)
    if mode is None:
        raise CaptureFailed("format")
    return mode


def _ioctl(device: int, request: int, buffer: bytearray) -> None:
    import fcntl  # noqa: PLC0415 - Windows has none, and none of these devices

    fcntl.ioctl(device, request, buffer, True)
