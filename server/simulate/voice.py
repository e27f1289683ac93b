"""A seat's voice: something like speech on a base tone of its own.

Owns the sound alone, as numbers; pacing and encoding are `tracks`'. The voice is no real language:
syllables come and go four times a second, vowels glide between two formants, phrases end and
breathe. It stays pleasant when three rooms talk, and its base tone stays exact so that a receiver
can tell who speaks (`identity.heard_tones`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from server.simulate.identity import tone_hz

SAMPLE_RATE = 48_000
LOOP_S = 8
# −18 dBFS while speaking: as loud as a person at a desk microphone, with room for the formants.
_BASE_AMPLITUDE = 0.12
_SYLLABLE_S = 0.25  # four a second, an unhurried speaker
_PHRASE_SYLLABLES = (7, 1, 5, 1, 8, 1, 6, 3)  # spoken, silent, spoken, … together 32 = 8 s
_VOWELS_HZ = ((800, 1150), (350, 2000), (450, 800), (325, 700), (400, 1700))  # a e o u i, roughly

Sound = npt.NDArray[np.int16]


def speech_loop(identity: int) -> Sound:
    """Eight seconds of the seat's voice, mono at 48 kHz, that repeat without a seam."""
    rng = np.random.default_rng(identity)
    count = LOOP_S * SAMPLE_RATE
    times = np.arange(count) / SAMPLE_RATE
    base_hz = tone_hz(identity)
    envelope, first_hz, second_hz = _syllables(rng, count)
    wave = np.sin(2 * np.pi * base_hz * times)
    for overtone in range(2, 6):
        hz = base_hz * overtone
        near = np.exp(-(((hz - first_hz) / 300) ** 2)) + 0.5 * np.exp(
            -(((hz - second_hz) / 400) ** 2)
        )
        wave += 0.6 * near * np.sin(2 * np.pi * hz * times)
    # A little breath between 1 and 4 kHz makes it less of a whistle.
    breath = rng.standard_normal(count)
    wave += 0.03 * (breath - np.roll(breath, 12))
    sound = _BASE_AMPLITUDE * envelope * wave
    return np.clip(sound * 32767, -32768, 32767).astype(np.int16)


def _syllables(
    rng: np.random.Generator, count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Loudness and the two formants over the loop: phrases of syllables, pauses between."""
    length = int(_SYLLABLE_S * SAMPLE_RATE)
    envelope = np.zeros(count)
    first_hz, second_hz = np.full(count, 500.0), np.full(count, 1500.0)
    # Rises in a fifth of the syllable, falls over the rest, never quite to silence inside a word.
    phase = np.arange(length) / length
    shape = 0.25 + 0.75 * np.sin(np.pi * phase**0.6) ** 2
    at = 0
    for turn, syllables in enumerate(_PHRASE_SYLLABLES):
        for index in range(syllables):
            part = slice(at, at + length)
            at += length
            if turn % 2:
                continue
            word_end = index == syllables - 1
            envelope[part] = shape * rng.uniform(0.7, 1.0) * (0.6 if word_end else 1.0)
            first_hz[part], second_hz[part] = _VOWELS_HZ[int(rng.integers(len(_VOWELS_HZ)))]
    smooth = np.hanning(int(0.02 * SAMPLE_RATE))  # 20 ms: no clicks where syllables meet
    smooth /= smooth.sum()
    blurred = [_blur_around(values, smooth) for values in (envelope, first_hz, second_hz)]
    return blurred[0], blurred[1], blurred[2]


def _blur_around(
    values: npt.NDArray[np.float64], kernel: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Convolution that wraps, so that the loop's end meets its beginning."""
    padded = np.concatenate((values[-len(kernel) :], values, values[: len(kernel)]))
    blurred = np.convolve(padded, kernel, mode="same")[len(kernel) : -len(kernel)]
    return np.asarray(blurred, dtype=np.float64)
