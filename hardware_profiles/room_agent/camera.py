"""One stream of a camera: asked again and again, and passed on to whoever sends it.

Owns the stream's life and what is known of it; one stream's trouble is no other's. What browsers do
not play goes through a child that decodes and encodes it (`converting`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum

from hardware_profiles.room_agent.converting.converted import (
    CODECS,
    ConvertedCamera,
)
from hardware_profiles.room_agent.converting.packets import PAYLOAD_TYPE
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.passing.fitness import Unfit
from hardware_profiles.room_agent.passing.group import Passed
from hardware_profiles.room_agent.passing.path import CameraPath
from hardware_profiles.room_agent.sources.errors import NotConverted, OwnFault, SourceError
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from hardware_profiles.room_agent.sources.rtsp.errors import LoginRefused
from hardware_profiles.room_agent.sources.source import PacketSource

# Back within four seconds of a camera's return, whatever the camera takes of it.
_AGAIN_S = (0.3, 0.6, 1.0, 1.5)
# Many cameras lock an account after some wrong passwords.
_AFTER_REFUSED_LOGIN_S = 30.0

_log = logging.getLogger("tongke.room")

Listener = Callable[[Passed], None]


class StreamState(Enum):
    """How a camera's stream is."""

    RESTS = "rests"  # no lesson: nobody asks it
    IS_ASKED = "is_asked"
    SENDS = "sends"
    LOST = "lost"


class CameraFeed:
    """`start` it for a lesson and `stop` it after; who listens gets every packet.

    `converted` is there while its pictures are decoded and encoded here.
    """

    def __init__(self, source: PacketSource, target: Target, *, first_timestamp: int) -> None:
        self.state = StreamState.RESTS
        self.trouble: SourceError | None = None
        self.since = time.time()
        self.packets = 0
        self.path = CameraPath(first_timestamp)
        self.converted: ConvertedCamera | None = None
        self.held_back = False  # the room's line does not carry it
        self._source = source
        self._target = target
        self._listeners: list[Listener] = []
        self._track: CameraTrack | None = None
        self._task: asyncio.Task[None] | None = None
        self._own_fault: OwnFault | None = None

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

    async def open_again(self) -> None:
        """Ask for it anew, if it is asked for at all: the camera has been set otherwise."""
        if self._task is not None:
            await self.stop()
            self.start()

    def listen(self, listener: Listener) -> None:
        """Give it every packet from now on. What nobody listens to is not decoded either."""
        self._listeners.append(listener)
        self._need()

    def unlisten(self, listener: Listener) -> None:
        self._listeners.remove(listener)
        self._need()

    @property
    def needed(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    @property
    def price(self) -> float:
        """What its picture takes of one core of this machine."""
        return self.converted.price if self.converted is not None else self._source.price

    def _need(self) -> None:
        self._source.need(needed=self.needed)
        if self.converted is not None:
            if not self.needed:
                self.path.group.forget()  # what follows once it is needed again comes later
            self.converted.need(needed=self.needed)

    async def _run(self) -> None:
        losses = 0
        while True:
            if self.state is not StreamState.LOST:
                self._is(StreamState.IS_ASKED)
            began = self.packets
            try:
                await self._source.receive(self)
            except SourceError as error:
                self.trouble = self._cause(error)
            except Exception as error:  # our own, and no other camera's trouble
                _log.exception("a camera's stream failed")
                self.trouble = OwnFault(error)
            finally:
                self._own_fault = None
                await self._end_conversion()
            losses = 1 if self.packets > began else losses + 1
            self._is(StreamState.LOST)
            if isinstance(self.trouble, LoginRefused):
                await asyncio.sleep(_AFTER_REFUSED_LOGIN_S)
            else:
                await asyncio.sleep(_AGAIN_S[min(losses, len(_AGAIN_S)) - 1])

    def _cause(self, error: SourceError) -> SourceError:
        """What has really ended the stream: the source sees only that nobody takes its packets."""
        if self._own_fault is not None:
            return self._own_fault
        if self.converted is not None and self.converted.failed.is_set():
            own = self.converted.own_fault
            return OwnFault(own) if own is not None else NotConverted(self.converted.cause)
        return error

    async def _end_conversion(self) -> None:
        converted, self.converted = self.converted, None
        if converted is not None:
            await converted.stop()

    def _is(self, state: StreamState) -> None:
        if state is not self.state:
            self.state, self.since = state, time.time()
        if state in (StreamState.SENDS, StreamState.RESTS):
            self.trouble = None

    # --- what the camera tells (`connection.PacketTaker`) ---------------------------------------

    def begins(self, track: CameraTrack) -> None:
        self._track = track
        reason = CODECS.get(track.codec)
        if reason is None:
            self.path.begin(track.payload_type, track.parameter_sets)
            if self.path.unfit is not None:
                self._convert(track, self.path.unfit)
        else:
            self._convert(track, reason)

    def packet(self, data: bytes, at: float, *, control: bool) -> bool:
        if control:
            self.path.control(data, at, time.time())
            return not self.path.ended
        if self.converted is not None:
            self.converted.packet(data, at)
            self._is(StreamState.SENDS)
            return self._own_fault is None and not self.converted.failed.is_set()
        self._pass(data, at)
        if self.path.unfit is not None and self._track is not None:
            self._convert(self._track, self.path.unfit)
        return self._own_fault is None

    def lives(self) -> None:
        self._is(StreamState.SENDS)

    def _convert(self, track: CameraTrack, reason: Unfit) -> None:
        """From here on; it begins with the camera's next keyframe."""
        self.path.begin(PAYLOAD_TYPE, ())
        self.converted = ConvertedCamera(track, reason, self._target, self._pass)
        self.converted.need(needed=self.needed)

    def _pass(self, data: bytes, at: float) -> None:
        for one in self.path.packet(data, at):
            self.packets += 1
            for listener in self._listeners:
                try:
                    listener(one)
                except Exception as error:  # neither the camera's nor another listener's fault
                    self._fails(error)
        if self.state is not StreamState.SENDS:
            self._is(StreamState.SENDS)

    def _fails(self, error: Exception) -> None:
        """Once told; the stream is begun anew (`_run`)."""
        if self._own_fault is None:
            _log.error("a camera's picture cannot be sent on", exc_info=error)
            self._own_fault = OwnFault(error)
