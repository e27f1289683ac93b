"""The RTMP listener: who may knock, how long, how often; a right key's media goes to an FFmpeg.

Owns the sockets and their bounds. What is said is `rtmp.session`'s. No FFmpeg runs for anybody
whose key has not been found right, and no key is logged.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

import structlog

from server.encoders.encoded_stream import EncodedStream
from server.encoders.errors import EncoderFault, no_h264_by_rtmp
from server.encoders.ffmpeg import SETS_IN_STREAM, FfmpegRun
from server.encoders.rtmp import chunks, flv
from server.encoders.rtmp.chunks import RtmpMessage
from server.encoders.rtmp.errors import RtmpRefused
from server.encoders.rtmp.session import MediaSent, PublishAsked, RtmpSession, SendingEnded
from signaling.protocol.messages import Source

_log = structlog.get_logger("tongke.encoders")

APPLICATION = "live"
# From the first byte to a right key: three round trips of a slow line, and a lookup.
GREETING_S = 10.0
# A camera's watch-dog has 3 s; an encoder by TCP may stand still for a lost packet's repair.
SILENT_S = 10.0
# Those who have not shown a key yet, altogether and from one address.
MOST_STRANGERS, MOST_OF_ONE = 64, 8
# Both codecs' headers come within a moment of each other, or there is one track alone.
_OTHER_TRACK_S = 1.0
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class RightKey:
    """Whose key it is."""

    key_id: str
    source: Source


FindKey = Callable[[str], Awaitable[RightKey | None]]


class RtmpDoor:
    """`open` it, `close` it. `on_sender` is told of who has shown a right key."""

    def __init__(
        self, find_key: FindKey, *, on_sender: Callable[[RtmpSender], bool], rng: Random
    ) -> None:
        """`on_sender` answers False where another sends under this key."""
        self._find_key = find_key
        self._on_sender = on_sender
        self._rng = rng
        self._servers: list[asyncio.Server] = []
        self._strangers: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.refused = 0

    async def open(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> int:
        """Listen, also at several ports, with `tls` for RTMPS; the port. Raises `OSError`."""

        def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(reader, writer, tls), name="rtmp")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(came, host or None, port)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take nobody more, and end those who are there."""
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        tls: ssl.SSLContext | None,
    ) -> None:
        host = str((writer.get_extra_info("peername") or ("",))[0])
        try:
            if self._strangers.total() >= MOST_STRANGERS or self._strangers[host] >= MOST_OF_ONE:
                self.refused += 1
                return
            self._strangers[host] += 1
            try:
                async with asyncio.timeout(GREETING_S):
                    if tls is not None:  # counted as a stranger all the while
                        await writer.start_tls(tls)
                    sender = await self._greet(reader, writer)
            finally:
                self._strangers -= Counter([host])
            if sender is not None:
                await sender.run()
        except (RtmpRefused, TimeoutError, ConnectionError, ssl.SSLError) as error:
            self.refused += 1
            _log.info("rtmp refused", peer=host, why=str(error) or type(error).__name__)
        finally:
            writer.transport.abort()

    async def _greet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> RtmpSender | None:
        """The connection up to a right key; None when it ends before."""
        session = RtmpSession()
        while data := await reader.read(_READ_BYTES):
            asked = [one for one in session.handle_data(data) if isinstance(one, PublishAsked)]
            writer.write(session.take_output())
            if not asked:
                continue
            found = await self._find_key(asked[0].key)
            sender = None
            if found is not None:
                sender = RtmpSender(found, session, reader, writer, rng=self._rng)
            if found is None or sender is None or not self._on_sender(sender):
                self.refused += 1
                words = "this stream key is wrong or revoked; make a new one"
                if found is not None:
                    words = "another encoder sends under this key"
                session.refuse(words)
                writer.write(session.take_output())
                await writer.drain()
                _log.info("rtmp refused", why=words)
                return None
            session.accept()
            writer.write(session.take_output())
            return sender
        return None


