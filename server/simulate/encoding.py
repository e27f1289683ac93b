"""Encodes a simulated camera once, cheaply, and obeys the receiver's feedback.

Owns the encoder and its connection to the sender's RTCP. aiortc's own H.264 encoder costs five
times as much (its preset is made for files) and knows no bit rate but its own; so the tracks
hand aiortc finished packets, which it packetises and sends (RFC 6184, RFC 7741). It does not tell
a track of keyframe requests, though: `obey_feedback` listens for them (pinned by
`tests/contract/test_aiortc_sender.py`).
"""

from __future__ import annotations

import threading
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av
from aiortc import RTCRtpSender
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    unpack_remb_fci,
)
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from server.simulate.scene import Picture

if TYPE_CHECKING:
    EncodedPicture = av.Packet[av.VideoStream]

CLOCK_RATE = 90_000
# Below this a 180p picture is mud; the seat goes on sending it, as a browser would.
_LEAST_BITRATE_BPS = 60_000
# libvpx does not follow a new rate on an open encoder; opening one costs a keyframe, so small
# changes are let be.
_VP8_REOPEN_CHANGE = 0.25
# A drawing is soon as sharp as it can be; without a floor the encoder would still spend every bit
# it may. These are about as fine as a classroom camera's own noise.
_FINEST_QUANTIZER = {"H264": 24, "VP8": 16}
# Keyframes come when asked for; this is for a receiver that cannot ask.
_KEYFRAME_INTERVAL_S = 10


class VideoEncoder:
    """One camera's encoder. `encode` runs in a worker thread, the rest may be called from any."""

    def __init__(
        self, codec: str, width: int, height: int, frame_rate: float, max_bitrate_bps: int
    ) -> None:
        """`codec` is `H264` or `VP8`. Raises ValueError for any other."""
        if codec not in _OPENERS:
            raise ValueError(f"cannot encode {codec!r}; known: {', '.join(_OPENERS)}")
        self.codec = codec
        self.size = (width, height)
        self.frame_rate = Fraction(frame_rate).limit_denominator(1001)
        self.max_bitrate_bps = max_bitrate_bps
        self._lock = threading.Lock()
        self._bitrate_bps = max_bitrate_bps
        self._keyframe_wanted = True
        self._context: VideoCodecContext | None = None

    @property
    def bitrate_bps(self) -> int:
        """The rate the encoder now aims at."""
        with self._lock:
            return self._bitrate_bps

    def request_keyframe(self) -> None:
        """The next picture shall stand alone."""
        with self._lock:
            self._keyframe_wanted = True

    def limit_bitrate(self, bitrate_bps: int) -> None:
        """The receiver can take this much; the profile's maximum stays the ceiling."""
        with self._lock:
            self._bitrate_bps = min(self.max_bitrate_bps, max(_LEAST_BITRATE_BPS, bitrate_bps))

    def encode(self, picture: Picture, pts: int) -> list[EncodedPicture]:
        """One I420 picture, shape (height · 3/2, width), at `pts` (90 kHz) → its packets."""
        with self._lock:
            keyframe, self._keyframe_wanted = self._keyframe_wanted, False
            bitrate_bps = self._bitrate_bps
        context = self._follow(bitrate_bps)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = pts
        frame.time_base = Fraction(1, CLOCK_RATE)
        frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        return list(context.encode(frame))

    def _follow(self, bitrate_bps: int) -> VideoCodecContext:
        """The open encoder, at this rate."""
        context = self._context
        if context is not None and self.codec == "H264":
            context.bit_rate = bitrate_bps
        elif context is not None:
            now_bps = context.bit_rate or bitrate_bps
            if abs(bitrate_bps - now_bps) > _VP8_REOPEN_CHANGE * now_bps:
                context = None
        if context is None:
            context = self._context = self._open(bitrate_bps)
        return context

    def _open(self, bitrate_bps: int) -> VideoCodecContext:
        name, options = _OPENERS[self.codec]
        context = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
        context.width, context.height = self.size
        context.pix_fmt = "yuv420p"
        context.framerate = self.frame_rate
        context.time_base = Fraction(1, CLOCK_RATE)
        context.bit_rate = bitrate_bps
        context.gop_size = round(_KEYFRAME_INTERVAL_S * float(self.frame_rate))
        context.qmin = _FINEST_QUANTIZER[self.codec]
        # One thread: a room at 360p takes one millisecond, threads cost more than they give.
        context.thread_count = 1
        if self.codec == "H264":
            context.profile = "Baseline"
            # Half a second of buffer: a keyframe may not hold up the sound behind it.
            limits = {
                "maxrate": str(self.max_bitrate_bps),
                "bufsize": str(self.max_bitrate_bps // 2),
            }
        else:  # libvpx keeps a constant rate when all three are the same
            limits = dict.fromkeys(("minrate", "maxrate", "bufsize"), str(bitrate_bps))
        context.options = options | limits
        return context


_OPENERS: dict[str, tuple[str, dict[str, str]]] = {
    "H264": (
        "libx264",
        {"preset": "superfast", "tune": "zerolatency", "forced-idr": "1"},
    ),
    "VP8": (
        "libvpx",
        {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1"},
    ),
}


def obey_feedback(sender: RTCRtpSender, encoder: VideoEncoder) -> None:
    """Let keyframe requests (PLI, FIR) and bandwidth estimates (REMB) reach the encoder."""
    inner = sender._handle_rtcp_packet

    async def handle(packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpPsfbPacket):
            _feed(packet, encoder)
        await inner(packet)

    sender_hook: Any = sender  # an instance attribute in place of the method, on purpose
    sender_hook._handle_rtcp_packet = handle


def _feed(packet: RtcpPsfbPacket, encoder: VideoEncoder) -> None:
    if packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
        encoder.request_keyframe()
    elif packet.fmt == RTCP_PSFB_APP:
        try:
            bitrate_bps, _ssrcs = unpack_remb_fci(packet.fci)
        except ValueError:
            return  # application feedback of another kind
        encoder.limit_bitrate(bitrate_bps)
