"""What a V4L2 device is and can do: four ioctls of the kernel's interface (linux/videodev2.h).

QUERYCAP, ENUM_FMT, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS. Nothing is set and nothing is streamed, so
a camera may be asked while another program uses it. What is called is an argument: tests answer.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# The kernel's numbers, _IOR and _IOWR of 'V' with these structures' sizes.
QUERYCAP, ENUM_FMT = 0x8068_5600, 0xC040_5602
ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS = 0xC02C_564A, 0xC034_564B
CAPABILITY = struct.Struct("=16s32s32s3I12x")
FORMAT = struct.Struct("=3I32sI16x")
SIZE = struct.Struct("=9I8x")
INTERVAL = struct.Struct("=11I8x")
VIDEO_CAPTURE, HAS_DEVICE_CAPS, STREAMING = 0x1, 0x8000_0000, 0x0400_0000
DISCRETE = 1
_CAPTURE_BUFFERS = 1
# A camera has a handful of each; a driver that never ends is cut off.
_MOST = 64

# `ioctl(request, buffer)`: fills the buffer, or raises OSError.
Ioctl = Callable[[int, bytearray], None]


@dataclass(frozen=True, slots=True)
class DeviceMode:
    """One way in which a camera gives pictures. `fourcc` is V4L2's name: MJPG, YUYV, H264, …"""

    fourcc: str
    width: int
    height: int
    frame_rate: float


@dataclass(frozen=True, slots=True)
class DeviceDescription:
    """`card` is what its maker calls it, `bus` where it is plugged in."""

    card: str
    bus: str
    modes: tuple[DeviceMode, ...]


def describe(ioctl: Ioctl) -> DeviceDescription | None:
    """None of what gives no pictures (metadata, an output). Raises OSError when it is gone."""
    buffer = bytearray(CAPABILITY.size)
    ioctl(QUERYCAP, buffer)
    _driver, card, bus, _version, capabilities, device_capabilities = CAPABILITY.unpack(buffer)
    able = device_capabilities if capabilities & HAS_DEVICE_CAPS else capabilities
    if not (able & VIDEO_CAPTURE and able & STREAMING):
        return None
    modes = [
        DeviceMode(fourcc.to_bytes(4, "little").decode("latin-1").strip(), width, height, rate)
        for fourcc in _formats(ioctl)
        for width, height in _sizes(ioctl, fourcc)
        for rate in _rates(ioctl, fourcc, width, height)
    ]
    return DeviceDescription(_text(card), _text(bus), tuple(modes))


def _formats(ioctl: Ioctl) -> Iterator[int]:
    for values in _enumerated(ioctl, ENUM_FMT, FORMAT, lambda n: (n, _CAPTURE_BUFFERS, 0, b"", 0)):
        yield int(values[4])


def _sizes(ioctl: Ioctl, fourcc: int) -> Iterator[tuple[int, int]]:
    for values in _enumerated(ioctl, ENUM_FRAMESIZES, SIZE, lambda n: (n, fourcc, *[0] * 7)):
        if values[2] == DISCRETE:
            yield int(values[3]), int(values[4])
        else:  # from the least to the most in steps: the most will do
            yield int(values[4]), int(values[7])
            return


def _rates(ioctl: Ioctl, fourcc: int, width: int, height: int) -> Iterator[float]:
    def asked(number: int) -> tuple[int, ...]:
        return (number, fourcc, width, height, *[0] * 7)

    for values in _enumerated(ioctl, ENUM_FRAMEINTERVALS, INTERVAL, asked):
        numerator, denominator = int(values[5]), int(values[6])  # of seconds; the shortest first
        if numerator and denominator:
            yield denominator / numerator
        if values[4] != DISCRETE:
            return


def _enumerated(
    ioctl: Ioctl,
    request: int,
    shape: struct.Struct,
    asked: Callable[[int], tuple[object, ...]],
) -> Iterator[tuple[int, ...]]:
    for number in range(_MOST):
        buffer = bytearray(shape.pack(*asked(number)))
        try:
            ioctl(request, buffer)
        except OSError as error:
            if error.errno == errno.ENODEV:
                raise
            return  # EINVAL: there are no more; ENOTTY: this driver does not know the question
        yield shape.unpack(buffer)


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "replace")
