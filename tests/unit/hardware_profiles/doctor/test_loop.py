"""The loop through loudspeaker and microphone: heard, clear, no echo; and what it is not told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hardware_profiles.doctor.findings import Both, Checked, Grade
from hardware_profiles.doctor.loop import RATE, hear, judge_sound, sweeps
from tests.unit.hardware_profiles.doctor.room_sounds import PLAYED_AT, heard_in_a_room

GOOD, WEAK, BAD, UNTRIED = (
    Grade.GOOD,
    Grade.WEAK,
    Grade.BAD,
    Grade.UNTRIED,
)


def judged(*, cancels_echo: bool = True, spoke: bool = True, **room: Any) -> dict[str, Checked]:
    heard = hear(heard_in_a_room(**room), PLAYED_AT)
    found = judge_sound(heard, cancels_echo=cancels_echo, spoke=spoke, mic=None, speaker=None)
    return {finding.check: finding for finding in found}


@pytest.mark.parametrize(
    ("room", "microphone", "speaker", "loop"),
    [
        ({}, GOOD, GOOD, GOOD),
        ({"played": 0.01}, GOOD, GOOD, GOOD),  # far away, and still found
        ({"voice": 0.0}, BAD, GOOD, GOOD),  # nobody spoke
        ({"voice": 0.004, "noise": 0.0002}, WEAK, GOOD, WEAK),  # faint
        ({"voice": 4.0}, WEAK, GOOD, GOOD),  # distorted
        ({"noise": 0.02}, WEAK, GOOD, GOOD),  # a fan
        ({"played": 0.0}, GOOD, WEAK, GOOD),  # a loudspeaker that is off
        ({"delay_s": 0.9}, GOOD, GOOD, WEAK),  # Bluetooth
        ({"reflection": 0.6}, GOOD, GOOD, WEAK),  # a hall
        ({"voice": 0.02, "played": 0.9}, GOOD, GOOD, WEAK),  # much louder than who speaks
    ],
)
def test_what_is_said_of_a_room(
    room: dict[str, Any], microphone: Grade, speaker: Grade, loop: Grade
) -> None:
    found = judged(**room)
    told = {name: found[name].verdict for name in ("microphone", "speaker", "loop")}
    assert told == {"microphone": microphone, "speaker": speaker, "loop": loop}
    assert all((one.todo is None) == (one.verdict is GOOD) for one in found.values())


@pytest.mark.parametrize("delay_s", [0.02, 0.1, 0.33])
def test_how_late_the_loudspeaker_is(delay_s: float) -> None:
    assert judged(delay_s=delay_s)["loop"].figures["delay_ms"] == pytest.approx(1000 * delay_s, 0.1)


def test_what_the_rooms_own_processor_should_remove_is_an_echo() -> None:
    found = judged(cancels_echo=False)
    assert found["loop"].verdict is BAD and "echo_cancellation" in (found["loop"].todo or _NO).en
    quiet = judged(cancels_echo=False, played=0.0)
    assert (quiet["loop"].verdict, quiet["speaker"].verdict) == (GOOD, UNTRIED)


@pytest.mark.parametrize("seed", range(5))
def test_noise_and_a_voice_are_no_sweeps(seed: int) -> None:
    """Nor is one of the three: a telephone's ring comes once, and evenly."""
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, 0.2, 9 * RATE).astype(np.float32)
    assert hear(sound, PLAYED_AT).delay_ms is None
    lone = heard_in_a_room(played=0.0)
    at = PLAYED_AT + RATE // 10
    lone[at : at + RATE // 4] += 0.3 * sweeps()[: RATE // 4]
    assert hear(lone, PLAYED_AT).delay_ms is None


def test_a_tone_that_hums_all_along_is_none() -> None:
    times = np.arange(9 * RATE) / RATE
    assert (
        hear((0.5 * np.sin(2 * np.pi * 1000 * times)).astype(np.float32), PLAYED_AT).delay_ms
        is None
    )


@pytest.mark.parametrize("sound", [np.zeros(9 * RATE), np.full(9 * RATE, 0.25), np.zeros(10)])
def test_digital_silence_is_no_microphone(sound: np.ndarray[Any, Any]) -> None:
    heard = hear(sound.astype(np.float32), None)
    found = judge_sound(heard, cancels_echo=True, spoke=True, mic=None, speaker=None)
    assert found[0].verdict is BAD and found[0].check == "microphone"


def test_nobody_is_blamed_for_not_speaking_who_was_not_asked() -> None:
    assert judged(spoke=False, voice=0.0)["microphone"].verdict is UNTRIED


_NO = Both(zh="", en="")
