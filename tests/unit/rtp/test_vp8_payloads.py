"""VP8 frames come out of their packets as they went in."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mixer.rtp.vp8 import Vp8Descriptor
from mixer.rtp.vp8_payloads import Vp8Payloads


def parts(payloads: list[bytes]) -> list[tuple[Vp8Descriptor, bytes]]:
    read = [Vp8Descriptor.parse(payload) for payload in payloads]
    return [(one, payload[one.size :]) for one, payload in zip(read, payloads, strict=True)]


@pytest.mark.parametrize(
    ("size", "packets"), [(0, 0), (1, 1), (96, 1), (97, 2), (192, 2), (193, 3), (1000, 11)]
)
def test_a_frame_is_cut_evenly_and_comes_together_again(size: int, packets: int) -> None:
    frame = bytes(number % 251 for number in range(size))
    sent = Vp8Payloads().of(frame, most_bytes=100)
    assert len(sent) == packets
    assert all(len(payload) <= 100 for payload in sent)
    read = parts(sent)
    assert b"".join(piece for _, piece in read) == frame
    assert [one.start_of_partition for one, _ in read] == [True, *[False] * (packets - 1)][:packets]
    lengths = [len(piece) for _, piece in read] or [0]
    assert max(lengths) - min(lengths) < packets or packets < 2


def test_each_picture_has_the_id_after_the_one_before() -> None:
    stream = Vp8Payloads()
    ids = [{one.picture_id for one, _ in parts(stream.of(b"x" * 3000))} for _ in range(33_000)]
    numbers = [number for (number,) in ids if number is not None]
    assert len(numbers) == 33_000, "one for all packets of a frame"
    assert all((b - a) % (1 << 15) == 1 for a, b in pairwise(numbers))
