"""One voice: packets in, 20 ms of sound at every tick out.

Joins jitter buffer and decoder. What the buffer wants hurried is shortened by a period of the
voice, cross-faded, so that it is faster and no higher (Verhelst & Roelands, "An overlap-add
technique based on waveform similarity", 1993).
"""

from __future__ import annotations

import numpy as np

from mixer.composite.jitter_buffer import Conceal, JitterBuffer, Play, Recover
from mixer.libopus import OpusDecoder, OpusError, Samples
from mixer.rtp.opus import MAX_PACKET_SAMPLES
from mixer.rtp.packet import RtpPacket

FRAME_SAMPLES = 960  # 20 ms

# A voice's period: 2.5 ms (a high child's) to 10 ms (a low man's).
_SHORTEST_PERIOD = 120
_LONGEST_PERIOD = 480
_STEP = 8
_FADE = 480


class Voice:
    """The sound of one source. To be closed."""

    def __init__(self) -> None:
        """Raises `OpusError` when there is no libopus."""
        self.buffer = JitterBuffer()
        self._decoder = OpusDecoder()
        self._ready: Samples = np.zeros(0, np.float32)
        self.undecodable_packets = 0
        self.concealed_samples = 0
        self.recovered_samples = 0

    def push(self, packet: RtpPacket, now: float) -> None:
        """A packet arrived."""
        self.buffer.push(packet, now)

    def pull(self, now: float) -> Samples | None:
        """The next `FRAME_SAMPLES`; None while it is silent."""
        while len(self._ready) < FRAME_SAMPLES:
            sound = self._next(now)
            if sound is None:
                return self._last()
            self._ready = np.concatenate([self._ready, sound])
        out, self._ready = self._ready[:FRAME_SAMPLES], self._ready[FRAME_SAMPLES:]
        return out

    def close(self) -> None:
        """Free the decoder."""
        self._decoder.close()

    def _last(self) -> Samples | None:
        """What is left when a voice ends, filled up with silence."""
        if not len(self._ready):
            return None
        out = np.zeros(FRAME_SAMPLES, np.float32)
        out[: len(self._ready)] = self._ready
        self._ready = np.zeros(0, np.float32)
        return out

    def _next(self, now: float) -> Samples | None:
        match self.buffer.pop(now):
            case None:
                return None
            case Play(payload, hurry):
                try:
                    sound = self._decoder.decode(payload)
                except OpusError:
                    self.undecodable_packets += 1
                    return self._conceal(FRAME_SAMPLES)
                return shortened(sound) if hurry else sound
            case Recover(payload, samples):
                try:
                    sound = self._decoder.recover(payload, samples)
                except OpusError:
                    return self._conceal(samples)
                self.recovered_samples += len(sound)
                return sound
            case Conceal(samples):
                return self._conceal(samples)

    def _conceal(self, samples: int) -> Samples:
        self.concealed_samples += samples
        try:
            return self._decoder.conceal(min(samples, MAX_PACKET_SAMPLES))
        except OpusError:
            return np.zeros(samples, np.float32)


def shortened(sound: Samples) -> Samples:
    """The sound without one of its periods; as it is when it is too short for that."""
    if len(sound) < _LONGEST_PERIOD + _FADE:
        return sound
    lags = np.arange(_SHORTEST_PERIOD, _LONGEST_PERIOD + 1, _STEP)
    windows = np.lib.stride_tricks.sliding_window_view(sound, _FADE)
    likeness = windows[lags] @ sound[:_FADE]
    likeness /= np.sqrt(np.square(windows[lags]).sum(axis=1)) + 1e-6
    period = int(lags[int(np.argmax(likeness))])
    fade = np.linspace(0.0, 1.0, _FADE, dtype=np.float32)
    begin = sound[:_FADE] * (1 - fade) + sound[period : period + _FADE] * fade
    return np.concatenate([begin, sound[period + _FADE :]])
