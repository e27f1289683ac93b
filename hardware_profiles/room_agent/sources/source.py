"""What a source of pictures is to whoever sends them on."""

from __future__ import annotations

from random import Random
from typing import Protocol

from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from hardware_profiles.room_agent.sources.rtsp.connection import PacketTaker, receive


class PacketSource(Protocol):
    """Gives pictures as packets."""

    async def receive(self, taker: PacketTaker) -> None:
        """Give `taker` all there is; ends by raising `SourceError`."""
        ...

    def need(self, *, needed: bool) -> None:
        """Whether anybody wants them; one that costs this machine something rests meanwhile."""
        ...

    @property
    def price(self) -> float:
        """What reading and encoding it takes of one core."""
        ...


class NetworkCamera:
    """A camera by RTSP. Its packets cost next to nothing: they come whether or not they are needed,
    so that the last group of pictures is at hand. `sound` takes its sound along.
    """

    def __init__(
        self,
        address: StreamAddress,
        login: Login | None,
        *,
        udp: bool,
        rng: Random,
        sound: PacketTaker | None = None,
    ) -> None:
        self._address = address
        self._login = login
        self._udp = udp
        self._rng = rng
        self._sound = sound

    @property
    def price(self) -> float:
        return 0.0

    async def receive(self, taker: PacketTaker) -> None:
        await receive(
            self._address, self._login, taker, udp=self._udp, rng=self._rng, sound=self._sound
        )

    def need(self, *, needed: bool) -> None:
        pass
