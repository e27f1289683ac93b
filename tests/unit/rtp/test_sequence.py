"""Numbers that wrap, and NTP time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.rtp.sequence import (
    Unwrapper,
    ntp_from_unix_ns,
    sequence_distance,
    sequence_newer,
    timestamp_distance,
    unix_ns_from_ntp,
    wrapped_distance,
)


@pytest.mark.parametrize(
    ("newer", "older", "distance"),
    [
        (1, 0, 1),
        (0, 1, -1),
        (0, 65_535, 1),
        (65_535, 0, -1),
        (0x7FFF, 0, 0x7FFF),
        (0x8000, 0, -0x8000),
        (10, 65_530, 16),
    ],
)
def test_sequence_distance(newer: int, older: int, distance: int) -> None:
    assert sequence_distance(newer, older) == distance
    assert wrapped_distance(newer, older, 16) == distance
    assert sequence_newer(newer, older) == (distance > 0)


def test_timestamp_distance_wraps_at_32_bits() -> None:
    assert timestamp_distance(90, 0xFFFF_FFFF - 9) == 100
    assert timestamp_distance(0xFFFF_FFFF - 9, 90) == -100


@pytest.mark.parametrize(
    ("values", "unwrapped"),
    [
        ([65_534, 65_535, 0, 1], [65_534, 65_535, 65_536, 65_537]),
        ([1, 65_535, 2], [1, -1, 2]),
        ([65_535, 1, 65_534, 0, 2], [65_535, 65_537, 65_534, 65_536, 65_538]),
    ],
)
def test_unwrapper_follows_the_newest(values: list[int], unwrapped: list[int]) -> None:
    unwrapper = Unwrapper()
    assert [unwrapper.unwrap(value) for value in values] == unwrapped


def test_peek_remembers_nothing() -> None:
    unwrapper = Unwrapper()
    assert unwrapper.peek(7) == 7
    assert unwrapper.newest is None
    unwrapper.unwrap(65_535)
    assert unwrapper.peek(3) == 65_539
    assert unwrapper.newest == 65_535


def test_unwrapper_refuses_impossible_widths() -> None:
    with pytest.raises(ValueError, match="bits"):
        Unwrapper(0)


@given(st.integers(0, 2**40), st.lists(st.integers(-30_000, 30_000), max_size=50))
def test_unwrapper_gives_back_what_was_wrapped(start: int, steps: list[int]) -> None:
    unwrapper = Unwrapper()
    newest = number = start
    offset = unwrapper.unwrap(start & 0xFFFF) - start
    for step in steps:
        number = newest + step
        assert unwrapper.unwrap(number & 0xFFFF) - offset == number
        newest = max(newest, number)


def test_ntp_of_a_known_moment() -> None:
    # The Unix epoch is 2,208,988,800 s after 1900 (RFC 5905 figure 4).
    assert ntp_from_unix_ns(0) == 2_208_988_800 << 32
    assert ntp_from_unix_ns(1_500_000_000) == (2_208_988_801 << 32) + (1 << 31)


@given(st.integers(0, 2**32 * 98 // 100 * 1_000_000_000))  # past the end of the NTP era in 2036
def test_ntp_keeps_the_nanosecond(unix_ns: int) -> None:
    assert unix_ns_from_ntp(ntp_from_unix_ns(unix_ns)) == unix_ns


def test_ntp_rounds_up_into_the_next_second() -> None:
    assert unix_ns_from_ntp(ntp_from_unix_ns(1_999_999_999)) == 1_999_999_999
