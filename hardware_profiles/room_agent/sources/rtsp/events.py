"""What the RTSP client wants done, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hardware_profiles.room_agent.sources.rtsp.description import Description
from hardware_profiles.room_agent.sources.rtsp.errors import RtspError


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a connection (and close the one there was), then call `connected`."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Write:
    """Send these bytes on the connection."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Described:
    """The camera has said what it sends; call `set_up` with what is wanted of it."""

    description: Description


@dataclass(frozen=True, slots=True)
class Playing:
    """The camera will send from now on."""


class CameraPacket(NamedTuple):
    """One packet of a track: RTP, or RTCP where `control`. A tuple: hundreds a second are made."""

    track: int
    data: bytes
    control: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over; close the connection. `error` says why."""

    error: RtspError


Output = Connect | Write | Described | Playing | CameraPacket | Ended
