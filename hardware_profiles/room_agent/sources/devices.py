"""Cameras, screens and films of this machine: one device, opened by one child, in several layers.

A device can be opened once, so its layers share the child. Whoever unplugs it ends the child; it is
asked for again like any other camera, and found by the name that stays.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from hardware_profiles.room_agent.converting.converter import Converter
from hardware_profiles.room_agent.converting.messages import PictureMessage
from hardware_profiles.room_agent.converting.packets import PAYLOAD_TYPE, EncodedPackets
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.sources.errors import DeviceFailed
from hardware_profiles.room_agent.sources.rtsp.connection import PacketTaker
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack

CLOCK_RATE = 90_000
# A device that says nothing hangs; before its first picture PyAV is loaded and the camera started.
_BEGINS_S, _SILENCE_S, _LOOK_EVERY_S = 10.0, 3.0, 0.5
_SSRC = 1  # within this program alone: what leaves it has its own


class LocalDevice:
    """One device; `layers` are its packet sources, the smallest first."""

    def __init__(self, kind: str, device: str, targets: tuple[Target, ...]) -> None:
        self._setup = {
            "kind": kind,
            "device": device,
            "targets": [asdict(target) for target in targets],
        }
        self.layers = [DeviceLayer(self, number) for number in range(len(targets))]
        self._converter: Converter | None = None
        self._running: asyncio.Task[None] | None = None
        self._needed = 0
        self._lives_until = 0.0

    @property
    def size(self) -> tuple[int, int] | None:
        """What it gives."""
        return self._converter.size if self._converter else None

    @property
    def price(self) -> float:
        """What reading and encoding it takes of one core."""
        return self._converter.price if self._converter else 0.0

    async def until_gone(self) -> str:
        """Open it where it is not; returns the child's word for its end."""
        if self._running is None or self._running.done():
            loop = asyncio.get_running_loop()
            self._converter = Converter(self._setup, self, clock=loop.time)
            self._converter.need(self._needed)
            self._running = asyncio.create_task(self._converter.run(), name="device")
            self._lives_until = loop.time() + _BEGINS_S
        converter, running = self._converter, self._running
        while not running.done():
            await asyncio.wait((running,), timeout=_LOOK_EVERY_S)
            if asyncio.get_running_loop().time() > self._lives_until:
                running.cancel()
        return converter.failure if converter is not None else ""

    async def let_go(self) -> None:
        """A layer has stopped; the device is closed with the last one."""
        running = self._running
        if running is not None and not any(layer.taker for layer in self.layers):
            self._running = None
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def need(self, layer: int, *, needed: bool) -> None:
        bit = 1 << layer
        self._needed = self._needed | bit if needed else self._needed & ~bit
        if self._converter is not None:
            self._converter.need(self._needed)

    # --- what the child makes (`converter.Maker`) -------------------------------------------------

    def made(self, picture: PictureMessage) -> None:
        if picture.layer < len(self.layers):
            self.layers[picture.layer].made(picture)

    def done(self) -> None:
        self._lives_until = asyncio.get_running_loop().time() + _SILENCE_S
        for layer in self.layers:
            layer.lives()


class DeviceLayer:
    """One size of a device's picture (`source.PacketSource`)."""

    def __init__(self, device: LocalDevice, number: int) -> None:
        self.device = device
        self.taker: PacketTaker | None = None
        self._number = number
        self._packets = EncodedPackets()

    @property
    def price(self) -> float:
        return self.device.price

    async def receive(self, taker: PacketTaker) -> None:
        """Ends by raising `DeviceFailed`."""
        self.taker = taker
        taker.begins(CameraTrack("video", PAYLOAD_TYPE, "H264", CLOCK_RATE, ""))
        try:
            raise DeviceFailed(await self.device.until_gone())
        finally:
            self.taker = None
            await self.device.let_go()

    def need(self, *, needed: bool) -> None:
        self.device.need(self._number, needed=needed)

    def made(self, picture: PictureMessage) -> None:
        if self.taker is not None:
            at = picture.timestamp / CLOCK_RATE
            for packet in self._packets.of(picture, _SSRC):
                self.taker.packet(packet, at, control=False)

    def lives(self) -> None:
        """The device gives pictures, whether or not this layer is wanted."""
        if self.taker is not None:
            self.taker.lives()
