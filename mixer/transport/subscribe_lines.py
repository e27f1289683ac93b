"""The m-lines of a subscribe connection over time: which carries which stream.

Owns: one line per stream sent, never moved or removed (RFC 8829 §5.2.2), each with its mid, msid
and SSRCs; and their reuse. A line whose stream is no longer wanted stays parked for it: no new
offer is needed to stop it, nor to have it again. When its producer is gone the line is free and
carries the next stream of its kind.

Leaves to `subscribe_offer.py`: SDP. Leaves to the node: consumers in the pump.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mixer.model import Kind
from mixer.transport.codecs import Codec

# A peer that routes by SSRC alone (aiortc) does not follow a line to its next stream, so its
# lines are reused only when there are this many. 48 lines are an offer of about 50 kB.
LINES_BEFORE_REUSE = 48


@dataclass(frozen=True, slots=True)
class Stream:
    """What is to be sent: a producer, whose device it is, and the codec it comes in."""

    producer_id: str
    device_id: str
    kind: Kind
    codec: Codec


@dataclass(slots=True)
class Line:
    """One m-line. `stream` is None while it is free; `codec` is what the peer answered for it."""

    mid: str
    kind: Kind
    ssrc: int
    rtx_ssrc: int
    stream: Stream | None = None
    codec: Codec | None = None
    offered: bool = False  # the peer has seen this stream on this line


class SubscribeLines:
    """All lines of one connection; `new_ssrc` gives numbers unused on it."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def line_of(self, producer_id: str) -> Line | None:
        """The line that carries this producer's stream, wanted or parked."""
        for line in self.lines:
            if line.stream is not None and line.stream.producer_id == producer_id:
                return line
        return None

    def release(self, producer_ids: Collection[str]) -> None:
        """These producers are gone: their lines are free."""
        for line in self.lines:
            if line.stream is not None and line.stream.producer_id in producer_ids:
                line.stream, line.codec, line.offered = None, None, False

    def arrange(self, wanted: Sequence[Stream], ssrcs: SsrcSource, *, reuse: bool) -> bool:
        """Give every wanted stream a line; True when the peer must be offered the change."""
        for stream in wanted:
            if self.line_of(stream.producer_id) is not None:
                continue
            line = self._free_line(stream.kind, reuse=reuse)
            if line is None:
                line = Line(str(len(self.lines)), stream.kind, 0, 0)
                self.lines.append(line)
            # A fresh SSRC: under the old one the peer's SRTP would refuse restarted numbers.
            line.ssrc, line.rtx_ssrc = ssrcs.next(), ssrcs.next()
            line.stream, line.codec, line.offered = stream, None, False
        return any(line.stream is not None and not line.offered for line in self.lines)

    def _free_line(self, kind: Kind, *, reuse: bool) -> Line | None:
        if not reuse and len(self.lines) < LINES_BEFORE_REUSE:
            return None
        return next(
            (line for line in self.lines if line.kind is kind and line.stream is None), None
        )


class SsrcSource:
    """SSRCs of one port: never one twice (RFC 3550 §8.1 within our own reach)."""

    def __init__(self, first: int) -> None:
        self._next = first & 0xFFFFFFFF

    def next(self) -> int:
        """The next number; 0 means "unknown" elsewhere and is left out."""
        value = self._next or 1
        self._next = (value + 1) & 0xFFFFFFFF
        return value
