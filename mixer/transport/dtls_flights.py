"""Handshake flights that are sent again in good time (RFC 6347 §4.2.4, RFC 9147 §5.8.2).

Owns: the last flight as it went out, when it goes out again, and the numbers of its records.
OpenSSL waits a second before it repeats a flight, then two, then four, and pyOpenSSL cannot change
that: at 30 % loss each way one handshake in ten was not done after ten seconds. What OpenSSL
repeats by itself goes through here too, and takes the place of what was kept.

A copy of a record that has come is a replay, and dropped (§4.1.2.6), so a peer would never learn
that we still wait for it. Records of epoch 0 are not protected yet: here they get numbers of our
own, which always rise. A Finished is sealed under its number and goes out as it is: who has it
drops the copy, who lacks it takes it. (So a server that is not ours, and whose last flight was
lost, sends it again only when OpenSSL repeats our Finished. Browsers and encoders are clients.)

Sans-IO: datagrams and times in, datagrams out. `dtls` arms the timer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# A round trip of most lines; browsers begin with 50 ms. What comes too early costs a datagram.
FIRST_REPEAT_S = 0.1
# The peer gives up some day, so waiting longer gains nothing: two dozen copies in all.
LONGEST_REPEAT_S = 1.0
# A peer that repeats its flight has not got ours: it gets it at once, but not twice at once.
LEAST_REPEAT_S = 0.04
# Nothing acknowledges the flight that ends a handshake. A peer that lacks it repeats its own, which
# may take a second: a few copies save most of these waits.
LAST_FLIGHT_REPEATS = 3
# Our largest flight is one datagram of 800 bytes; a peer that asks again and again gets no more.
DATAGRAMS_MOST = 4
COPIES_MOST = 64

# RFC 6347 §4.1, §4.2.2
HEADER_BYTES = 13
HANDSHAKE, ALERT = 22, 21
EPOCH_AT, SEQUENCE_AT, LENGTH_AT = 3, 5, 11
MESSAGE_SEQUENCE_AT = HEADER_BYTES + 4


@dataclass(frozen=True, slots=True)
class _Record:
    """Where a record of epoch 0 begins, and its handshake message's number, if it carries one."""

    at: int
    content_type: int
    message: int | None


def _clear_records(datagram: bytes) -> Iterator[_Record]:
    """The records of epoch 0; what cannot be read ends them."""
    at = 0
    while at + HEADER_BYTES <= len(datagram):
        content_type = datagram[at]
        length = int.from_bytes(datagram[at + LENGTH_AT : at + HEADER_BYTES])
        end = at + HEADER_BYTES + length
        if content_type & 0xE0 == 0x20 or end > len(datagram):  # DTLS 1.3's own form, or torn
            return
        if datagram[at + EPOCH_AT : at + SEQUENCE_AT] == b"\0\0":
            message = None
            number_at = at + MESSAGE_SEQUENCE_AT
            if content_type == HANDSHAKE and number_at + 2 <= end:
                message = int.from_bytes(datagram[number_at : number_at + 2])
            yield _Record(at, content_type, message)
        at = end


def _messages(datagram: bytes) -> list[int]:
    return [one.message for one in _clear_records(datagram) if one.message is not None]


class Flights:
    """One handshake's flights: `send` and `receive` see every datagram, `poll` repeats."""

    def __init__(self) -> None:
        self._flight: list[bytes] = []
        self._answered = True  # the peer has spoken since: what is sent next is a flight of its own
        self._next_record = 0  # of epoch 0
        self._next_of_peer = 0  # its first message that has not come
        self._sent_at = self._due_at = float("inf")
        self._interval_s = FIRST_REPEAT_S
        self._left = COPIES_MOST  # copies of this flight
        self._unasked_left = COPIES_MOST  # of these, how many the peer need not ask for

    @property
    def next_time(self) -> float:
        """When `poll` has something to say next; infinite when it has not."""
        return self._due_at

    def send(self, datagram: bytes, now: float) -> bytes:
        """A datagram as it is to go out."""
        if datagram[:1] != bytes([ALERT]):
            self._keep(datagram, now)
        return self._numbered(datagram)

    def _keep(self, datagram: bytes, now: float) -> None:
        messages = _messages(datagram)
        is_copy = bool(messages and self._flight) and messages[0] in _messages(self._flight[0])[:1]
        if self._answered:
            self._interval_s = FIRST_REPEAT_S
            self._left = self._unasked_left = COPIES_MOST
        if self._answered or is_copy:
            self._flight = []
        if len(self._flight) < DATAGRAMS_MOST:
            self._flight.append(datagram)
        self._answered = False
        self._wait(now)

    def receive(self, datagram: bytes, now: float) -> list[bytes]:
        """A datagram has come; what is to be sent because the peer repeats itself."""
        messages = _messages(datagram)
        if messages and max(messages) < self._next_of_peer:
            return self._copies(now) if now >= self._sent_at + LEAST_REPEAT_S else []
        if messages:
            self._next_of_peer = max(messages) + 1
        self._answered = True
        return []

    def poll(self, now: float) -> list[bytes]:
        """The flight again, if it is due."""
        if now < self._due_at:
            return []
        self._interval_s = min(2 * self._interval_s, LONGEST_REPEAT_S)
        self._unasked_left -= 1
        return self._copies(now)

    def end(self, *, may_be_missed: bool) -> None:
        """The handshake is done; whether the peer may still lack the last flight."""
        if may_be_missed and self._flight:
            self._unasked_left = LAST_FLIGHT_REPEATS
        else:
            self._flight, self._due_at = [], float("inf")

    def _wait(self, now: float) -> None:
        self._sent_at = now
        is_over = min(self._left, self._unasked_left) == 0
        self._due_at = float("inf") if is_over else now + self._interval_s

    def _copies(self, now: float) -> list[bytes]:
        if not self._flight or not self._left:
            return []
        self._left -= 1
        self._wait(now)
        return [self._numbered(datagram) for datagram in self._flight]

    def _numbered(self, datagram: bytes) -> bytes:
        numbered = bytearray(datagram)
        for record in _clear_records(datagram):
            begin = record.at + SEQUENCE_AT
            numbered[begin : begin + 6] = self._next_record.to_bytes(6)
            self._next_record += 1
        return bytes(numbered)
