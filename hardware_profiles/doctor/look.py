"""A camera watched for some seconds, as the room agent would take it.

Owns the time and the child that decodes; what may be said of it is `pictures`'.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from hardware_profiles.doctor.child import answer_of
from hardware_profiles.doctor.findings import Both
from hardware_profiles.doctor.pictures import Watched
from hardware_profiles.room_agent.converting.messages import (
    MessageKind,
    PictureMessage,
    message_bytes,
)
from hardware_profiles.room_agent.sources.errors import SourceError
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from hardware_profiles.room_agent.sources.source import PacketSource
from hardware_profiles.room_agent.whole.pictures import WholePicture, WholePictures

# From the first whole picture on. Long enough for three groups of a usual camera.
WATCHED_S = 4.0
# A camera that is woken answers in a few seconds; one with a group of 8 s begins after that.
FIRST_PICTURE_S = 12.0
_DECODED_WITHIN_S = 30.0
# Four seconds of 4K at its best stay below; more is somebody who fills our memory.
_MOST_BYTES = 64 << 20


async def watch(
    source: PacketSource, *, watched_s: float = WATCHED_S, first_s: float = FIRST_PICTURE_S
) -> tuple[Watched | None, Both | None]:
    """What was seen; else why nothing was. Never longer than all its times together."""
    collected = _Collected(watched_s)
    source.need(needed=True)
    receiving = asyncio.create_task(source.receive(collected), name="doctor-camera")
    began = asyncio.create_task(collected.began.wait())
    done = asyncio.create_task(collected.done.wait())
    try:
        first = asyncio.FIRST_COMPLETED
        await asyncio.wait((receiving, began), timeout=first_s, return_when=first)
        if began.done():
            await asyncio.wait((receiving, done), timeout=2 * watched_s, return_when=first)
    finally:
        for task in (began, done, receiving):
            task.cancel()
        _, _, *results = await asyncio.gather(began, done, receiving, return_exceptions=True)
        source.need(needed=False)
    trouble = next((one for one in results if isinstance(one, SourceError)), None)
    if not collected.pictures:
        said = trouble and Both(zh=trouble.message_zh, en=trouble.message_en)
        return None, said or None
    return await _decoded(collected), None


async def _decoded(collected: _Collected) -> Watched | None:
    pictures = collected.pictures
    given = message_bytes(MessageKind.SETUP, json.dumps({"codec": collected.codec}).encode())
    given += b"".join(
        message_bytes(
            MessageKind.CODED, PictureMessage(one.timestamp, one.data, one.keyframe).body()
        )
        for one in pictures
    )
    answer = await answer_of(
        "hardware_profiles.doctor.looking", (), given, within_s=_DECODED_WITHIN_S
    )
    if not answer:
        return None
    told = json.loads(answer)
    if not told.get("pictures"):
        return None
    # n pictures are n - 1 intervals; decoders may hold the last ones back.
    seconds = (
        max(pictures[-1].at - pictures[0].at, 0.04) * len(pictures) / max(1, len(pictures) - 1)
    )
    return Watched(
        pictures=max(told["pictures"], len(pictures) - told["broken"])
        if told["pictures"] > 1
        else told["pictures"],
        seconds=seconds,
        width=told["width"],
        height=told["height"],
        brightness=told["brightness"],
        spread=told["spread"],
        change=told["change"],
        broken=told["broken"],
    )


class _Collected:
    """A camera's whole pictures (`connection.PacketTaker`)."""

    def __init__(self, watched_s: float) -> None:
        self.began, self.done = asyncio.Event(), asyncio.Event()
        self.pictures: list[WholePicture] = []
        self.codec = "H264"
        self._watched_s = watched_s
        self._whole: WholePictures | None = None
        self._bytes = 0

    def begins(self, track: CameraTrack) -> None:
        self.codec = track.codec
        with suppress(KeyError):
            self._whole = WholePictures(track.codec, track.payload_type, track.parameter_sets)

    def packet(self, data: bytes, at: float, *, control: bool) -> bool:
        if self._whole is None or control or self.done.is_set():
            return True
        # When it came, and not its own time: devices of this machine tell the latter.
        now = asyncio.get_running_loop().time()
        for picture in self._whole.packet(data, now):
            self._bytes += len(picture.data)
            self.pictures.append(picture)
            self.began.set()
            if now - self.pictures[0].at >= self._watched_s or self._bytes > _MOST_BYTES:
                self.done.set()
        return True

    def lives(self) -> None:
        pass
