"""Generic NACK entries, and the list of what is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.rtp.nack import MissingList, pack_sequences, unpack_sequences


@pytest.mark.parametrize(
    ("sequences", "entries"),
    [
        ([], []),
        ([5], [(5, 0)]),
        ([5, 6, 21], [(5, 0x8001)]),
        ([5, 22], [(5, 0), (22, 0)]),
        ([65_535, 0, 15], [(65_535, 0x8001)]),
        ([7, 7], [(7, 0)]),
        ([9, 8], [(9, 0), (8, 0)]),
    ],
)
def test_pack(sequences: list[int], entries: list[tuple[int, int]]) -> None:
    assert pack_sequences(sequences) == entries


@given(st.sets(st.integers(0, 65_535)))
def test_packing_keeps_every_number(sequences: set[int]) -> None:
    assert sorted(unpack_sequences(pack_sequences(sorted(sequences)))) == sorted(sequences)


def test_pack_refuses_more_than_16_bits() -> None:
    with pytest.raises(ValueError, match="16 bits"):
        pack_sequences([65_536])


def test_a_hole_is_asked_for_after_the_reordering_time() -> None:
    missing = MissingList(reorder_s=0.02, repeat_s=0.1, max_asks=2)
    missing.handle_packet(65_534, 1.0)
    missing.handle_packet(1, 1.0)
    assert missing.poll(1.01) == []
    assert missing.next_time() == pytest.approx(1.02)
    assert missing.poll(1.02) == [65_535, 0]
    assert missing.poll(1.03) == []
    missing.handle_packet(65_535, 1.05)  # its retransmission
    assert missing.poll(1.13) == [0]
    assert missing.poll(1.30) == []
    assert missing.given_up == 1
    assert len(missing) == 0
    assert missing.next_time() is None


def test_a_packet_that_is_only_late_is_never_asked_for() -> None:
    missing = MissingList()
    for sequence in (1, 3, 2):
        missing.handle_packet(sequence, 1.0)
    assert missing.poll(2.0) == []


def test_a_great_jump_forgets_all() -> None:
    missing = MissingList(max_missing=10)
    missing.handle_packet(1, 0.0)
    missing.handle_packet(4, 0.0)
    missing.handle_packet(400, 0.0)
    assert missing.poll(1.0) == []
    assert missing.given_up == 2


def test_the_list_is_bounded() -> None:
    missing = MissingList(max_missing=10)
    for sequence in range(0, 100, 5):
        missing.handle_packet(sequence, 0.0)
    assert len(missing) == 10
    assert missing.poll(1.0) == [s for s in range(83, 95) if s % 5]
