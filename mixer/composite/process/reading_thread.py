"""The reader: one thread that empties every picture's tap and decodes what is shown.

Owns the taps' sockets. It never waits for anybody: a picture that nobody has taken yet gives way to
the next one. What the server says comes over a queue and an event that wakes it.

Sockets are emptied at once, but nobody sees a picture before the clock's next tick: what came is
decoded together just before it. One source after the other costs a quarter less than each by
itself, woken from sleep into cold caches. How long before is learnt from how long it took.
"""

from __future__ import annotations

import os
import queue
import selectors
import threading
import time
import traceback
from collections.abc import Callable, Set
from dataclasses import dataclass

from mixer.composite.arrange import PictureId
from mixer.composite.process.messages import KeyframeWanted, Report, SourceCounters, TapFailed
from mixer.composite.process.tapped_picture import Decoded, TappedPicture

# How late a hole is given up, or a keyframe asked for again, at most.
POLL_S = 0.02


# Decoding begins so much before the tick, and a share more than it took lately; that it took long
# is forgotten slowly. What comes later than that is decoded at once: it may still be in time.
_SPARE_S = 0.003
_MORE = 1.25
_FORGOTTEN = 0.98

# A keyframe's packets are not kept for later: they are decoded while they come.
MOST_WAITING = 24

# The selector's waits are whole milliseconds.
_WAIT_STEP_S = 0.001


@dataclass(frozen=True, slots=True)
class _Add:
    source: TappedPicture


@dataclass(frozen=True, slots=True)
class _Remove:
    track_id: str


@dataclass(frozen=True, slots=True)
class _Show:
    pictures: frozenset[PictureId]


class ReadingThread:
    """`take` gives what is new since it was called last; all else is told."""

    def __init__(self, report: Callable[[Report], None]) -> None:
        self._report = report
        self._told: queue.SimpleQueue[_Add | _Remove | _Show] = queue.SimpleQueue()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_fd, selectors.EVENT_READ)
        self._sources: dict[str, TappedPicture] = {}
        self._shown: frozenset[PictureId] = frozenset()
        self._lock = threading.Lock()
        self._arrived: dict[PictureId, Decoded] = {}
        self._ending = False
        self._polled_at = 0.0
        self._tick_at = 0.0  # the clock's next one; one that is over: it is not known
        self._took_s = 0.0
        self._waiting: set[str] = set()  # tracks of which something is to be decoded
        self._thread = threading.Thread(target=self._run, name="reader")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and close every tap."""
        self._ending = True
        self._wake()
        self._thread.join()

    def add(self, source: TappedPicture) -> None:
        """Empty this tap from now on."""
        self._tell(_Add(source))

    def remove(self, track_id: str) -> None:
        """Nothing more comes."""
        self._tell(_Remove(track_id))

    def show(self, pictures: Set[PictureId]) -> None:
        """Decode these and no others."""
        self._tell(_Show(frozenset(pictures)))

    def expect(self, tick_at: float) -> None:
        """When the clock will ask next; before that, nobody looks."""
        self._tick_at = tick_at

    def take(self) -> dict[PictureId, Decoded]:
        """The newest picture of each source that has a new one."""
        with self._lock:
            arrived, self._arrived = self._arrived, {}
        return arrived

    def counters(self) -> tuple[SourceCounters, ...]:
        """Every source's."""
        return tuple(source.counters() for source in list(self._sources.values()))

    def _run(self) -> None:
        while not self._ending:
            ready = self._selector.select(self._patience_s())
            now = time.monotonic()
            for key, _ in ready:
                if isinstance(key.data, TappedPicture):
                    self._attend(key.data, now, self._receive)
                else:
                    self._obey()
            if self._waiting and now + _WAIT_STEP_S >= self._decode_at:
                self._decode_waiting(now)
            if now - self._polled_at >= POLL_S:
                self._polled_at = now
                for source in list(self._sources.values()):
                    self._attend(source, now, self._poll)
        for track_id in list(self._sources):
            self._forget(track_id)
        self._selector.close()
        os.close(self._wake_fd)

    def _attend(
        self, source: TappedPicture, now: float, how: Callable[[TappedPicture, float], None]
    ) -> None:
        try:
            how(source, now)
        except Exception as error:
            # Our own fault with this source's packets: its last picture stays, the others go on.
            traceback.print_exc()
            self._forget(source.track_id)
            self._report(TapFailed(track_id=source.track_id, text=repr(error)))

    @property
    def _decode_at(self) -> float:
        return self._tick_at - _SPARE_S - _MORE * self._took_s

    def _patience_s(self) -> float | None:
        if not self._sources:
            return None  # whatever there is to do is told
        if not self._waiting:
            return POLL_S
        return min(POLL_S, max(0.0, self._decode_at - time.monotonic() - _WAIT_STEP_S / 2))

    def _decode_waiting(self, began: float) -> None:
        waiting, self._waiting = self._waiting, set()
        for track_id in waiting:
            if (source := self._sources.get(track_id)) is not None:
                self._attend(source, began, self._read)
        took_s = time.monotonic() - began
        self._took_s = max(took_s, self._took_s * _FORGOTTEN)

    def _receive(self, source: TappedPicture, now: float) -> None:
        waiting = source.receive(now)
        if waiting > MOST_WAITING:
            self._read(source, now)
        elif waiting:
            self._waiting.add(source.track_id)

    def _read(self, source: TappedPicture, now: float) -> None:
        self._put(source, source.read(now))

    def _poll(self, source: TappedPicture, now: float) -> None:
        picture, asked = source.poll(now)
        self._put(source, None if picture is None else Decoded(picture, now))
        if asked:
            wanted = KeyframeWanted(track_id=source.track_id, producer_id=source.producer_id)
            self._report(wanted)

    def _put(self, source: TappedPicture, decoded: Decoded | None) -> None:
        if decoded is not None:
            with self._lock:
                self._arrived[source.picture_id] = decoded

    def _tell(self, what: _Add | _Remove | _Show) -> None:
        self._told.put(what)
        self._wake()

    def _wake(self) -> None:
        os.eventfd_write(self._wake_fd, 1)

    def _obey(self) -> None:
        os.eventfd_read(self._wake_fd)
        while not self._told.empty():
            match self._told.get():
                case _Add(source):
                    self._sources[source.track_id] = source
                    source.show(shown=source.picture_id in self._shown)
                    self._selector.register(source.socket, selectors.EVENT_READ, source)
                case _Remove(track_id):
                    self._forget(track_id)
                case _Show(pictures):
                    self._shown = pictures
                    for source in self._sources.values():
                        source.show(shown=source.picture_id in pictures)

    def _forget(self, track_id: str) -> None:
        source = self._sources.pop(track_id, None)
        if source is None:
            return
        self._selector.unregister(source.socket)
        source.close()
        if all(other.picture_id != source.picture_id for other in self._sources.values()):
            with self._lock:
                self._arrived.pop(source.picture_id, None)
