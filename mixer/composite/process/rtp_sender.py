"""One stream out: payloads become RTP packets and, once a second, a report.

RFC 3550 §5.1 and §6.4.1. Sans-IO. Timestamps are those of the machine's steady clock, so that a
compositor that was started again goes on where the one before it was. A report says when what is
sent now happened in the rooms: picture and sound have waited differently long in here, and who
receives both puts them in step by it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from mixer.rtp.packet import HeaderExtension, extension_bytes, header_bytes
from mixer.rtp.rtcp import SenderReport, SourceDescription, serialize_compound
from mixer.rtp.sequence import NANOSECONDS, ntp_from_unix_ns

REPORT_S = 1.0


@dataclass(frozen=True, slots=True)
class StreamNames:
    """What its receivers know it by. `cname` is one for all streams of a program."""

    ssrc: int
    payload_type: int
    clock_rate: int
    cname: str
    audio_level_id: int = 0


@cache
def _level_extension(element: int, level: bytes) -> bytes:
    """There are 256 levels, and one element in a program."""
    return extension_bytes((HeaderExtension(element, level),))


class RtpSender:
    """The state of one SSRC. `now` is the machine's steady clock in seconds."""

    def __init__(self, stream: StreamNames, *, unix_offset_s: float) -> None:
        """`unix_offset_s` is Unix time less `now`: it stays, whatever is done to the clock."""
        self._stream = stream
        self._unix_offset_s = unix_offset_s
        self._sequence = random.getrandbits(15)  # RFC 3550 §5.1; not near its wrap
        self._packets = 0
        self._octets = 0
        self._reported_at = float("-inf")

    def timestamp(self, at: float) -> int:
        """The timestamp of what is sent at `at`."""
        return round(at * self._stream.clock_rate) & 0xFFFF_FFFF

    def packets(
        self, payloads: list[bytes], at: float, *, marker: bool = True, level: bytes = b""
    ) -> list[bytes]:
        """The datagrams of one picture or sound; `level` is RFC 6464's."""
        timestamp = self.timestamp(at)
        element = self._stream.audio_level_id
        extension = _level_extension(element, level) if element and level else b""
        datagrams = []
        for place, payload in enumerate(payloads, start=1):
            header = header_bytes(
                self._stream.payload_type,
                self._sequence,
                timestamp,
                self._stream.ssrc,
                marker=marker and place == len(payloads),
                extension=extension,
            )
            self._sequence = (self._sequence + 1) & 0xFFFF
            self._octets += len(payload)
            datagrams.append(header + payload)
        self._packets += len(payloads)
        return datagrams

    def report(self, at: float, *, delay_s: float) -> bytes | None:
        """The report that is due: what is sent at `at` happened `delay_s` before."""
        if at - self._reported_at < REPORT_S or not self._packets:
            return None
        self._reported_at = at
        happened_ns = round((at - delay_s + self._unix_offset_s) * NANOSECONDS)
        report = SenderReport(
            self._stream.ssrc,
            ntp_from_unix_ns(happened_ns),
            self.timestamp(at),
            self._packets & 0xFFFF_FFFF,
            self._octets & 0xFFFF_FFFF,
        )
        who = SourceDescription.of_cname(self._stream.ssrc, self._stream.cname)
        return serialize_compound([report, who])
