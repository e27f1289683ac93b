"""The sound: one thread that mixes 20 ms at every tick and sends each room its own.

It shares nothing with the pictures: neither a decoder nor an encoder delays it. A room that is
audible hears all but itself, encoded for it; all others hear one mix, which is encoded once and
sent to each. What nobody receives is not encoded; while nobody receives anything, nothing is
decoded or mixed.
"""

from __future__ import annotations

import math
import queue
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from mixer.composite.lesson_time import LessonTime, MeanDelay
from mixer.composite.process.feed_socket import LOOK_FOR_ROOM_S, FeedSocket
from mixer.composite.process.messages import Report, TapFailed
from mixer.composite.process.mix_encoder import EncodedMix, MixEncoder
from mixer.composite.process.rtp_sender import RtpSender
from mixer.composite.sound_desk import TICK_S, SoundDesk
from mixer.libopus import OpusError, Samples
from mixer.model import TapInfo
from mixer.reading.tap_socket import BURST, TapSocket
from mixer.rtp.packet import DatagramKind, datagram_kind

# Opus looks ahead 6.5 ms, the limiter 2.5.
_AHEAD_S = 0.009

# So often within a tick room is looked for again: two milliseconds at the most.
_ROOM_TRIES = 4

# A room that paused for so long is encoded anew when it speaks again.
_ENCODER_KEPT_TICKS = 500


@dataclass(slots=True)
class _Tap:
    track_id: str
    seat_id: str
    socket: TapSocket
    heard: bool = True  # no other one has taken its seat's place


@dataclass(slots=True)
class _Feed:
    feed_id: str
    seat_id: str  # empty: the mix of all
    socket: FeedSocket
    sender: RtpSender | None = None
    needed: bool = True  # somebody receives it
    paused: bool = False  # nothing was sent at the last tick


@dataclass(slots=True)
class _Own:
    """The encoder of a room that is audible, or was a moment ago."""

    encoder: MixEncoder
    used_at_tick: int


