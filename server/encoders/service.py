"""Encoders of others: which there are, and that each is in its room's lesson while one is live.

Owns the doors (RTMP, SRT), the cameras that are asked, and one task for each that looks whether
its room has a lesson now: one encoder's trouble is no other's. What a key may do is the
database's, asked again at every look; what a device may do in a lesson is the lesson's.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import structlog

from hardware_profiles.room_agent.sources.rtsp.errors import RtspError
from mixer.node import RuntimeFolder
from server.database.engine import Database
from server.database.models import Credential, EncoderWay
from server.database.refusing import DatabaseRefused
from server.encoders.conversion import conversion_notice
from server.encoders.errors import EncoderFault, refused_by_lesson
from server.encoders.inflow import Inflow
from server.encoders.pulled_camera import PulledCamera
from server.encoders.rtmp_door import RightKey, RtmpDoor, RtmpSender
from server.encoders.sealed import Seal
from server.encoders.seat_feed import SeatFeed
from server.encoders.srt_door import SrtDoor
from server.errors import Text
from server.lessons.encoders import EncoderDesk
from server.programs.feeding import FedMedia
from server.schools.places import standing_sources
from signaling.driver import LessonService
from signaling.errors import LessonRefusal
from signaling.protocol.messages import Source

_log = structlog.get_logger("tongke.encoders")

# One UDP port each, from `srt_port` on: a county has a dozen boxes that can do nothing else.
MOST_SRT_KEYS = 32

# So long after the lesson's start, or the encoder's, it is in: a row of the database each.
LOOK_EVERY_S = 1.0
# A new key of SRT or a camera is known within so long.
KEYS_EVERY_S = 2.0
# How often one that a lesson refuses (another sends this source) asks again.
_AFTER_REFUSAL_S = 3.0
# From then on another connection under the same key takes the place of a silent one.
_SILENT_S = 3.0


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """Where encoders come in; a port of 0 is closed."""

    host: str = ""
    rtmp_port: int = 0
    srt_port: int = 0
    rtmps_port: int = 0


@dataclass(frozen=True, slots=True)
class EncoderStanding:
    """How an encoder is, for the school's IT."""

    sends: bool
    in_lesson: bool
    fault: EncoderFault | None
    notice: Text | None = None  # its picture is encoded again here, at this price


class _Tended:
    """One inflow and the task that brings it into lessons."""

    def __init__(self, inflow: Inflow, task: asyncio.Task[None]) -> None:
        self.inflow = inflow
        self.task = task
        self.in_lesson = False
        self.refused = ""  # the code of what its room's lesson answers


