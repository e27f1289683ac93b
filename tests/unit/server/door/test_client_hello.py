"""What a client offers, read from its first message; and what is no first message at all."""

from __future__ import annotations

import random
import ssl
from contextlib import suppress

import pytest

from server.door.client_hello import ACME, LONGEST, offered_protocols
from server.door.handshake import MOST_LOOKS, DoorContext


def hello(*protocols: str, name: str = "lesson.example") -> bytes:
    """What Python's own TLS says first."""
    context = ssl.create_default_context()
    if protocols:
        context.set_alpn_protocols(list(protocols))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize(
    "protocols", [(), ("acme-tls/1",), ("h2", "http/1.1"), ("http/1.1", "acme-tls/1")]
)
def test_every_beginning_waits_and_the_whole_tells(protocols: tuple[str, ...]) -> None:
    whole = hello(*protocols)
    wanted = frozenset(word.encode() for word in protocols)
    assert offered_protocols(whole) == wanted
    assert (ACME in wanted) is ("acme-tls/1" in protocols)
    for length in range(len(whole)):
        assert offered_protocols(whole[:length]) is None
    assert offered_protocols(whole + b"more") == wanted


def test_one_message_in_many_records() -> None:
    message = hello("acme-tls/1")[5:]
    parts = [message[at : at + 7] for at in range(0, len(message), 7)]
    records = b"".join(b"\x16\x03\x01" + len(part).to_bytes(2) + part for part in parts)
    assert offered_protocols(records) == {ACME}
    assert offered_protocols(records[:-1]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x00\x00",  # an empty record
        b"\x16\x03\x01\xff\xff",  # longer than records are
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",  # a server's
        b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",  # without measure
        b"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03",  # cut short inside
        b"\x16\x03\x01\x40\x00" + b"\x01\x00\x3f\x00" + bytes(LONGEST),
    ],
)
def test_anything_else_offers_nothing(data: bytes) -> None:
    assert offered_protocols(data) == frozenset()


def test_one_that_comes_byte_by_byte_in_records_of_one_is_left_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each look reads all that has come: their number and that are bounded."""
    looks: list[int] = []

    def counted(data: bytes) -> frozenset[bytes] | None:
        looks.append(len(data))
        return offered_protocols(data)

    monkeypatch.setattr("server.door.handshake.offered_protocols", counted)
    context = DoorContext(ssl.PROTOCOL_TLS_SERVER)
    context.proofs["lesson.example"] = context
    incoming = ssl.MemoryBIO()
    visit = context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
    with suppress(ssl.SSLError):
        for byte in hello("acme-tls/1")[:200]:
            incoming.write(bytes([byte]))
            with suppress(ssl.SSLWantReadError):
                visit.do_handshake()
    assert len(looks) == MOST_LOOKS
    assert offered_protocols(bytes([22, 3, 1, 0, 1, 1]) * LONGEST) == frozenset()


def test_damaged_ones_are_read_or_left() -> None:
    rng = random.Random(8737)
    whole = hello("acme-tls/1")
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        found = offered_protocols(bytes(data))
        assert found is None or all(isinstance(word, bytes) for word in found)
