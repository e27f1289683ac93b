"""The sum of a lesson's sounds, second by second: decoded, added, and nothing clips.

Owns no file: it is given Opus packets at their places and gives samples. Silence between words
costs nothing. The gain that keeps a sum within bounds follows blocks of 20 ms, is down at a loud
block's edges, and lets go slowly.
"""

from __future__ import annotations

from itertools import pairwise

import av.error
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import CodecContext
from av.packet import Packet

from recorder.gapless_sound import RATE, SILENCES, SoundPacket

Samples = npt.NDArray[np.float32]

CEILING = 0.89  # -1 dBFS: what Opus makes of a peak may be a little higher
BLOCK = 960
# A packet has 120 ms at most (RFC 6716 §3.2.5), and may begin at the very end of a second.
_AHEAD = 5760
_FULL_SCALE = np.float32(1 / 32_768)
_RELEASE_PER_BLOCK = (
    0.05  # in 200 ms it lets go by half: faster, and loud voices make others breathe
)


class SoundSum:
    """`add` all that begins in the next second or at its end, in any order of seats; then `second`.

    `undecoded` counts packets that are silence because they could not be decoded.
    """

    def __init__(self, seats: int) -> None:
        self._decoders = [_decoder() for _ in range(seats)]
        self._sum: Samples = np.zeros(RATE + _AHEAD, np.float32)
        self._begins = 0
        self._gain = 1.0
        self.undecoded = 0

    def add(self, seat: int, packet: SoundPacket) -> None:
        """A packet of one seat; one that cannot be decoded is silence."""
        if packet.data in SILENCES:
            return
        try:
            frames = self._decoders[seat].decode(Packet(packet.data))
        except av.error.FFmpegError:
            self.undecoded += 1
            return
        at = packet.pts - self._begins
        for frame in frames:
            samples = frame.to_ndarray()[0, : max(0, len(self._sum) - at)]  # after the last second
            self._sum[at : at + len(samples)] += samples * _FULL_SCALE
            at += frame.samples

    def second(self) -> Samples:
        """The next second's sum (mono, full scale ±1)."""
        whole, self._sum = (
            self._sum[:RATE],
            np.concatenate([self._sum[RATE:], np.zeros(RATE, np.float32)]),
        )
        self._begins += RATE
        return self._limited(whole)

    def _limited(self, sound: Samples) -> Samples:
        blocks = sound.reshape(-1, BLOCK)
        peaks = np.abs(blocks).max(axis=1).tolist()
        if self._gain == 1.0 and max(peaks) <= CEILING:  # as nearly always
            return sound
        allowed = [min(1.0, CEILING / peak) if peak > CEILING else 1.0 for peak in peaks]
        edges = [min(self._gain, allowed[0])]
        for before, after in pairwise([*allowed, allowed[-1]]):
            edges.append(min(before, after, edges[-1] + _RELEASE_PER_BLOCK))
        self._gain = edges[-1]
        begin, end = np.array(edges[:-1])[:, None], np.array(edges[1:])[:, None]
        gains = begin + (end - begin) * (np.arange(BLOCK) / BLOCK)
        whole: Samples = np.clip(blocks * gains, -CEILING, CEILING).astype(np.float32)
        return whole.reshape(-1)


def _decoder() -> AudioCodecContext:
    """Of mono and stereo packets alike it makes mono."""
    decoder = CodecContext.create("libopus", "r")
    assert isinstance(decoder, AudioCodecContext)  # what it is
    decoder.sample_rate = RATE
    decoder.layout = "mono"
    return decoder
