"""One seat's sound as a player needs it: Opus packets end to end, without holes or overlaps.

Players run their clock by the sound and take a hole in it as no time at all, so a hole (a lost
packet, a muted room, a sender that pauses in silence, RFC 7587 §3.1.3) is filled with silence of
its length. A sender's clock that drifts is brought back by a few milliseconds of silence, or by
leaving a packet out, long before it could be seen. Sans-IO; times in samples at 48 kHz from the
part's beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

RATE = 48_000

# CELT full band, one frame, and a payload that decodes to silence (RFC 6716 §3.1: configurations
# 31 and 28, of 20 and 2.5 ms).
_SILENCE = ((960, b"\xf8\xff\xfe"), (120, b"\xe0\xff\xfe"))
SILENCES = frozenset(data for _, data in _SILENCE)

# Sound and picture may be 40 ms apart at most. Behind by 10 ms: silence is put in; ahead by
# 12.5 ms: a packet (20 ms) is left out, after which it is 7.5 ms behind, and rests.
BEHIND = 480
AHEAD = 600


class SoundPacket(NamedTuple):
    """One Opus packet at its place."""

    pts: int
    samples: int
    data: bytes


class GaplessSound:
    """`place` packets in order, then `fill` up to the end."""

    def __init__(self) -> None:
        self.cursor = 0
        self.left_out = 0

    def place(self, target: int, samples: int, data: bytes) -> Iterator[SoundPacket]:
        """A packet whose time is `target`: it, with the silence before it; or nothing."""
        if target - self.cursor <= -AHEAD:
            self.left_out += 1
            return
        if target - self.cursor >= BEHIND:
            yield from self.fill(target)
        yield SoundPacket(self.cursor, samples, data)
        self.cursor += samples

    def fill(self, end: int) -> Iterator[SoundPacket]:
        """Silence up to `end`, to within 2.5 ms."""
        for samples, data in _SILENCE:
            while end - self.cursor >= samples:
                yield SoundPacket(self.cursor, samples, data)
                self.cursor += samples
