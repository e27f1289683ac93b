"""One lesson at work: its events in a row, its effects carried out, its state kept.

A runner is one task. Events wait in a bounded inbox (who sends too fast waits), what the media core
notices is kept as the newest of each kind, and between two events the effects of the first are
carried out, so the lesson never sees an answer out of its turn. If anything of ours fails, this
lesson's sockets are closed with `LESSON_FAILED` and it is opened anew from its saved state when the
first of them is back; other lessons do not notice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from mixer.errors import (
    AnswerUnexpected,
    MediaError,
    NegotiationRefused,
    NodeFull,
)
from mixer.model import (
    ConsumerChanged,
    FallbackNeeded,
    LayersNeeded,
    LinkMeasured,
    MediaEvent,
    PictureFaultsChanged,
    ProducerLive,
    SpeakersChanged,
    SpeechHeard,
    TransportChanged,
)
from signaling.counters import SignalingCounters
from signaling.errors import LessonRefusal
from signaling.lesson import Lesson
from signaling.lesson import effects as f
from signaling.lesson import events as e
from signaling.observing import ObserverFeed
from signaling.outbox import Outbox
from signaling.ports import LessonStore, Media
from signaling.protocol.messages import CloseCode, Refused, server_message

_log = structlog.get_logger(__name__)

MAX_INBOX = 256
# A media call parses SDP and makes sockets; it takes milliseconds. One that takes this long hangs.
MEDIA_TIMEOUT_S = 10.0
SAVE_RETRY_S = 1.0  # a full disk, a lock: saved soon after it is gone
# A store waits for a locked database a second at most, and a disk answers sooner.
STORE_TIMEOUT_S = 5.0
# A saving that takes longer hangs: who is put out meanwhile is kept out without it.
TURN_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class _Entry:
    """An event in the row, and who waits until it is carried out."""

    event: e.Event
    done: asyncio.Future[bool] | None = None

    def finish(self, carried_out: bool) -> None:
        if self.done is not None and not self.done.done():
            self.done.set_result(carried_out)


class LessonRunner:
    """Runs one lesson until it ends, fails or is stopped."""

    def __init__(
        self,
        lesson_id: str,
        lesson: Lesson,
        *,
        media: Media,
        store: LessonStore,
        feed: ObserverFeed,
        counters: SignalingCounters,
        clock: Callable[[], float],
    ) -> None:
        self.lesson_id = lesson_id
        self.lesson = lesson
        self._media = media
        self._store = store
        self._feed = feed
        self._counters = counters
        self._clock = clock
        self._outboxes: dict[int, Outbox] = {}
        self._inbox: deque[_Entry] = deque()
        self._room = asyncio.Semaphore(MAX_INBOX)
        self._noticed: dict[tuple[str, ...], MediaEvent] = {}
        self._awake = asyncio.Event()
        self._unsaved = asyncio.Event()
        self._saving = asyncio.Lock()  # an older state is never written after a newer one
        self._save_fails = False
        self._saver: asyncio.Task[None] | None = None
        self.stopped = False

    # --- in -----------------------------------------------------------------------------------

    def attach(self, connection: int, outbox: Outbox) -> None:
        """Where messages to this connection go."""
        self._outboxes[connection] = outbox

    async def submit(self, event: e.Event) -> None:
        """Put an event in the row; waits while the inbox is full."""
        await self._put(_Entry(event))

    async def carry_out(self, event: e.Event) -> None:
        """Put an event in the row, and wait until all that it brings is done.

        Raises `LessonRefusal` if the lesson stops or fails before.
        """
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        await self._put(_Entry(event, done))
        if not await done:
            raise LessonRefusal("lesson-ended" if self.lesson.ended else "server-failed")

    async def _put(self, entry: _Entry) -> None:
        await self._room.acquire()
        if self.stopped:
            self._room.release()
            entry.finish(False)
            return
        self._inbox.append(entry)
        self._awake.set()

    def notice(self, event: MediaEvent) -> None:
        """The media core's listener: keeps the newest of each kind, so it is bounded by itself."""
        match event:
            case ProducerLive():
                key: tuple[str, ...] = ("live", event.producer_id)
            case PictureFaultsChanged():
                key = ("faults", event.producer_id)
            case TransportChanged():
                key = ("transport", event.device_id, event.direction)
            case SpeakersChanged():
                key = ("speakers",)
            case SpeechHeard():
                key = ("speech", event.producer_id)
            case ConsumerChanged():
                key = ("consumer", event.device_id, event.producer_id)
            case LayersNeeded():
                key = ("layers", event.producer_id)
            case FallbackNeeded():
                key = ("fallback", event.producer_id)
            case LinkMeasured():
                key = ("link", event.device_id, event.direction)
        self._noticed.pop(key, None)  # the newest goes to the end of the row
        self._noticed[key] = event
        self._awake.set()

    # --- the row ------------------------------------------------------------------------------

    async def run(self, first: list[f.Effect], opened: asyncio.Future[None]) -> None:
        """Work until the lesson has ended or fails; `opened` is done when it takes events.

        An exception of opening goes to `opened`; a later one is logged, and the lesson's sockets
        are closed.
        """
        try:
            await self._media.open_lesson(self.lesson_id, self.notice)
        except Exception as error:  # goes to who wanted to open it
            self._stop()
            await self._feed.close(ended=False)
            opened.set_exception(error)
            return
        self._saver = asyncio.create_task(self._save_loop(), name=f"save-{self.lesson_id}")
        try:
            await self._carry_out(first)
            opened.set_result(None)
            while not self.lesson.ended:
                await self._step()
        except Exception:  # our bug ends this lesson, and no other
            _log.exception("a lesson failed", lesson_id=self.lesson_id)
            self.hang_up(CloseCode.LESSON_FAILED)
        finally:
            self._stop()
            await self._close(ended=self.lesson.ended)
            self.hang_up(CloseCode.LESSON_ENDED)  # who came too late to be told

    async def _step(self) -> None:
        """At most one event of each kind and one timer, and everything they bring."""
        if not self._noticed and not self._inbox:
            await self._wait()
        if self._noticed:
            key = next(iter(self._noticed))
            await self._handle(e.MediaReported(self._noticed.pop(key)))
        if self._inbox:
            entry = self._inbox.popleft()
            self._room.release()
            try:
                await self._handle(entry.event)
                entry.finish(True)
            finally:
                entry.finish(False)
        due_at = self.lesson.next_timer()
        if due_at is not None and due_at <= self._clock():
            await self._carry_out(self.lesson.handle_timer(self._clock()))

    async def _wait(self) -> None:
        self._awake.clear()
        due_at = self.lesson.next_timer()
        delay_s = None if due_at is None else max(0.0, due_at - self._clock())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._awake.wait()

    async def _handle(self, event: e.Event) -> None:
        await self._carry_out(self.lesson.handle(event, self._clock()))

    # --- out ----------------------------------------------------------------------------------

    async def _carry_out(self, effects: list[f.Effect]) -> None:
        """Do all of it in order; an answer of the media core is handled before anything else."""
        for effect in effects:
            match effect:
                case f.Send():
                    self._send(effect)
                case f.CloseConnection():
                    outbox = self._outboxes.pop(effect.connection, None)
                    if outbox is not None:
                        outbox.close(effect.code)
                case f.Save() | f.CloseLesson():
                    self._unsaved.set()
                case f.KeepBars():
                    await self._keep_bars()
                case f.WriteJournal() | f.ProducerAdded() | f.ProducerRemoved():
                    self._observe(effect)
                case _:
                    await self._call_media(effect)

    def _send(self, effect: f.Send) -> None:
        if isinstance(effect.message, Refused):
            self._counters.refusals[effect.message.code] += 1
        text = server_message.dump_json(effect.message).decode()
        for connection in effect.connections:
            outbox = self._outboxes.get(connection)
            if outbox is not None:
                outbox.put(text)

    def _observe(self, effect: f.WriteJournal | f.ProducerAdded | f.ProducerRemoved) -> None:
        match effect:
            case f.WriteJournal():
                self._feed.happened(effect.entry)
            case f.ProducerAdded():
                self._feed.producer_added(effect.seat_id, effect.source.value, effect.producer_id)
            case f.ProducerRemoved():
                self._feed.producer_removed(effect.producer_id)

    async def _call_media(self, effect: f.MediaCall) -> None:
        try:
            async with asyncio.timeout(MEDIA_TIMEOUT_S):
                answer = await self._answer_of(effect)
        except (MediaError, TimeoutError) as error:
            _log.info(
                "media refused",
                lesson_id=self.lesson_id,
                call=type(effect).__name__,
                error=repr(error),
            )
            answer = self._failure_of(effect, error)
        except Exception as error:  # a fault of the media core fails the call, not the lesson
            _log.exception("media failed", lesson_id=self.lesson_id, call=type(effect).__name__)
            answer = self._failure_of(effect, error)
        if answer is not None:
            await self._handle(answer)

    async def _answer_of(self, effect: f.MediaCall) -> e.MediaAnswered | None:
        lesson_id, media = self.lesson_id, self._media
        match effect:
            case f.MediaPause():
                media.set_producer_paused(lesson_id, effect.producer_id, effect.paused)
            case f.MediaCloseDevice():
                await media.close_device(lesson_id, effect.device_id)
            case f.MediaUnpublish():
                await media.unpublish(lesson_id, effect.producer_id)
            case f.MediaPublish(device_id, sdp, sources, offers, request_id):
                answer = await media.publish(lesson_id, device_id, sdp, dict(offers))
                return e.PublishAnswered(device_id, sources, answer, request_id)
            case f.MediaSubscribe(device_id, wants, restart, request_id):
                offer = await media.subscribe(lesson_id, device_id, wants, restart=restart)
                return e.SubscribeOffered(device_id, offer, request_id)
            case f.MediaAnswer(device_id, sdp, request_id):
                await media.subscribe_answer(lesson_id, device_id, sdp)
                return e.AnswerAccepted(device_id, request_id)
            case f.MediaPlay(device_id, sdp, wants, request_id):
                answer_sdp = await media.subscribe_offered(lesson_id, device_id, sdp, wants)
                return e.PlayAnswered(device_id, answer_sdp, request_id)
        return None

    def _failure_of(self, effect: f.MediaCall, error: Exception) -> e.MediaFailed | None:
        """What the lesson is told of a failed call; closing what is gone already is no failure."""
        code = _refusal_code(error)
        match effect:
            case f.MediaPublish():
                return e.MediaFailed(effect.device_id, "publish", code, effect.request_id)
            case f.MediaSubscribe():
                return e.MediaFailed(effect.device_id, "subscribe", code, effect.request_id)
            case f.MediaAnswer():
                return e.MediaFailed(effect.device_id, "answer", code, effect.request_id)
            case f.MediaPlay():
                return e.MediaFailed(effect.device_id, "play", code, effect.request_id)
            case _:
                return None

    # --- keeping and ending -------------------------------------------------------------------

    async def _save_loop(self) -> None:
        """Write the newest state whenever it has changed; many changes make one write."""
        while True:
            await self._unsaved.wait()
            self._unsaved.clear()
            if not await self._save():
                self._unsaved.set()
                await asyncio.sleep(SAVE_RETRY_S)

    async def _keep_bars(self) -> None:
        has_turn = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TURN_TIMEOUT_S):
                has_turn = await self._saving.acquire()
        try:
            async with asyncio.timeout(STORE_TIMEOUT_S):
                await self._store.keep_bars(self.lesson_id, self.lesson.save())
        except Exception:  # the store's fault; they are in force, and saved with the rest
            _log.exception("bars could not be kept", lesson_id=self.lesson_id)
        finally:
            if has_turn:
                self._saving.release()

    async def _save(self) -> bool:
        try:
            async with self._saving:
                await self._store.save_state(self.lesson_id, self.lesson.save())
        except Exception as error:  # the store's fault; the lesson goes on, and it is tried again
            if not self._save_fails:  # a full disk refuses every second: a line says so once
                _log.error(
                    "a lesson cannot be saved; tried again until it can",
                    lesson_id=self.lesson_id,
                    why=repr(error),
                )
            self._save_fails = True
            return False
        if self._save_fails:
            _log.info("a lesson is saved again", lesson_id=self.lesson_id)
        self._save_fails = False
        return True

    def _stop(self) -> None:
        """Take no more events, and let those go who wait to put one in."""
        self.stopped = True
        for entry in self._inbox:
            entry.finish(False)
        self._inbox.clear()
        for _waiting in range(MAX_INBOX):
            self._room.release()

    def hang_up(self, code: CloseCode) -> None:
        """Close every socket of the lesson."""
        for outbox in self._outboxes.values():
            outbox.close(code)
        self._outboxes.clear()

    def detach(self, connection: int) -> None:
        """The connection is gone: nothing more is sent to it."""
        self._outboxes.pop(connection, None)

    async def _close(self, *, ended: bool) -> None:
        if ended:  # before anything is waited for: nobody may be let in again
            await self._quietly(self._store.ended(self.lesson_id, *self.lesson.ending))
        if self._saver is not None:
            self._saver.cancel()
            await asyncio.gather(self._saver, return_exceptions=True)
        if not ended:
            await self._save()
        await self._feed.close(ended=ended)
        await self._quietly(self._media.close_lesson(self.lesson_id))

    async def _quietly(self, call: Awaitable[None]) -> None:
        """At the end every step is tried, whatever became of the one before."""
        try:
            async with asyncio.timeout(MEDIA_TIMEOUT_S):
                await call
        except Exception:  # the next step is tried
            _log.exception("closing a lesson", lesson_id=self.lesson_id)


def _refusal_code(error: Exception) -> str:
    """The refusal a client is told for an error of the media core."""
    if isinstance(error, AnswerUnexpected):
        return "no-offer"
    if isinstance(error, NegotiationRefused):
        return "bad-sdp"
    if isinstance(error, NodeFull):
        return "media-full"
    return "media-failed"
