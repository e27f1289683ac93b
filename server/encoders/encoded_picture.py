"""An encoder's picture: what a camera's feed gives of a camera's (`hardware_profiles.room_agent`).

H.264 that browsers play goes on as it comes. What they do not play (H.265, B-frames, interlaced,
more than 8 bits) is decoded and encoded again by a child, as of cameras, while a lesson has it;
`converted` says so, with its price.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import structlog

from hardware_profiles.room_agent.converting.converted import CODECS, ConvertedCamera
from hardware_profiles.room_agent.converting.packets import PAYLOAD_TYPE
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.passing.fitness import Unfit
from hardware_profiles.room_agent.passing.group import Passed
from hardware_profiles.room_agent.passing.path import CameraPath
from hardware_profiles.room_agent.sources.errors import NotConverted, OwnFault, SourceError
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack

_log = structlog.get_logger("tongke.encoders")

# What is encoded again takes half a core of the server: no more than a room with a thin line takes.
CONVERTED = Target(1280, 720, 25, 1_500_000)
CONVERTED_SMALL = Target(640, 360, 25, 500_000)
# What FFmpeg's description calls what can be passed on or converted.
KNOWN_CODECS = frozenset({"H264", *CODECS})
# A child that ends at once is not begun more often.
_AGAIN_S = 5.0

Listener = Callable[[Passed], None]


class EncodedPicture:
    """`begin` for each connection, `packet` as they come, `end` after it."""

    def __init__(self, rng: Random) -> None:
        self.path = CameraPath(rng.randrange(1 << 32))
        self.newest: int | None = None  # the encoder's own timestamp
        self.converted: ConvertedCamera | None = None
        self.trouble: SourceError | None = None
        self._listeners: list[Listener] = []
        self._track: CameraTrack | None = None
        self._failed_at: float | None = None
        self._ending: set[asyncio.Task[None]] = set()

    def listen(self, listener: Listener) -> None:
        """Give it every packet from now on. What nobody listens to is not decoded."""
        self._listeners.append(listener)
        self._need()

    def unlisten(self, listener: Listener) -> None:
        """Raises `ValueError` for one that does not listen."""
        self._listeners.remove(listener)
        self._need()

    def begin(self, track: CameraTrack) -> None:
        """A connection is there and will send this track. Raises `KeyError`: an unknown codec."""
        self.end()
        self._track, self.trouble, self._failed_at = track, None, None
        if track.codec not in KNOWN_CODECS:
            raise KeyError(track.codec)
        reason = CODECS.get(track.codec)
        if reason is not None:
            self._convert(track, reason)
            return
        self.path.begin(track.payload_type, track.parameter_sets)
        if self.path.unfit is not None:
            self._convert(track, self.path.unfit)

    def packet(self, data: bytes, at: float) -> bool:
        """One RTP packet that came `at`; whether it was taken."""
        if len(data) >= 8:
            self.newest = int.from_bytes(data[4:8], "big")
        if self.converted is not None:
            self._converted_packet(self.converted, data, at)
            return True
        passed = self._pass(data, at)
        if self.path.unfit is not None and self._track is not None:
            self._convert(self._track, self.path.unfit)
        return passed

    def end(self) -> None:
        """The connection is gone; what follows does not belong to it."""
        self.path.group.forget()
        converted, self.converted, self._track = self.converted, None, None
        if converted is not None:
            self._end_child(converted)

    def _end_child(self, converted: ConvertedCamera) -> None:
        task = asyncio.get_running_loop().create_task(converted.stop(), name="encoder-child")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def gone(self) -> None:
        """Until no child of an `end`ed connection is left."""
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _convert(self, track: CameraTrack, reason: Unfit) -> None:
        """From here on; it begins with the encoder's next keyframe."""
        self.path.begin(PAYLOAD_TYPE, ())
        self.converted = ConvertedCamera(track, reason, CONVERTED, self._came)
        self._need()

    def _converted_packet(self, converted: ConvertedCamera, data: bytes, at: float) -> None:
        if not converted.failed.is_set():
            if self.trouble is not None and self.path.group.packets:
                self.trouble = None
            converted.packet(data, at)
            return
        if self._failed_at is None:
            self._failed_at = at
            own = converted.own_fault
            self.trouble = OwnFault(own) if own is not None else NotConverted(converted.cause)
        if at - self._failed_at >= _AGAIN_S and self._track is not None:
            self._failed_at = None
            self._end_child(converted)
            self._convert(self._track, converted.reason)

    def _need(self) -> None:
        if self.converted is not None:
            if not self._listeners:
                self.path.group.forget()  # what follows once it is needed again comes later
            self.converted.need(needed=bool(self._listeners))

    def _came(self, data: bytes, at: float) -> None:
        self._pass(data, at)

    def _pass(self, data: bytes, at: float) -> bool:
        passed = self.path.packet(data, at)
        for one in passed:
            for listener in self._listeners:
                try:
                    listener(one)
                except Exception as error:  # neither the encoder's nor another listener's fault
                    self._fails(error)
        return bool(passed)

    def _fails(self, error: Exception) -> None:
        if not isinstance(self.trouble, OwnFault):
            _log.error("an encoder's picture cannot be sent on", exc_info=error)
            self.trouble = OwnFault(error)
