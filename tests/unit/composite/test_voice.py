"""One voice: packets in, 20 ms at every tick out, with nobody hearing the joints."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest

from mixer.composite.voice import FRAME_SAMPLES, Voice, shortened
from mixer.libopus import Samples
from mixer.rtp.packet import RtpPacket
from tests.recorded_media import SOUND, encode_samples, packetise

HZ = 440


def tone(seconds: float, hertz: float = HZ) -> Samples:
    time = np.arange(round(seconds * 48_000)) / 48_000
    return (0.4 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


@cache
def datagrams() -> tuple[tuple[float, bytes], ...]:
    samples = (tone(4.0) * 32_767).astype(np.int16)
    return tuple(packetise(SOUND, encode_samples(samples, bit_rate=64_000)))


def heard(
    arrivals: list[tuple[float, bytes]], seconds: float
) -> tuple[list[Samples | None], Voice]:
    voice = Voice()
    waiting = sorted(arrivals, key=lambda one: one[0])
    out = []
    for tick in range(round(seconds / 0.02)):
        now = tick * 0.02
        while waiting and waiting[0][0] <= now:
            at, data = waiting.pop(0)
            voice.push(RtpPacket.parse(data), at)
        out.append(voice.pull(now))
    voice.close()
    return out, voice


def dominant_hertz(sound: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * 48_000 / len(sound))


def test_a_voice_comes_out_as_it_went_in() -> None:
    frames, voice = heard(list(datagrams()), 3.9)
    begins = next(tick for tick, frame in enumerate(frames) if frame is not None)
    assert begins <= 4, "it waits for little on a clean line"
    sound = np.concatenate([frame for frame in frames if frame is not None])
    assert len(sound) == (len(frames) - begins) * FRAME_SAMPLES
    assert dominant_hertz(sound[4800:52_800]) == pytest.approx(HZ, abs=1)
    assert voice.concealed_samples == 0


def test_lost_packets_leave_no_hole() -> None:
    rng = random.Random(1)
    kept = [one for one in datagrams() if one[0] < 0.2 or rng.random() > 0.1]
    frames, voice = heard(kept, 3.9)
    sound = np.concatenate([frame for frame in frames if frame is not None])
    loud = [float(np.abs(part).max()) for part in sound[9600:-9600].reshape(-1, 480)]
    assert min(loud) > 0.1
    assert voice.concealed_samples + voice.recovered_samples > 10 * FRAME_SAMPLES


def test_garbage_is_concealed() -> None:
    rng = random.Random(2)
    arrivals = []
    for at, data in datagrams():
        garbage = data[:12] + rng.randbytes(50)
        arrivals.append((at, garbage if 1.0 < at < 2.0 else data))
    frames, _ = heard(arrivals, 3.9)
    assert all(frame is None or np.isfinite(frame).all() for frame in frames)
    end = np.concatenate([frame for frame in frames[150:190] if frame is not None])
    assert dominant_hertz(end) == pytest.approx(HZ, abs=2)


def test_who_stops_is_silent_and_comes_back() -> None:
    frames, _ = heard([one for one in datagrams() if not 1.0 < one[0] < 2.0], 3.9)
    assert all(frame is None for frame in frames[65:98])
    assert all(frame is not None for frame in frames[106:190])


@pytest.mark.parametrize("hertz", [110, 220, 440])
def test_what_is_hurried_is_shorter_and_no_higher(hertz: int) -> None:
    sound = tone(1.0, hertz)
    parts = [shortened(sound[at : at + 960]) for at in range(0, len(sound) - 959, 960)]
    assert all(480 <= len(part) <= 840 for part in parts)
    joined = np.concatenate(parts)
    assert dominant_hertz(joined) == pytest.approx(hertz, rel=0.08)
    assert np.abs(np.diff(joined)).max() < 3 * np.abs(np.diff(sound)).max()


def test_what_is_too_short_is_not_shortened() -> None:
    short = tone(0.01)
    assert shortened(short) is short
