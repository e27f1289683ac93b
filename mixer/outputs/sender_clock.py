"""Where a stream's timestamps lie in Unix time, by its sender's reports (RFC 3550 §6.4.1).

The program's reports say when what is seen and heard happened in the rooms, so its picture and its
sound are in step by them, and a moment of it has a date. Sans-IO.
"""

from __future__ import annotations

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.rtcp import SenderReport, parse_compound
from mixer.rtp.sequence import timestamp_distance, unix_ns_from_ntp

# A report follows how long things wait in the compositor. Its first ones know little of that yet:
# who stays by the first one of each stream has sound and picture 50 to 90 ms apart for good. A
# picture may lie a moment earlier or later; sound that is moved has a hole, or loses a piece, so it
# stays where it is as long as ears and eyes notice nothing.
PICTURE_STAYS_S = 0.001
SOUND_STAYS_S = 0.015

# A report moves what follows by so much at most, half of a picture: none comes before the last one.
# What is further off than waiting explains is another time, and is believed at once.
_MOVES_S = 0.02
_ANOTHER_TIME_S = 0.5


class SenderClock:
    """One stream's. Before the first report nothing has a place."""

    def __init__(self, ssrc: int, clock_rate: int, *, stays_s: float) -> None:
        """What a report moves by less than `stays_s` stays where it is."""
        self._ssrc = ssrc
        self._clock_rate = clock_rate
        self._stays_s = stays_s
        self._at: tuple[int, float] | None = None  # a timestamp, and its Unix time

    @property
    def is_known(self) -> bool:
        """Whether a report has come."""
        return self._at is not None

    def handle_report(self, datagram: bytes) -> None:
        """Take a compound of the sender's; what cannot be read or is another's is passed over."""
        try:
            packets = parse_compound(datagram)
        except MalformedPacketError:
            return
        for packet in packets:
            if isinstance(packet, SenderReport) and packet.ssrc == self._ssrc and packet.ntp:
                self._take(packet.rtp_timestamp, unix_ns_from_ntp(packet.ntp) / 1e9)

    def unix_s(self, rtp: int) -> float:
        """The Unix time of a timestamp near the last report's. Raises `ValueError` before one."""
        if self._at is None:
            raise ValueError("no report has come")
        known, at = self._at
        return at + timestamp_distance(rtp & 0xFFFF_FFFF, known) / self._clock_rate

    def _take(self, rtp: int, unix_s: float) -> None:
        off = 0.0 if self._at is None else unix_s - self.unix_s(rtp)
        if self._at is None or abs(off) > _ANOTHER_TIME_S:
            self._at = rtp, unix_s
            return
        moved = max(-_MOVES_S, min(_MOVES_S, off)) if abs(off) > self._stays_s else 0.0
        self._at = rtp, self.unix_s(rtp) + moved  # never half the timestamps' circle away
