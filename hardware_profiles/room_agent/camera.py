"""One stream of a camera: asked again and again, and passed on to whoever sends it.

Owns the stream's life and what is known of it; one stream's trouble is no other's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from random import Random

from hardware_profiles.room_agent.passing.group import Passed
from hardware_profiles.room_agent.passing.path import CameraPath
from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from hardware_profiles.room_agent.sources.rtsp.connection import receive
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from hardware_profiles.room_agent.sources.rtsp.errors import LoginRefused, RtspError

# Back within four seconds of a camera's return, whatever the camera takes of it.
_AGAIN_S = (0.3, 0.6, 1.0, 1.5)
# Many cameras lock an account after some wrong passwords.
_AFTER_REFUSED_LOGIN_S = 30.0

Listener = Callable[[Passed], None]


class StreamState(Enum):
    """How a camera's stream is."""

    RESTS = "rests"  # no lesson: nobody asks it
    IS_ASKED = "is_asked"
    SENDS = "sends"
    LOST = "lost"


class CameraFeed:
    """`start` it for a lesson and `stop` it after; `listeners` get every packet."""

    def __init__(self, url: str, login: Login | None, *, udp: bool, rng: Random) -> None:
        self.state = StreamState.RESTS
        self.trouble: RtspError | None = None
        self.since = time.time()
        self.packets = 0
        self.listeners: list[Listener] = []
        self.path = CameraPath(rng.randrange(1 << 32))
        self._address = StreamAddress.parse(url)
        self._login = login
        self._udp = udp
        self._rng = rng
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Ask for it, until `stop`."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="camera-stream")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.path.group.forget()
        self._is(StreamState.RESTS)

    async def _run(self) -> None:
        losses = 0
        while True:
            if self.state is not StreamState.LOST:
                self._is(StreamState.IS_ASKED)
            began = self.packets
            try:
                await receive(self._address, self._login, self, udp=self._udp, rng=self._rng)
            except RtspError as error:
                self.trouble = error
            losses = 1 if self.packets > began else losses + 1
            self._is(StreamState.LOST)
            if isinstance(self.trouble, LoginRefused):
                await asyncio.sleep(_AFTER_REFUSED_LOGIN_S)
            else:
                await asyncio.sleep(_AGAIN_S[min(losses, len(_AGAIN_S)) - 1])

    def _is(self, state: StreamState) -> None:
        if state is not self.state:
            self.state, self.since = state, time.time()
        if state in (StreamState.SENDS, StreamState.RESTS):
            self.trouble = None

    # --- what the camera tells (`connection.PacketTaker`) ---------------------------------------

    def begins(self, track: CameraTrack) -> None:
        self.path.begin(track.payload_type, track.parameter_sets)

    def packet(self, data: bytes, at: float, *, control: bool) -> bool:
        if control:
            self.path.control(data, at, time.time())
            return not self.path.ended
        for one in self.path.packet(data, at):
            self.packets += 1
            for listener in self.listeners:
                listener(one)
        if self.state is not StreamState.SENDS:
            self._is(StreamState.SENDS)
        return True
