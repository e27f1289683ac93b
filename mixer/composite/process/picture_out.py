"""The program's picture in one codec: an encoder for each of its layers, and the feed they share.

Its threads run from `start` to `stop`. Called from the control connection's thread, but for
`pass_requests_on`, which is the clock's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mixer.composite.process.encoding_thread import EncodingThread
from mixer.composite.process.feed_socket import FeedSocket
from mixer.composite.process.messages import Layer, PictureCodec
from mixer.composite.process.rtp_sender import RtpSender

# Hears when a picture's last packet went out, and when what is new in it came.
OnSent = Callable[[float, tuple[float, ...]], None]


class PictureOut:
    """`start`, `connect` it to where it is sent, `stop` it."""

    def __init__(
        self,
        codec: PictureCodec,
        layers: Sequence[Layer],
        frames_per_s: int,
        *,
        on_sent: OnSent,
        on_broken: Callable[[Exception], None],
    ) -> None:
        """`on_sent` hears of the largest layer. Raises `ValueError` without an encoder."""
        self.encoders = tuple(
            EncodingThread(
                layer,
                frames_per_s,
                on_sent=on_sent if layer is layers[-1] else _nothing,
                on_broken=on_broken,
                codec=codec,
            )
            for layer in layers
        )
        self._feed: tuple[FeedSocket, tuple[int, ...]] | None = None

    def start(self) -> None:
        """Begin; nothing is encoded before it is connected."""
        for encoder in self.encoders:
            encoder.start()

    def stop(self) -> None:
        """End."""
        for encoder in self.encoders:
            encoder.stop()

    def connect(self, feed: FeedSocket, ssrcs: Sequence[int], senders: Sequence[RtpSender]) -> None:
        """Send each layer there under its SSRC, the smallest first, from the next picture on."""
        self._feed = feed, tuple(ssrcs)
        for encoder, sender in zip(self.encoders, senders, strict=True):
            encoder.connect(feed, sender)

    def disconnect(self) -> None:
        """Send nowhere."""
        self._feed = None
        for encoder in self.encoders:
            encoder.disconnect()

    def need(self, layers: int) -> None:
        """Only so many layers, from the smallest on, are received by anybody."""
        for place, encoder in enumerate(self.encoders):
            encoder.rest(resting=place >= layers)

    def pass_requests_on(self) -> None:
        """The media core's wishes for keyframes, to the encoders."""
        if self._feed is None:
            return
        feed, ssrcs = self._feed
        wanted = feed.wanted_keyframes()
        for encoder, ssrc in zip(self.encoders, ssrcs, strict=True):
            if ssrc in wanted:
                encoder.want_keyframe()

    @property
    def encode_s(self) -> float:
        """What all its encoding has taken."""
        return sum(encoder.encode_s for encoder in self.encoders)

    @property
    def dropped_datagrams(self) -> int:
        """For which the media core had no room."""
        return 0 if self._feed is None else self._feed[0].dropped_datagrams


def _nothing(_at: float, _arrivals: tuple[float, ...]) -> None:
    """Of one layer alone delays are counted."""
