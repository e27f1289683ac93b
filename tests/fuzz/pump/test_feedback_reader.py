"""Invariant: of any bytes the pump reads exactly what `mixer.rtp` reads, or both refuse them.

That it touches no byte outside its input is held by `parsers.c` under AddressSanitizer.
"""

from __future__ import annotations

import random

import pytest

from mixer.pump._pump import read_feedback
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.rtcp import frame, parse_compound, serialize
from mixer.rtp.twcc import TransportWideFeedback
from tests.fuzz.rounds import SEED, rounds

ROUNDS = rounds(30_000)
TRANSPORT_FEEDBACK = 205


def valid(rng: random.Random) -> bytes:
    likely = rng.choice(((4,), (0, 255), (None, 4), (None, 4, 300, -300), (None, -0x8000, 0x7FFF)))
    deltas = tuple(
        rng.choice(likely) for _ in range(rng.choice((1, 2, 7, 14, 15, 60, rng.randint(1, 900))))
    )
    reference = rng.choice((0, -1, 0x7F_FFFF, -0x80_0000, rng.randrange(1 << 22)))
    message = TransportWideFeedback(1, 2, rng.randrange(1 << 16), reference, 7, deltas)
    return serialize(message)


def mutated(rng: random.Random) -> bytes:
    data = bytearray(valid(rng))
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(12, len(data))] = rng.choice((0, 0x20, 0xC0, 0xFF, rng.randrange(256)))
    if rng.random() < 0.3:
        del data[12 + 4 * rng.randrange((len(data) - 8) // 4) :]
    if rng.random() < 0.3:
        data[0] |= 0x20  # padded; the last byte says how much
        data[-1] = rng.choice((0, 1, 2, 3, 4, data[-1]))
    data[2:4] = (len(data) // 4 - 1).to_bytes(2, "big")
    return bytes(data)


def made_up(rng: random.Random) -> bytes:
    words = rng.choice((2, 3, 4, 5, 8, 20))
    head = rng.randbytes(4) + rng.choice((b"\0\1", b"\0\20", b"\xff\xff")) + rng.randbytes(4)
    return frame(TRANSPORT_FEEDBACK, 15, rng.randbytes(8) + (head + rng.randbytes(80))[: 4 * words])


def read_by_python(data: bytes) -> tuple[int, int, tuple[int | None, ...]] | None:
    try:
        (message,) = parse_compound(data)
    except MalformedPacketError:
        return None
    assert isinstance(message, TransportWideFeedback)
    return message.base_sequence, message.reference_time & 0xFF_FFFF, message.deltas


@pytest.mark.timeout(3600)
def test_both_read_the_same() -> None:
    rng = random.Random(SEED + 5)
    taken = 0
    for number in range(ROUNDS):
        data = (valid, mutated, mutated, made_up)[number % 4](rng)
        read = read_feedback(data)
        assert read == read_by_python(data), f"this becomes a vector: {data.hex()}"
        taken += read is not None
    assert ROUNDS // 4 < taken < ROUNDS * 3 // 4  # both sides of the reader are reached


@pytest.mark.parametrize("data", [b"", b"\x8f", b"\x8f\xcd\0\1" + bytes(4), b"\x8f\xcc\0\1" * 2])
def test_what_is_no_feedback_is_refused(data: bytes) -> None:
    assert read_feedback(data) is None
