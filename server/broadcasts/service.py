"""Which lessons are put out: begun when a player asks, ended when none has asked for a while.

Owns what is known of lessons for it: that they are open, and which streams of their program there
are. A lesson's program is held (`server.programs`) as long as it is put out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol

import structlog

from mixer.node import RuntimeFolder
from server.broadcasts.hls import LessonHls
from server.broadcasts.pushing import Push
from server.broadcasts.remembered import Remembered, RememberedPushes
from server.broadcasts.targets import PushTarget, push_target
from server.broadcasts.watch_keys import WatchKeys
from server.broadcasts.watch_rights import WatchRights
from server.children.tapping import TappedMedia
from server.clock import Clock, wall_clock
from server.database.refusing import DatabaseRefused
from server.errors import Refusal, Text, not_found
from server.programs.layers import MIX_BITRATE_BPS
from signaling.log.entries import AnyEntry
from signaling.ports import LessonPlan

_log = structlog.get_logger("tongke.broadcasts")

# A player asks at least for every part while it plays; one that was paused or lost its line, and
# one that is opened in its place, finds the window as it was.
LINGERS_S = 30.0


# Who pushes reads what was made last: a segment, and the one that is being made.
_LEAST_WINDOW_S = 10.0

# A county's platform, one of the province, and two more; each is a process and a line upwards.
MOST_PUSHES = 4

# A database that refuses to be read is asked again.
_READ_AGAIN_S = 2.0


class HeldPrograms(Protocol):
    """What putting out uses of the programs (`server.programs.service.ProgramService`)."""

    @property
    def most_bitrate_bps(self) -> int: ...
    @property
    def height(self) -> int: ...
    def hold(self, lesson_id: str, holder: object) -> None: ...
    def release(self, lesson_id: str, holder: object) -> None: ...


class BroadcastService:
    """`signaling.ports.LessonObserver`. `start` it before signaling, `close` it after."""

    def __init__(
        self,
        media: TappedMedia,
        programs: HeldPrograms,
        *,
        keys: WatchKeys,
        window_s: float,
        clock: Clock = wall_clock,
        lingers_s: float = LINGERS_S,
        remembered: RememberedPushes | None = None,
        push_hosts: Sequence[str] = (),
        runtime_folder: Path | None = None,
    ) -> None:
        """`window_s` is how far back players may go; 0: no HLS.

        `remembered` pushes are begun again when their lesson is opened, to `push_hosts`.
        """
        self.keys = keys
        self.rights = WatchRights(clock)
        self.window_s = window_s
        self._media = media
        self._programs = programs
        self._clock = clock
        self._lingers_s = lingers_s
        self._remembered = remembered
        self._push_hosts = push_hosts
        self._runtime_folder = runtime_folder
        self._own_folder: RuntimeFolder | None = None
        self._streams: dict[str, dict[str, str]] = {}  # of open lessons: source by producer
        self._hls: dict[str, LessonHls] = {}
        self._pushes: dict[str, dict[str, Push]] = {}
        self._ending: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Be ready; nothing is begun."""
        if self._runtime_folder is None:
            self._own_folder = RuntimeFolder()
            self._runtime_folder = self._own_folder.path

    async def close(self) -> None:
        """End all of it; what is pushed is begun again by the next start."""
        self._streams.clear()
        await asyncio.gather(*(push.close() for push in self.pushes))
        self._pushes.clear()
        for lesson_id in list(self._hls):
            self._end_hls(lesson_id)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._own_folder is not None:
            self._own_folder.close()

    # --- what players ask ---------------------------------------------------------------------

    def is_open(self, lesson_id: str) -> bool:
        """Whether somebody is in this lesson: only then there is something to be put out."""
        return lesson_id in self._streams

    def hls_of(self, lesson_id: str) -> LessonHls | None:
        """A lesson's HLS, begun if need be; None while the lesson is not open.

        With each call it stays for a while longer.
        """
        if lesson_id not in self._streams or not self.window_s:
            return None
        hls = self._hls.get(lesson_id)
        if hls is None:
            hls = self._begin_hls(lesson_id)
        self._linger(lesson_id)
        return hls

    # --- pushing ------------------------------------------------------------------------------

    def pushes_of(self, lesson_id: str) -> list[Push]:
        """Whom a lesson's program is pushed to, the first first."""
        return list(self._pushes.get(lesson_id, {}).values())

    async def add_push(self, lesson_id: str, target: PushTarget) -> Push:
        """Push it there from now on, until the lesson is over.

        Refuses (404) a lesson that is not open, (409) one that goes there already, or to enough.
        Raises `DatabaseRefused` where it cannot be kept over a restart: then it is not begun.
        """
        if lesson_id not in self._streams:
            raise lesson_not_open()
        pushes = self._pushes.setdefault(lesson_id, {})
        if any(one.target.address == target.address for one in pushes.values()):
            raise Refusal(
                409,
                "pushed-already",
                Text("已经在推往这个地址。", "It is pushed to this address already."),
            )
        if len(pushes) >= MOST_PUSHES:
            raise Refusal(
                409,
                "too-many-pushes",
                Text(
                    f"一节课最多推往 {MOST_PUSHES} 个地址。请先停止一个。",
                    f"A lesson is pushed to {MOST_PUSHES} addresses at most. End one first.",
                ),
            )
        push = self._push(lesson_id, target)
        pushes[push.push_id] = push  # before it is kept: no other takes its place meanwhile
        if self._remembered is not None:
            kept = Remembered(push.push_id, target.address)
            try:
                await self._remembered.keep(lesson_id, kept, self._clock())
            except BaseException:
                pushes.pop(push.push_id, None)
                raise
        if push.push_id in self._pushes.get(lesson_id, {}):  # nobody has ended it meanwhile
            push.start()
        return push

    def _push(self, lesson_id: str, target: PushTarget, push_id: str = "") -> Push:
        return Push(
            target,
            lambda: self._film(lesson_id),
            lesson_id=lesson_id,
            clock=self._clock,
            push_id=push_id,
        )

    async def _take_up(self, lesson_id: str, remembered: RememberedPushes) -> None:
        """Begin again what was pushed before the server's restart."""
        while lesson_id in self._streams:
            try:
                kept = await remembered.of_lesson(lesson_id)
                break
            except DatabaseRefused:
                await asyncio.sleep(_READ_AGAIN_S)
        else:
            return
        for one in kept:
            pushes = self._pushes.setdefault(lesson_id, {})
            if one.push_id in pushes or lesson_id not in self._streams:
                continue
            try:
                target = push_target(one.address, self._push_hosts)
            except Refusal:  # its host is allowed no more
                _log.warning("a push is not begun again: see push_hosts", lesson=lesson_id)
                remembered.forget(one.push_id)
                continue
            pushes[one.push_id] = self._push(lesson_id, target, one.push_id)
            pushes[one.push_id].start()

    async def end_push(self, lesson_id: str, push_id: str) -> None:
        """Push there no more. Refuses (404) one that is not there."""
        push = self._pushes.get(lesson_id, {}).pop(push_id, None)
        if push is None:
            raise not_found("推流", "push")
        if self._remembered is not None:
            self._remembered.forget(push_id)
        await push.close()
        if not self._pushes.get(lesson_id, True):
            del self._pushes[lesson_id]
            if lesson_id in self._hls:
                self._linger(lesson_id)

    async def _film(self, lesson_id: str) -> AsyncGenerator[bytes]:
        if lesson_id not in self._streams:
            return
        hls = self._hls.get(lesson_id) or self._begin_hls(lesson_id)
        async with contextlib.aclosing(hls.film()) as film:
            async for data in film:
                yield data

    @property
    def pushes(self) -> tuple[Push, ...]:
        """All of them."""
        return tuple(one for of_lesson in self._pushes.values() for one in of_lesson.values())

    @property
    def hls_lessons(self) -> int:
        """Of how many lessons HLS is made now."""
        return len(self._hls)

    # --- signaling.ports.LessonObserver -------------------------------------------------------

    async def lesson_opened(self, plan: LessonPlan) -> None:
        """It may be put out. Opened anew after a fault its streams are others."""
        self._end_hls(plan.lesson_id)
        self._streams[plan.lesson_id] = {}
        if self._remembered is not None:
            self._later(self._take_up(plan.lesson_id, self._remembered))

    async def happened(self, lesson_id: str, entry: AnyEntry) -> None:
        """Nothing that it does not see in the program itself."""

    async def producer_added(
        self, lesson_id: str, seat_id: str, source: str, producer_id: str
    ) -> None:
        """A stream of its program, which is no seat's."""
        if seat_id or lesson_id not in self._streams:
            return
        self._streams[lesson_id][producer_id] = source
        if lesson_id in self._hls:
            self._hls[lesson_id].add_stream(source, producer_id)

    async def producer_removed(self, lesson_id: str, producer_id: str) -> None:
        """It is gone."""
        self._streams.get(lesson_id, {}).pop(producer_id, None)
        if lesson_id in self._hls:
            await self._hls[lesson_id].remove_stream(producer_id)

    async def lesson_closed(self, lesson_id: str) -> None:
        """It is over: players see its end as a stream that stops."""
        self._streams.pop(lesson_id, None)
        for push in self._pushes.pop(lesson_id, {}).values():
            await push.close()
        if self._remembered is not None:
            self._remembered.forget_lesson(lesson_id)
        self._end_hls(lesson_id)

    # --- beginning and ending -----------------------------------------------------------------

    def _begin_hls(self, lesson_id: str) -> LessonHls:
        assert self._runtime_folder is not None  # `start` was called
        _log.info("HLS begins", lesson=lesson_id)
        hls = self._hls[lesson_id] = LessonHls(
            self._media,
            lesson_id,
            folder=self._runtime_folder,
            window_s=max(self.window_s, _LEAST_WINDOW_S),
            bandwidth_bps=self._programs.most_bitrate_bps + MIX_BITRATE_BPS * 2,
            height=self._programs.height,
            on_broken=lambda: self._end_hls(lesson_id),
        )
        self._programs.hold(lesson_id, self)
        for producer_id, source in self._streams[lesson_id].items():
            hls.add_stream(source, producer_id)
        return hls

    def _linger(self, lesson_id: str) -> None:
        before = self._ending.pop(lesson_id, None)
        if before is not None:
            before.cancel()
        loop = asyncio.get_running_loop()
        self._ending[lesson_id] = loop.call_later(self._lingers_s, self._unwatched, lesson_id)

    def _unwatched(self, lesson_id: str) -> None:
        self._ending.pop(lesson_id, None)
        if lesson_id not in self._pushes:
            self._end_hls(lesson_id)

    def _end_hls(self, lesson_id: str) -> None:
        lingering = self._ending.pop(lesson_id, None)
        if lingering is not None:
            lingering.cancel()
        hls = self._hls.pop(lesson_id, None)
        if hls is None:
            return
        _log.info("HLS ends", lesson=lesson_id)
        self._programs.release(lesson_id, self)
        self._later(hls.close())

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def lesson_not_open() -> Refusal:
    """There is nothing to be put out."""
    return Refusal(
        404,
        "lesson-not-live",
        Text("这节课还没有人，或已经结束。", "Nobody is in this lesson yet, or it has ended."),
    )
