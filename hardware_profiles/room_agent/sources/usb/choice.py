"""Which of a camera's modes is taken, and which device a name means.

Names that stay: `/dev/video0` is whichever was plugged in first, so a profile names a device as
udev does, by make and serial number (`/dev/v4l/by-id`) or by its socket (`/dev/v4l/by-path`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hardware_profiles.room_agent.sources.usb.probe import DeviceMode

# As PyAV's v4l2 input names them. The best first: raw needs no decoding, JPEG little, H.264 more.
INPUT_FORMATS = {
    "YUYV": "yuyv422",
    "NV12": "nv12",
    "MJPG": "mjpeg",
    "JPEG": "mjpeg",
    "H264": "h264",
}
_FOLDERS = ("v4l/by-id", "v4l/by-path", ".")


def best_mode(
    modes: Iterable[DeviceMode], width: int, height: int, frame_rate: float
) -> DeviceMode | None:
    """The mode that gives what the profile asks for: first all its pictures a second, then all its
    pixels, then as few more of both as may be, then the format that costs least.
    """
    order = list(INPUT_FORMATS)

    def worth(mode: DeviceMode) -> tuple[float, ...]:
        enough = min(mode.frame_rate, frame_rate - 0.1)  # 29.97 is 30
        pixels = mode.width * mode.height
        return (
            round(enough, 1),
            min(pixels, width * height),
            abs(mode.width / mode.height - width / height) < 0.01,
            -pixels,
            -order.index(mode.fourcc),
            -mode.frame_rate,
        )

    known = [mode for mode in modes if mode.fourcc in INPUT_FORMATS and mode.height]
    return max(known, key=worth, default=None)


def device_path(name: str, folder: Path = Path("/dev")) -> Path | None:
    """The device that a profile's name means; None when it is not plugged in.

    A whole path is taken as it is; a part of udev's name will do if it fits one camera alone.
    """
    if name.startswith("/"):
        return Path(name) if Path(name).exists() else None
    for place in _FOLDERS:
        if (folder / place / name).exists():
            return folder / place / name
    names = sorted(
        entry for place in _FOLDERS[:2] for entry in (folder / place).glob("*-video-index0")
    )
    found = {entry.resolve(): entry for entry in names if name in entry.name}
    return next(iter(found.values())) if len(found) == 1 else None
