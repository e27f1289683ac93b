"""Gapless sound: end to end, never far from where it belongs, silence where nothing was sent."""

from __future__ import annotations

import random

import av
import numpy as np
import pytest

from recorder.gapless_sound import RATE, GaplessSound, SoundPacket

TONE = b"tone"


def run(targets: list[int], *, end: int) -> tuple[GaplessSound, list[SoundPacket]]:
    gapless = GaplessSound()
    packets = [p for target in targets for p in gapless.place(target, 960, TONE)]
    packets += list(gapless.fill(end))
    return gapless, packets


@pytest.mark.parametrize(
    ("targets", "end", "silent_samples", "left_out"),
    [
        ([0, 960, 1920], 2880, 0, 0),
        ([48_000, 48_960], 49_920, 48_000, 0),
        ([0, 960, 96_000], 96_960, 94_080, 0),
        ([0, 960], 48_000, 46_080, 0),
        ([0, 960, 1000, 1920], 2880, 0, 1),
        ([200, 1160], 2100, 120, 0),
    ],
    ids=["contiguous", "late begin", "hole", "early end", "twice", "a little late"],
)
def test_holes_are_filled(targets: list[int], end: int, silent_samples: int, left_out: int) -> None:
    gapless, packets = run(targets, end=end)
    at = 0
    for packet in packets:
        assert packet.pts == at
        at += packet.samples
    assert sum(p.samples for p in packets if p.data != TONE) == silent_samples
    assert gapless.left_out == left_out
    assert end - at < 120


@pytest.mark.parametrize("drift", [100e-6, -100e-6, 500e-6, -500e-6])
def test_a_drifting_sender_stays_within_20_ms(drift: float) -> None:
    gapless = GaplessSound()
    corrections = 0
    for index in range(50 * 60 * 40):
        target = round(index * 960 * (1 + drift))
        for packet in gapless.place(target, 960, TONE):
            if packet.data == TONE:
                assert abs(packet.pts - target) <= 0.020 * RATE
            else:
                corrections += 1
    # 500 ppm over 40 minutes are 1.2 s; it is not made of more corrections than that needs.
    assert corrections + gapless.left_out <= abs(drift) * 2400 / 0.0025 + 1


def test_random_losses_and_pauses_never_overlap() -> None:
    rng = random.Random(2)
    gapless, at, cursor = GaplessSound(), 0, 0
    for _ in range(5000):
        at += 960 if rng.random() < 0.9 else 960 * rng.randint(2, 50)
        for packet in gapless.place(at, 960, TONE):
            assert packet.pts == cursor
            cursor += packet.samples
            if packet.data == TONE:
                assert abs(packet.pts - at) <= 600


def test_the_silence_is_silent_and_as_long_as_said() -> None:
    """libopus decodes our packets to zeros of exactly the length we count them with."""
    _, packets = run([], end=960 * 5 + 120 * 3)
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate = RATE
    decoder.layout = "stereo"
    decoder.open()
    total = 0
    for packet in packets:
        for frame in decoder.decode(av.Packet(packet.data)):
            total += frame.samples
            loudest = 1.0 if frame.format.name.startswith("s16") else 1 / 32_768
            assert np.abs(frame.to_ndarray().astype(np.float64)).max() <= loudest
    assert total == 960 * 5 + 120 * 3
