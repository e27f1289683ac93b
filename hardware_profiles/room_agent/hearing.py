"""The receiving connection of an agent that plays the other rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.audio.frame import AudioFrame

from hardware_profiles.room_agent.carrying import Hearing
from signaling.client.receiving import Receiving, Watch
from signaling.protocol.messages import SeatState, SubscribeOffer

CHANNELS = 2  # as aiortc decodes Opus


def heard(hearing: Hearing, watch: Watch) -> Receiving:
    """A connection on which the lesson's mix is known, too."""
    return _Receiving(hearing, watch)


class _Receiving(Receiving):
    def __init__(self, hearing: Hearing, watch: Watch) -> None:
        super().__init__(watch)
        self._hearing = hearing

    async def take_offer(self, offer: SubscribeOffer, seats: Mapping[str, SeatState]) -> str:
        return await super().take_offer(offer, self._hearing.owners(seats))


async def samples_of(track: MediaStreamTrack) -> AsyncIterator[bytes]:
    """The sound as it comes: 16 bits a sample, two channels at 48 kHz."""
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if isinstance(frame, AudioFrame) and frame.format.name == "s16":
            yield bytes(frame.planes[0])[: 2 * CHANNELS * frame.samples]
