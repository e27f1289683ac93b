"""One stream on its way from a child into the lesson: the child's socket, the media core's feed.

The other way round than `server.children.tapping`. A feed outlives the child that sends it: the
next binds the same path and goes on under the same SSRCs, and to all who receive the stream has
paused. It ends with `stop`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from mixer.composite.process import messages as c
from mixer.model import FeedInfo, FeedOffer, Kind
from server.ids import new_id

_log = structlog.get_logger("tongke.programs")

# The lesson's own streams come from one device that is nobody's: so receivers keep picture and
# sound in step.
DEVICE_ID = "program"

# A child binds a socket in milliseconds; a feed that the media core refuses is full, or about to
# be closed with its lesson: it is asked again, and no oftener than a person would.
READY_TIMEOUT_S = 10.0
RETRY_S = 2.0


class FedMedia(Protocol):
    """What feeding uses of the media core."""

    async def feed(
        self, lesson_id: str, device_id: str, socket_path: str, offer: FeedOffer
    ) -> FeedInfo: ...
    async def unpublish(self, lesson_id: str, producer_id: str) -> None: ...


class Feeding:
    """`begin` and `child_gone` may be called in any order, any number of times.

    `info` is set once the media core takes the stream, and stays; `on_fed` is called then, and each
    time that a child sends it again.
    """

    def __init__(
        self,
        media: FedMedia,
        send: Callable[[c.Command], bool],
        *,
        lesson_id: str,
        folder: Path,
        offer: FeedOffer,
        kind: Kind,
        seat_id: str = "",
        on_fed: Callable[[], None],
    ) -> None:
        """`folder` is where the child's socket is bound; a mix with `seat_id` is for that seat."""
        self.feed_id = new_id()
        self.seat_id = seat_id
        self.info: FeedInfo | None = None
        self.sent = False  # by the child that is there now
        self._media = media
        self._send = send
        self._lesson_id = lesson_id
        self._path = folder / f"feed-{self.feed_id}.sock"
        self._offer = offer
        self._kind = kind
        self._on_fed = on_fed
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._refused_why = ""
        self._log = _log.bind(lesson=lesson_id, stream=offer.label, seat=seat_id)

    def begin(self) -> None:
        """Let the child that is there now feed the lesson."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"feed-{self.feed_id}")

    def child_gone(self) -> None:
        """Nobody sends it; what the media core has of it stays."""
        self.sent = False
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def ready(self) -> None:
        """The child has bound its socket."""
        self._ready.set()

    def refused(self, why: str) -> None:
        """The child cannot bind it; it is asked again."""
        self._refused_why = why
        self._log.error("a child cannot feed a lesson", why=why)
        self._ready.set()

    async def stop(self) -> None:
        """It is over: the child lets go of it, and so does the media core."""
        task = self._task
        self.child_gone()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)
        self._send(c.CloseFeed(feed_id=self.feed_id))
        info, self.info = self.info, None
        if info is not None:
            try:
                await self._media.unpublish(self._lesson_id, info.producer.producer_id)
            except Exception as error:  # the lesson's media is closed already, and the feed with it
                self._log.debug("unpublish", why=str(error))

    async def _run(self) -> None:
        while not self.sent:
            try:
                await self._feed()
            except Exception as error:  # the media core's, of any kind: it is tried again
                self._log.warning("a lesson cannot be fed yet", why=str(error) or repr(error))
                await asyncio.sleep(RETRY_S)

    async def _feed(self) -> None:
        """Raises what keeps it from being fed."""
        self._ready.clear()
        self._refused_why = ""
        self._send(
            c.OpenFeed(
                feed_id=self.feed_id,
                socket_path=str(self._path),
                kind=self._kind.value,
                seat_id=self.seat_id,
                codec="VP8" if self._offer.codec == "VP8" else "H264",
            )
        )
        async with asyncio.timeout(READY_TIMEOUT_S):
            await self._ready.wait()
        if self._refused_why:
            raise OSError(self._refused_why)
        if self.info is None:
            self.info = await self._media.feed(
                self._lesson_id, DEVICE_ID, str(self._path), self._offer
            )
        self._send(
            c.StartFeed(
                feed_id=self.feed_id,
                media_path=self.info.media_path,
                payload_type=self.info.payload_type,
                clock_rate=self.info.clock_rate,
                ssrcs=self.info.ssrcs,
                audio_level_id=self.info.audio_level_id,
            )
        )
        self.sent = True
        self._on_fed()
