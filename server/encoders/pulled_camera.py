"""A camera on a network that the server is in: asked by RTSP while its room is in a lesson.

The same client, and the same passing on, as the room agent's (`hardware_profiles.room_agent`). Its
main and its small stream are the layers of one source: rooms with a thin line take the small one.
"""

from __future__ import annotations

import asyncio
from random import Random

from hardware_profiles.room_agent.camera import CameraFeed, StreamState
from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from hardware_profiles.room_agent.sources.source import NetworkCamera
from server.encoders.encoded_picture import CONVERTED, CONVERTED_SMALL
from server.encoders.encoded_stream import EncodedStream
from server.encoders.errors import EncoderFault
from server.encoders.sealed import CameraLogin
from signaling.protocol.messages import Source


class PulledCamera:
    """An `Inflow`; raises `NotRtsp` for an address that is none."""

    stream: EncodedStream | None = None
    ready = True  # whoever is in the lesson sees that the camera is missing

    def __init__(self, key_id: str, shown_as: Source, camera: CameraLogin, *, rng: Random) -> None:
        self.key_id = key_id
        self.source = shown_as
        login = Login(camera.user, camera.password) if camera.user or camera.password else None
        self.pictures = tuple(
            CameraFeed(
                NetworkCamera(StreamAddress.parse(url), login, udp=camera.udp, rng=rng),
                target,
                first_timestamp=rng.randrange(1 << 32),
            )
            for url, target in ((camera.sub_url, CONVERTED_SMALL), (camera.url, CONVERTED))
            if url
        )

    @property
    def sends(self) -> bool:
        return any(one.state is StreamState.SENDS for one in self.pictures)

    @property
    def fault(self) -> EncoderFault | None:
        """Of the large stream first."""
        for one in reversed(self.pictures):
            if one.trouble is not None:
                return EncoderFault(str(one.trouble), one.trouble.message_zh)
        return None

    async def wanted(self, wanted: bool) -> None:
        if wanted:
            for one in self.pictures:
                one.start()
        else:
            await self.close()

    async def close(self) -> None:
        await asyncio.gather(*(one.stop() for one in self.pictures))
