"""The reorder buffer: order restored, holes waited for and then told."""

from __future__ import annotations

import random

import pytest

from mixer.reading.reorder import MAX_JUMP, Arrived, ReorderBuffer
from mixer.rtp.packet import RtpPacket


def packet(number: int) -> RtpPacket:
    return RtpPacket(payload_type=96, sequence_number=number & 0xFFFF, timestamp=0, ssrc=1)


def seen(arrived: list[Arrived]) -> list[tuple[int, int]]:
    return [(a.packet.sequence_number, a.lost_before) for a in arrived]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([1, 2, 3], [(1, 0), (2, 0), (3, 0)]),
        ([1, 3, 2, 4], [(1, 0), (2, 0), (3, 0), (4, 0)]),
        ([1, 1, 2, 1], [(1, 0), (2, 0)]),
        ([65534, 0, 65535, 1], [(65534, 0), (65535, 0), (0, 0), (1, 0)]),
    ],
    ids=["in order", "swapped", "twice", "wrapping"],
)
def test_without_loss_nothing_waits(numbers: list[int], expected: list[tuple[int, int]]) -> None:
    buffer = ReorderBuffer()
    out = [a for number in numbers for a in buffer.push(packet(number), 0.0)]
    assert seen(out) == expected
    assert buffer.next_timeout is None


def test_a_hole_is_waited_for_and_then_told() -> None:
    buffer = ReorderBuffer(wait_s=0.5)
    assert seen(buffer.push(packet(10), 0.0)) == [(10, 0)]
    assert buffer.push(packet(13), 1.0) == []
    assert buffer.push(packet(14), 1.2) == []
    assert buffer.poll(1.4) == []
    assert buffer.next_timeout == pytest.approx(1.5)
    assert seen(buffer.poll(1.5)) == [(13, 2), (14, 0)]
    assert buffer.lost_packets == 2
    assert buffer.push(packet(12), 1.6) == []
    assert buffer.late_packets == 1


def test_a_retransmission_within_the_wait_loses_nothing() -> None:
    buffer = ReorderBuffer(wait_s=0.5)
    buffer.push(packet(1), 0.0)
    buffer.push(packet(3), 0.0)
    assert seen(buffer.push(packet(2), 0.49)) == [(2, 0), (3, 0)]
    assert buffer.lost_packets == 0


def test_memory_is_bounded() -> None:
    buffer = ReorderBuffer(capacity=4)
    buffer.push(packet(0), 0.0)
    out = [a for number in range(2, 8) for a in buffer.push(packet(number), 0.0)]
    assert seen(out)[0] == (2, 1)
    assert buffer.lost_packets == 1


def test_a_stream_that_begins_anew_is_followed() -> None:
    buffer = ReorderBuffer()
    buffer.push(packet(100), 0.0)
    buffer.push(packet(102), 0.0)
    out = buffer.push(packet(102 + MAX_JUMP + 1), 0.1)
    assert seen(out) == [(102, 1), (102 + MAX_JUMP + 1, 1)]
    assert buffer.restarts == 1


def test_any_order_within_the_window_comes_out_whole() -> None:
    rng = random.Random(7)
    numbers = list(range(60_000, 60_000 + 12_000))
    shuffled = sorted(numbers, key=lambda n: n + rng.uniform(0, 20))
    # The first one is the reference: what came before it is not waited for.
    shuffled.remove(60_000)
    buffer = ReorderBuffer()
    out = [
        a
        for at, number in enumerate([60_000, *shuffled])
        for a in buffer.push(packet(number), at / 1000)
    ]
    assert [a.packet.sequence_number for a in out] == [n & 0xFFFF for n in numbers]
    assert all(a.lost_before == 0 for a in out)
