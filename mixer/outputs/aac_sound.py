"""The mix as AAC: Opus packets with their places in, AAC frames without holes out.

RTMP has no Opus at all, MPEG-TS has it for few, and Apple's players take it in fMP4 in their newest
versions alone: what every player, television and platform takes is AAC (ISO/IEC 14496-3, LC). The
mix is one voice wide, so it costs a hundredth of a processor. Sans-IO; libav does the work.
"""

from __future__ import annotations

import fractions
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.packet import Packet

from mixer.outputs.sound_format import BITRATE_BPS, SOUND_FRAME, SOUND_RATE, AacFrame

# Packets come at their place but for rounding; what differs by less is no hole.
_ROUNDING = 96  # 2 ms

# A hole that is longer is no sound that was lost but another time: whoever calls begins anew.
LONGEST_HOLE_S = 5.0


class AacSound:
    """One stream, whose places begin at 0. What lies before what was given already is left out."""

    def __init__(self) -> None:
        self._decoder: Any = av.CodecContext.create("libopus", "r")
        self._decoder.sample_rate = SOUND_RATE
        self._decoder.layout = "mono"
        self._decoder.format = "s16"
        self._encoder: Any = av.CodecContext.create("aac", "w")
        self._encoder.sample_rate = SOUND_RATE
        self._encoder.layout = "mono"
        self._encoder.format = "fltp"
        self._encoder.bit_rate = BITRATE_BPS
        self._encoder.time_base = fractions.Fraction(1, SOUND_RATE)
        self._waits: np.ndarray = np.zeros(0, np.float32)
        self._taken = 0  # samples given to the encoder, and waiting for it
        self._encoded = 0  # given to it
        self.undecodable_packets = 0
        self.frames_end = 0  # where the frames given out so far end

    def take(self, at: int, packet: bytes) -> list[AacFrame]:
        """An Opus packet whose first sample is at `at`; the frames that are whole by it."""
        try:
            frames = self._decoder.decode(Packet(packet))
        except (av.error.FFmpegError, ValueError):
            self.undecodable_packets += 1
            return []
        if not frames:
            return []
        samples = np.concatenate([_samples_of(frame) for frame in frames])
        hole = at - self._taken
        if hole > LONGEST_HOLE_S * SOUND_RATE:
            return []
        if hole > _ROUNDING:
            self._add(np.zeros(hole, np.float32))
        elif hole < -_ROUNDING:
            samples = samples[-hole:]
        self._add(samples)
        return self._encode()

    def fill_until(self, at: int) -> list[AacFrame]:
        """What does not come up to this place is silence."""
        missing = min(at - self._taken, round(LONGEST_HOLE_S * SOUND_RATE))
        if missing > 0:
            self._add(np.zeros(missing, np.float32))
        return self._encode()

    def _add(self, samples: np.ndarray) -> None:
        self._waits = np.concatenate((self._waits, samples))
        self._taken += len(samples)

    def _encode(self) -> list[AacFrame]:
        made: list[AacFrame] = []
        while len(self._waits) >= SOUND_FRAME:
            block, self._waits = self._waits[:SOUND_FRAME], self._waits[SOUND_FRAME:]
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(block[None, :]), "fltp", "mono")
            frame.sample_rate = SOUND_RATE
            frame.time_base = self._encoder.time_base
            frame.pts = self._encoded
            self._encoded += SOUND_FRAME
            for packet in self._encoder.encode(frame):
                at = int(packet.pts)
                if at >= 0:  # before that is what the encoder needs to begin with
                    made.append(AacFrame(at, bytes(packet)))
                    self.frames_end = at + SOUND_FRAME
        return made


def _samples_of(frame: AudioFrame) -> np.ndarray:
    """One voice, from −1 to 1: libopus gives numbers of sixteen bits, channels side by side."""
    values = frame.to_ndarray().reshape(frame.samples, -1).astype(np.float32)
    voice: np.ndarray = values.mean(axis=1) / np.float32(32_768)
    return voice
