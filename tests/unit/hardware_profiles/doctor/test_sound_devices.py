"""Microphone and loudspeaker as ALSA's own devices that read and write files: a real open, real
blocks, a real loop.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import numpy as np
import pytest

from hardware_profiles.doctor.findings import Both, Checked, Grade
from hardware_profiles.doctor.loop import sweeps
from hardware_profiles.doctor.sound import SoundDevices, try_sound
from tests.unit.hardware_profiles.doctor.room_sounds import heard_in_a_room

DEVICES = """\
pcm.room_in { type file slave.pcm { type null } file "/dev/null" infile "%s/heard.raw" format raw }
pcm.room_out { type file slave.pcm { type null } file "%s/played.raw" format raw }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings = tmp_path / "asound.conf"
    settings.write_text(DEVICES % (tmp_path, tmp_path))
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(settings))
    return tmp_path


async def tried(microphone: str, speaker: str, *, spoke: bool = False) -> dict[str, Checked]:
    said: list[Both] = []
    found = await try_sound(
        SoundDevices(microphone, speaker), cancels_echo=True, say=said.append, spoke=spoke
    )
    return {finding.check: finding for finding in found}


def gives(folder: Path, **room: float) -> None:
    heard = heard_in_a_room(spoken_s=0.5, **room)
    (heard * 32_767).astype(np.int16).tofile(folder / "heard.raw")


async def test_what_is_played_is_heard_through_the_devices(folder: Path) -> None:
    gives(folder, delay_s=0.12)
    found = await tried("room_in", "room_out")
    assert found["speaker"].verdict is Grade.GOOD
    # The recording began some blocks before it was played: the file is no room.
    assert found["loop"].figures["delay_ms"] == pytest.approx(120, abs=2)
    played = np.fromfile(folder / "played.raw", np.int16) / 32_767
    assert len(played) >= len(sweeps())
    assert np.abs(played[: len(sweeps())] - sweeps()).max() < 0.001


@pytest.mark.thorough
async def test_a_loudspeaker_that_nobody_hears(folder: Path) -> None:
    gives(folder, played=0.0)
    assert (await tried("room_in", "room_out"))["speaker"].verdict is Grade.WEAK


@pytest.mark.thorough
async def test_devices_that_are_not_there_are_told_apart(folder: Path) -> None:
    gives(folder)
    without_speaker = await tried("room_in", "nobody")
    assert without_speaker["microphone"].verdict is Grade.UNTRIED
    assert without_speaker["speaker"].verdict is Grade.BAD
    without_microphone = await tried("nobody", "room_out")
    assert without_microphone["microphone"].verdict is Grade.BAD
    assert without_microphone["speaker"].verdict is not Grade.BAD, "it was played all the same"
    untried = await tried("", "")
    assert {one.verdict for one in untried.values()} == {Grade.UNTRIED}


@pytest.mark.thorough
async def test_a_microphone_that_hangs_ends_in_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that nobody writes to: opened, and never a sample."""
    monkeypatch.setattr("hardware_profiles.doctor.sound._BEGINS_S", 1.0)
    os.mkfifo(folder / "heard.raw")
    began = time.monotonic()
    found = await asyncio.wait_for(tried("room_in", "room_out"), 20)
    assert found["microphone"].verdict is Grade.BAD
    assert time.monotonic() - began < 12
