"""Voices as microphones hear them, in levels alone: people who talk, rooms that return them.

A level every 20 ms in dBov, as a browser writes it into a packet (RFC 6464). Voices are irregular
as people are: no two sentences have the same shape. A room returns a voice later, weaker, blurred
by its walls, over its noise, and with a microphone that turns itself up and down.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence

PACKET_S = 0.02
SILENCE = -127.0

Levels = list[float]


def frames_of(levels: Sequence[float]) -> bytes:
    """The loudest of each tenth of a second, in −dBov, as the pump keeps them."""
    return bytes(
        max(0, min(127, round(-max(levels[first : first + 5]))))
        for first in range(0, len(levels), 5)
    )


def silence(seconds: float) -> Levels:
    """A closed mouth."""
    return [SILENCE] * round(seconds / PACKET_S)


def talk(rng: random.Random, seconds: float, *, dbov: float = -20.0) -> Levels:
    """Sentences of words of syllables, with what lies between them; ends with a syllable."""
    levels: Levels = []
    while len(levels) * PACKET_S < seconds:
        for _word in range(rng.randint(3, 9)):
            for _syllable in range(rng.randint(1, 4)):
                levels += _syllable_of(rng, dbov)
            levels += silence(rng.choice((0, 0, 0.06, 0.14)))
        levels += silence(rng.uniform(0.2, 0.7))
    count = round(seconds / PACKET_S)
    last = _syllable_of(rng, dbov)[:count]
    return levels[: count - len(last)] + last


def _syllable_of(rng: random.Random, dbov: float) -> Levels:
    top = dbov + rng.gauss(0, 4)
    count = rng.randint(5, 14)
    rise = max(1, count // 4)
    return [
        top - (rise - at) * 5 if at < rise else top - (at - rise) * rng.uniform(0.8, 3.0)
        for at in range(count)
    ]


def returned(
    voice: Sequence[float], *, delay_s: float, gain_db: float, reverberation_s: float
) -> Levels:
    """What a loudspeaker and the walls give a microphone of a voice that is played there."""
    decay = 10 ** (-6 * PACKET_S / reverberation_s)
    power, heard = 0.0, silence(delay_s)
    for level in voice[: len(voice) - len(heard)]:
        power = power * decay + 10 ** (level / 10)
        heard.append(10 * math.log10(power + 1e-12) + gain_db)
    return heard


def mixed(*parts: Sequence[float]) -> Levels:
    """Several sounds at one microphone."""
    return [
        10 * math.log10(sum(10 ** (level / 10) for level in at_once))
        for at_once in zip(*parts, strict=True)
    ]


def noise(rng: random.Random, seconds: float, dbov: float) -> Levels:
    """Of a room: never the same, never far from it."""
    return [dbov + rng.gauss(0, 1) for _ in range(round(seconds / PACKET_S))]


def turned_up_and_down(heard: Iterable[float], *, target_dbov: float = -20.0) -> Levels:
    """By an automatic gain: down within two words, up within some seconds, by up to 12 dB."""
    usual, levels = -40.0, []
    for level in heard:
        speed = 0.2 if level > usual else 0.005
        usual += (max(level, -60.0) - usual) * speed
        levels.append(min(0.0, level + max(-12.0, min(12.0, target_dbov - usual))))
    return levels


def at(seconds: float, *parts: tuple[float, Sequence[float]]) -> Levels:
    """Sounds that begin at their time, and nothing between."""
    levels = silence(seconds)
    for begins, part in parts:
        first = round(begins / PACKET_S)
        levels[first : first + len(part)] = part
    return levels[: round(seconds / PACKET_S)]
