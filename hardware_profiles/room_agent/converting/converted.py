"""A network camera's packets, put together, decoded and encoded again, and made packets once more.

What comes out looks as if the camera had sent H.264: its own timestamps and SSRC, so that its
reports still say when a picture was taken. Owns what is given to the child and what is left out.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict

from hardware_profiles.room_agent.converting.converter import Converter
from hardware_profiles.room_agent.converting.load import Fate, Group, Load
from hardware_profiles.room_agent.converting.messages import PictureMessage
from hardware_profiles.room_agent.converting.packets import EncodedPackets
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.passing.fitness import Unfit
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from hardware_profiles.room_agent.whole.pictures import WholePicture, WholePictures
from mixer.rtp.sequence import TIMESTAMP_BITS, Unwrapper

CODECS = {"H265": Unfit.H265, "JPEG": Unfit.JPEG}
_MOST_ARRIVALS = 256

Came = Callable[[bytes, float], None]


class ConvertedCamera:
    """One connection's. `came` gets RTP packets, each with the arrival of its picture.

    `failed` is set when the child has ended, `cause` is then the word for why; `reason` says why
    there is one.
    """

    def __init__(self, track: CameraTrack, reason: Unfit, target: Target, came: Came) -> None:
        loop = asyncio.get_running_loop()
        self.reason = reason
        self.failed = asyncio.Event()
        self.own_fault: Exception | None = None  # what ended it, where that was not the child
        self._came = came
        self._pictures = WholePictures(track.codec, track.payload_type, track.parameter_sets)
        self._load = Load(predicts=track.codec != "JPEG")
        self._group = Group()
        self._needed = False
        self._ticks = Unwrapper(TIMESTAMP_BITS)
        self._arrivals: OrderedDict[int, float] = OrderedDict()
        self._packets = EncodedPackets()
        setup = {"codec": track.codec, "target": asdict(target)}
        self._converter = Converter(setup, self, clock=loop.time)
        self._task = asyncio.create_task(self._run(), name="camera-converter")

    @property
    def size(self) -> tuple[int, int] | None:
        """Of the camera's own pictures."""
        return self._converter.size

    @property
    def cause(self) -> str:
        """The word for why it failed (`sources.errors.NotConverted`)."""
        return self._converter.failure

    @property
    def price(self) -> float:
        """What it takes of one core."""
        return self._converter.price if self._needed else 0.0

    @property
    def left_out(self) -> int:
        """Pictures that this machine was too slow for."""
        return self._load.left_out

    def packet(self, data: bytes, at: float) -> None:
        """One RTP packet of the camera."""
        for picture in self._pictures.packet(data, at):
            self._group.add(picture)
            if self._needed:
                self._give(picture, self._load.fate(picture))

    def need(self, *, needed: bool) -> None:
        """Whether anybody wants it. Whoever begins gets the newest picture at once."""
        if needed and not self._needed:
            pictures = list(self._group)
            for place, picture in enumerate(pictures):
                last = place == len(pictures) - 1
                self._give(picture, Fate.SHOWN if last else Fate.DECODED)
        self._needed = needed

    async def stop(self) -> None:
        """Raises nothing: what went wrong was told by `cause`, or to whoever gave it `came`."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _give(self, picture: WholePicture, fate: Fate) -> None:
        if fate is Fate.LEFT_OUT:
            return
        timestamp = self._ticks.unwrap(picture.timestamp)
        self._arrivals[timestamp] = picture.at
        if len(self._arrivals) > _MOST_ARRIVALS:
            self._arrivals.popitem(last=False)
        self._load.waiting += 1
        self._converter.put(
            PictureMessage(timestamp, picture.data, picture.keyframe, fate is Fate.DECODED)
        )

    async def _run(self) -> None:
        try:
            await self._converter.run()
        except Exception as error:  # told by whoever asks why it failed
            self.own_fault = error
        finally:
            self.failed.set()

    # --- what the child makes (`converter.Maker`) -------------------------------------------------

    def made(self, picture: PictureMessage) -> None:
        ssrc, at = self._pictures.sender.ssrc, self._arrivals.get(picture.timestamp)
        if ssrc is None or at is None or not self._needed:
            return
        for packet in self._packets.of(picture, ssrc):
            self._came(packet, at)

    def done(self) -> None:
        self._load.waiting -= 1
