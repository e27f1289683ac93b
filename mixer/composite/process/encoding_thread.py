"""An encoder: one thread that makes one layer of the canvas and sends it.

A layer of the canvas' size is encoded where it was drawn, a smaller one is scaled into a buffer of
its own, and so is one in another codec: a picture is told how it is to be encoded, by one alone. No
other thread waits for it: what it has not begun when the next picture comes gives way to it, and is
counted; what it is at work on, the clock leaves as it is (`give_back`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from mixer.composite.process.feed_socket import FeedSocket
from mixer.composite.process.messages import Layer, PictureCodec
from mixer.composite.process.picture_encoder import FrameBuffer, PictureEncoder
from mixer.composite.process.rtp_sender import RtpSender
from mixer.composite.scaling import scale_into
from mixer.rtp import h264_payloads
from mixer.rtp.vp8_payloads import Vp8Payloads


@dataclass(frozen=True, slots=True)
class _Work:
    buffer: FrameBuffer
    own: bool  # not the one that the clock draws on
    at: float  # the tick it was composed at
    delay_s: float  # how long before, in the mean, its pictures had come
    arrivals: tuple[float, ...]  # of the pictures that are new in it


class EncodingThread:
    """One layer. `offer` is the clock's, all else may be called by anybody."""

    def __init__(
        self,
        layer: Layer,
        frames_per_s: int,
        *,
        on_sent: Callable[[float, tuple[float, ...]], None],
        on_broken: Callable[[Exception], None],
        codec: PictureCodec = "H264",
    ) -> None:
        """`on_sent` hears when a picture's last packet went out, and when what is new in it came.

        Raises `ValueError` when there is no encoder for `codec`.
        """
        self._on_sent = on_sent
        self._on_broken = on_broken
        self._encoder = PictureEncoder(
            layer.width,
            layer.height,
            bitrate_bps=layer.bitrate_bps,
            frames_per_s=frames_per_s,
            codec=codec,
        )
        self._draws_there = codec == "H264"
        self._payloads = h264_payloads.payloads if codec == "H264" else Vp8Payloads().of
        self._size = layer.width, layer.height
        self._buffers: list[FrameBuffer] = []  # of its own, that are free
        self._work: _Work | None = None
        self._encoding: FrameBuffer | None = None
        self._withdrawn: tuple[float, ...] = ()  # the arrivals of what was given back
        self._changed = threading.Condition()
        self._feed: tuple[FeedSocket, RtpSender] | None = None
        self._ending = False
        self._resting = False
        self._wanted = False  # a keyframe, by others than the encoder's own thread
        self.encoded_frames = 0
        self.skipped_frames = 0
        self.encode_s = 0.0
        self._thread = threading.Thread(target=self._run, name=f"{codec} {layer.height}")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what waits is not sent any more."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join()

    def connect(self, feed: FeedSocket, sender: RtpSender) -> None:
        """Send there from the next picture on, which is a keyframe."""
        with self._changed:
            self._feed = feed, sender
            self._wanted = True
            self._withdrawn = ()

    def disconnect(self) -> None:
        """Send nowhere."""
        with self._changed:
            self._feed = None

    def rest(self, *, resting: bool) -> None:
        """Nobody receives this layer: encode nothing. Who receives it again needs a keyframe."""
        with self._changed:
            self._wanted |= self._resting and not resting
            self._resting = resting
            self._withdrawn = ()

    def want_keyframe(self) -> None:
        """Somebody begins to receive this layer, or has lost something of it."""
        self._wanted = True

    @property
    def keyframe_is_due(self) -> bool:
        """Whether a picture is needed though nothing has changed."""
        if self._feed is None or self._resting:
            return False
        return self._wanted or self._encoder.keyframe_is_due

    def offer(
        self, drawn: FrameBuffer, at: float, *, delay_s: float, arrivals: tuple[float, ...]
    ) -> None:
        """Encode the canvas as it is now; if we take it as it is, it is ours until given back."""
        with self._changed:
            if self._feed is None or self._resting:
                return
            waiting, self._work = self._work, None
            arrivals, self._withdrawn = self._withdrawn + arrivals, ()
        if waiting is not None:
            self.skipped_frames += 1
            arrivals = waiting.arrivals + arrivals
        buffer, own = drawn, False
        size = drawn.canvas.width, drawn.canvas.height
        if size != self._size or not self._draws_there:
            # One may be in the encoder; the other is the clock's alone, waiting or not.
            own = True
            buffer = waiting.buffer if waiting is not None else self._free_buffer()
            for name in ("y", "u", "v"):
                scale_into(getattr(drawn.canvas, name), getattr(buffer.canvas, name))
        with self._changed:
            self._work = _Work(buffer, own, at, delay_s, arrivals)
            self._changed.notify()

    def give_back(self, drawn: FrameBuffer) -> bool:
        """Whether it may be drawn on: what has not been begun is withdrawn."""
        with self._changed:
            work = self._work
            if work is not None and work.buffer is drawn:
                self._work = None
                self._withdrawn += work.arrivals
                self.skipped_frames += 1
            return self._encoding is not drawn

    def _free_buffer(self) -> FrameBuffer:
        with self._changed:
            return self._buffers.pop() if self._buffers else FrameBuffer(*self._size)

    def _run(self) -> None:
        try:
            while (taken := self._next()) is not None:
                work, (feed, sender) = taken
                self._encode(work, feed, sender)
                self._release(work)
        except Exception as error:  # whoever began the thread ends the process by it
            self._on_broken(error)

    def _next(self) -> tuple[_Work, tuple[FeedSocket, RtpSender]] | None:
        with self._changed:
            while not self._ending:
                work, self._work = self._work, None
                if work is not None and self._feed is not None:
                    self._encoding = work.buffer
                    return work, self._feed
                if work is not None:
                    self._keep(work)
                self._changed.wait()
        return None

    def _release(self, work: _Work) -> None:
        with self._changed:
            self._encoding = None
            self._keep(work)

    def _keep(self, work: _Work) -> None:
        if work.own:
            self._buffers.append(work.buffer)

    def _encode(self, work: _Work, feed: FeedSocket, sender: RtpSender) -> None:
        if self._wanted:
            self._wanted = False
            self._encoder.want_keyframe()
        began = time.monotonic()
        access_unit = self._encoder.encode(work.buffer.frame, work.at)
        self.encode_s += time.monotonic() - began
        self.encoded_frames += 1
        datagrams = sender.packets(self._payloads(access_unit), work.at)
        if (report := sender.report(work.at, delay_s=work.delay_s)) is not None:
            datagrams.append(report)
        if not feed.send_all(datagrams):
            self._encoder.want_keyframe()
        if work.arrivals:
            self._on_sent(time.monotonic(), work.arrivals)
