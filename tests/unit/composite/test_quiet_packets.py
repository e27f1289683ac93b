"""A quiet room costs no decoding, and its first word is heard whole, whatever its sender says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mixer.composite.process.mix_encoder import SILENT_TICKS, MixEncoder
from mixer.composite.quiet_packets import CHECKED_EVERY, QUIET_LEVEL, is_quiet
from mixer.composite.sound_desk import TICK_S, SoundDesk
from mixer.composite.voice import FRAME_SAMPLES
from mixer.libopus import Samples
from mixer.model import Kind, TapInfo
from mixer.rtp.packet import DatagramKind, HeaderExtension, RtpPacket, datagram_kind
from tests.recorded_media import SOUND, encode_samples, packetise

LEVEL_ID = 3
TAP = TapInfo(
    "t", "p", Kind.AUDIO, "opus", SOUND.payload_type, 48_000, 2, SOUND.ssrc, audio_level_id=LEVEL_ID
)
HUM, VOICE = 0.001, 0.2  # −63 and −17 dBFS
SPEAKS_AT_S = 2.5
SECONDS = 4.0

Levels = Callable[[float], int | None]


def truth(at: float) -> int:
    return 17 if at >= SPEAKS_AT_S else 63


def nothing(_at: float) -> None:
    return None


def always_quiet(_at: float) -> int:
    return 127


@cache
def sent() -> list[tuple[float, bytes]]:
    """A room that hums, then speaks."""
    times = np.arange(round(SECONDS * 48_000)) / 48_000
    loudness = np.where(times < SPEAKS_AT_S, HUM, VOICE)
    samples = (32_767 * loudness * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
    return packetise(SOUND, encode_samples(samples))


def heard(levels: Levels) -> tuple[Samples, int]:
    """What others hear, and how many packets were decoded for it."""
    desk = SoundDesk()
    desk.open_channel("east", TAP)
    waiting = list(sent())
    sounds = []
    for tick in range(round((SECONDS - 0.1) / TICK_S)):
        now = tick * TICK_S
        while waiting and waiting[0][0] <= now:
            at, data = waiting.pop(0)
            level = levels(at)
            if level is not None and datagram_kind(data) is DatagramKind.RTP:
                extension = HeaderExtension(LEVEL_ID, bytes([level]))
                data = replace(RtpPacket.parse(data), extensions=(extension,)).serialize()
            desk.handle_datagram("east", data, now)
        sounds.append(desk.tick(now)[0])
    decoded = desk.decoded_packets
    desk.close()
    return np.concatenate(sounds), decoded


def begins_at(sound: Samples) -> float:
    return float(np.argmax(np.abs(sound) > 0.02)) / 48_000


def test_a_room_that_says_it_is_quiet_is_not_decoded_and_sounds_as_if_it_were() -> None:
    plain, all_of_them = heard(nothing)
    sound, decoded = heard(truth)
    quiet_packets = SPEAKS_AT_S / 0.02
    assert all_of_them > quiet_packets + 50
    assert all_of_them - decoded > 0.9 * quiet_packets
    assert 0.01 < begins_at(plain) - SPEAKS_AT_S < 0.2
    assert begins_at(sound) == pytest.approx(begins_at(plain), abs=0.001)
    assert np.abs(sound - plain).max() < 0.02, "the decoder had warmed up"


def test_who_says_quiet_and_is_loud_is_heard_within_a_second_and_believed_no_more() -> None:
    sound, decoded = heard(always_quiet)
    assert begins_at(sound) - SPEAKS_AT_S < CHECKED_EVERY * 0.02 + 0.2
    assert np.abs(sound[-24_000:]).max() > 0.1
    assert decoded < 100 + CHECKED_EVERY


@pytest.mark.parametrize(
    ("level", "quiet"),
    [
        (None, False),
        (b"", False),
        (bytes([0]), False),
        (bytes([QUIET_LEVEL - 1]), False),
        (bytes([QUIET_LEVEL]), True),
        (bytes([0x80 | 60]), True),
        (bytes([127]), True),
    ],
)
def test_what_is_quiet(level: bytes | None, quiet: bool) -> None:
    assert is_quiet(level) is quiet


def test_a_mix_without_anybody_in_it_is_sent_now_and_then() -> None:
    encoder = MixEncoder()
    silence: Samples = np.zeros(FRAME_SAMPLES, np.float32)
    tone: Samples = (np.sin(np.arange(FRAME_SAMPLES) / 20) / 4).astype(np.float32)
    assert all(encoder.encode(tone) for _ in range(10))
    made = [encoder.encode(silence) is not None for _ in range(3 * SILENT_TICKS)]
    assert [tick for tick, one in enumerate(made) if one] == [0, SILENT_TICKS, 2 * SILENT_TICKS]
    again = encoder.encode(tone)
    assert again is not None
    assert again.level[0] & 0x7F < 20
