"""A media connection is given up whole, whoever stops waiting for that meanwhile."""

from __future__ import annotations

import asyncio

from aiortc.mediastreams import AudioStreamTrack

from signaling.client.peer import Peer

# More turns of the loop than closing takes (sixteen): each place where it waits is met.
TURNS = 20


async def connected_pair() -> tuple[Peer, Peer]:
    caller, callee = Peer(), Peer()
    caller.connection.addTransceiver(AudioStreamTrack(), direction="sendonly")
    await caller.connection.setLocalDescription(await caller.connection.createOffer())
    await callee.connection.setRemoteDescription(caller.connection.localDescription)
    await callee.connection.setLocalDescription(await callee.connection.createAnswer())
    await caller.connection.setRemoteDescription(callee.connection.localDescription)
    await asyncio.gather(caller.until_connected(), callee.until_connected())
    return caller, callee


async def test_a_device_cancelled_while_it_closes_is_cancelled_and_has_closed() -> None:
    for turns in range(TURNS):
        caller, callee = await connected_pair()
        closing = asyncio.create_task(caller.close())
        for _ in range(turns):
            await asyncio.sleep(0)
        was_done = closing.done()
        closing.cancel()
        await asyncio.wait([closing])
        assert closing.cancelled() or was_done, f"went on after {turns} turns"
        # Cancelled before its first step it has begun nothing.
        assert turns == 0 or caller.connection.connectionState == "closed"
        await asyncio.gather(caller.close(), callee.close())
