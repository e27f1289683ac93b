"""Samples to frames of 20 ms: nothing is lost, a hole stays a hole, what is late is not played."""

from __future__ import annotations

import numpy as np
import pytest

from hardware_profiles.room_agent.sounding.frames import FRAME_SAMPLES, Frames, SoundFrame


def ramp(first: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Samples that tell their own number."""
    return (np.arange(first, first + count) % 30_000).astype(np.float32)


def cut(pieces: list[tuple[int, int]]) -> list[SoundFrame]:
    """Frames of pieces: position and count."""
    frames = Frames()
    found: list[SoundFrame] = []
    for position, count in pieces:
        found += frames.of(ramp(position, count), position, position / 48_000)
    return found


@pytest.mark.parametrize("size", [1, 7, 480, 960, 1_000, 3_072])
def test_every_sample_has_its_place_however_it_comes(size: int) -> None:
    frames = cut([(1_000 + at, size) for at in range(0, 9_600, size)])
    assert [frame.position for frame in frames] == [
        1_000 + FRAME_SAMPLES * number for number in range(len(frames))
    ]
    assert len(frames) >= 10
    for frame in frames:
        assert frame.samples.tolist() == ramp(frame.position, FRAME_SAMPLES).tolist()
        assert frame.at == pytest.approx(frame.position / 48_000)


def test_a_hole_is_a_hole() -> None:
    first, last = cut([(0, 500), (48_000, 960)])
    assert (first.position, last.position) == (0, 48_000)
    assert first.samples[:500].tolist() == ramp(0, 500).tolist()
    assert not first.samples[500:].any()
    assert last.samples.tolist() == ramp(48_000, 960).tolist()
    assert last.at == pytest.approx(1.0)


def test_what_a_rounding_moves_is_no_hole() -> None:
    frames = cut([(0, 480), (483, 480), (957, 480), (1_440, 480)])
    assert [frame.position for frame in frames] == [0, 960]


def test_what_comes_late_or_twice_is_left_out() -> None:
    frames = cut([(0, 960), (0, 960), (960, 960), (500, 100)])
    assert [frame.position for frame in frames] == [0, 960]