class RtmpSender:
    """One encoder with a right key: an `Inflow` while its connection lasts."""

    def __init__(
        self,
        key: RightKey,
        session: RtmpSession,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        rng: Random,
    ) -> None:
        self.key_id, self.source = key.key_id, key.source
        self.stream = EncodedStream(rng)
        self.pictures = (self.stream.picture,)
        self.fault: EncoderFault | None = None
        self.over = asyncio.Event()
        self._session = session
        self._reader = reader
        self._writer = writer
        self._run: FfmpegRun | None = None
        self._watching: asyncio.Task[EncoderFault] | None = None
        self._headers: dict[int, RtmpMessage] = {}
        self._first_header_at: float | None = None

    @property
    def sends(self) -> bool:
        return not self.over.is_set() and self.stream.packets > 0

    @property
    def ready(self) -> bool:
        return self.sends

    async def wanted(self, wanted: bool) -> None:
        """It sends whether it is wanted or not."""

    async def close(self) -> None:
        self.over.set()
        self._writer.transport.abort()

    async def run(self) -> None:
        """Until it ends; raises `RtmpRefused`, `TimeoutError` and `ConnectionError`."""
        _log.info("an encoder sends by RTMP", encoder=self.key_id)
        try:
            while not self.over.is_set():
                async with asyncio.timeout(SILENT_S):
                    data = await self._reader.read(_READ_BYTES)
                if not data:
                    return
                for event in self._session.handle_data(data):
                    if isinstance(event, SendingEnded):
                        return
                    if isinstance(event, MediaSent):
                        await self._take(event.message)
                self._writer.write(self._session.take_output())
                await self._keep_up()
        finally:
            self.over.set()
            if self._run is not None:
                await self._run.close()
            if self._watching is not None:
                await asyncio.gather(self._watching, return_exceptions=True)
            _log.info("an encoder by RTMP has ended", encoder=self.key_id)

    async def _take(self, message: RtmpMessage) -> None:
        if message.kind == chunks.DATA:
            return  # titles and numbers; FFmpeg finds what it needs in the codecs' headers
        if flv.codec_fault(message):
            self.fault = no_h264_by_rtmp()
            raise RtmpRefused("its picture is no H.264")
        now = asyncio.get_running_loop().time()
        if flv.is_codec_header(message):
            self._headers[message.kind] = message
            if self._first_header_at is None:
                self._first_header_at = now
        if self._run is not None:
            self._run.feed(flv.tag(message))
        elif self._first_header_at is not None and (
            len(self._headers) == 2 or now - self._first_header_at >= _OTHER_TRACK_S
        ):
            await self._begin(message)

    async def _begin(self, message: RtmpMessage) -> None:
        """All tracks are known: read them from here on."""
        self._run = FfmpegRun(self.stream, name=self.key_id)
        try:
            picture = chunks.VIDEO in self._headers
            writes = SETS_IN_STREAM if picture else ()
            await self._run.start("-f", "flv", "-i", "pipe:0", writes=writes)
        except EncoderFault as fault:
            self.fault = fault
            raise RtmpRefused(str(fault)) from None
        self._watching = asyncio.create_task(self._run.wait(), name="ffmpeg-ends")
        sound = chunks.AUDIO in self._headers
        self._run.feed(flv.file_header(sound=sound, picture=picture))
        for header in self._headers.values():
            self._run.feed(flv.tag(header))
        if not flv.is_codec_header(message):
            self._run.feed(flv.tag(message))

    async def _keep_up(self) -> None:
        """Let TCP hold the encoder back while FFmpeg reads; end what never catches up."""
        run = self._run
        if run is None:
            return
        async with asyncio.timeout(SILENT_S):
            await run.drain()
        if run.fault is not None:
            self.fault = run.fault
            raise RtmpRefused("what it sends cannot be read")
