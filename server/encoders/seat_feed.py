"""One encoder in one lesson: a device of its room's seat whose streams the media core is fed with.

Joins as an encoder by WHIP does, under the same rules, and is gone when the lesson, an
administrator or the encoder ends it. Owns the feeds, their reports, and the last group of pictures
that whoever asks for a keyframe is sent: an encoder answers no such request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Protocol

import structlog

from hardware_profiles.room_agent.converting.converted import ConvertedCamera
from hardware_profiles.room_agent.out_layer import OutLayer
from hardware_profiles.room_agent.passing.group import Passed
from hardware_profiles.room_agent.passing.path import CameraPath
from hardware_profiles.room_agent.sources.errors import SourceError
from mixer.model import FeedInfo, FeedOffer
from mixer.rtp.packet import HeaderExtension, RtpPacket
from mixer.rtp.rtcp import SenderReport, SourceDescription, serialize_compound
from mixer.rtp.sequence import ntp_from_unix_ns
from server.encoders.encoded_stream import EncodedStream, PassedSound
from server.encoders.feed_out import FeedOut
from server.ids import new_id
from server.programs.feeding import FedMedia
from signaling.driver import LessonService
from signaling.errors import LessonRefusal
from signaling.http_session import HttpSession
from signaling.lesson.publishing import max_bitrate_bps
from signaling.protocol.messages import Source, Welcome

if TYPE_CHECKING:
    from server.encoders.loudness import Loudness

_log = structlog.get_logger("tongke.encoders")

REPORT_EVERY_S = 1.0  # as browsers send their sender reports
# Several viewers come at one moment; one group is for all of them. As often as the media core asks
# (`mixer.forward.keyframes`): who comes a little later waits no longer than for that.
_GROUP_EVERY_S = 0.5


class FedPicture(Protocol):
    """A picture that can be fed: a pulled camera's, or an encoder's."""

    path: CameraPath
    converted: ConvertedCamera | None
    trouble: SourceError | None

    def listen(self, listener: Callable[[Passed], None]) -> None:
        """Give it every packet from now on."""
        ...

    def unlisten(self, listener: Callable[[Passed], None]) -> None: ...


class SeatFeed:
    """`begin` once; `gone` is set when the lesson has ended it; `end` always."""

    def __init__(
        self,
        signaling: LessonService,
        media: FedMedia,
        *,
        folder: Path,
        source: Source,
        pictures: Sequence[FedPicture],
        stream: EncodedStream | None = None,
        rng: Random,
    ) -> None:
        """`pictures` are one source's layers, the smallest first, and may be none. `stream` is what
        an encoder sends, with its sound; of a pulled camera there is none.
        """
        self.gone = asyncio.Event()
        self.lesson_id = ""
        self._media = media
        self._folder = folder
        self._source = source
        self._pictures = pictures
        self._stream = stream
        self._rng = rng
        self._session = HttpSession(signaling, signaling.connect())
        self._ways: list[_PictureWay | _SoundWay] = []
        self._reporting: asyncio.Task[None] | None = None

    async def begin(self, token: str) -> None:
        """Join the token's lesson and send; raises `LessonRefusal`, and then nothing is left."""
        sound = self._stream is not None and self._stream.has_sound
        self._session.start(lambda _session: self.gone.set())
        try:
            welcome = await self._session.join(token, player=False, offers_sound=sound)
            self.lesson_id = welcome.lesson.lesson_id
            if self._pictures and self._source is not Source.ROOM:
                await self._feed_picture(welcome)
            if self._stream is not None and sound and welcome.carries_sound:
                await self._feed_sound(welcome, self._stream)
            if not self._ways:
                raise LessonRefusal("wrong-kind")
        except BaseException:
            await self.end()
            raise
        self._reporting = asyncio.create_task(self._report(), name="encoder-reports")

    async def end(self) -> None:
        """Out of the lesson; calling it twice is fine."""
        if self._reporting is not None:
            self._reporting.cancel()
            await asyncio.gather(self._reporting, return_exceptions=True)
        ways, self._ways = self._ways, []
        for way in ways:
            await way.close()
            with suppress(Exception):  # the lesson's media is closed already, and the feed with it
                await self._media.unpublish(self.lesson_id, way.producer_id)
        if self._session.connection.runner is not None and not self.gone.is_set():
            await self._session.leave()
        await self._session.stop()

    async def _feed_picture(self, welcome: Welcome) -> None:
        most = max_bitrate_bps(welcome.profile, self._source)
        way = _PictureWay(self._path(), self._pictures, self._rng, self._stream)
        layers = len(self._pictures)
        await self._feed(welcome, way, FeedOffer(self._source.value, "H264", most, layers))

    async def _feed_sound(self, welcome: Welcome, stream: EncodedStream) -> None:
        most = max_bitrate_bps(welcome.profile, Source.ROOM)
        way = _SoundWay(self._path(), stream, self._rng)
        await self._feed(welcome, way, FeedOffer(Source.ROOM.value, "opus", most))

    async def _feed(self, welcome: Welcome, way: _PictureWay | _SoundWay, offer: FeedOffer) -> None:
        try:
            info = await self._media.feed(
                self.lesson_id, welcome.device_id, str(way.out.path), offer
            )
        except Exception as error:  # the media core is full, or the lesson's media is about to end
            await way.close()
            _log.warning("an encoder cannot be fed", lesson=self.lesson_id, why=repr(error))
            raise LessonRefusal("media-failed") from error
        way.producer_id = info.producer.producer_id
        self._ways.append(way)
        await self._session.feed(info.producer)
        way.open(info)

    async def _report(self) -> None:
        while True:
            for way in self._ways:
                way.report(asyncio.get_running_loop().time(), time.time())
            await asyncio.sleep(REPORT_EVERY_S)

    def _path(self) -> Path:
        return self._folder / f"encoder-{new_id()}.sock"


