"""Where a stream's timestamps lie in Unix time, by its sender's reports (RFC 3550 §6.4.1).

The program's reports say when what is seen and heard happened in the rooms, so its picture and its
sound are in step by them, and a moment of it has a date. Sans-IO.
"""

from __future__ import annotations

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.rtcp import SenderReport, parse_compound
from mixer.rtp.sequence import timestamp_distance, unix_ns_from_ntp

# A report follows how long pictures wait in the compositor, some milliseconds up and down: what
# is placed by the first one stays in place. Ears and eyes notice more than this.
STAYS_S = 0.1


class SenderClock:
    """One stream's. Before the first report nothing has a place."""

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self._ssrc = ssrc
        self._clock_rate = clock_rate
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
        if self._at is None or abs(self.unix_s(rtp) - unix_s) > STAYS_S:
            self._at = rtp, unix_s
        else:  # carried on, so that it is never half the timestamps' circle away
            self._at = rtp, self.unix_s(rtp)
