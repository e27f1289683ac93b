"""A camera on a network that the server is in: asked by RTSP while its room is in a lesson.

The same client, and the same passing on, as the room agent's (`hardware_profiles.room_agent`).
"""

from __future__ import annotations

from random import Random

from hardware_profiles.room_agent.camera import CameraFeed, StreamState
from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from hardware_profiles.room_agent.sources.source import NetworkCamera
from server.encoders.encoded_picture import CONVERTED
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
        source = NetworkCamera(StreamAddress.parse(camera.url), login, udp=camera.udp, rng=rng)
        self.picture = CameraFeed(source, CONVERTED, first_timestamp=rng.randrange(1 << 32))

    @property
    def sends(self) -> bool:
        return self.picture.state is StreamState.SENDS

    @property
    def fault(self) -> EncoderFault | None:
        trouble = self.picture.trouble
        return None if trouble is None else EncoderFault(str(trouble), trouble.message_zh)

    async def wanted(self, wanted: bool) -> None:
        if wanted:
            self.picture.start()
        else:
            await self.picture.stop()

    async def close(self) -> None:
        await self.picture.stop()
