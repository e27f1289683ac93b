"""What it costs to carry a room's sound: taken, cleaned and packed, by what is done to it."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import av
import numpy as np

from hardware_profiles.room_agent.sounding.coded import CodedSound
from hardware_profiles.room_agent.sounding.desk import CodedTurn, Desk, Player
from hardware_profiles.room_agent.sounding.echo import BLOCK, RATE, ProcessingSteps
from mixer.libopus import Samples
from server.simulate.voice import speech_loop

SECONDS = 16
BITRATE_BPS = 40_000
PLAIN, CLEANED = "a sound card", "a sound card, echo and noise taken out"
# As the camera sends it: libav's encoder, samples a second, samples a packet.
CAMERAS = {
    "a camera's G.711": ("PCMA", "pcm_alaw", 8_000, 160),
    "a camera's AAC": ("MPEG4-GENERIC", "aac", 16_000, 1_024),
}
SOUNDS = (PLAIN, CLEANED, *CAMERAS)


def core_of(sound: str) -> float:
    """The share of one core that a sound of this kind takes, its child's work alone."""
    if sound in CAMERAS:
        return _camera(*CAMERAS[sound])
    wanted = ProcessingSteps(echo=sound == CLEANED, noise=sound == CLEANED, gain=sound == CLEANED)
    desk = Desk(wanted, BITRATE_BPS, Player(None), lambda _: None)
    near, far = _voice(1), (_voice(2) * 32767).astype("<i2")
    spent = time.process_time()
    for at in range(0, len(near), BLOCK):
        if sound == CLEANED and at % (2 * BLOCK) == 0:
            desk.heard(b"\1" + np.repeat(far[at : at + 2 * BLOCK], 2).tobytes())
        desk.block(near[at : at + BLOCK], at, at / RATE, at / RATE)
    return (time.process_time() - spent) / SECONDS


def _camera(codec: str, encoder: str, rate: int, samples: int) -> float:
    context: Any = av.CodecContext.create(encoder, "w")
    context.sample_rate, context.layout, context.format = rate, "mono", _format(encoder)
    packets: list[bytes] = []
    voice = np.ascontiguousarray(_voice(1)[:: RATE // rate])
    for at in range(0, len(voice) - samples, samples):
        piece = voice[None, at : at + samples]
        if encoder == "pcm_alaw":
            piece = (piece * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(piece, format=_format(encoder), layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
        packets += [bytes(packet) for packet in context.encode(frame)]
    desk = Desk(ProcessingSteps(False, False, False), BITRATE_BPS, Player(None), lambda _: None)
    turn = CodedTurn(desk, time.monotonic, plays=False)
    decoded = CodedSound(codec, rate, 1, bytes(context.extradata or b""))
    step = samples * RATE // rate
    spent = time.process_time()
    for number, packet in enumerate(packets):
        for position, sound in decoded.of(packet, number * step):
            turn.came(sound, position, 0.0)
    return (time.process_time() - spent) / SECONDS


def _format(encoder: str) -> str:
    return "s16" if encoder == "pcm_alaw" else "fltp"


def _voice(identity: int) -> Samples:
    loop = speech_loop(identity).astype(np.float32) / np.float32(32768)
    return np.tile(loop, SECONDS * RATE // len(loop))