class SoundThread:
    """The sound of one program."""

    def __init__(
        self,
        *,
        report: Callable[[Report], None],
        on_broken: Callable[[Exception], None],
        lesson_time: LessonTime,
    ) -> None:
        self._report = report
        self._on_broken = on_broken
        self._desk = SoundDesk(lesson_time)
        self._told: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._taps: dict[str, _Tap] = {}
        self._by_fd: dict[int, _Tap] = {}
        self._waiting = select.poll()
        self._feeds: dict[str, _Feed] = {}
        self._shared = MixEncoder()
        self._own: dict[str, _Own] = {}
        self._delay = MeanDelay(_AHEAD_S)
        self._ticks = 0
        self._ending = threading.Event()
        self.late_ticks = 0
        self._thread = threading.Thread(target=self._run, name="sound")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and close every socket."""
        self._ending.set()
        self._told.put(lambda: None)  # it may be waiting to be told
        self._thread.join()

    def add_tap(self, track_id: str, seat_id: str, socket: TapSocket, tap: TapInfo) -> None:
        """This is the seat's sound from now on."""
        self._told.put(lambda: self._add_tap(_Tap(track_id, seat_id, socket), tap))

    def remove_tap(self, track_id: str) -> None:
        """Nothing more comes."""
        self._told.put(lambda: self._remove_tap(track_id))

    def add_feed(self, feed_id: str, seat_id: str, socket: FeedSocket) -> None:
        """A mix is to be sent, when it is known where."""
        self._told.put(lambda: self._add_feed(_Feed(feed_id, seat_id, socket)))

    def connect_feed(self, feed_id: str, sender: RtpSender) -> None:
        """It is connected: send."""
        self._told.put(lambda: self._connect_feed(feed_id, sender))

    def need_feed(self, feed_id: str, *, needed: bool) -> None:
        """Somebody receives it, or nobody does."""
        self._told.put(lambda: self._need_feed(feed_id, needed))

    def remove_feed(self, feed_id: str) -> None:
        """Nobody hears it any more."""
        self._told.put(lambda: self._remove_feed(feed_id))

    @property
    def dropped_datagrams(self) -> int:
        """Those that found no room, of the feeds that are there."""
        return sum(feed.socket.dropped_datagrams for feed in list(self._feeds.values()))

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self._told.get()()  # nothing to hear, and nobody who would, until it is told
                self._sound_while_there_is_any()
        except Exception as error:  # whoever began the thread ends the process by it
            self._on_broken(error)
        finally:
            self._close()

    def _sound_while_there_is_any(self) -> None:
        # On whole ticks of the machine's clock, so that timestamps are 960 apart and never 959.
        due = math.ceil(time.monotonic() / TICK_S) * TICK_S
        while self._taps or self._feeds:
            if self._ending.wait(max(0.0, due - time.monotonic())):
                return
            late_s = time.monotonic() - due
            if late_s > TICK_S / 2:
                self.late_ticks += 1
            self._obey()
            self._tick(due)
            due += TICK_S
            # After a standstill the voices' buffers are full anyway: what was missed is
            # left out, in the timestamps as well.
            due += TICK_S * max(0, math.floor((late_s - 0.1) / TICK_S))

    def _tick(self, now: float) -> None:
        self._ticks += 1
        heard = any(feed.needed for feed in self._feeds.values())
        self._receive(now, reports_alone=not heard)
        if not heard:
            return
        shared, own = self._desk.tick(now)
        self._delay.note(self._desk.waiting_s + _AHEAD_S)
        self._send(shared, own, now)

    def _receive(self, now: float, *, reports_alone: bool) -> None:
        """Empty the taps: most have one datagram, and that there is no other is asked of all.

        With `reports_alone` sounds are left out: the clocks of the rooms are known all the same.
        """
        came, rounds = True, 0
        while came and rounds < BURST:
            came, rounds = False, rounds + 1
            for fd, _event in self._waiting.poll(0):
                tap = self._by_fd[fd]
                data = tap.socket.receive_one()
                came |= data is not None
                if data is None or not tap.heard:
                    continue
                if not reports_alone or datagram_kind(data) is DatagramKind.RTCP:
                    self._desk.handle_datagram(tap.seat_id, data, now)

    def _send(self, shared: Samples, own: dict[str, Samples], now: float) -> None:
        heard = [feed for feed in self._feeds.values() if feed.sender is not None and feed.needed]
        everybody = None
        if any(feed.seat_id not in own for feed in heard):
            everybody = self._shared.encode(shared)
        ready = [
            (feed.socket, self._datagrams(feed, self._mix_for(feed, own, everybody), now))
            for feed in heard
        ]
        # All at once: the media core is woken once and not for each.
        for feed_socket, datagrams in ready:
            feed_socket.send_or_keep(datagrams)
        self._send_rest()
        if self._ticks % _ENCODER_KEPT_TICKS == 0:
            self._own = {
                seat_id: one
                for seat_id, one in self._own.items()
                if self._ticks - one.used_at_tick < _ENCODER_KEPT_TICKS
            }

    def _mix_for(
        self, feed: _Feed, own: dict[str, Samples], everybody: EncodedMix | None
    ) -> EncodedMix | None:
        sound = own.get(feed.seat_id)
        return everybody if sound is None else self._encoder_of(feed.seat_id).encode(sound)

    def _send_rest(self) -> None:
        """The core's queue may hold ten: twenty rooms' packets go in two or three times."""
        for _ in range(_ROOM_TRIES):
            waiting = [feed for feed in self._feeds.values() if feed.socket.keeps]
            if not waiting:
                return
            time.sleep(LOOK_FOR_ROOM_S)
            for feed in waiting:
                feed.socket.send_or_keep()

    def _datagrams(self, feed: _Feed, mix: EncodedMix | None, now: float) -> list[bytes]:
        was_paused, feed.paused = feed.paused, mix is None
        if mix is None or feed.sender is None:
            return []
        # The first packet after silence is marked (RFC 3551 §4.1).
        datagrams = feed.sender.packets([mix.payload], now, marker=was_paused, level=mix.level)
        report = feed.sender.report(now, delay_s=self._delay.delay_s)
        return datagrams if report is None else [*datagrams, report]

    def _encoder_of(self, seat_id: str) -> MixEncoder:
        one = self._own.get(seat_id)
        if one is None:
            one = self._own[seat_id] = _Own(MixEncoder(), self._ticks)
        one.used_at_tick = self._ticks
        return one.encoder

    def _obey(self) -> None:
        while not self._told.empty():
            self._told.get()()

    def _add_tap(self, tap: _Tap, info: TapInfo) -> None:
        try:
            self._desk.open_channel(tap.seat_id, info)
        except (ValueError, OpusError) as error:
            tap.socket.close()
            self._report(TapFailed(track_id=tap.track_id, text=str(error)))
            return
        for other in self._taps.values():
            other.heard &= other.seat_id != tap.seat_id
        self._taps[tap.track_id] = tap
        self._by_fd[tap.socket.fileno()] = tap
        self._waiting.register(tap.socket, select.POLLIN)

    def _remove_tap(self, track_id: str) -> None:
        tap = self._taps.pop(track_id, None)
        if tap is None:
            return
        self._waiting.unregister(tap.socket)
        del self._by_fd[tap.socket.fileno()]
        tap.socket.close()
        if tap.heard:
            self._desk.close_channel(tap.seat_id)

    def _add_feed(self, feed: _Feed) -> None:
        self._feeds[feed.feed_id] = feed

    def _need_feed(self, feed_id: str, needed: bool) -> None:
        if feed_id in self._feeds:
            self._feeds[feed_id].needed = needed

    def _connect_feed(self, feed_id: str, sender: RtpSender) -> None:
        if feed_id in self._feeds:
            self._feeds[feed_id].sender = sender

    def _remove_feed(self, feed_id: str) -> None:
        feed = self._feeds.pop(feed_id, None)
        if feed is not None:
            feed.socket.close()

    def _close(self) -> None:
        self._obey()
        for track_id in list(self._taps):
            self._remove_tap(track_id)
        for feed_id in list(self._feeds):
            self._remove_feed(feed_id)
        self._desk.close()
