"""Transport-wide congestion feedback: when each packet of a transport arrived.

draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1. `TransportWideFeedback` is one message as
values and bytes; `FeedbackBuilder` turns a log of arrivals into messages. A running server reads
and writes them in the pump (`feedback_reader.c` and `feedback_writer.c` in `mixer/pump/native`);
tests hold those to these.

The message: base sequence number, number of statuses, a reference time in 64 ms, a counter; then
chunks with two bits (or one) per packet; then for each arrived packet the time since the one
before it (the first: since the reference time) in 250 µs, in one byte or, when negative or above
63.75 ms, in two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.sequence import Unwrapper, wrapped_distance

TICK_US = 250
TICK_NS = TICK_US * 1000
TICKS_PER_REFERENCE = 256  # 64 ms

NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA = 0, 1, 2

RUN_LIMIT = 0x1FFF  # 13 bits of run length
ONE_BIT_SYMBOLS = 14
TWO_BIT_SYMBOLS = 7


@dataclass(frozen=True, slots=True)
class TransportWideFeedback:
    """One feedback message.

    `deltas` has one entry per packet from `base_sequence` on: the time since the arrival before
    it in ticks of 250 µs (the first since `reference_time`), or None when it did not arrive.
    `reference_time` is in 64 ms, 24 bits signed; `feedback_count` wraps at 256.
    """

    FORMAT: ClassVar[int] = 15

    sender_ssrc: int
    media_ssrc: int
    base_sequence: int
    reference_time: int
    feedback_count: int
    deltas: tuple[int | None, ...]

    @property
    def received(self) -> int:
        """How many of the packets arrived."""
        return len(self.deltas) - self.deltas.count(None)

    def arrivals_us(self) -> list[tuple[int, int | None]]:
        """(16-bit sequence number, arrival in µs of the receiver's clock or None) per packet.

        The clock wraps with `reference_time`, every 12 days.
        """
        ticks = self.reference_time * TICKS_PER_REFERENCE
        sequence = self.base_sequence
        out: list[tuple[int, int | None]] = []
        for delta in self.deltas:
            if delta is None:
                out.append((sequence, None))
            else:
                ticks += delta
                out.append((sequence, ticks * TICK_US))
            sequence = (sequence + 1) & 0xFFFF
        return out

    @classmethod
    def parse(cls, sender_ssrc: int, media_ssrc: int, control: bytes) -> TransportWideFeedback:
        """Read what follows the two SSRCs. Raises `MalformedPacketError`.

        Bytes after the last delta are the message's padding and passed over.
        """
        if len(control) < 8:
            raise MalformedPacketError("transport feedback: cut off")
        count = int.from_bytes(control[2:4], "big")
        if count == 0:
            raise MalformedPacketError("transport feedback: of no packets")
        reference = int.from_bytes(control[4:7], "big", signed=True)
        statuses, at = _parse_chunks(control, 8, count)
        return cls(
            sender_ssrc,
            media_ssrc,
            int.from_bytes(control[0:2], "big"),
            reference,
            control[7],
            _parse_deltas(control, at, statuses),
        )

    def body(self) -> bytes:
        """All after the common RTCP header. Raises `ValueError` when a value does not fit."""
        if not 1 <= len(self.deltas) <= 0xFFFF:
            raise ValueError("transport feedback is of 1 … 65,535 packets")
        out = bytearray(self.sender_ssrc.to_bytes(4, "big") + self.media_ssrc.to_bytes(4, "big"))
        try:
            out += self.base_sequence.to_bytes(2, "big")
            out += len(self.deltas).to_bytes(2, "big")
            out += self.reference_time.to_bytes(3, "big", signed=True)
            out.append(self.feedback_count)
            statuses, deltas = _encode_deltas(self.deltas)
            for chunk in _chunks(statuses):
                out += chunk.to_bytes(2, "big")
            out += deltas
        except OverflowError as error:
            raise ValueError(f"a number does not fit its field: {error}") from error
        # Padding as zero bytes without the P bit's count: readers stop at the last delta. This is
        # what libwebrtc sent for years, and what every reader takes.
        out += bytes(-len(out) % 4)
        return bytes(out)


def _encode_deltas(deltas: tuple[int | None, ...]) -> tuple[list[int], bytes]:
    """Each packet's status, and the deltas of those that arrived."""
    out = bytearray()
    for delta in deltas:
        if delta is None:
            continue
        if 0 <= delta <= 255:
            out.append(delta)
        else:
            out += delta.to_bytes(2, "big", signed=True)
    return [_status(delta) for delta in deltas], bytes(out)


def _status(delta: int | None) -> int:
    if delta is None:
        return NOT_RECEIVED
    return SMALL_DELTA if 0 <= delta <= 255 else LARGE_DELTA


def _parse_chunks(control: bytes, at: int, count: int) -> tuple[list[int], int]:
    """`count` statuses from the chunks at `at`, and where the deltas begin (§3.1.3, §3.1.4)."""
    statuses: list[int] = []
    while len(statuses) < count:
        if at + 2 > len(control):
            raise MalformedPacketError("transport feedback: chunks are cut off")
        chunk = control[at] << 8 | control[at + 1]
        at += 2
        if not chunk & 0x8000:
            run = min(chunk & RUN_LIMIT, count - len(statuses))
            if run == 0:
                raise MalformedPacketError("transport feedback: run of no packets")
            statuses += [chunk >> 13 & 3] * run
        elif chunk & 0x4000:
            statuses += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            statuses += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    del statuses[count:]
    return statuses, at


def _parse_deltas(control: bytes, at: int, statuses: list[int]) -> tuple[int | None, ...]:
    size = len(control)
    deltas: list[int | None] = []
    for status in statuses:
        if status == NOT_RECEIVED:
            deltas.append(None)
        elif status == SMALL_DELTA:
            if at >= size:
                raise MalformedPacketError("transport feedback: deltas are cut off")
            deltas.append(control[at])
            at += 1
        elif status == LARGE_DELTA:
            if at + 2 > size:
                raise MalformedPacketError("transport feedback: deltas are cut off")
            high = control[at]
            deltas.append((high - 256 if high > 127 else high) << 8 | control[at + 1])
            at += 2
        else:
            raise MalformedPacketError("transport feedback: reserved status 3")
    return tuple(deltas)


def _chunks(statuses: list[int]) -> Iterable[int]:
    """The statuses as 16-bit chunks: runs where they are longer than a vector would hold."""
    at, total = 0, len(statuses)
    while at < total:
        status = statuses[at]
        run = 1
        while run < RUN_LIMIT and at + run < total and statuses[at + run] == status:
            run += 1
        one_bit = statuses[at : at + ONE_BIT_SYMBOLS]
        fits_one_bit = LARGE_DELTA not in one_bit
        if run >= (ONE_BIT_SYMBOLS if fits_one_bit else TWO_BIT_SYMBOLS) or at + run == total:
            yield status << 13 | run
            at += run
        elif fits_one_bit:
            chunk = 0x8000
            for index, symbol in enumerate(one_bit):
                chunk |= symbol << (13 - index)
            yield chunk
            at += len(one_bit)
        else:
            chunk = 0xC000
            for index, symbol in enumerate(statuses[at : at + TWO_BIT_SYMBOLS]):
                chunk |= symbol << (12 - 2 * index)
            yield chunk
            at += TWO_BIT_SYMBOLS


class FeedbackBuilder:
    """Turns arrivals of one transport into feedback messages.

    The pump writes a publisher's feedback itself (`native/feedback_writer.c`); this is its readable
    model, held to it by a test, and what the test peers report with.

    `add` each arrival, `build` the messages since the last time (every 50–100 ms). Packets between
    two reports that did not arrive are reported lost; one that arrives later (within `MAX_GAP`
    packets) is reported again, as arrived, together with what lies after it.
    """

    # A message stays below 1,200 bytes: 20 of headers, 400 deltas of two bytes, and statuses of
    # 1,000 packets in chunks of no less than seven each (more only as one run of losses).
    MAX_RECEIVED = 400
    MAX_PACKETS = 1000
    # A jump of more packets is a new beginning, not a loss to be spelled out.
    MAX_GAP = 2000
    # More are never needed for what arrives in order; a sender that plays with old numbers may
    # make each packet one, and gets no more.
    MAX_MESSAGES = 8

    def __init__(self, *, sender_ssrc: int, media_ssrc: int) -> None:
        self._sender_ssrc = sender_ssrc
        self.media_ssrc = media_ssrc
        self._unwrapper = Unwrapper()
        self._arrived: dict[int, int] = {}  # unwrapped sequence → arrival in ticks
        self._fresh_from: int | None = None  # the lowest sequence to report next
        self._next_base: int | None = None  # one above the highest reported
        self._count = 0

    def add(self, sequence: int, arrival_ns: int) -> None:
        """A packet with this 16-bit transport-wide sequence number arrived."""
        newest = self._unwrapper.newest
        if newest is None or (sequence - newest) & 0xFFFF != 1:  # the next one: as nearly always
            unwrapped = self._unwrapper.peek(sequence & 0xFFFF)
            if newest is not None and abs(unwrapped - newest) > self.MAX_GAP:
                self._restart()
            elif unwrapped in self._arrived:
                return
        unwrapped = self._unwrapper.unwrap(sequence & 0xFFFF)
        self._arrived[unwrapped] = arrival_ns // TICK_NS
        if self._fresh_from is None or unwrapped < self._fresh_from:
            self._fresh_from = unwrapped

    def add_all(self, log: Iterable[tuple[int, int]]) -> None:
        """A log of (sequence, arrival in ns of any steady clock)."""
        for sequence, arrival_ns in log:
            self.add(sequence, arrival_ns)

    def build(self) -> list[TransportWideFeedback]:
        """The messages that report all that arrived since the last call; empty if nothing did."""
        if self._fresh_from is None:
            return []
        newest = max(self._arrived)
        first = self._fresh_from
        if self._next_base is not None:
            first = min(first, self._next_base)
        first = max(first, newest - self.MAX_GAP)
        messages: list[TransportWideFeedback] = []
        while first <= newest and len(messages) < self.MAX_MESSAGES:
            message, first = self._message(first, newest)
            messages.append(message)
        self._next_base = newest + 1
        self._fresh_from = None
        self._forget(newest)
        return messages

    def _message(self, first: int, newest: int) -> tuple[TransportWideFeedback, int]:
        """One message from `first` on, and where the next begins. `newest` has arrived."""
        deltas: list[int | None] = []
        reference = ticks = received = 0
        sequence = first
        while sequence <= newest and received < self.MAX_RECEIVED:
            if received and len(deltas) >= self.MAX_PACKETS:
                break
            arrival = self._arrived.get(sequence)
            if arrival is None:
                deltas.append(None)
            else:
                if not received:
                    reference = arrival // TICKS_PER_REFERENCE
                    ticks = reference * TICKS_PER_REFERENCE
                delta = arrival - ticks
                if not -0x8000 <= delta <= 0x7FFF:
                    break  # more than 8 s apart: a message with its own reference time
                deltas.append(delta)
                ticks = arrival
                received += 1
            sequence += 1
        message = TransportWideFeedback(
            self._sender_ssrc,
            self.media_ssrc,
            first & 0xFFFF,
            wrapped_distance(reference, 0, 24),
            self._count & 0xFF,
            tuple(deltas),
        )
        self._count += 1
        return message, sequence

    def _forget(self, newest: int) -> None:
        if len(self._arrived) > 2 * self.MAX_GAP:
            keep_from = newest - self.MAX_GAP
            self._arrived = {s: t for s, t in self._arrived.items() if s >= keep_from}

    def _restart(self) -> None:
        self._arrived.clear()
        self._fresh_from = None
        self._next_base = None
        self._unwrapper = Unwrapper()
