"""A lesson's program in its process: the control connection, and who does what.

Owns the feeds' sockets and the threads: it hands pictures' taps to the reader, sounds to the sound,
scenes to the clock. It ends when the server says so, or is gone.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import traceback
from pathlib import Path

from mixer.composite.arrange import PictureId
from mixer.composite.lesson_time import LessonTime
from mixer.composite.process.clock_thread import ClockThread, PictureTap
from mixer.composite.process.counting import Counting
from mixer.composite.process.feed_socket import FeedSocket
from mixer.composite.process.messages import (
    Begin,
    CloseFeed,
    Command,
    Counters,
    Failed,
    FeedFailed,
    FeedNeeded,
    FeedReady,
    Heartbeat,
    Hello,
    Keyframe,
    LayersNeeded,
    OpenFeed,
    PictureCodec,
    Scene,
    StartFeed,
    Stop,
    parse_command,
)
from mixer.composite.process.picture_out import OnSent, PictureOut
from mixer.composite.process.reading_thread import ReadingThread
from mixer.composite.process.reports import ReportLine
from mixer.composite.process.rtp_sender import RtpSender, StreamNames
from mixer.composite.process.sound_thread import SoundThread
from mixer.composite.process.tapped_picture import TappedPicture
from mixer.model import Kind, TapInfo
from mixer.reading.control import (
    MAX_LINE_BYTES,
    CloseTap,
    OpenTap,
    StartTap,
    TapFailed,
    TapReady,
)
from mixer.reading.tap_socket import TapSocket

COUNTED_EVERY_S = 1.0


class _Feed:
    """A feed's socket, and which stream it carries."""

    def __init__(self, said: OpenFeed) -> None:
        """Raises `OSError`."""
        self.said = said
        self.socket = FeedSocket(Path(said.socket_path))


