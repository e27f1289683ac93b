"""The reader: one thread that empties every picture's tap and decodes what is shown.

Owns the taps' sockets. It never waits for anybody: a picture that nobody has taken yet gives way to
the next one. What the server says comes over a queue and an event that wakes it.
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
from mixer.composite.picture import Picture
from mixer.composite.process.messages import KeyframeWanted, Report, SourceCounters, TapFailed
from mixer.composite.process.tapped_picture import TappedPicture

# How late a hole is given up, or a keyframe asked for again, at most.
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture and when the last of it came."""

    picture: Picture
    at: float


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
            ready = self._selector.select(POLL_S)
            now = time.monotonic()
            for key, _ in ready:
                if isinstance(key.data, TappedPicture):
                    self._attend(key.data, now, self._receive)
                else:
                    self._obey()
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

    def _receive(self, source: TappedPicture, now: float) -> None:
        self._put(source, source.receive(now), now)

    def _poll(self, source: TappedPicture, now: float) -> None:
        picture, asked = source.poll(now)
        self._put(source, picture, now)
        if asked:
            wanted = KeyframeWanted(track_id=source.track_id, producer_id=source.producer_id)
            self._report(wanted)

    def _put(self, source: TappedPicture, picture: Picture | None, now: float) -> None:
        if picture is not None:
            with self._lock:
                self._arrived[source.picture_id] = Decoded(picture, now)

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
