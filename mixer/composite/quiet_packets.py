"""Which packets of a room need not be decoded: those of one that says that it is quiet.

Browsers send the hum of a classroom all the time, and say with each packet how loud it is (RFC
6464). While a room is not audible, a quiet packet can change nothing: it is kept, not decoded. With
the first that is not quiet the decoder hears the last of those that were kept before it, as it
predicts from what it heard last (RFC 7845 §4.6 asks for 80 ms).

What a sender says is believed while it is true: now and then a quiet packet is decoded all the
same, and whoever is loud then is decoded for ever.
"""

from __future__ import annotations

from collections import deque

from mixer.composite.noise_gate import OPENS_DBFS, STAYS_DBFS, dbfs_of
from mixer.libopus import Samples
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.packet import parse_audio_level

# A level is of what went into the encoder; what comes out of a decoder may be a little louder, and
# the gate opens six decibels above.
QUIET_LEVEL = round(-STAYS_DBFS)  # in −dBov

# 100 ms: by then what the decoder had heard before counts for less than 2 dB.
WARM_UP_PACKETS = 5

# Once a second: a room whose sender does not tell the truth misses no more of its first words.
CHECKED_EVERY = 50


def is_quiet(level: bytes | None) -> bool:
    """Whether a packet's RFC 6464 level says that it is far from being audible; None: unknown."""
    if level is None:
        return False
    try:
        return parse_audio_level(level)[1] >= QUIET_LEVEL
    except MalformedPacketError:
        return False


class QuietPackets:
    """Of one source."""

    def __init__(self) -> None:
        self._kept: deque[bytes] = deque(maxlen=WARM_UP_PACKETS)
        self._until_check = CHECKED_EVERY
        self.believed = True

    @property
    def skipping(self) -> bool:
        """Whether what came last was kept, and not decoded."""
        return bool(self._kept)

    def skips(self, payload: bytes) -> bool:
        """Whether this quiet packet of an inaudible room need not be decoded: it is kept then."""
        self._until_check -= 1
        if not self.believed or self._until_check <= 0:
            return False
        self._kept.append(payload)
        return True

    def take_kept(self) -> tuple[bytes, ...]:
        """What the decoder has to hear before the next packet, oldest first."""
        if not self._kept:
            return ()
        kept = tuple(self._kept)
        self._kept.clear()
        return kept

    def check(self, sound: Samples) -> None:
        """A packet that said it was quiet sounds like this."""
        if self._until_check > 0:
            return
        self._until_check = CHECKED_EVERY
        self.believed &= dbfs_of(sound) < OPENS_DBFS
