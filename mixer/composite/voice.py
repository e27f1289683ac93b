"""One voice: packets in, 20 ms of sound at every tick out.

Joins jitter buffer and decoder; what nobody would hear is not decoded (`quiet_packets`). What the
buffer wants hurried is shortened by a period of the voice, cross-faded, so that it is faster and no
higher (Verhelst & Roelands, "An overlap-add technique based on waveform similarity", 1993).
"""

from __future__ import annotations

import contextlib

import numpy as np

from mixer.composite.jitter_buffer import MOST_CONCEALED_S, Conceal, JitterBuffer, Play, Recover
from mixer.composite.quiet_packets import QuietPackets
from mixer.libopus import OpusDecoder, OpusError, Samples
from mixer.rtp.opus import CLOCK_RATE, MAX_PACKET_SAMPLES, is_silence
from mixer.rtp.packet import RtpPacket

FRAME_SAMPLES = 960  # 20 ms

# A voice's period: 2.5 ms (a high child's) to 10 ms (a low man's).
_SHORTEST_PERIOD = 120
_LONGEST_PERIOD = 480
_STEP = 8
_FADE = 480

# What stands for a packet that was not decoded.
_SILENCE: Samples = np.zeros(MAX_PACKET_SAMPLES, np.float32)
_SILENT_FRAME: Samples = _SILENCE[:FRAME_SAMPLES]
_SILENCE.flags.writeable = _SILENT_FRAME.flags.writeable = False

# A word's end is as long as what is made up where packets are missing.
_FADED_SAMPLES = round(MOST_CONCEALED_S * CLOCK_RATE)


class Voice:
    """The sound of one source. To be closed."""

    def __init__(self) -> None:
        """Raises `OpusError` when there is no libopus."""
        self.buffer = JitterBuffer()
        self._decoder = OpusDecoder()
        self._quiet = QuietPackets()
        self._ready: Samples = np.zeros(0, np.float32)
        self._fading_samples = 0  # packets that say they are silence, since the last word
        self.undecodable_packets = 0
        self.concealed_samples = 0
        self.recovered_samples = 0
        self.decoded_packets = 0

    def push(self, packet: RtpPacket, now: float, *, quiet: bool = False) -> None:
        """A packet arrived; `quiet` is what its sender says of it."""
        self.buffer.push(packet, now, quiet=quiet)

    def pull(self, now: float, *, quiet_too: bool = True) -> Samples | None:
        """The next `FRAME_SAMPLES`; None while it is silent.

        Without `quiet_too` what says of itself that it is quiet counts as silence.
        """
        while len(self._ready) < FRAME_SAMPLES:
            sound = self._next(now, quiet_too=quiet_too)
            if sound is None:
                return self._last()
            if not len(self._ready):
                if sound is _SILENT_FRAME:
                    return None
                if len(sound) == FRAME_SAMPLES:  # as nearly always
                    return sound
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

    def _next(self, now: float, *, quiet_too: bool) -> Samples | None:
        match self.buffer.pop(now):
            case None:
                self._fading_samples = _FADED_SAMPLES
                return None
            case Play() as packet:
                return self._play(packet, quiet_too=quiet_too)
            case Recover(samples=samples) | Conceal(samples) if self._quiet.skipping:
                return _silence(samples)
            case Recover(payload, samples):
                try:
                    sound = self._decoder.recover(payload, samples)
                except OpusError:
                    return self._conceal(samples)
                self.recovered_samples += len(sound)
                return sound
            case Conceal(samples):
                return self._conceal(samples)

    def _has_faded(self, packet: Play) -> bool:
        """Whether it is silence after silence. Of packets that say so libopus makes up what was
        before, for as long as they come; a word may end in it, and then that is over."""
        if not is_silence(packet.payload):
            self._fading_samples = 0
            return False
        self._fading_samples += packet.samples
        return self._fading_samples > _FADED_SAMPLES

    def _play(self, packet: Play, *, quiet_too: bool) -> Samples:
        if self._has_faded(packet):
            return _silence(packet.samples)
        if packet.quiet and not quiet_too and self._quiet.skips(packet.payload):
            return _silence(packet.samples)
        for payload in self._quiet.take_kept():
            with contextlib.suppress(OpusError):
                self._decoder.decode(payload)
        self.decoded_packets += 1
        try:
            sound = self._decoder.decode(packet.payload)
        except OpusError:
            self.undecodable_packets += 1
            return self._conceal(FRAME_SAMPLES)
        if packet.quiet:
            self._quiet.check(sound)
        return shortened(sound) if packet.hurry else sound

    def _conceal(self, samples: int) -> Samples:
        self.concealed_samples += samples
        try:
            return self._decoder.conceal(min(samples, MAX_PACKET_SAMPLES))
        except OpusError:
            return np.zeros(samples, np.float32)


def _silence(samples: int) -> Samples:
    return _SILENT_FRAME if samples == FRAME_SAMPLES else _SILENCE[:samples]


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
