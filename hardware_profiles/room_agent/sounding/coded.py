"""A camera's sound, decoded: G.711, G.722 (RFC 3551 §4.5) and AAC, to mono at 48 kHz.

What comes is not trusted: whatever libav says of a packet, it is a hole and the next one is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from mixer.libopus import Samples

RATE = 48_000
# In a description's words: libav's decoder, and samples a second where they are fixed.
_DECODERS = {"PCMU": "pcm_mulaw", "PCMA": "pcm_alaw", "G722": "g722", "MPEG4-GENERIC": "aac"}
_FIXED_RATE = {"G722": 16_000}  # though its timestamps count 8,000 a second
CODECS = frozenset(_DECODERS)


class CodedSound:
    """One connection's. Raises `ValueError` for a codec that is not one of `CODECS`."""

    def __init__(self, codec: str, clock_rate: int, channels: int, config: bytes) -> None:
        if codec not in _DECODERS:
            raise ValueError("no such codec")
        self._name = _DECODERS[codec]
        self._rate = _FIXED_RATE.get(codec, clock_rate)
        self._channels, self._config = channels, config
        self._decoder: Any = None
        self._resampler: AudioResampler | None = None
        self._made = 0  # samples that came out since the position was known
        self._position: int | None = None
        self.broken = 0

    def of(self, data: bytes, position: int) -> Iterator[tuple[int, Samples]]:
        """The sound of a packet whose first sample has this position at 48 kHz."""
        expected = None if self._position is None else self._position + self._made
        if expected is None or abs(position - expected) > RATE // 50:
            # A hole: what the resampler still holds belongs to the time before.
            self._resampler = None
            self._position, self._made = position, 0
        try:
            pieces = [one for frame in self._decoded(data) for one in self._resampled(frame)]
        except (av.error.FFmpegError, ValueError):  # also a sound that turns into another one
            self.broken += 1
            self._decoder = self._resampler = self._position = None
            return
        for samples in pieces:
            assert self._position is not None  # set above
            yield self._position + self._made, samples
            self._made += len(samples)

    def _decoded(self, data: bytes) -> list[AudioFrame]:
        if self._decoder is None:
            decoder: Any = av.CodecContext.create(self._name, "r")
            decoder.sample_rate = self._rate
            decoder.layout = "stereo" if self._channels == 2 else "mono"
            if self._config:
                decoder.extradata = self._config
            self._decoder = decoder
        return list(self._decoder.decode(av.Packet(data)))

    def _resampled(self, frame: AudioFrame) -> Iterator[Samples]:
        if self._resampler is None:
            self._resampler = AudioResampler("flt", "mono", RATE)
        frame.pts, frame.time_base = None, Fraction(1, frame.sample_rate)
        for one in self._resampler.resample(frame):
            yield np.asarray(one.to_ndarray()[0], np.float32)
