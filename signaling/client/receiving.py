"""The subscribe connection of a device: answering the server's offers, and watching what comes.

Owns which m-line carries which source. Leaves to its `watch` what is done with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping

from aiortc import MediaStreamTrack, RTCSessionDescription

from signaling.client.peer import Peer
from signaling.protocol.messages import SeatState, SourceState, SubscribeOffer

# Follows one source's track until it is cancelled.
Watch = Callable[[SeatState, SourceState, MediaStreamTrack], Coroutine[None, None, None]]


class Receiving(Peer):
    """One subscribe connection. `take_offer` for each offer; it watches until `close`."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch_track = watch
        self._tracks: list[MediaStreamTrack] = []
        self._watchers: dict[str, tuple[str, asyncio.Task[None]]] = {}
        self.connection.on("track", self._tracks.append)

    async def take_offer(self, offer: SubscribeOffer, seats: Mapping[str, SeatState]) -> str:
        """Answer an offer (the SDP is returned) and watch what it brings."""
        description = RTCSessionDescription(offer.sdp, "offer")
        await self.connection.setRemoteDescription(description)
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        self._watch(offer.consumers, seats)
        return self.connection.localDescription.sdp

    def _watch(self, consumers: Mapping[str, str], seats: Mapping[str, SeatState]) -> None:
        owners = {s.producer_id: (seat, s) for seat in seats.values() for s in seat.sources}
        for transceiver in self.connection.getTransceivers():
            mid, track = transceiver.mid or "", transceiver.receiver.track
            producer_id = consumers.get(mid, "")
            watched, task = self._watchers.get(mid, ("", None))
            if watched == producer_id or track is None:
                continue
            if task is not None:  # the m-line carries another producer now
                task.cancel()
                del self._watchers[mid]
            if producer_id not in owners:
                continue
            seat, source = owners[producer_id]
            watch = self._watch_track(seat, source, track)
            self._watchers[mid] = (producer_id, asyncio.create_task(watch, name=f"watch-{mid}"))

    async def close(self) -> None:
        """Give the connection up; nothing is watched any more."""
        tasks = [task for _, task in self._watchers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await super().close()
