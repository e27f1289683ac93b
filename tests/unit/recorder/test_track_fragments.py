"""What a fragment says of its samples, box by box: each way of saying it, and each way of lying."""

from __future__ import annotations

import struct

import pytest

from mixer.boxes import BoxError, box, full_box
from recorder.track_fragments import Defaults, Runs, TrackFragment, track_fragments

KEY, OTHER = 0x0200_0000, 0x0101_0000


def fragment(
    *, tfhd: bytes = struct.pack(">I", 7), told: int = 0, runs: tuple[bytes, ...] = ()
) -> bytes:
    return box(b"traf", full_box(b"tfhd", 0, told, tfhd), *runs)


def run(told: int, count: int, *values: int, version: int = 0) -> bytes:
    table = b"".join(struct.pack(">I", value & 0xFFFF_FFFF) for value in values)
    return full_box(b"trun", version, told, struct.pack(">I", count), table)


def only(moof: bytes, defaults: dict[int, Defaults] | None = None) -> TrackFragment:
    (found,) = track_fragments(moof, defaults)
    return found


def test_each_sample_says_all_of_itself() -> None:
    rows = (10, 500, KEY, 3, 11, 40, OTHER, -2)
    told = only(fragment(runs=(run(0xF01, 2, -8, *rows, version=1),)))
    (one,) = told.runs
    assert (told.track, told.base, told.base_is_moof, told.time) == (7, None, False, None)
    assert (one.offset, one.count, one.bytes, told.bytes) == (-8, 2, 540, 540)
    samples = Runs([one])
    assert samples.durations().tolist() == [10, 11]
    assert samples.sizes().tolist() == [500, 40]
    assert samples.later().tolist() == [3, -2]
    assert samples.keys().tolist() == [True, False]


@pytest.mark.parametrize(
    ("told", "tfhd", "expected"),
    [
        (0x00, (7,), ([5, 5], [6, 6], [False, False])),  # the track's
        (0x08, (7, 20), ([20, 20], [6, 6], [False, False])),
        (0x18, (7, 20, 30), ([20, 20], [30, 30], [False, False])),
        (0x3B, (7, 0, 99, 1, 20, 30, KEY), ([20, 20], [30, 30], [True, True])),
        (0x20, (7, KEY), ([5, 5], [6, 6], [True, True])),
    ],
)
def test_what_a_sample_does_not_say_its_fragment_does_and_then_its_track(
    told: int, tfhd: tuple[int, ...], expected: tuple[list[int], list[int], list[bool]]
) -> None:
    head = struct.pack(f">{len(tfhd)}I", *tfhd)
    (one,) = only(
        fragment(told=told, tfhd=head, runs=(run(0, 2),)), {7: Defaults(5, 6, OTHER)}
    ).runs
    samples = Runs([one])
    found = samples.durations().tolist(), samples.sizes().tolist(), samples.keys().tolist()
    assert found == expected
    assert one.offset is None


def test_the_first_sample_of_a_run_may_be_another() -> None:
    told = only(fragment(told=0x20, tfhd=struct.pack(">II", 7, OTHER), runs=(run(4, 3, KEY),)))
    assert Runs(told.runs).keys().tolist() == [True, False, False]


def test_runs_that_say_it_in_different_ways_are_one_table() -> None:
    tfhd = struct.pack(">IIII", 7, 20, 30, OTHER)
    told = only(
        fragment(
            told=0x38,
            tfhd=tfhd,
            runs=(run(0, 1), run(0x300, 2, 1, 100, 2, 200), run(4, 0, KEY), run(4, 2, KEY)),
        )
    )
    samples = Runs(told.runs)
    assert samples.durations().tolist() == [20, 1, 2, 20, 20]
    assert samples.sizes().tolist() == [30, 100, 200, 30, 30]
    assert samples.keys().tolist() == [False, False, False, True, False]
    assert samples.later().tolist() == [0] * 5
    assert (samples.firsts, told.bytes) == ([0, 1, 3, 3], 30 + 300 + 60)


def test_no_run_is_an_empty_table() -> None:
    assert [len(Runs([]).durations()), len(Runs([]).keys())] == [0, 0]


@pytest.mark.parametrize(
    ("version", "body", "time"),
    [(0, b"\0\0\0\5", 5), (1, b"\0\0\0\1\0\0\0\0", 1 << 32)],
)
def test_when_it_begins(version: int, body: bytes, time: int) -> None:
    assert only(fragment(runs=(full_box(b"tfdt", version, 0, body),))).time == time


@pytest.mark.parametrize(
    "moof",
    [
        pytest.param(box(b"traf"), id="of no track"),
        pytest.param(fragment(told=0x08), id="a default that is not there"),
        pytest.param(fragment(told=0x01, tfhd=b"\0\0\0\7\0\0\0\0"), id="half a place"),
        pytest.param(fragment(runs=(run(0x200, 3, 1, 2),)), id="a sample too few"),
        pytest.param(fragment(runs=(run(0x200, 1, 1, 2),)), id="a sample too many"),
        pytest.param(fragment(runs=(run(0, 0xFFFF_FFFF),)), id="more than any memory holds"),
        pytest.param(fragment(runs=(full_box(b"tfdt", 1, 0, b"\0\0\0\0"),)), id="half a time"),
        pytest.param(fragment()[:-1], id="torn"),
    ],
)
def test_what_does_not_fit_is_no_fragment(moof: bytes) -> None:
    with pytest.raises(BoxError):
        track_fragments(moof)
