"""What the sound's repair is worth, and how late it comes: in virtual time, by the parts in use."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np

from mixer.composite.jitter_buffer import JitterBuffer, Play
from mixer.composite.process.sound_encoder import SoundEncoder
from mixer.composite.voice import FRAME_SAMPLES
from mixer.libopus import OpusDecoder, Samples
from mixer.rtp.packet import RtpPacket

_PACKET_S = 0.02
_LOST = 10  # every tenth
# What comes after the buffer: the limiter's 2.5 ms and Opus' 6.5.
_BEHIND_S = 0.009
_TOC = bytes([31 << 3])  # a packet of 20 ms, mono (RFC 6716 §3.1)
_STALL_S, _STALLED_AT_S, _AFTER_S, _SECONDS = 0.3, 10.0, 10.0, 40


def repaired_db() -> dict[str, float]:
    """Signal over noise, every tenth packet lost: zeros, concealed, from the next one's copy."""
    encoder = SoundEncoder()
    packets = [encoder.encode(frame) for frame in _voice().reshape(-1, FRAME_SAMPLES)]
    whole = _decoded(packets, lambda decoder, number: decoder.decode(packets[number]))
    ways: dict[str, Callable[[OpusDecoder, int], Samples]] = {
        "zeros": lambda _, __: np.zeros(FRAME_SAMPLES, np.float32),
        "concealed": lambda decoder, _: decoder.conceal(FRAME_SAMPLES),
        "fec": lambda decoder, number: decoder.recover(packets[number + 1], FRAME_SAMPLES),
    }
    found = {}
    for name, way in ways.items():
        noise = whole - _decoded(packets, way)
        found[name] = 10 * math.log10(np.square(whole).sum() / np.square(noise).sum())
    return found


def added_delay_ms() -> dict[str, float]:
    """The longest from a packet's arrival to its mix: on a clean line, 10 s after a stall."""
    rng = random.Random(7)
    clean = _played(lambda _: rng.uniform(0, 0.004))

    def stalling(number: int) -> float:
        into_s = number * _PACKET_S - _STALLED_AT_S
        return _STALL_S - into_s if 0 <= into_s < _STALL_S else rng.uniform(0, 0.004)

    after = _played(stalling)
    from_s = _STALLED_AT_S + _STALL_S + _AFTER_S
    return {
        "clean": 1000 * max(delay for _, delay in clean),
        "after_a_stall": 1000 * max(delay for at, delay in after if at >= from_s),
    }


def _voice() -> Samples:
    """Four seconds of a gliding voice with pauses between its syllables."""
    times = np.arange(4 * 48_000) / 48_000
    pitch = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.9 * times)) / 48_000
    tone = sum(np.sin(pitch * harmonic) / harmonic for harmonic in range(1, 12))
    return (0.2 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * times))).astype(np.float32)


def _decoded(packets: list[bytes], lost: Callable[[OpusDecoder, int], Samples]) -> Samples:
    decoder = OpusDecoder()
    parts = []
    for number, packet in enumerate(packets[:-1]):
        is_lost = number % _LOST == _LOST // 2
        parts.append(lost(decoder, number) if is_lost else decoder.decode(packet))
    decoder.close()
    return np.concatenate(parts)


def _played(late_s: Callable[[int], float]) -> list[tuple[float, float]]:
    """(When played, how long after what an undelayed packet's arrival would have been)."""
    buffer = JitterBuffer()
    arrivals = sorted((n * _PACKET_S + late_s(n), n) for n in range(round(_SECONDS / _PACKET_S)))
    played = []
    owed = 0.0
    for tick in range(round(_SECONDS / _PACKET_S)):
        now = tick * _PACKET_S + 0.01  # ticks and packets are half a period apart
        while arrivals and arrivals[0][0] <= now:
            at, number = arrivals.pop(0)
            payload = _TOC + number.to_bytes(4, "big")
            packet = RtpPacket(111, number & 0xFFFF, number * FRAME_SAMPLES, 1, payload)
            buffer.push(packet, at)
        owed += _PACKET_S
        while owed > 1e-9:
            out = buffer.pop(now)
            hurried = isinstance(out, Play) and out.hurry
            if isinstance(out, Play):
                number = int.from_bytes(out.payload[1:], "big")
                played.append((now, now - number * _PACKET_S + _BEHIND_S))
            owed -= _PACKET_S / 2 if hurried else _PACKET_S
    return played
