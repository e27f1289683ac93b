"""Which cameras and microphones this machine has, by the kernel's own lists (Linux).

Owns reading `/dev` and `/proc/asound`; both folders and the system call are arguments. Nothing is
opened for pictures or sound: others may use it meanwhile.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hardware_profiles.room_agent.sources.usb.probe import DeviceDescription, Ioctl, describe

# A room has at most a handful; a hub that lists itself without end is cut off.
_MOST = 16
_CARD = re.compile(r"^\s*(\d+) \[(\S*)\s*\]: (.*)$")


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """`name` is udev's, which stays, where there is one; else the device's own."""

    name: str
    description: DeviceDescription

    def largest(self, frame_rate: float) -> tuple[int, int]:
        """The most pixels that it gives at about so many pictures a second; (0, 0) for none."""
        sizes = [
            (mode.width, mode.height)
            for mode in self.description.modes
            if mode.frame_rate >= 0.9 * frame_rate
        ]
        return max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))


@dataclass(frozen=True, slots=True)
class FoundSound:
    """A sound card: what it is called, and whether it hears, plays, or both (a speakerphone)."""

    name: str
    hears: bool
    plays: bool


def list_cameras(
    folder: Path = Path("/dev"), ask: Callable[[Path], DeviceDescription | None] | None = None
) -> list[FoundCamera]:
    """Those that give pictures, by the order of their numbers."""
    names = {entry.resolve(): entry.name for entry in sorted((folder / "v4l" / "by-id").glob("*"))}
    found = []
    for device in sorted(folder.glob("video*"), key=lambda one: (len(one.name), one.name))[:_MOST]:
        with suppress(OSError):
            described = (ask or _asked)(device)
            if described is not None and described.modes:
                found.append(FoundCamera(names.get(device.resolve(), str(device)), described))
    return found


def list_sounds(folder: Path = Path("/proc/asound")) -> list[FoundSound]:
    """Every card, in its own order."""
    try:
        text = (folder / "cards").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found = []
    for line in text.splitlines():
        card = _CARD.match(line)
        if card is None:
            continue
        name = card[3].partition(" - ")[2] or card[3]
        devices = [one.name for one in (folder / f"card{card[1]}").glob("pcm*")]
        hears = any(one.endswith("c") for one in devices)
        plays = any(one.endswith("p") for one in devices)
        if hears or plays:
            found.append(FoundSound(name.strip()[:80], hears, plays))
    return found[:_MOST]


def _asked(device: Path) -> DeviceDescription | None:
    import fcntl  # noqa: PLC0415 - Windows has none, and none of these devices

    opened = os.open(device, os.O_RDWR | os.O_NONBLOCK)

    def ioctl(request: int, buffer: bytearray) -> None:
        fcntl.ioctl(opened, request, buffer, True)

    asking: Ioctl = ioctl
    try:
        return describe(asking)
    finally:
        os.close(opened)