class EncoderService:
    """`start` it before requests come, `close` it before signaling."""

    def __init__(
        self,
        database: Database,
        desk: EncoderDesk,
        signaling: LessonService,
        media: FedMedia,
        *,
        settings: EncoderSettings,
        seal: Seal,
        tls: ssl.SSLContext | None = None,
        rng: Random | None = None,
    ) -> None:
        """`tls` is the context of the server's certificate; without one there is no RTMPS."""
        self.settings = settings
        self.seal = seal
        self._database = database
        self._desk = desk
        self._signaling = signaling
        self._media = media
        self._rng = rng or Random()  # noqa: S311 - numbers of streams, no secrets
        self._folder: RuntimeFolder | None = None
        self._tls = tls
        self._door: RtmpDoor | None = None
        self._tended: dict[str, _Tended] = {}  # by key
        self._faults: dict[str, EncoderFault] = {}  # of those that have gone
        self._keys: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, and ask for what is to be asked. Raises `OSError` when a port is taken."""
        self._folder = RuntimeFolder()
        self._door = RtmpDoor(self._find_key, on_sender=self._sender, rng=self._rng)
        if self.settings.rtmp_port:
            await self._door.open(self.settings.host, self.settings.rtmp_port)
        if self.settings.rtmps_port and self._tls is not None:
            await self._door.open(self.settings.host, self.settings.rtmps_port, tls=self._tls)
        self._keys = asyncio.create_task(self._follow_keys(), name="encoder-keys")

    async def close(self) -> None:
        """End all of them."""
        if self._keys is not None:
            self._keys.cancel()
            await asyncio.gather(self._keys, return_exceptions=True)
        if self._door is not None:
            await self._door.close()
        await asyncio.gather(*(self._drop(key_id) for key_id in list(self._tended)))
        if self._folder is not None:
            self._folder.close()

    def standing(self, key_id: str) -> EncoderStanding:
        """How the encoder with this key is now."""
        one = self._tended.get(key_id)
        fault = self._faults.get(key_id)
        if one is None:
            return EncoderStanding(sends=False, in_lesson=False, fault=fault)
        own, notice = one.inflow.fault, None
        for picture in one.inflow.pictures:  # the largest has the last word
            if own is None and picture.trouble is not None:
                own = EncoderFault(str(picture.trouble), picture.trouble.message_zh)
            if picture.converted is not None:
                notice = conversion_notice(picture.converted)
        if one.refused:  # it is begun and ended again and again, and its own word with it
            own = refused_by_lesson(one.refused)
        return EncoderStanding(one.inflow.sends, one.in_lesson, own or fault, notice)

    # --- which there are ----------------------------------------------------------------------

    async def _find_key(self, secret: str) -> RightKey | None:
        found = await self._desk.key_of(secret, EncoderWay.RTMP)
        return None if found is None else RightKey(found.id, Source(str(found.source)))

    def _sender(self, sender: RtmpSender) -> bool:
        """An encoder has come by RTMP; whether it is the one that sends under its key."""
        there = self._tended.get(sender.key_id)
        if there is not None and isinstance(there.inflow, RtmpSender):
            stream, now = there.inflow.stream, asyncio.get_running_loop().time()
            if not there.inflow.over.is_set() and now - stream.last_at < _SILENT_S:
                return False
            there.inflow.over.set()
            there.task.cancel()
        self._tend(sender)
        return True

    async def _follow_keys(self) -> None:
        while True:
            try:
                async with self._database.read() as session:
                    keys = {key.id: key for key in await standing_sources(session)}
                await self._follow(keys)
            except DatabaseRefused as error:
                _log.warning("encoders' keys cannot be read", why=str(error))
            await asyncio.sleep(KEYS_EVERY_S)

    async def _follow(self, keys: dict[str, Credential]) -> None:
        for key_id, one in list(self._tended.items()):
            if key_id not in keys and not isinstance(one.inflow, RtmpSender):
                await self._drop(key_id)
        for key in keys.values():
            if key.id not in self._tended and (inflow := self._standing_inflow(key)) is not None:
                self._tend(inflow)

    def _standing_inflow(self, key: Credential) -> Inflow | None:
        """What the server does by itself for a key; None where it cannot, or not here."""
        source = Source(str(key.source))
        rng = Random(self._rng.random())  # noqa: S311 - numbers of streams, no secrets
        if key.way is EncoderWay.SRT and key.port and self.settings.srt_port:
            door = SrtDoor(
                key.id,
                source,
                host=self.settings.host or "0.0.0.0",  # noqa: S104 - as `host` says: everywhere
                port=key.port,
                passphrase=self.seal.passphrase(key.id),
                rng=rng,
            )
            door.start()
            return door
        if key.way is EncoderWay.RTSP and key.sealed:
            login = self.seal.opened(key.id, key.sealed)
            if login is None:
                self._faults[key.id] = EncoderFault(
                    "This camera's login was kept by another server; revoke it and name it anew.",
                    "该摄像机的登录信息由另一台服务器保存；请吊销后重新添加。",
                )
                return None
            try:
                return PulledCamera(key.id, source, login, rng=rng)
            except RtspError as error:
                self._faults[key.id] = EncoderFault(str(error), error.message_zh)
        return None

    def _tend(self, inflow: Inflow) -> None:
        self._faults.pop(inflow.key_id, None)
        tended: list[_Tended] = []

        async def run() -> None:
            await self._tending(tended[0])

        task = asyncio.create_task(run(), name=f"encoder-{inflow.key_id}")
        tended.append(_Tended(inflow, task))
        self._tended[inflow.key_id] = tended[0]

    async def _drop(self, key_id: str) -> None:
        one = self._tended.pop(key_id, None)
        if one is not None:
            one.task.cancel()
            await asyncio.gather(one.task, return_exceptions=True)

    # --- in and out of lessons ----------------------------------------------------------------

    async def _tending(self, one: _Tended) -> None:
        """Until its key is revoked or its connection has ended."""
        inflow = one.inflow
        try:
            while not (isinstance(inflow, RtmpSender) and inflow.over.is_set()):
                pause_s = LOOK_EVERY_S
                try:
                    if inflow.ready:
                        await self._in_lesson(one)
                except LessonRefusal as refusal:
                    if refusal.code == "source-key-refused":
                        return
                    before, one.refused = one.refused, ""
                    if refusal.code != "no-lesson-now":
                        one.refused, pause_s = refusal.code, _AFTER_REFUSAL_S
                    if one.refused and one.refused != before:  # once, not at every try
                        _log.info("an encoder is refused", encoder=inflow.key_id, why=refusal.code)
                except DatabaseRefused as error:
                    _log.warning("an encoder's key cannot be read", why=str(error))
                except Exception:  # one encoder's trouble is no other's, nor its next lesson's
                    _log.exception("an encoder's lesson failed", encoder=inflow.key_id)
                    pause_s = _AFTER_REFUSAL_S
                await asyncio.sleep(pause_s)
        finally:
            if self._tended.get(inflow.key_id) is one:
                del self._tended[inflow.key_id]
            if inflow.fault is not None:
                self._faults[inflow.key_id] = inflow.fault
            await asyncio.shield(inflow.close())

    async def _in_lesson(self, one: _Tended) -> None:
        """From the lesson that is live now to its end, or the encoder's."""
        inflow = one.inflow
        token = await self._desk.token_of(inflow.key_id)
        assert self._folder is not None  # `start` was called
        feed = SeatFeed(
            self._signaling,
            self._media,
            folder=self._folder.path,
            source=inflow.source,
            pictures=inflow.pictures,
            stream=inflow.stream,
            rng=self._rng,
        )
        try:
            await inflow.wanted(True)
            await feed.begin(token)
            one.in_lesson, one.refused = True, ""
            _log.info("an encoder is in its lesson", encoder=inflow.key_id, lesson=feed.lesson_id)
            while inflow.ready and not feed.gone.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await feed.gone.wait()
        finally:
            one.in_lesson = False
            await asyncio.shield(feed.end())
            await asyncio.shield(inflow.wanted(False))