class _Layer:
    """One size of the picture on its way out."""

    def __init__(self, picture: FedPicture, out: FeedOut, rng: Random) -> None:
        self.picture = picture
        self.layer = OutLayer(rng)
        self._out = out
        self._group_at = float("-inf")

    def open(self, ssrc: int, payload_type: int) -> None:
        """Begin with the last group, and go on with what comes."""
        self.layer.ssrc, self.layer.payload_type = ssrc, payload_type
        self.send_group()
        self.picture.listen(self._live)

    def close(self) -> None:
        with suppress(ValueError):
            self.picture.unlisten(self._live)

    def report(self, at: float, unix: float) -> None:
        if self.layer.packets:
            timestamp, taken = self.picture.path.clock.captured(at, unix)
            self._out.put([self.layer.report(timestamp, taken, "encoder")])

    def send_group(self) -> None:
        now = asyncio.get_running_loop().time()
        packets = self.picture.path.group.packets
        if packets and now - self._group_at >= _GROUP_EVERY_S and not self._out.is_behind:
            self._group_at = now
            self._out.put(self.layer.group(packets))

    def _live(self, packet: Passed) -> None:
        self._out.put([self.layer.live(packet)])


class _PictureWay:
    """The picture's feed, in all its layers."""

    def __init__(
        self,
        path: Path,
        pictures: Sequence[FedPicture],
        rng: Random,
        stream: EncodedStream | None,
    ) -> None:
        self.producer_id = ""
        self.out = FeedOut(path, on_keyframe_wanted=self._send_group)
        self._stream = stream
        self._layers = [_Layer(picture, self.out, rng) for picture in pictures]

    def open(self, info: FeedInfo) -> None:
        self.out.connect(info.media_path)
        for layer, ssrc in zip(self._layers, info.ssrcs, strict=True):
            layer.open(ssrc, info.payload_type)

    def report(self, at: float, unix: float) -> None:
        if self._stream is not None:
            self._stream.keep_in_step(at, unix)
        for layer in self._layers:
            layer.report(at, unix)

    async def close(self) -> None:
        for layer in self._layers:
            layer.close()
        await self.out.close()

    def _send_group(self, ssrc: int) -> None:
        for layer in self._layers:
            if layer.layer.ssrc == ssrc:
                layer.send_group()


class _SoundWay:
    """The sound's feed. It says how loud each packet is, by which the lesson sees who speaks."""

    def __init__(self, path: Path, stream: EncodedStream, rng: Random) -> None:
        self.producer_id = ""
        self.out = FeedOut(path, on_keyframe_wanted=lambda _ssrc: None)
        self._stream = stream
        self._sequence = rng.randrange(1 << 15)
        self._info: FeedInfo | None = None
        self._loudness: Loudness | None = None
        self._packets = self._octets = 0

    def open(self, info: FeedInfo) -> None:
        self._info = info
        # Numbers and decoders take longer to load than all the rest: not before they are needed.
        from server.encoders.loudness import Loudness  # noqa: PLC0415 - as just said

        self._loudness = Loudness()
        self.out.connect(info.media_path)
        self._stream.sound.listeners.append(self._live)

    def report(self, at: float, unix: float) -> None:
        del at
        captured = self._stream.sound_captured(unix)
        if captured is None or self._info is None or not self._packets:
            return
        timestamp, made = captured
        ssrc = self._info.ssrcs[0]
        ntp = ntp_from_unix_ns(round(made * 1e9))
        report = SenderReport(
            ssrc, ntp, timestamp, self._packets & 0xFFFF_FFFF, self._octets & 0xFFFF_FFFF
        )
        who = SourceDescription.of_cname(ssrc, "encoder")
        self.out.put([serialize_compound([report, who])])

    async def close(self) -> None:
        with suppress(ValueError):
            self._stream.sound.listeners.remove(self._live)
        if self._loudness is not None:
            self._loudness.close()
            self._loudness = None
        await self.out.close()

    def _live(self, packet: PassedSound) -> None:
        assert self._info is not None  # listened to from `open` on
        level = b"" if self._loudness is None else self._loudness.of(packet.payload)
        element = self._info.audio_level_id
        data = RtpPacket(
            payload_type=self._info.payload_type,
            sequence_number=self._sequence,
            timestamp=packet.timestamp,
            ssrc=self._info.ssrcs[0],
            payload=packet.payload,
            marker=False,
            extensions=(HeaderExtension(element, level),) if element and level else (),
        ).serialize()
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._packets += 1
        self._octets += len(packet.payload)
        self.out.put([data])
