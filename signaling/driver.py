"""The lesson service: which lessons are in memory, and the way from a connection to its lesson.

Owns opening (from the plan, or from the saved state after a crash), the secrets of new devices and
the numbering of connections. What happens in a lesson is its runner's (`runner.py`); sockets and
HTTP are in `websocket.py` and `whip.py`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from mixer.errors import NodeFull
from mixer.model import ProducerInfo
from signaling.counters import SignalingCounters
from signaling.errors import LessonRefusal, StateUnreadable, TokenRefused
from signaling.lesson import Bar, Lesson, LessonScene, SeatedDevice
from signaling.lesson import effects as f
from signaling.lesson import events as e
from signaling.lesson_clock import LessonClock
from signaling.observing import ObserverFeed
from signaling.outbox import Outbox
from signaling.ports import (
    Identity,
    LessonObserver,
    LessonPlan,
    LessonStore,
    Media,
    SignalingSettings,
    Tokens,
)
from signaling.protocol.messages import (
    ClientMessage,
    CloseCode,
    EndReason,
    Join,
    LessonSource,
    LessonState,
    ProgramStanding,
    RemovalCode,
    SeatState,
    Source,
    server_message,
)
from signaling.protocol.refusals import refused
from signaling.runner import LessonRunner

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Connection:
    """One socket or HTTP session: its number, what waits for it, and the lesson it has joined."""

    number: int
    counters: SignalingCounters
    outbox: Outbox = field(default_factory=Outbox)
    runner: LessonRunner | None = None

    def refuse(self, code: str, request_id: str | None = None) -> None:
        """Tell it that a request was refused."""
        self.counters.refusals[code] += 1
        self.outbox.put(server_message.dump_json(refused(code, request_id)).decode())


class LessonService:
    """All lessons in progress in this process. Call `close` before the loop ends."""

    def __init__(  # noqa: PLR0917 - what it is handed, in the order of `ports`
        self,
        media: Media,
        tokens: Tokens,
        store: LessonStore,
        observers: Sequence[LessonObserver] = (),
        settings: SignalingSettings | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings or SignalingSettings()
        self.clock = clock
        self.counters = SignalingCounters()
        self._media = media
        self._tokens = tokens
        self._store = store
        self._observers = tuple(observers)
        self._runners: dict[str, LessonRunner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._opening: dict[str, asyncio.Task[LessonRunner]] = {}
        self._last_number = 0
        self._closed = False

    # --- connections --------------------------------------------------------------------------

    def connect(self) -> Connection:
        """A new connection, joined to nothing yet."""
        self._last_number += 1
        return Connection(self._last_number, self.counters)

    async def join(
        self,
        connection: Connection,
        join: Join,
        *,
        over_http: bool = False,
        offers_sound: bool = True,
    ) -> None:
        """Bring a connection into its lesson; a refusal is put into its outbox, which closes."""
        if connection.runner is not None:
            connection.refuse("already-joined", join.request_id)
            return
        try:
            lesson_id, identity = self._identify(join)
            runner = await self.open(lesson_id)
            # Asked after the lesson is there: who is put out from now on is put out of it too.
            if identity is not None:
                await self._refuse_unwelcome(identity)
        except LessonRefusal as refusal:
            connection.refuse(refusal.code, join.request_id)
            connection.outbox.close(CloseCode.REFUSED)
            return
        connection.runner = runner
        runner.attach(connection.number, connection.outbox)
        await runner.submit(
            e.JoinRequested(
                connection=connection.number,
                identity=identity,
                join=join,
                device_id=secrets.token_hex(8),
                resume=f"{lesson_id}~{secrets.token_urlsafe(24)}",
                over_http=over_http,
                offers_sound=offers_sound and join.offers_sound,
            )
        )

    async def request(self, connection: Connection, message: ClientMessage) -> None:
        """Hand a later message on; waits while the lesson has too much to do."""
        if isinstance(message, Join):
            await self.join(connection, message)
        elif connection.runner is None:
            connection.refuse("not-joined", message.request_id)
        else:
            await connection.runner.submit(e.RequestReceived(connection.number, message))

    async def play(
        self,
        connection: Connection,
        sdp: str,
        *,
        seat_id: str | None,
        source: Source | LessonSource | None,
        request_id: str,
    ) -> None:
        """A WHEP player's offer."""
        if connection.runner is None:
            connection.refuse("not-joined", request_id)
            return
        await connection.runner.submit(
            e.PlayRequested(connection.number, sdp, seat_id, source, request_id)
        )

    async def feed_source(
        self, connection: Connection, producer: ProducerInfo, *, request_id: str
    ) -> None:
        """The media core is fed with a source of this connection's device (`MediaNode.feed`).

        Its label says which `Source`. It is refused by the lesson's rules, in the outbox.
        """
        if connection.runner is None:
            connection.refuse("not-joined", request_id)
            return
        await connection.runner.submit(e.SourceFed(connection.number, producer, request_id))

    async def disconnected(self, connection: Connection) -> None:
        """The connection is gone; its device may come back with its resume key."""
        self.counters.messages_dropped += connection.outbox.dropped
        connection.outbox.dropped = 0
        if connection.runner is not None:
            connection.runner.detach(connection.number)
            await connection.runner.submit(e.ConnectionLost(connection.number))

    def _identify(self, join: Join) -> tuple[str, Identity | None]:
        """The lesson to join and who joins it.

        Tokens are short-lived, lessons are not: with an expired token the resume key alone names
        the lesson, and only its device may come back.
        """
        try:
            identity = self._tokens.verify(join.token, self.clock())
        except TokenRefused as refusal:
            lesson_id = (join.resume or "").rpartition("~")[0]
            if refusal.code != "token-expired" or not lesson_id:
                raise
            return lesson_id, None
        return identity.lesson_id, identity

    async def _refuse_unwelcome(self, identity: Identity) -> None:
        """Raises `LessonRefusal` when a token's bearer may not come in any more."""
        try:
            code = await self._store.refusal_of(identity)
        except Exception as error:  # the store's fault: one call is refused
            _log.exception("the store failed", lesson_id=identity.lesson_id)
            raise LessonRefusal("server-failed") from error
        if code is not None:
            raise LessonRefusal(code)

    # --- lessons ------------------------------------------------------------------------------

    async def open(self, lesson_id: str) -> LessonRunner:
        """The runner of a lesson, opened if need be; raises `LessonRefusal`."""
        runner = self._runners.get(lesson_id)
        if runner is not None and not runner.stopped:
            return runner
        if self._closed:
            raise LessonRefusal("server-failed")
        opening = self._opening.get(lesson_id)
        if opening is None:
            opening = asyncio.create_task(self._open(lesson_id), name=f"open-{lesson_id}")
            opening.add_done_callback(lambda _task: self._opening.pop(lesson_id, None))
            self._opening[lesson_id] = opening
        return await asyncio.shield(opening)

    async def _open(self, lesson_id: str) -> LessonRunner:
        before = self._runners.get(lesson_id)
        if before is not None:
            if before.lesson.ended:
                raise LessonRefusal("lesson-ended")
            await asyncio.wait([self._tasks[lesson_id]])
        try:
            plan = await self._store.plan(lesson_id)
            state = await self._store.load_state(lesson_id) if plan else None
        except LessonRefusal:
            raise
        except Exception as error:  # as above
            _log.exception("the store failed", lesson_id=lesson_id)
            raise LessonRefusal("server-failed") from error
        if plan is None:
            raise LessonRefusal("no-such-lesson")
        clock = LessonClock(self.clock)
        lesson, first = self._make(plan, state, clock())
        runner = LessonRunner(
            lesson_id,
            lesson,
            media=self._media,
            store=self._store,
            feed=ObserverFeed(plan, self._observers),
            counters=self.counters,
            clock=clock,
        )
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(runner.run(first, opened), name=f"lesson-{lesson_id}")
        self._runners[lesson_id], self._tasks[lesson_id] = runner, task
        task.add_done_callback(lambda _task: self._forget(lesson_id, runner))
        try:
            await opened
        except NodeFull as error:
            raise LessonRefusal("media-full") from error
        except Exception as error:  # the media core's fault, and this lesson's alone
            _log.exception("a lesson could not be opened", lesson_id=lesson_id)
            raise LessonRefusal("media-failed") from error
        if lesson.ended:  # the server was killed while it ended: now it has ended properly
            raise LessonRefusal("lesson-ended")
        return runner

    def _make(
        self, plan: LessonPlan, state: str | None, now: float
    ) -> tuple[Lesson, list[f.Effect]]:
        if state is not None:
            try:
                return Lesson.restore(plan, self.settings, state, now)
            except StateUnreadable:
                # People want their lesson: it begins anew, and everybody joins again.
                _log.exception("a saved lesson is unreadable", lesson_id=plan.lesson_id)
        return Lesson(plan, self.settings, now), []

    def _forget(self, lesson_id: str, runner: LessonRunner) -> None:
        if self._runners.get(lesson_id) is runner:
            del self._runners[lesson_id]
            del self._tasks[lesson_id]

    async def end_lesson(self, lesson_id: str, reason: EndReason = "by-server") -> None:
        """End a lesson for all, and wait until it is closed; raises `LessonRefusal`."""
        runner = await self.open(lesson_id)
        task = self._tasks[lesson_id]
        await runner.submit(e.EndRequested(reason))
        await asyncio.wait([task])

    async def remove(
        self, lesson_id: str, device_ids: Sequence[str], code: RemovalCode, *, bars: bool
    ) -> None:
        """Put devices out of a lesson; nothing happens if it is not open.

        They are told the words of `code`. With `bars` their bearers are let in no more, and when
        this returns that is kept; raises `LessonRefusal` if the lesson fails before.
        """
        request = e.RemovalRequested(tuple(device_ids), code, bars)
        runner = self._runners.get(lesson_id)
        if bars and runner is not None:
            await runner.carry_out(request)
        else:
            await self._tell(lesson_id, request)

    async def readmit(self, lesson_id: str, seat_id: str) -> None:
        """Let those in again who were put out of a seat, and keep that; raises `LessonRefusal`.

        A lesson that nobody has joined since the start of the server is opened for it.
        """
        await (await self.open(lesson_id)).carry_out(e.ReadmissionRequested(seat_id))

    async def rename_lead(self, lesson_id: str, name: str) -> None:
        """Another person leads from now on; nothing happens if the lesson is not open."""
        await self._tell(lesson_id, e.LeadRenamed(name))

    async def add_stream(
        self, lesson_id: str, producer: ProducerInfo, *, seat_id: str | None = None
    ) -> None:
        """A stream of the lesson itself, which the media core is fed with, may be wanted.

        With `seat_id` it is a mix for that seat alone, without its own voice.
        Its label says which `LessonSource` it is; raises `ValueError` if it is none. It ends with
        the lesson, if not before; nothing happens if the lesson is not open.
        """
        await self._tell(lesson_id, e.StreamAdded(LessonSource(producer.label), producer, seat_id))

    async def remove_stream(self, lesson_id: str, producer_id: str) -> None:
        """End a stream of the lesson itself, and its feed; nothing happens if it is gone."""
        await self._tell(lesson_id, e.StreamRemoved(producer_id))

    async def set_program(self, lesson_id: str, standing: ProgramStanding) -> None:
        """Whoever makes the lesson's program says how far it is."""
        await self._tell(lesson_id, e.ProgramStands(standing))

    async def program_cut(self, lesson_id: str, cut: e.ProgramCut) -> None:
        """The lesson's program shows something else from now on: an entry of its log."""
        await self._tell(lesson_id, cut)

    def scene(self, lesson_id: str) -> LessonScene | None:
        """A lesson as whoever makes its program needs it; None if it is not in memory."""
        runner = self._runners.get(lesson_id)
        return None if runner is None or runner.stopped else runner.lesson.scene()

    async def _tell(self, lesson_id: str, event: e.Event) -> None:
        runner = self._runners.get(lesson_id)
        if runner is not None:
            await runner.submit(event)

    def bars_of(self, lesson_id: str) -> dict[str, Bar] | None:
        """Who is let in no more to a lesson in memory, by their bearers; None if it is not.

        Of one that is not in memory `signaling.lesson.bars_in` reads them from what was saved.
        """
        runner = self._runners.get(lesson_id)
        return None if runner is None or runner.stopped else runner.lesson.bars()

    async def set_recording(self, lesson_id: str, recording: bool, fault: str = "") -> None:
        """The recorder says whether it runs, and if not, why it does not for the moment.

        Nothing happens if the lesson is not open.
        """
        await self._tell(lesson_id, e.RecordingChanged(recording, fault))

    def live(self) -> dict[str, tuple[LessonState, list[SeatState]]]:
        """Every lesson in memory with its seats, as everybody in it sees them."""
        return {
            lesson_id: runner.lesson.view()
            for lesson_id, runner in self._runners.items()
            if not runner.stopped
        }

    def devices(self, lesson_id: str) -> list[SeatedDevice]:
        """Whose the devices of a lesson in memory are; none if it is not."""
        runner = self._runners.get(lesson_id)
        return [] if runner is None or runner.stopped else runner.lesson.devices()

    def seated_devices(self) -> dict[str, list[SeatedDevice]]:
        """Every lesson in memory with its devices."""
        return {
            lesson_id: runner.lesson.devices()
            for lesson_id, runner in self._runners.items()
            if not runner.stopped
        }

    async def let_go(self, lesson_id: str) -> None:
        """Close a lesson that goes on in another process: clients are told to come back."""
        runner = self._runners.get(lesson_id)
        if runner is not None:
            task = self._tasks[lesson_id]
            runner.hang_up(CloseCode.SERVER_RESTARTS)
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        """The server stops: states are saved, clients told to come back; no lesson ends by it."""
        self._closed = True
        for opening in list(self._opening.values()):
            opening.cancel()
        tasks = list(self._tasks.values())
        for runner in self._runners.values():
            runner.hang_up(CloseCode.SERVER_RESTARTS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._opening.values(), return_exceptions=True)
