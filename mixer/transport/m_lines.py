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
M_LINES_BEFORE_REUSE = 48


@dataclass(frozen=True, slots=True)
class SentStream:
    """What is to be sent: a producer, whose device it is, and the codec it comes in.

    To a peer that does not take `codec` it can be sent in `fallback_codec`, unless that is empty.
    """

    producer_id: str
    device_id: str
    kind: Kind
    codec: Codec
    fallback_codec: str = ""


@dataclass(slots=True)
class MLine:
    """One m-line. `stream` is None while it is free; `codec` is what the peer answered for it."""

    mid: str
    kind: Kind
    ssrc: int
    rtx_ssrc: int
    stream: SentStream | None = None
    codec: Codec | None = None
    offered: bool = False  # the peer has seen this stream on this line

    @property
    def takes_fallback(self) -> bool:
        """Whether the peer has agreed to the stream in its other codec alone."""
        if self.stream is None or self.codec is None:
            return False
        return self.codec.name != self.stream.codec.name


class MLines:
    """All lines of one connection; `new_ssrc` gives numbers unused on it."""

    def __init__(self) -> None:
        self.all: list[MLine] = []

    def of(self, producer_id: str) -> MLine | None:
        """The line that carries this producer's stream, wanted or parked."""
        for m_line in self.all:
            if m_line.stream is not None and m_line.stream.producer_id == producer_id:
                return m_line
        return None

    def renew(self, m_line: MLine, ssrcs: SsrcSource) -> None:
        """What went out on it has ended and may begin anew: under SSRCs that the peer is to be told
        of (as in `arrange`)."""
        m_line.ssrc, m_line.rtx_ssrc, m_line.offered = ssrcs.next(), ssrcs.next(), False

    def release(self, producer_ids: Collection[str]) -> None:
        """These producers are gone: their lines are free."""
        for m_line in self.all:
            if m_line.stream is not None and m_line.stream.producer_id in producer_ids:
                m_line.stream, m_line.codec, m_line.offered = None, None, False

    def arrange(self, wanted: Sequence[SentStream], ssrcs: SsrcSource, *, reuse: bool) -> bool:
        """Give every wanted stream a line; True when the peer must be offered the change."""
        for stream in wanted:
            if self.of(stream.producer_id) is not None:
                continue
            m_line = self._free(stream.kind, reuse=reuse)
            if m_line is None:
                m_line = MLine(str(len(self.all)), stream.kind, 0, 0)
                self.all.append(m_line)
            # A fresh SSRC: under the old one the peer's SRTP would refuse restarted numbers.
            m_line.ssrc, m_line.rtx_ssrc = ssrcs.next(), ssrcs.next()
            m_line.stream, m_line.codec, m_line.offered = stream, None, False
        return any(m_line.stream is not None and not m_line.offered for m_line in self.all)

    def _free(self, kind: Kind, *, reuse: bool) -> MLine | None:
        if not reuse and len(self.all) < M_LINES_BEFORE_REUSE:
            return None
        return next(
            (m_line for m_line in self.all if m_line.kind is kind and m_line.stream is None), None
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
