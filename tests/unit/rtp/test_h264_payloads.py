"""H.264 pictures into payloads: what goes in comes out of `h264.split`, and nothing is too long."""

from __future__ import annotations

import random

import pytest

from mixer.rtp import h264
from mixer.rtp.h264_payloads import nal_units, payloads

SPS, PPS = b"\x67\x42\xe0\x1f\x01", b"\x68\xce\x01"


def unit(kind: int, size: int, seed: int = 1) -> bytes:
    rng = random.Random(seed)
    return bytes([0x60 | kind]) + bytes(rng.randrange(1, 256) for _ in range(size - 1))


def stream(*units: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + one for one in units)


def received(sent: list[bytes]) -> list[bytes]:
    units: list[bytes] = []
    for payload in sent:
        for part in h264.split(payload):
            if part.start:
                units.append(part.data)
            else:
                units[-1] += part.data
    return units


@pytest.mark.parametrize("size", [2, 1199, 1200, 1201, 2397, 2398, 2399, 50_000])
def test_a_unit_of_any_size_comes_as_it_was(size: int) -> None:
    sent = payloads(stream(unit(1, size)))
    assert max(map(len, sent)) <= 1200
    assert received(sent) == [unit(1, size)]


def test_a_keyframe_has_its_parameter_sets_in_one_packet_of_their_own() -> None:
    idr = unit(5, 5000)
    sent = payloads(stream(SPS, PPS, idr))
    assert sent[0][0] & 0x1F == h264.STAP_A
    assert received(sent[:1]) == [SPS, PPS]
    assert received(sent) == [SPS, PPS, idr]


def test_what_fits_one_packet_is_in_one_packet() -> None:
    idr = unit(5, 300)
    (sent,) = payloads(stream(SPS, PPS, idr))
    assert received([sent]) == [SPS, PPS, idr]
    full = [unit(1, 400, seed) for seed in range(4)]
    assert [len(received([one])) for one in payloads(stream(*full))] == [2, 2]


def test_an_encoders_name_and_delimiters_are_left_out() -> None:
    sent = payloads(stream(unit(9, 2), unit(6, 600), unit(1, 50)))
    assert received(sent) == [unit(1, 50)]


def test_start_codes_of_three_and_four_bytes_and_zeros_behind_a_unit() -> None:
    data = b"\0\0\1" + SPS + b"\0\0\0\1" + PPS + b"\0\0\0" + b"\0\0\1" + unit(1, 9)
    assert nal_units(data) == [SPS, PPS, unit(1, 9)]
    assert payloads(b"") == []
    assert payloads(b"no start code") == []
