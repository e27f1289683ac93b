"""A USB camera's answers to the kernel's questions, laid out as linux/videodev2.h has them.

The kernel of a test machine has no V4L2; what is asked and answered here are the bytes that cross
the system call.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CAPTURE, META, STREAMING, DEVICE_CAPS = 0x1, 0x0080_0000, 0x0400_0000, 0x8000_0000
# fourcc → size → frame intervals (numerator, denominator) in seconds
Modes = Mapping[str, Mapping[tuple[int, int], Sequence[tuple[int, int]]]]

# As cameras of this kind list themselves: raw is slow when large, for USB 2 carries no more.
WEBCAM: Modes = {
    "YUYV": {(640, 480): [(1, 30), (1, 15)], (1920, 1080): [(1, 5)]},
    "MJPG": {(640, 480): [(1, 30)], (1280, 720): [(1, 30)], (1920, 1080): [(1, 30), (1, 24)]},
}


@dataclass
class V4l2Camera:
    """`ioctl` answers; an unknown question is refused as the kernel refuses it."""

    modes: Modes = field(default_factory=lambda: WEBCAM)
    able: int = CAPTURE | STREAMING
    gone: bool = False
    stepwise: bool = False

    def ioctl(self, request: int, buffer: bytearray) -> None:
        if self.gone:
            raise OSError(errno.ENODEV, "gone")
        number, size = request & 0xFF, request >> 16 & 0x3FFF
        assert request >> 8 & 0xFF == ord("V") and size == len(buffer)
        match number:
            case 0:
                head = (b"uvcvideo", b"Classroom Camera", b"usb-0000:00:14.0-3")
                caps = (0x060C, self.able | DEVICE_CAPS | META, self.able)
                buffer[:92] = struct.pack("=16s32s32sIII", *head, *caps)
            case 2:
                (index, kind) = struct.unpack_from("=II", buffer)
                assert kind == 1
                name = self._at(list(self.modes), index)
                struct.pack_into("=I", buffer, 44, _fourcc(name))
            case 74:
                index, fourcc = struct.unpack_from("=II", buffer)
                sizes = list(self.modes[_name(fourcc)])
                if self.stepwise:
                    self._at([0], index)
                    struct.pack_into("=7I", buffer, 8, 3, 64, sizes[-1][0], 2, 64, sizes[-1][1], 2)
                else:
                    struct.pack_into("=3I", buffer, 8, 1, *self._at(sizes, index))
            case 75:
                index, fourcc, width, height = struct.unpack_from("=4I", buffer)
                every = self._at(list(self.modes[_name(fourcc)][width, height]), index)
                struct.pack_into("=3I", buffer, 16, 1, *every)
            case _:
                raise OSError(errno.ENOTTY, "unknown")

    @staticmethod
    def _at(values: list[Any], index: int) -> Any:
        if index >= len(values):
            raise OSError(errno.EINVAL, "no more")
        return values[index]


def _fourcc(name: str) -> int:
    return int.from_bytes(name.encode(), "little")


def _name(fourcc: int) -> str:
    return fourcc.to_bytes(4, "little").decode()
