"""What `room_agent.sounding.alsa` leans on in libasound: its functions, and what they answer.

The devices are files (`tests.sound_devices`): ALSA's own plug-ins, so that its real code runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hardware_profiles.room_agent.sounding import alsa
from hardware_profiles.room_agent.sounding.alsa import AlsaError, AlsaLoudspeaker, AlsaMicrophone
from tests.sound_devices import RATE, SoundDevices, tone

BLOCK = 480


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundDevices]:
    devices = SoundDevices(tmp_path)
    monkeypatch.setenv("ALSA_CONFIG_PATH", devices.settings)
    alsa.library().snd_config_update_free_global()  # another test's settings
    yield devices
    devices.close()
    alsa.library().snd_config_update_free_global()


@pytest.mark.parametrize("name", ["no-such-device", "plughw:CARD=NoSuchCard", "hw:31"])
def test_what_is_not_there_is_missing(devices: SoundDevices, name: str) -> None:
    for opened in (AlsaMicrophone, AlsaLoudspeaker):
        with pytest.raises(AlsaError) as caught:
            opened(name)
        assert caught.value.word == "missing"


def test_a_microphones_samples_come_as_they_are(devices: SoundDevices) -> None:
    microphone = AlsaMicrophone(devices.microphone)
    try:
        devices.plug_in(tone(1_000))
        got: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = []
        until = time.monotonic() + 20
        while len(got) < 100 and time.monotonic() < until:
            block = microphone.read(BLOCK, 0.1)
            if block is not None:
                got.append(block)
        heard = np.concatenate(got)
        spectrum = np.abs(np.fft.rfft(heard[-RATE // 2 :]))
        assert np.argmax(spectrum) * 2 == 1_000
        assert 0.28 < np.abs(heard).max() < 0.31
        assert microphone.delay >= 0 and microphone.lost == 0
    finally:
        microphone.close()
        microphone.close()


def test_a_loudspeaker_plays_what_it_is_given_and_never_waits(devices: SoundDevices) -> None:
    speaker = AlsaLoudspeaker(devices.loudspeaker)
    began = time.monotonic()
    for number in range(100):
        speaker.play(np.full(BLOCK, number / 200, np.float32))
    assert time.monotonic() - began < 5
    speaker.close()
    played = np.frombuffer(devices.played.read_bytes(), "<i2")
    assert not played[: AlsaLoudspeaker.AHEAD].any()
    blocks = played[AlsaLoudspeaker.AHEAD :].reshape(-1, BLOCK)
    assert [round(int(block[0]) * 200 / 32767) for block in blocks] == list(range(100))


def test_what_is_too_loud_is_full_scale_and_turns_round_nothing(devices: SoundDevices) -> None:
    speaker = AlsaLoudspeaker(devices.loudspeaker)
    speaker.play(np.array([3.0, -3.0] * 240, np.float32))
    speaker.close()
    played = np.frombuffer(devices.played.read_bytes(), "<i2")
    assert (played.max(), played.min()) == (32_767, -32_767)
