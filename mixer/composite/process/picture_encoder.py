"""Encodes one layer of the program through PyAV, without delay: libx264, constrained baseline; or
libvpx for those who cannot show H.264.

Quality is what is asked for, and the bit rate a cap: a still picture costs next to nothing, one
that moves no more than its layer may (`docs/decisions/0022`). One thread without slices: several
programs share the processors better than the slices of one do, and slices cost a fifth more. A
keyframe comes when it is asked for and at no other time; not oftener than `KEYFRAME_EVERY_S`, as
each costs what ten pictures do, and many may ask at once.
"""

from __future__ import annotations

import fractions
from typing import Any, cast

import av
from av.video.frame import PictureType, VideoFrame

from mixer.composite.picture import Canvas
from mixer.composite.picture_decoder import view_of
from mixer.composite.process.messages import PictureCodec

CLOCK_RATE = 90_000
KEYFRAME_EVERY_S = 0.5

# x264's constant rate factor: at 720p a classroom is then within 1 dB of its source.
_QUALITY = "24"
# libvpx's, of about the same picture (0.2 dB) for the same time, with more haste (16) it blurs.
_VP8_QUALITY = "20"
_VP8_HASTE = "12"
# The cap is kept over so much: a keyframe fits in, and a thin line's queue stays short.
_CAP_S = 0.5

_FOR_EVER = 1 << 30  # pictures between keyframes that nobody asked for


class PictureEncoder:
    """One layer. Not to be shared by threads."""

    def __init__(
        self,
        width: int,
        height: int,
        *,
        bitrate_bps: int,
        frames_per_s: int,
        codec: PictureCodec = "H264",
    ) -> None:
        """Raises `ValueError` when libav has no encoder for the codec."""
        library = _LIBRARIES[codec]
        try:
            self._context = cast(Any, av.CodecContext.create(library, "w"))
        except av.error.FFmpegError as error:  # what PyAV calls an unknown codec
            raise ValueError(f"PyAV has no {library}: install its own wheel") from error
        self._context.width, self._context.height = width, height
        self._context.pix_fmt = "yuv420p"
        self._context.framerate = fractions.Fraction(frames_per_s)
        self._context.time_base = fractions.Fraction(1, CLOCK_RATE)
        self._context.gop_size = _FOR_EVER
        self._context.thread_count = 1
        if codec == "VP8":
            self._context.bit_rate = bitrate_bps
            self._context.options = _vp8_options(bitrate_bps)
        else:
            self._context.options = _h264_options(bitrate_bps)
        self._last_pts = -1
        self._keyframe_wanted = True
        self._keyframe_at = float("-inf")
        self.keyframes = 0

    def want_keyframe(self) -> None:
        """The next picture that may be one is to be a keyframe."""
        self._keyframe_wanted = True

    @property
    def keyframe_is_due(self) -> bool:
        """Whether one was asked for and has not been made."""
        return self._keyframe_wanted

    def encode(self, frame: VideoFrame, now: float) -> bytes:
        """A picture at `now`: of H.264 its access unit in annex B form, of VP8 its frame."""
        frame.pts = max(self._last_pts + 1, round(now * CLOCK_RATE))
        frame.time_base = self._context.time_base
        self._last_pts = frame.pts
        forced = self._keyframe_wanted and now - self._keyframe_at >= KEYFRAME_EVERY_S
        frame.pict_type = PictureType.I if forced else PictureType.NONE
        packets = self._context.encode(frame)
        if forced:
            self._keyframe_wanted = False
        if any(packet.is_keyframe for packet in packets):
            self._keyframe_at = now
            self.keyframes += 1
        return b"".join(bytes(packet) for packet in packets)


_LIBRARIES: dict[PictureCodec, str] = {"H264": "libx264", "VP8": "libvpx"}


def _h264_options(bitrate_bps: int) -> dict[str, str]:
    return {
        "preset": "superfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "crf": _QUALITY,
        "maxrate": str(bitrate_bps),
        "bufsize": str(round(bitrate_bps * _CAP_S)),
        "x264-params": "threads=1:sliced-threads=0:scenecut=0",
    }


def _vp8_options(bitrate_bps: int) -> dict[str, str]:
    """With `crf` the bit rate is a cap here too (libvpx's constrained quality)."""
    return {
        "deadline": "realtime",
        "cpu-used": _VP8_HASTE,
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
        "crf": _VP8_QUALITY,
        "maxrate": str(bitrate_bps),
        "bufsize": str(round(bitrate_bps * _CAP_S)),
        "static-thresh": "100",
    }


class FrameBuffer:
    """A picture of libav's with a canvas over it: what is drawn there is encoded uncopied."""

    def __init__(self, width: int, height: int) -> None:
        self.frame = VideoFrame(width, height, "yuv420p")
        self.canvas = Canvas.over(*map(view_of, self.frame.planes))
