"""A camera's coded sound is heard at its place; bytes that are none are a hole, and no more."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import av
import numpy as np
import pytest

from hardware_profiles.room_agent.sounding.coded import CODECS, CodedSound
from mixer.libopus import Samples

TONE_HZ = 500.0
# By the description's name: libav's encoder, its samples, samples a second, samples a packet.
ENCODERS = {
    "PCMA": ("pcm_alaw", "s16", 8_000, 160),
    "PCMU": ("pcm_mulaw", "s16", 8_000, 320),
    "G722": ("g722", "s16", 16_000, 320),
    "MPEG4-GENERIC": ("aac", "fltp", 16_000, 1_024),
}


def coded(codec: str, packets: int) -> tuple[CodedSound, list[bytes], int]:
    """A decoder, packets of a tone for it, and samples of 48 kHz a packet."""
    encoder, kind, rate, samples = ENCODERS[codec]
    context: Any = av.CodecContext.create(encoder, "w")
    context.sample_rate, context.layout, context.format = rate, "mono", kind
    out: list[bytes] = []
    for number in range(packets):
        at = (np.arange(samples) + number * samples) / rate
        wave = 0.3 * np.sin(2 * np.pi * TONE_HZ * at)[None, :]
        data = (wave * 32767).astype(np.int16) if kind == "s16" else wave.astype(np.float32)
        frame = av.AudioFrame.from_ndarray(data, format=kind, layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, number * samples, Fraction(1, rate)
        out += [bytes(packet) for packet in context.encode(frame)]
    clock = 8_000 if codec == "G722" else rate
    return (
        CodedSound(codec, clock, 1, bytes(context.extradata or b"")),
        out,
        samples * 48_000 // rate,
    )


def loudest_hz(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * 48_000 / len(samples)


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_a_tone_is_that_tone_and_its_samples_follow_each_other(codec: str) -> None:
    sound, packets, step = coded(codec, 60)
    pieces = [
        piece for number, data in enumerate(packets) for piece in sound.of(data, 7 + number * step)
    ]
    expected = pieces[0][0]
    for position, samples in pieces:
        assert abs(position - expected) <= 960
        expected = position + len(samples)
    together = np.concatenate([samples for _, samples in pieces])
    assert loudest_hz(together[-24_000:]) == pytest.approx(TONE_HZ, abs=3)
    assert 0.25 < np.abs(together[-24_000:]).max() < 0.4
    assert len(together) == pytest.approx(len(packets) * step, abs=2 * step)


def test_a_hole_moves_what_follows_to_its_place() -> None:
    sound, packets, step = coded("PCMA", 20)
    list(sound.of(packets[0], 0))
    ((position, _), *_) = list(sound.of(packets[1], 100 * step))
    assert position == 100 * step


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_random_bytes_are_a_hole_and_the_next_packet_is_heard(codec: str) -> None:
    rng = Random(3)
    sound, packets, step = coded(codec, 80)
    for number in range(300):
        data = bytearray(packets[number % len(packets)] if number % 3 else rng.randbytes(200))
        for _ in range(rng.randrange(6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        list(sound.of(bytes(data), number * step))
    heard = [
        samples
        for number, data in enumerate(packets)
        for _, samples in sound.of(data, (300 + number) * step)
    ]
    assert loudest_hz(np.concatenate(heard)[-24_000:]) == pytest.approx(TONE_HZ, abs=3)


def test_another_codec_is_refused() -> None:
    with pytest.raises(ValueError, match="codec"):
        CodedSound("VORBIS", 48_000, 2, b"")
