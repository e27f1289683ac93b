"""One source on its way into a recording: the recorder's socket, the media core's tap, both ends.

A tapping is begun when a recorder is there, stopped when it is gone, begun again with the next,
and stopped for good with its source. Each time it is a new track: timestamps begin anew with
every tap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

import structlog

from mixer.model import TapInfo
from recorder import control as c
from server.ids import new_id

_log = structlog.get_logger("tongke.recording")

# The recorder binds a socket in milliseconds; one that does not answer is about to be replaced.
READY_TIMEOUT_S = 10.0

# A source may vanish and come back while we ask for it; its removal ends our trying.
RETRY_S = 2.0


class TappedMedia(Protocol):
    """What recording uses of the media core."""

    async def tap(self, lesson_id: str, producer_id: str, socket_path: str) -> TapInfo: ...
    async def untap(self, lesson_id: str, tap_id: str) -> None: ...


class Tapping:
    """`begin` and `stop` may be called in any order, any number of times."""

    def __init__(
        self,
        media: TappedMedia,
        send: Callable[[c.Command], bool],
        *,
        lesson_id: str,
        recording_id: str,
        producer_id: str,
        seat_id: str,
        source: str,
        folder: Path,
    ) -> None:
        self.track_id = ""
        self._media = media
        self._send = send
        self._lesson_id = lesson_id
        self._recording_id = recording_id
        self._producer_id = producer_id
        self._seat_id = seat_id
        self._source = source
        self._folder = folder
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._refused = asyncio.Event()

    def begin(self) -> None:
        """Record the source, with the recorder that is there now."""
        if self._task is None:
            self._refused.clear()
            self._task = asyncio.create_task(self._run(), name=f"tap-{self._producer_id}")

    def stop(self) -> Coroutine[Any, Any, None]:
        """The recorder is gone or takes nothing more, the source is gone, or the lesson over.

        It may be begun again at once. Await what this returns to know that the media core has
        let go of the tap.
        """
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        return _ended(task)

    def heed(self, report: c.TapReady | c.TapFailed) -> None:
        """What the recorder says about this track."""
        if isinstance(report, c.TapFailed):
            self._refused.set()
            _log.error(
                "a source is not recorded",
                recording=self._recording_id,
                seat=self._seat_id,
                source=self._source,
                why=report.text,
            )
        self._ready.set()

    async def _run(self) -> None:
        while not self._refused.is_set():
            try:
                await self._record()
            except Exception as error:
                _log.warning(
                    "a source cannot be tapped yet",
                    seat=self._seat_id,
                    source=self._source,
                    why=str(error) or repr(error),
                )
            await asyncio.sleep(RETRY_S)

    async def _record(self) -> None:
        """One track, until cancelled. Raises what keeps it from being recorded."""
        track_id = self.track_id = new_id()
        path = str(self._folder / f"tap-{track_id}.sock")
        self._ready.clear()
        tap_id = ""
        try:
            self._send(
                c.OpenTap(
                    recording_id=self._recording_id,
                    track_id=track_id,
                    socket_path=path,
                    seat_id=self._seat_id,
                    source=self._source,
                    producer_id=self._producer_id,
                )
            )
            async with asyncio.timeout(READY_TIMEOUT_S):
                await self._ready.wait()
            if self._refused.is_set():
                return
            info = await self._media.tap(self._lesson_id, self._producer_id, path)
            tap_id = info.tap_id
            self._send(_start_command(track_id, info))
            await self._refused.wait()
        finally:
            if tap_id:
                await asyncio.shield(self._untap(tap_id))
            self._send(c.CloseTap(track_id=track_id))

    async def _untap(self, tap_id: str) -> None:
        try:
            await self._media.untap(self._lesson_id, tap_id)
        except Exception as error:
            # The lesson's media is closed already, and the tap with it.
            _log.debug("untap", tap=tap_id, why=str(error))


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        await asyncio.gather(task, return_exceptions=True)


def _start_command(track_id: str, info: TapInfo) -> c.StartTap:
    return c.StartTap(
        track_id=track_id,
        device_id=info.device_id,
        kind=info.kind.value,
        codec=info.codec,
        payload_type=info.payload_type,
        clock_rate=info.clock_rate,
        channels=info.channels,
        ssrc=info.ssrc,
        fmtp=info.fmtp,
        feedback_path=info.feedback_path,
    )
