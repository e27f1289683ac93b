"""Everybody hears all but themselves, nothing clips, and all rooms are equally loud."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import av
import av.error
import av.filter
import numpy as np
import pytest

from mixer.composite.loudness import (
    BLOCK_SAMPLES,
    GATE_LUFS,
    MOST_GAIN_DB,
    TARGET_LUFS,
    Leveller,
    loudness_lufs,
)
from mixer.composite.mixing import CEILING, Limiter, Mixer
from mixer.composite.voice import FRAME_SAMPLES
from mixer.libopus import Samples

# Each room's own tone: whole periods in a frame, so that they can be told apart exactly.
HERTZ = {"lead": 500, "east": 800, "west": 1100, "north": 1700}


def tone(hertz: float, frame: int, level: float) -> Samples:
    time = (np.arange(FRAME_SAMPLES) + frame * FRAME_SAMPLES) / 48_000
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def tones_in(sound: Samples) -> set[str]:
    spectrum = np.abs(np.fft.rfft(sound)) / len(sound) * 2
    return {seat for seat, hertz in HERTZ.items() if spectrum[hertz * len(sound) // 48_000] > 0.02}


def mixed(voices: list[dict[str, float]]) -> dict[str, Samples]:
    """The mixes over some frames; `""` is the shared one."""
    mixer = Mixer()
    parts: dict[str, list[Samples]] = {}
    for frame, levels in enumerate(voices):
        shared, own = mixer.mix(
            {seat: tone(HERTZ[seat], frame, level) for seat, level in levels.items()}
        )
        for seat, sound in {"": shared, **own}.items():
            parts.setdefault(seat, []).append(sound)
    return {seat: np.concatenate(sounds) for seat, sounds in parts.items()}


def test_everybody_hears_all_but_themselves() -> None:
    out = mixed([{"lead": 0.1, "east": 0.1, "west": 0.1}] * 10)
    assert {seat: tones_in(sound[960:]) for seat, sound in out.items()} == {
        "": {"lead", "east", "west"},
        "lead": {"east", "west"},
        "east": {"lead", "west"},
        "west": {"lead", "east"},
    }


def test_as_many_mixes_as_are_audible_and_one_for_all_others() -> None:
    assert set(mixed([{}])) == {""}
    assert set(mixed([{"east": 0.1}])) == {"", "east"}
    assert not mixed([{"east": 0.1}] * 3)["east"].any()


def test_who_begins_to_speak_goes_on_hearing_without_a_click() -> None:
    mixer = Mixer()
    shared, _ = mixer.mix({"lead": tone(500, 0, 0.3)})
    _, own = mixer.mix({"lead": tone(500, 1, 0.3), "east": tone(800, 1, 0.3)})
    joined = np.concatenate([shared, own["east"]])
    usual = np.abs(np.diff(tone(500, 0, 0.3))).max()
    assert np.abs(np.diff(joined[240:])).max() < 1.05 * usual


@pytest.mark.parametrize("level", [0.2, 0.5, 1.0, 10.0])
def test_nothing_clips_however_many_are_loud(level: float) -> None:
    out = mixed([dict.fromkeys(HERTZ, 0.05), *[dict.fromkeys(HERTZ, level)] * 20])[""]
    assert np.abs(out).max() <= CEILING + 1e-6
    flat = np.abs(out) > CEILING - 1e-6
    assert not (flat[:-2] & flat[1:-1] & flat[2:]).any(), "nothing is cut off"
    assert tones_in(out[9600:]) == set(HERTZ)


def test_what_is_soft_passes_as_it_is() -> None:
    limiter = Limiter()
    frames = [tone(500, frame, 0.5) for frame in range(10)]
    out = np.concatenate([limiter.limit(frame) for frame in frames])
    assert np.allclose(out[120:], np.concatenate(frames)[:-120], atol=1e-6)


def test_after_a_peak_it_lets_go_slowly() -> None:
    limiter = Limiter()
    limiter.limit(tone(500, 0, 3.0))
    levels = [float(np.abs(limiter.limit(tone(500, frame, 0.5))).max()) for frame in range(1, 40)]
    assert levels[1] < 0.25
    assert levels[-1] == pytest.approx(0.5, abs=0.01)
    assert all(later >= earlier - 0.01 for earlier, later in pairwise(levels[1:]))


def ebur128(sound: Samples) -> float:
    """The momentary loudness at its end as libavfilter's `ebur128` has it: not ours."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        sample_rate=48_000, format="flt", layout="mono", time_base=Fraction(1, 48_000)
    )
    meter = graph.add("ebur128", "metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(sound[None, :], format="flt", layout="mono")
    frame.sample_rate, frame.pts = 48_000, 0
    graph.push(frame)
    graph.push(None)
    last = math.nan
    while True:
        try:
            out = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return last
        last = float(out.metadata.get("lavfi.r128.M", last))


@pytest.mark.parametrize("hertz", [60, 200, 1000, 3000, 9000])
def test_loudness_is_as_libavfilter_measures_it(hertz: int) -> None:
    time = np.arange(BLOCK_SAMPLES * 2) / 48_000
    sound = (0.25 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
    assert loudness_lufs(sound[BLOCK_SAMPLES:]) == pytest.approx(ebur128(sound), abs=0.3)


def test_a_full_tone_of_one_kilohertz_is_the_standards_own_example() -> None:
    """BS.1770-5 annex 1: a 0 dBFS sine of 997 Hz in one channel is −3.01 LKFS."""
    time = np.arange(BLOCK_SAMPLES) / 48_000
    sound = np.sin(2 * np.pi * 997 * time).astype(np.float32)
    assert loudness_lufs(sound) == pytest.approx(-3.01, abs=0.1)
    assert loudness_lufs(np.zeros(BLOCK_SAMPLES, np.float32)) == -math.inf


def levelled(level: float, seconds: float, leveller: Leveller) -> Samples:
    frames = round(seconds / 0.02)
    return np.concatenate([leveller.level(tone(997, frame, level)) for frame in range(frames)])


@pytest.mark.parametrize("level", [0.05, 0.1, 0.3])
def test_every_room_comes_to_the_same_loudness(level: float) -> None:
    out = levelled(level, 8, Leveller())
    assert loudness_lufs(out[-BLOCK_SAMPLES:]) == pytest.approx(TARGET_LUFS, abs=0.5)


def test_the_gain_moves_slowly_and_has_an_end() -> None:
    leveller = Leveller()
    out = levelled(0.01, 1, leveller)
    assert 0 < leveller.gain_db <= 2.0
    levelled(0.01, 7, leveller)
    assert leveller.gain_db == MOST_GAIN_DB
    assert np.isfinite(out).all()


def test_silence_moves_nothing() -> None:
    leveller = Leveller()
    levelled(0.1, 5, leveller)
    gain = leveller.gain_db
    levelled(10 ** (GATE_LUFS / 20) / 4, 4, leveller)
    assert leveller.gain_db == pytest.approx(gain, abs=0.5)
