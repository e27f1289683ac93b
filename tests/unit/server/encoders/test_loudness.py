"""How loud an encoder's sound is: by it a lesson sees who speaks."""

from __future__ import annotations

import numpy as np

from mixer.composite.process.sound_encoder import SoundEncoder
from mixer.rtp.packet import parse_audio_level
from server.encoders.loudness import Loudness


def test_a_tone_is_loud_and_silence_is_not() -> None:
    encoder, loudness = SoundEncoder(), Loudness()
    times = np.arange(960) / 48_000
    told = []
    for amplitude in (0.5, 0.0):
        sound = (amplitude * np.sin(2 * np.pi * 400 * times)).astype(np.float32)
        for _ in range(10):
            packet = encoder.encode(sound)
            level = loudness.of(packet)
        told.append(parse_audio_level(level))
    (voice, loud), (silent, quiet) = told
    assert (voice, silent) == (True, False)
    assert loud < 15 and quiet > 60
    assert loudness.of(b"\xff\xff\xff") == b"", "what is no Opus has no level"
    loudness.close()
    assert loudness.of(packet) == b""
