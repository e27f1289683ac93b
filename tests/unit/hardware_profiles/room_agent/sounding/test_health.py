"""Lying microphones: digital silence, clipping, another rate than was promised."""

from __future__ import annotations

import numpy as np
import pytest

from hardware_profiles.room_agent.sounding.faults import MicrophoneFault
from hardware_profiles.room_agent.sounding.health import Health, MicrophoneHealth
from mixer.libopus import Samples

SPEECH = (0.2 * np.sin(np.arange(480) / 7)).astype(np.float32)
HUM = (3e-4 * np.sin(np.arange(480) / 7)).astype(np.float32)
NOTHING = np.zeros(480, np.float32)
CLIPPED = np.clip(8 * SPEECH, -1, 1)


def heard(blocks: list[tuple[Samples, float]], rate: float = 48_000) -> Health:
    """How it is after blocks for so many seconds each, coming at this rate."""
    health, now = MicrophoneHealth(48_000), 100.0
    for block, seconds in blocks:
        for _ in range(round(seconds * rate / len(block))):
            health.heard(block, now)
            now += len(block) / rate
    return health.told(now)


@pytest.mark.parametrize(
    ("blocks", "fault"),
    [
        ([(SPEECH, 10)], None),
        ([(HUM, 10)], None),  # an empty room
        ([(NOTHING, 2)], None),  # not yet
        ([(NOTHING, 4)], MicrophoneFault.NOTHING),
        ([(SPEECH, 5), (NOTHING, 4)], MicrophoneFault.NOTHING),
        ([(NOTHING, 10), (SPEECH, 0.1)], None),
        ([(CLIPPED, 1.5), (SPEECH, 3)], None),  # a cough
        ([(CLIPPED, 5)], MicrophoneFault.CLIPPED),
        ([(CLIPPED, 5), (SPEECH, 2)], None),
    ],
)
def test_what_it_gives_tells(
    blocks: list[tuple[Samples, float]], fault: MicrophoneFault | None
) -> None:
    assert heard(blocks).fault is fault


@pytest.mark.parametrize(
    ("rate", "fault"),
    [
        (48_000, None),
        (48_005, None),
        (44_100, MicrophoneFault.RATE),
        (16_000, MicrophoneFault.RATE),
    ],
)
def test_a_rate_that_is_not_the_promised_one(rate: float, fault: MicrophoneFault | None) -> None:
    told = heard([(SPEECH, 10)], rate)
    assert told.fault is fault
    assert told.rate == pytest.approx(rate, rel=0.01)


def test_the_level_is_its_peak_and_falls_slowly() -> None:
    assert heard([(SPEECH, 1)]).level_db == pytest.approx(-14, abs=0.2)
    assert heard([(SPEECH, 1), (NOTHING, 1)]).level_db == pytest.approx(-34, abs=1)
    assert heard([(NOTHING, 1)]).level_db == -96


def test_another_microphone_is_judged_anew() -> None:
    health = MicrophoneHealth(48_000)
    for number in range(400):
        health.heard(NOTHING, number / 100)
    assert health.told(4).fault is MicrophoneFault.NOTHING
    health.begin()
    health.heard(NOTHING, 4.0)
    assert health.told(4.1).fault is None
