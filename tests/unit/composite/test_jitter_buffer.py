"""The jitter buffer of one voice, in virtual time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from mixer.composite.jitter_buffer import (
    MOST_WAIT_S,
    Conceal,
    DelayHistogram,
    JitterBuffer,
    Play,
    Recover,
)
from mixer.rtp.packet import RtpPacket

PACKET_S = 0.02
# A CELT packet of 20 ms, mono: its first byte says so (RFC 6716 §3.1).
TOC = bytes([31 << 3])


def packet(number: int, payload: bytes | None = None, *, ticks: int = 960) -> RtpPacket:
    return RtpPacket(
        payload_type=111,
        sequence_number=(65_000 + number) & 0xFFFF,
        timestamp=(0xFFFF_0000 + number * ticks) & 0xFFFF_FFFF,
        ssrc=1,
        payload=TOC + number.to_bytes(4, "big") if payload is None else payload,
    )


@dataclass
class Played:
    """What came out of a stream of packets, tick by tick."""

    buffer: JitterBuffer = field(default_factory=JitterBuffer)
    numbers: list[int] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)  # from sending to playing
    at: list[float] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def run(self, arrivals: list[tuple[float, int]], seconds: float) -> None:
        """Packets by arrival; hurried ones last 10 ms, so another one is asked for."""
        waiting = sorted(arrivals)
        owed = 0.0
        for tick in range(round(seconds / PACKET_S)):
            now = tick * PACKET_S + 0.001
            while waiting and waiting[0][0] <= now:
                at, number = waiting.pop(0)
                self.buffer.push(packet(number), at)
            owed += PACKET_S
            while owed > 1e-9:
                out = self.buffer.pop(now)
                self.kinds[type(out).__name__] += 1
                if isinstance(out, Play):
                    number = int.from_bytes(out.payload[1:], "big")
                    self.numbers.append(number)
                    self.delays.append(now - number * PACKET_S)
                    self.at.append(now)
                owed -= 0.01 if isinstance(out, Play) and out.hurry else PACKET_S
                assert self.buffer.waiting_s <= MOST_WAIT_S + PACKET_S


def line(
    seconds: float, delay_s: Callable[[int], float | None], *, skew: float = 1.0
) -> list[tuple[float, int]]:
    return [
        (number * PACKET_S * skew + delay, number)
        for number in range(round(seconds / PACKET_S))
        if (delay := delay_s(number)) is not None
    ]


def test_on_a_clean_line_nothing_is_lost_and_little_is_waited() -> None:
    played = Played()
    played.run(line(30, lambda _: 0.03), 30)
    assert played.numbers == list(range(len(played.numbers)))
    assert played.kinds["Conceal"] == played.kinds["Recover"] == 0
    assert max(played.delays) - 0.03 <= 0.08


def test_on_an_uneven_line_it_waits_as_long_as_needed_and_no_longer() -> None:
    rng = random.Random(3)
    played = Played()
    played.run(line(60, lambda _: 0.03 + rng.uniform(0, 0.06)), 60)
    assert played.kinds["Conceal"] + played.kinds["Recover"] < 0.06 * 3000
    assert sorted(played.delays)[len(played.delays) // 2] - 0.03 <= 0.12


def test_what_was_put_up_with_in_a_stall_comes_down_again() -> None:
    played = Played()

    def delay(number: int) -> float:
        at = number * PACKET_S
        return 0.03 + max(0.0, 10.3 - at) if 10.0 <= at < 10.3 else 0.03

    played.run(line(30, delay), 30)
    later = [one for at, one in zip(played.at, played.delays, strict=True) if at > 20.0]
    right_after = [
        one for at, one in zip(played.at, played.delays, strict=True) if 10.34 < at < 10.5
    ]
    assert max(right_after) > 0.15, "the stall was there"
    assert max(later) - 0.03 <= 0.08
    assert played.buffer.dropped_packets <= 8, "most of what came late is heard"


def test_single_losses_are_recovered_from_the_next_packet_and_others_concealed() -> None:
    played = Played()
    played.run(line(10, lambda n: None if n % 10 == 3 or n % 50 in (20, 21) else 0.02), 10)
    lost = [n for n in range(480) if n % 10 == 3 or n % 50 in (20, 21)]
    assert not set(played.numbers) & set(lost)
    assert played.numbers == sorted(played.numbers)
    assert played.kinds["Recover"] >= 0.9 * len({n for n in lost if n % 50 != 20})
    assert played.buffer.lost_packets == pytest.approx(len(lost), abs=12)


def test_swapped_and_doubled_packets_are_put_right() -> None:
    played = Played()
    arrivals = line(10, lambda n: 0.02 + (0.021 if n % 7 == 0 else 0))
    played.run(arrivals + [(at + 0.005, n) for at, n in arrivals if n % 5 == 0], 10)
    assert played.numbers == sorted(set(played.numbers))
    assert played.kinds["Conceal"] + played.kinds["Recover"] <= 3
    assert played.buffer.late_packets >= 90


@pytest.mark.parametrize("ppm", [-1000, 1000])
def test_another_clock_neither_fills_nor_empties_it(ppm: int) -> None:
    played = Played()
    played.run(line(60, lambda _: 0.02, skew=1 - ppm / 1e6), 59)
    assert played.kinds["Conceal"] <= 6
    assert played.buffer.dropped_packets == 0
    assert played.buffer.waiting_s <= 0.08


def test_after_silence_it_begins_anew() -> None:
    played = Played()
    played.run(line(20, lambda n: 0.02 if n < 200 or n >= 700 else None), 20)
    assert not set(range(200, 700)) & set(played.numbers)
    assert played.kinds["Conceal"] <= 8, "a made-up voice ends"
    assert played.kinds["NoneType"] > 450
    assert played.delays[-1] <= 0.1


def test_packets_that_say_they_are_silence_end_a_spurt() -> None:
    buffer = JitterBuffer()
    for number in range(4):
        buffer.push(packet(number), number * PACKET_S)
    buffer.push(packet(4, TOC), 0.08)
    out = [buffer.pop(0.1) for _ in range(7)]
    assert [type(one) for one in out] == [Play] * 5 + [type(None)] * 2


def test_a_hole_of_many_packets_is_jumped_over() -> None:
    buffer = JitterBuffer()
    for number in (0, 1, 2, 3, 40, 41):
        buffer.push(packet(number), 0.0)
    out = [buffer.pop(1.0) for _ in range(6)]
    assert all(isinstance(one, Play) for one in out)
    assert buffer.lost_packets == 36


@pytest.mark.parametrize("seed", range(4))
def test_hostile_packets_neither_fill_it_nor_break_it(seed: int) -> None:
    rng = random.Random(seed)
    buffer = JitterBuffer()
    for tick in range(1000):
        now = tick * 0.005
        buffer.push(
            RtpPacket(
                payload_type=111,
                sequence_number=rng.choice([tick & 0xFFFF, rng.randrange(65_536)]),
                timestamp=rng.choice([0, tick * 240, rng.randrange(1 << 32)]),
                ssrc=1,
                payload=rng.randbytes(rng.choice([0, 1, 2, 60])),
            ),
            now,
        )
        assert buffer.waiting_s <= MOST_WAIT_S + 0.12
        assert 0 < buffer.target_s <= MOST_WAIT_S
        if tick % 4 == 0:
            out = buffer.pop(now)
            assert out is None or isinstance(out, Play | Recover | Conceal)
    assert buffer.malformed_packets > 0


def test_timestamps_that_stand_still_are_played_all_the_same() -> None:
    buffer = JitterBuffer()
    played = 0
    for number in range(500):
        buffer.push(packet(number, ticks=0), number * PACKET_S)
        played += isinstance(buffer.pop(number * PACKET_S + 0.001), Play)
    assert played > 450


def test_the_histogram_forgets() -> None:
    histogram = DelayHistogram()
    for number in range(500):
        histogram.observe(0.1 if number % 5 == 0 else 0.0, number * PACKET_S)
    assert histogram.wait_s() == pytest.approx(0.13)
    for number in range(500, 1200):
        histogram.observe(0.0, number * PACKET_S)
    assert histogram.wait_s() == pytest.approx(0.03)
