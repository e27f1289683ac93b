"""Whose packets a camera's are, and how many of them are missing.

An encoder that began anew has another SSRC, and the old one is silent (RFC 3550 §8.2); a stranger's
comes beside it and is dropped, as is what comes late or twice.
"""

from __future__ import annotations

from collections import Counter

from mixer.rtp.packet import RtpPacket
from mixer.rtp.sequence import sequence_distance

_SSRC_SILENCE_S = 0.5
# A larger step is no loss but an encoder that began anew: there is no use in telling it.
_MOST_LOST = 1_000


class OneSender:
    """One connection's. `ssrc` is None before the first packet; what is passed over is counted."""

    def __init__(self, payload_type: int, dropped: Counter[str]) -> None:
        self.ssrc: int | None = None
        self.began_anew = False  # with the last packet: its timestamps count from elsewhere
        self._payload_type = payload_type
        self._dropped = dropped
        self._newest: int | None = None
        self._newest_at = 0.0

    def missing_before(self, packet: RtpPacket, at: float) -> int | None:
        """How many packets are missing before this one that came `at`; None: pass it over."""
        self.began_anew = False
        if packet.payload_type != self._payload_type:
            self._dropped["other payload type"] += 1
            return None
        if packet.ssrc != self.ssrc:
            if self.ssrc is not None and at - self._newest_at <= _SSRC_SILENCE_S:
                self._dropped["foreign"] += 1
                return None
            self.began_anew = self.ssrc is not None
            self.ssrc, self._newest = packet.ssrc, None
        newest = self._newest
        step = 1 if newest is None else sequence_distance(packet.sequence_number, newest)
        if -_MOST_LOST < step <= 0:
            self._dropped["late or twice"] += 1
            return None
        self.goes_on(packet.sequence_number, at)
        return step - 1 if 0 < step <= _MOST_LOST else 1

    def goes_on(self, sequence: int, at: float) -> None:
        """The packet after the newest came, of the same sender."""
        self._newest, self._newest_at = sequence, at