class CompositorProcess:
    """`run` returns when the program is over."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._reports = ReportLine(control, on_gone=self._end)
        # Unix time that never jumps while we run, whatever is done to the system's clock.
        self._unix_offset_s = time.time() - time.monotonic()
        self._begun: Begin | None = None
        self._reading = ReadingThread(self._reports.say)
        self._sound: SoundThread | None = None
        self._clock: ClockThread | None = None
        self._opened: dict[str, tuple[OpenTap, TapSocket]] = {}
        self._feeds: dict[str, _Feed] = {}
        # In H.264 from the beginning, whether it is fed or not; in VP8 while its feed is open.
        self._pictures: dict[PictureCodec, PictureOut] = {}
        self._lesson_time = LessonTime(threading.Lock())
        self._counting = Counting()
        self._counted_at = time.monotonic()
        self._broken = threading.Event()

    def run(self) -> None:
        """Serve until the server says stop, or is gone."""
        self._reports.say(Hello(pid=os.getpid()))
        try:
            with self._control.makefile("rb") as lines:
                while line := lines.readline(MAX_LINE_BYTES + 1):
                    if not line.endswith(b"\n"):
                        break  # the server was killed in the middle of it
                    command = parse_command(line)
                    if isinstance(command, Stop):
                        break
                    self._obey(command)
        except OSError:
            pass  # the server is gone, or we have ended the conversation ourselves
        finally:
            self._stop()

    def _obey(self, command: Command) -> None:
        match command:
            case Begin():
                self._begin(command)
            case OpenFeed() | StartFeed() | CloseFeed() | FeedNeeded():
                self._obey_of_feed(command)
            case OpenTap():
                self._open_tap(command)
            case StartTap():
                self._start_tap(command)
            case CloseTap(track_id=track_id):
                self._close_tap(track_id)
            case Scene() if self._clock is not None:
                self._clock.set_scene(command)
            case Heartbeat(every_s=every_s) if self._clock is not None:
                self._clock.set_heartbeat(every_s)
            case Keyframe(layer=layer) if self._begun and 0 <= layer < len(self._begun.layers):
                for picture in self._pictures.values():
                    picture.encoders[layer].want_keyframe()
            case LayersNeeded(layers=layers, codec=codec) if codec in self._pictures:
                self._pictures[codec].need(layers)

    # --- the beginning and the end ----------------------------------------------------------

    def _begin(self, begin: Begin) -> None:
        if self._begun is not None:
            return
        self._begun = begin
        largest = begin.layers[-1]
        try:
            picture = self._picture_in("H264", begin, on_sent=self._counting.note_sent)
        except ValueError as error:
            self._reports.say(Failed(code="no-codec", text=str(error)))
            self._end()
            return
        self._sound = SoundThread(
            report=self._reports.say, on_broken=self._break, lesson_time=self._lesson_time
        )
        try:
            self._clock = ClockThread(
                largest,
                begin.frames_per_s,
                reading=self._reading,
                encoders=picture.encoders,
                report=self._reports.say,
                before_tick=self._before_tick,
                on_broken=self._break,
                unix_offset_s=self._unix_offset_s,
            )
        except ValueError as error:
            self._reports.say(Failed(code="no-font", text=str(error)))
            self._end()
            return
        self._clock.set_scene(Scene(title=begin.title))
        self._reading.start()
        self._sound.start()
        picture.start()
        self._pictures["H264"] = picture
        self._clock.start()

    def _picture_in(self, codec: PictureCodec, begin: Begin, *, on_sent: OnSent) -> PictureOut:
        """Raises `ValueError` without an encoder."""
        return PictureOut(
            codec, begin.layers, begin.frames_per_s, on_sent=on_sent, on_broken=self._break
        )

    def _break(self, error: Exception) -> None:
        """A thread of ours has failed: without it there is no program; a new process has one."""
        if not self._broken.is_set():
            self._broken.set()
            traceback.print_exception(error)
            self._reports.say(Failed(code="broken", text=repr(error)))
        self._end()

    def _end(self) -> None:
        """Let `run` return, whoever calls."""
        try:
            self._control.shutdown(socket.SHUT_RD)
        except OSError:
            return  # it is closed already

    def _stop(self) -> None:
        if self._clock is not None and self._sound is not None:
            self._clock.stop()
            for picture in self._pictures.values():
                picture.stop()
            self._sound.stop()
            self._reading.stop()
        for _, tap_socket in self._opened.values():
            tap_socket.close()
        for feed in self._feeds.values():
            feed.socket.close()
        self._control.close()

    # --- feeds ------------------------------------------------------------------------------

    def _obey_of_feed(self, command: OpenFeed | StartFeed | CloseFeed | FeedNeeded) -> None:
        match command:
            case OpenFeed():
                self._open_feed(command)
            case StartFeed():
                self._start_feed(command)
            case CloseFeed(feed_id=feed_id):
                self._close_feed(feed_id)
            case FeedNeeded(feed_id=feed_id, needed=needed) if self._sound is not None:
                self._sound.need_feed(feed_id, needed=needed)

    def _open_feed(self, said: OpenFeed) -> None:
        if said.feed_id in self._feeds or self._sound is None:
            return
        try:
            feed = _Feed(said)
        except OSError as error:
            text = f"no socket at {said.socket_path}: {error.strerror or error}"
            self._reports.say(FeedFailed(feed_id=said.feed_id, text=text))
            return
        if said.kind == "video":
            try:
                self._add_picture(said.codec)
            except ValueError as error:
                feed.socket.close()
                self._reports.say(FeedFailed(feed_id=said.feed_id, text=str(error)))
                return
        self._feeds[said.feed_id] = feed
        if said.kind == "audio":
            self._sound.add_feed(said.feed_id, said.seat_id, feed.socket)
        self._reports.say(FeedReady(feed_id=said.feed_id))

    def _add_picture(self, codec: PictureCodec) -> None:
        """The picture in this codec is about to be fed. Raises `ValueError` without an encoder."""
        if codec in self._pictures or self._begun is None or self._clock is None:
            return
        picture = self._picture_in(codec, self._begun, on_sent=_unheard)
        picture.start()
        self._pictures[codec] = picture
        self._tell_clock(self._clock)

    def _end_picture(self, codec: PictureCodec) -> None:
        """The picture in this codec is fed no more."""
        picture = self._pictures[codec]
        picture.disconnect()
        if codec == "VP8" and self._clock is not None:
            del self._pictures[codec]
            self._tell_clock(self._clock)
            picture.stop()

    def _tell_clock(self, clock: ClockThread) -> None:
        clock.set_encoders([one for out in self._pictures.values() for one in out.encoders])

    def _start_feed(self, said: StartFeed) -> None:
        feed = self._feeds.get(said.feed_id)
        if feed is None or self._begun is None or self._sound is None:
            return
        layers = len(self._begun.layers)
        if feed.said.kind == "video" and len(said.ssrcs) != layers:
            text = f"{len(said.ssrcs)} SSRCs for {layers} layers"
            self._reports.say(FeedFailed(feed_id=said.feed_id, text=text))
            return
        try:
            feed.socket.connect(said.media_path)
        except OSError as error:
            text = f"nobody at {said.media_path}: {error.strerror or error}"
            self._reports.say(FeedFailed(feed_id=said.feed_id, text=text))
            return
        senders = [
            RtpSender(
                StreamNames(
                    ssrc,
                    said.payload_type,
                    said.clock_rate,
                    # Picture and sound bear one name, so that receivers put them in step.
                    cname=f"program-{self._begun.lesson_id}",
                    audio_level_id=said.audio_level_id,
                ),
                unix_offset_s=self._unix_offset_s,
            )
            for ssrc in said.ssrcs
        ]
        if feed.said.kind == "audio":
            self._sound.connect_feed(said.feed_id, senders[0])
            return
        self._pictures[feed.said.codec].connect(feed.socket, said.ssrcs, senders)

    def _close_feed(self, feed_id: str) -> None:
        feed = self._feeds.pop(feed_id, None)
        if feed is None or self._sound is None:
            return
        if feed.said.kind == "audio":
            self._sound.remove_feed(feed_id)
            return
        self._end_picture(feed.said.codec)
        feed.socket.close()

    # --- taps -------------------------------------------------------------------------------

    def _open_tap(self, said: OpenTap) -> None:
        if said.track_id in self._opened:
            return
        try:
            tap_socket = TapSocket(Path(said.socket_path))
        except OSError as error:
            text = f"no socket at {said.socket_path}: {error.strerror or error}"
            self._reports.say(TapFailed(track_id=said.track_id, text=text, passes=True))
            return
        self._opened[said.track_id] = said, tap_socket
        self._reports.say(TapReady(track_id=said.track_id))

    def _start_tap(self, said: StartTap) -> None:
        opened = self._opened.pop(said.track_id, None)
        if opened is None or self._sound is None or self._clock is None:
            return
        tap_said, tap_socket = opened
        tap = TapInfo(
            tap_id=said.track_id,
            producer_id=tap_said.producer_id,
            kind=Kind(said.kind),
            codec=said.codec,
            payload_type=said.payload_type,
            clock_rate=said.clock_rate,
            channels=said.channels,
            ssrc=said.ssrc,
            fmtp=said.fmtp,
            device_id=said.device_id,
            feedback_path=said.feedback_path,
            audio_level_id=said.audio_level_id,
        )
        if said.kind == "audio":
            self._sound.add_tap(said.track_id, tap_said.seat_id, tap_socket, tap)
            return
        picture_id = PictureId(tap_said.seat_id, tap_said.source)
        try:
            source = TappedPicture(
                said.track_id,
                tap_said.producer_id,
                picture_id,
                tap_socket,
                tap,
                lesson_time=self._lesson_time,
            )
        except ValueError as error:
            tap_socket.close()
            self._reports.say(TapFailed(track_id=said.track_id, text=str(error)))
            return
        self._reading.add(source)
        self._clock.add_source(PictureTap(said.track_id, tap_said.producer_id, picture_id))

    def _close_tap(self, track_id: str) -> None:
        opened = self._opened.pop(track_id, None)
        if opened is not None:
            opened[1].close()
        elif self._sound is not None and self._clock is not None:
            self._sound.remove_tap(track_id)
            self._reading.remove(track_id)
            self._clock.remove_source(track_id)

    # --- in the clock's thread ---------------------------------------------------------------

    def _before_tick(self) -> None:
        for picture in tuple(self._pictures.values()):
            picture.pass_requests_on()
        now = time.monotonic()
        if now - self._counted_at >= COUNTED_EVERY_S:
            self._counted_at = now
            self._reports.say(self._counters())

    def _counters(self) -> Counters:
        clock, sound = self._clock, self._sound
        if clock is None or sound is None:
            return Counters()
        p50, p99 = self._counting.take_delays_ms()
        pictures = tuple(self._pictures.values())
        largest = self._pictures["H264"].encoders[-1]
        encoded = largest.encoded_frames
        encode_s = sum(picture.encode_s for picture in pictures)
        dropped = sum(picture.dropped_datagrams for picture in pictures)
        return Counters(
            composed_frames=clock.composed_frames,
            encoded_frames=encoded,
            late_ticks=clock.late_ticks + largest.skipped_frames,
            late_sound_ticks=sound.late_ticks,
            dropped_datagrams=dropped + sound.dropped_datagrams,
            compose_s=clock.compose_s,
            encode_ms=self._counting.encode_ms(encoded, encode_s),
            delay_ms_p50=p50,
            delay_ms_p99=p99,
            sources=self._reading.counters(),
        )


def _unheard(_at: float, _arrivals: tuple[float, ...]) -> None:
    """Delays are counted of the picture that all others receive."""
