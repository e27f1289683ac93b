"""One source on its way into a child: the child's socket, the media core's tap, both ends.

A tapping is begun when the child is there, stopped when it is gone, begun again with the next, and
stopped for good with its source. Each time it has another id: timestamps begin anew with every tap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Protocol

import structlog

from mixer.model import TapInfo, TapWant
from server.ids import new_id

_log = structlog.get_logger("tongke.children")

# A child binds a socket in milliseconds; one that does not answer is about to be replaced.
READY_TIMEOUT_S = 10.0

# A source may vanish and come back while we ask for it; its removal ends our trying.
RETRY_S = 2.0


class TappedMedia(Protocol):
    """What tapping uses of the media core."""

    async def tap(
        self,
        lesson_id: str,
        producer_id: str,
        socket_path: str,
        want: TapWant = None,
        *,
        from_past: bool = False,
    ) -> TapInfo: ...
    async def untap(self, lesson_id: str, tap_id: str) -> None: ...
    def set_tap_want(self, lesson_id: str, tap_id: str, want: TapWant) -> None: ...


class Sink(Protocol):
    """A child that takes one source. It must not wait: what it says comes later."""

    def open(self, track_id: str, socket_path: str) -> None:
        """Bind a datagram socket there; answered by `Tapping.ready` or `Tapping.refused`."""
        ...

    def start(self, track_id: str, info: TapInfo) -> None:
        """What the media core sends there from now on."""
        ...

    def close(self, track_id: str) -> None:
        """Nothing more comes; unbind."""
        ...


class Tapping:
    """`begin` and `stop` may be called in any order, any number of times."""

    def __init__(
        self,
        media: TappedMedia,
        sink: Sink,
        *,
        lesson_id: str,
        producer_id: str,
        folder: Path,
        want: TapWant = None,
    ) -> None:
        """`folder` is where the child's sockets are bound.

        A picture comes at about the size of `want`; for None, which is for who keeps it, at its
        best, or smaller, beside that.
        """
        self.track_id = ""
        self._tap_id = ""
        self._want = want
        self._media = media
        self._sink = sink
        self._lesson_id = lesson_id
        self._producer_id = producer_id
        self._folder = folder
        self._from_past = False
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._refused = asyncio.Event()
        self._put_off = False
        self._log = _log.bind(lesson=lesson_id, producer=producer_id)

    def begin(self, *, from_past: bool = False) -> None:
        """Feed the source to the child that is there now.

        With `from_past` it gets a picture from its last keyframe on, as far as that is kept.
        """
        if self._task is None:
            self._from_past = from_past
            self._refused.clear()
            self._task = asyncio.create_task(self._run(), name=f"tap-{self._producer_id}")

    def stop(self) -> Coroutine[Any, Any, None]:
        """The child is gone or takes nothing more, the source is gone, or the lesson over.

        It may be begun again at once. Await what this returns to know that the media core has
        let go of the tap.
        """
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        return _ended(task)

    def set_want(self, want: TapWant) -> None:
        """The child shows the picture in this size from now on; so will those after it."""
        self._want = want
        if self._tap_id:
            self._media.set_tap_want(self._lesson_id, self._tap_id, want)

    def ready(self) -> None:
        """The child has bound its socket."""
        self._ready.set()

    def refused(self, why: str, *, passes: bool = False) -> None:
        """The child cannot take this source; it is not offered again before the next `begin`.

        Where that `passes` (it could bind no socket) it is, every `RETRY_S`.
        """
        self._log.error("a source is refused by a child", why=why, is_tried_again=passes)
        self._put_off = passes
        if not passes:
            self._refused.set()
        self._ready.set()

    async def _run(self) -> None:
        while not self._refused.is_set():
            try:
                await self._feed()
            except Exception as error:  # the media core's, of any kind: it is tried again
                self._log.warning("a source cannot be tapped yet", why=str(error) or repr(error))
            await asyncio.sleep(RETRY_S)

    async def _feed(self) -> None:
        """One track, until cancelled. Raises what keeps it from being fed."""
        track_id = self.track_id = new_id()
        path = str(self._folder / f"tap-{track_id}.sock")
        self._ready.clear()
        self._put_off = False
        tap_id = ""
        try:
            self._sink.open(track_id, path)
            async with asyncio.timeout(READY_TIMEOUT_S):
                await self._ready.wait()
            if self._refused.is_set() or self._put_off:
                return
            want = self._want
            info = await self._media.tap(
                self._lesson_id, self._producer_id, path, want, from_past=self._from_past
            )
            tap_id = self._tap_id = info.tap_id
            if self._want != want:  # meanwhile
                self.set_want(self._want)
            self._sink.start(track_id, info)
            await self._refused.wait()
        finally:
            if tap_id:
                if self._tap_id == tap_id:
                    self._tap_id = ""
                await asyncio.shield(self._untap(tap_id))
            self._sink.close(track_id)

    async def _untap(self, tap_id: str) -> None:
        try:
            await self._media.untap(self._lesson_id, tap_id)
        except Exception as error:
            # The lesson's media is closed already, and the tap with it.
            self._log.debug("untap", tap=tap_id, why=str(error))


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        await asyncio.gather(task, return_exceptions=True)
