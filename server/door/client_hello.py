"""What a TLS client offers in its first message, read before OpenSSL does (RFC 8446 §4.1.2).

Python's `ssl` tells in the middle of a handshake which name is asked for, and not which
application protocols (ALPN, RFC 7301): but by these alone an ACME server's visit is known.
"""

from __future__ import annotations

from collections.abc import Iterator

ACME = b"acme-tls/1"  # RFC 8737 §4
# One with keys against quantum computers takes 2 KB; whose first message is longer has offered
# nothing to us.
LONGEST = 16_384
_HANDSHAKE, _CLIENT_HELLO, _ALPN = 22, 1, 16


def offered_protocols(data: bytes) -> frozenset[bytes] | None:
    """The application protocols in the ClientHello that begins `data`; none in anything else.

    None: there is more to come before that can be said.
    """
    message = _message(data) if len(data) <= LONGEST else b""
    if not message:
        return frozenset() if message is not None else None
    try:
        return frozenset(_protocols(message))
    except IndexError:
        return frozenset()


def _message(data: bytes) -> bytes | None:
    """What the ClientHello says, put together from its records; nothing in anything else, None
    while it is not whole."""
    hello, wanted = b"", 4
    while len(hello) < wanted:
        length = int.from_bytes(data[3:5])
        if data and data[0] != _HANDSHAKE:
            return b""
        if len(data) < 5 or (0 < length <= LONGEST and len(data) < 5 + length):
            return None
        if not 0 < length <= LONGEST:
            return b""
        hello, data = hello + data[5 : 5 + length], data[5 + length :]
        if len(hello) >= 4:
            wanted = 4 + int.from_bytes(hello[1:4])
        if hello[0] != _CLIENT_HELLO or wanted > LONGEST:
            return b""
    return hello[4:wanted]


def _protocols(hello: bytes) -> Iterator[bytes]:
    """Raises `IndexError` where a length leads past the end."""
    rest = hello[2 + 32 :]  # version, random
    _, rest = _part(rest, 1)  # session id
    _, rest = _part(rest, 2)  # cipher suites
    _, rest = _part(rest, 1)  # compression
    extensions, _ = _part(rest, 2)
    while extensions:
        kind = int.from_bytes(extensions[:2])
        content, extensions = _part(extensions[2:], 2)
        if kind == _ALPN:
            names, _ = _part(content, 2)
            while names:
                name, names = _part(names, 1)
                yield name


def _part(data: bytes, size: int) -> tuple[bytes, bytes]:
    """What a length of `size` bytes goes before, and what comes after it."""
    end = size + int.from_bytes(data[:size])
    if len(data) < size or len(data) < end:
        raise IndexError
    return data[size:end], data[end:]
