"""The subscribe connection of a simulated seat: what it asks for, and watching what comes.

Owns the wants and answering the server's offers. Leaves counting to `watch`.
"""

from __future__ import annotations

import asyncio

from aiortc import MediaStreamTrack, RTCSessionDescription

from server.simulate.peer import Peer
from server.simulate.settings import Receive
from server.simulate.watch import StreamSeen, watch_picture, watch_sound
from signaling.protocol.messages import SeatState, SubscribeOffer, Want

# The tile a room page shows of another room: the server picks the layer by it.
_TILE = (320, 180)


def wants(seats: dict[str, SeatState], own_seat: str, receive: Receive) -> list[Want]:
    """What to subscribe to, of all other seats' sources, in a fixed order."""
    if receive is Receive.NOTHING:
        return []
    wanted = []
    for seat_id in sorted(seats):
        for source in seats[seat_id].sources if seat_id != own_seat else []:
            if source.kind == "audio":
                wanted.append(Want(producer_id=source.producer_id, priority=2))
            elif receive is Receive.ALL:
                width, height = _TILE
                wanted.append(Want(producer_id=source.producer_id, width=width, height=height))
    return wanted


class Receiving(Peer):
    """One subscribe connection. `take_offer` for each offer; it watches until `close`."""

    def __init__(self, seen: dict[str, StreamSeen], frame_rate: float) -> None:
        """`seen` is the seat's count by producer, which this adds to."""
        super().__init__()
        self._seen = seen
        self._frame_rate = frame_rate
        self._tracks: list[MediaStreamTrack] = []
        self._watchers: dict[str, tuple[str, asyncio.Task[None]]] = {}
        self.connection.on("track", self._tracks.append)

    async def take_offer(self, offer: SubscribeOffer, seats: dict[str, SeatState]) -> str:
        """Answer an offer (the SDP is returned) and watch what it brings."""
        description = RTCSessionDescription(offer.sdp, "offer")
        await self.connection.setRemoteDescription(description)
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        self._watch(offer.consumers, seats)
        return self.connection.localDescription.sdp

    def _watch(self, consumers: dict[str, str], seats: dict[str, SeatState]) -> None:
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
            seen = self._seen.setdefault(
                producer_id, StreamSeen(seat_id=seat.seat_id, source=source.source.value)
            )
            watch = (
                watch_sound(track, seen)
                if track.kind == "audio"
                else watch_picture(track, seen, self._frame_rate)
            )
            self._watchers[mid] = (producer_id, asyncio.create_task(watch, name=f"watch-{mid}"))

    async def close(self) -> None:
        tasks = [task for _, task in self._watchers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await super().close()
