"""A lesson's sound, from taps to mixes: every room's own tone, heard by all others."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mixer.composite.loudness import BLOCK_SAMPLES, TARGET_LUFS, loudness_lufs
from mixer.composite.noise_gate import HOLD_S, NoiseGate
from mixer.composite.sound_desk import TICK_S, SoundDesk
from mixer.libopus import Samples
from mixer.model import Kind, TapInfo
from tests.recorded_media import SOUND, Encoded, encode_samples, packetise, with_ssrc

HERTZ = {"lead": 500, "east": 800, "west": 1100}
SECONDS = 1.5


def tap(seat_id: str, codec: str = "opus") -> TapInfo:
    ssrc = list(HERTZ).index(seat_id) + 1
    return TapInfo("t", "p", Kind.AUDIO, codec, SOUND.payload_type, 48_000, 2, ssrc)


@cache
def datagrams(seat_id: str, level: float = 0.2) -> list[tuple[float, bytes]]:
    time = np.arange(round(SECONDS * 48_000)) / 48_000
    samples = (32_767 * level * np.sin(2 * np.pi * HERTZ[seat_id] * time)).astype(np.int16)
    return packetise(with_ssrc(SOUND, tap(seat_id).ssrc), encode_samples(samples))


@pytest.fixture
def desk() -> Iterator[SoundDesk]:
    made = SoundDesk()
    for seat_id in HERTZ:
        made.open_channel(seat_id, tap(seat_id))
    yield made
    made.close()


def mixes(desk: SoundDesk, sent: dict[str, list[tuple[float, bytes]]]) -> dict[str, Samples]:
    """The mixes of the last half second; `""` is the shared one."""
    parts: dict[str, list[Samples]] = {}
    for tick in range(round((SECONDS - 0.1) / TICK_S)):
        now = tick * TICK_S
        for seat_id, packets in sent.items():
            for at, data in packets:
                if now - TICK_S < at <= now:
                    desk.handle_datagram(seat_id, data, now)
        shared, own = desk.tick(now)
        if now >= SECONDS - 0.6:
            for name, sound in {"": shared, **own}.items():
                parts.setdefault(name, []).append(sound)
    return {name: np.concatenate(sounds) for name, sounds in parts.items()}


def tones_in(sound: Samples) -> set[str]:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) / len(sound) * 4
    step = 48_000 / len(sound)
    return {
        seat
        for seat, hertz in HERTZ.items()
        if spectrum[round(hertz / step) - 2 : round(hertz / step) + 3].max() > 0.02
    }


def test_everybody_hears_all_but_themselves(desk: SoundDesk) -> None:
    out = mixes(desk, {seat_id: datagrams(seat_id) for seat_id in HERTZ})
    assert {name: tones_in(sound) for name, sound in out.items()} == {
        "": {"lead", "east", "west"},
        "lead": {"east", "west"},
        "east": {"lead", "west"},
        "west": {"lead", "east"},
    }


def test_who_is_not_audible_shares_the_mix_of_all_silent(desk: SoundDesk) -> None:
    hum = datagrams("west", 0.002)
    out = mixes(desk, {"lead": datagrams("lead"), "west": hum})
    assert {name: tones_in(sound) for name, sound in out.items()} == {"": {"lead"}, "lead": set()}


def test_garbage_from_one_is_no_trouble_for_the_others(desk: SoundDesk) -> None:
    rng = random.Random(1)
    noise = [
        (at, rng.choice([data[:12] + rng.randbytes(40), rng.randbytes(30), data[:13], b"\x80"]))
        for at, data in datagrams("west")
    ]
    out = mixes(desk, {"lead": datagrams("lead"), "east": datagrams("east"), "west": noise})
    assert {"lead", "east"} <= tones_in(out[""])
    assert tones_in(out["lead"]) >= {"east"}
    assert all(np.isfinite(sound).all() for sound in out.values())
    assert desk.malformed_packets > 10


def test_rooms_of_unlike_loudness_come_nearer(desk: SoundDesk) -> None:
    out = mixes(desk, {"lead": datagrams("lead", 0.6), "east": datagrams("east", 0.03)})
    loud, soft = (
        loudness_lufs(out[name][:BLOCK_SAMPLES]) for name in ("east", "lead")
    )  # each hears the other
    assert abs(loud - TARGET_LUFS) < 9
    assert loud - soft < 20 * np.log10(0.6 / 0.03) - 5


def test_a_seat_whose_device_changes_goes_on_with_the_other(desk: SoundDesk) -> None:
    desk.open_channel("east", tap("west"))
    out = mixes(desk, {"east": datagrams("west")})
    assert tones_in(out[""]) == {"west"}
    desk.close_channel("east")
    assert not desk.tick(9.0)[1]


def test_only_opus_is_mixed(desk: SoundDesk) -> None:
    with pytest.raises(ValueError, match="PCMU"):
        desk.open_channel("lead", tap("lead", "PCMU"))


def test_the_gate_opens_at_once_closes_later_and_does_not_click() -> None:
    gate = NoiseGate()
    loud = np.full(960, 0.1, np.float32)
    hum = np.full(960, 0.001, np.float32)
    assert gate.pass_on(hum) is None
    opened = gate.pass_on(loud)
    assert opened is not None
    assert opened[0] == 0 and opened[-1] == loud[-1]
    assert np.abs(np.diff(opened)).max() < 0.001
    passed = [gate.pass_on(hum) for _ in range(40)]
    heard = [one for one in passed if one is not None]
    assert len(heard) == round(HOLD_S / TICK_S)
    assert heard[-1][-1] == 0
    assert gate.pass_on(np.zeros(960, np.float32)) is None


SILENT_S = 30 * 60
# What Opus's own pauses are: a packet that is all header, every 400 ms (RFC 6716 §2.1.9).
PAUSE = Encoded(0.0, bytes([0x78]), True)


@pytest.mark.parametrize("pauses", [True, False], ids=["dtx", "nothing sent"])
def test_after_half_an_hour_of_silence_a_room_is_heard_as_soon_as_before(
    desk: SoundDesk, pauses: bool
) -> None:
    time = np.arange(48_000) / 48_000
    word = encode_samples((6_000 * np.sin(2 * np.pi * HERTZ["east"] * time)).astype(np.int16))
    begins = 1.0 + SILENT_S
    between = [replace(PAUSE, time=1.0 + number * 0.4) for number in range(round(SILENT_S / 0.4))]
    later = [replace(one, time=begins + one.time) for one in word]
    sent = deque(
        packetise(with_ssrc(SOUND, tap("east").ssrc), [*word, *(between if pauses else ()), *later])
    )
    audible: list[float] = []
    last: list[Samples] = []
    for tick in range(round((begins + 1.0) / TICK_S)):
        now = tick * TICK_S
        while sent and sent[0][0] <= now:
            desk.handle_datagram("east", sent.popleft()[1], now)
        shared, own = desk.tick(now)
        if "east" in own:
            audible.append(now)
            last = [*last[-24:], shared]
    assert 0.5 < sum(at < 1.5 for at in audible) * TICK_S < 1.5
    assert not [at for at in audible if 3.0 < at < begins], "nobody is made up"
    again = [at for at in audible if at >= begins]
    assert again[0] - begins <= audible[0] + 0.1
    assert desk.waiting_s < 0.1
    assert tones_in(np.concatenate(last)) == {"east"}
