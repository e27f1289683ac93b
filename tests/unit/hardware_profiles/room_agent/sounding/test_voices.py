"""The others' voices are one sound: whole, bounded, never clipped, and not later and later."""

from __future__ import annotations

import numpy as np
import pytest

from hardware_profiles.room_agent.sounding.voices import BEGINS_WITH, MOST_HELD, Voices
from mixer.libopus import Samples


def block(value: float, count: int = 960) -> Samples:
    return np.full(count, value, np.float32)


def test_a_voice_begins_with_some_in_hand_and_is_whole() -> None:
    voices = Voices()
    voices.put(1, block(0.1))
    assert not voices.take(480).any()
    for value in (0.2, 0.3):
        voices.put(1, block(value))
    taken = np.concatenate([voices.take(480) for _ in range(6)])
    assert taken.tolist() == np.repeat(np.array([0.1, 0.2, 0.3], np.float32), 960).tolist()
    assert not voices.take(480).any()


def test_two_voices_are_their_sum_and_do_not_clip() -> None:
    voices = Voices()
    for _ in range(3):
        voices.put(1, block(0.25))
        voices.put(2, block(0.25))
    assert voices.take(480) == pytest.approx(0.5)
    for _ in range(6):
        voices.put(3, block(0.9))
    loud = voices.take(480)
    assert 0.7 < loud.max() <= 1.0


def test_what_is_too_much_is_left_out_down_to_what_it_began_with() -> None:
    voices = Voices()
    for number in range(11):
        voices.put(1, block(number / 100))
    assert voices.dropped == MOST_HELD + 960 - BEGINS_WITH
    left = [voices.take(480)[0] for _ in range(6)]
    assert left == pytest.approx([0.08, 0.08, 0.09, 0.09, 0.1, 0.1])


def test_who_is_gone_is_forgotten_and_begins_anew() -> None:
    voices = Voices()
    for _ in range(3):
        voices.put(1, block(0.1))
    for _ in range(6 + 60):
        voices.take(480)
    voices.put(1, block(0.5))
    assert not voices.take(480).any()  # it waits for its first packets again
