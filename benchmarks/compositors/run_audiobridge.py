"""Janus' AudioBridge: participants by plain RTP, the encoder's settings as ours are."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from benchmarks.compositors.arriving import Arriving
from benchmarks.compositors.sending import Target
from benchmarks.compositors.spawned import HOST, udp_socket
from benchmarks.compositors.speaking import AUDIO_LEVEL_ID, OPUS_PAYLOAD_TYPE
from benchmarks.servers.janus import Janus
from mixer.composite.process.sound_encoder import (
    BITRATE_BPS,
    COMPLEXITY,
    EXPECTED_LOSS_PERCENT,
)

_ROOM = 1


class AudioBridge(Janus):
    """One room. `join_all` gives where each participant sends to, from `socket` alone.

    `arriving` counts all mixes: every participant's comes to that one socket.
    """

    plugin = "audiobridge"
    plugin_settings = f'general: {{ local_ip = "{HOST}" }}\n'

    def __init__(self) -> None:
        super().__init__(HOST)

    async def join_all(self, participants: int) -> Sequence[Target]:
        """Make the room and let so many in. Raises `JanusError`."""
        self.socket, port = udp_socket()
        self.arriving = Arriving(self.socket)
        first = await self._api.attach()
        await self._api.message(
            first,
            {
                "request": "create",
                "room": _ROOM,
                "sampling_rate": 48_000,
                "allow_rtp_participants": True,
                "default_bitrate": BITRATE_BPS,
                "default_expectedloss": EXPECTED_LOSS_PERCENT,
            },
        )
        targets = []
        for _ in range(participants):
            handle = await self._api.attach()
            joined = await self._api.message(
                handle,
                {
                    "request": "join",
                    "room": _ROOM,
                    "quality": COMPLEXITY,
                    "bitrate": BITRATE_BPS,
                    "expected_loss": EXPECTED_LOSS_PERCENT,
                    "rtp": {
                        "ip": HOST,
                        "port": port,
                        "payload_type": OPUS_PAYLOAD_TYPE,
                        "audiolevel_ext": AUDIO_LEVEL_ID,
                        "fec": True,
                    },
                },
            )
            rtp = joined["plugindata"]["data"]["rtp"]
            targets.append(Target(socket.AF_INET, (HOST, int(rtp["port"]))))
        return targets

    async def stop(self) -> None:
        """End it, and what listens."""
        await super().stop()
        if hasattr(self, "arriving"):
            await asyncio.to_thread(self.arriving.stop)
