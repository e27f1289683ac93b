"""Voices for the mixes: each a tone that comes and goes as syllables do, as Opus over RTP.

A room in which nobody talks sends the hum of its microphone: browsers send all the time, and say
with each packet how loud it is (RFC 6464).
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.compositors.sending import Target, send
from mixer.composite.process.sound_encoder import SoundEncoder, level_of
from mixer.composite.voice import FRAME_SAMPLES
from mixer.libopus import Samples
from mixer.rtp.packet import HeaderExtension, RtpPacket

OPUS_PAYLOAD_TYPE = 111
SOUND_SSRC = 0x7100_0000
AUDIO_LEVEL_ID = 1
_PACKETS = 250  # five seconds, in a loop
_PACKET_S = 0.02
_SYLLABLES_PER_S = 4
_HUM = 0.001  # −60 dBFS: a quiet classroom

Said = tuple[bytes, bytes]  # an Opus packet, and how loud it is


class Speaking:
    """Sends a voice to each target: `talking` of them at once, all unless said otherwise."""

    def __init__(
        self,
        targets: Sequence[Target],
        talking: int | None = None,
        sender: socket.socket | None = None,
    ) -> None:
        """`sender` is another's socket to send from, for whoever listens to one address alone."""
        talking = len(targets) if talking is None else talking
        self._voices = [
            (_voice(150.0 + 70 * n) if n < talking else _hum(n), target)
            for n, target in enumerate(targets)
        ]
        self._socket = sender.dup() if sender else socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="speaking", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ending.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        began, number = time.monotonic(), 0
        while not self._ending.wait(max(0.0, began + number * _PACKET_S - time.monotonic())):
            for place, (packets, target) in enumerate(self._voices):
                payload, level = packets[number % _PACKETS]
                packet = RtpPacket(
                    OPUS_PAYLOAD_TYPE,
                    number & 0xFFFF,
                    number * FRAME_SAMPLES & 0xFFFF_FFFF,
                    SOUND_SSRC + place,
                    payload,
                    extensions=(HeaderExtension(AUDIO_LEVEL_ID, level),),
                )
                send(self._socket, packet.serialize(), target)
            number += 1


def _voice(frequency: float) -> list[Said]:
    times = np.arange(_PACKETS * FRAME_SAMPLES) / 48_000
    wave = np.sin(2 * np.pi * frequency * times) + 0.4 * np.sin(4 * np.pi * frequency * times)
    loud = 0.15 * np.square(np.sin(np.pi * _SYLLABLES_PER_S * times))
    return _encoded((loud * wave).astype(np.float32))


def _hum(seed: int) -> list[Said]:
    rng = np.random.default_rng(seed)
    hum = rng.normal(0, _HUM, _PACKETS * FRAME_SAMPLES)
    return _encoded(hum.astype(np.float32))


def _encoded(sound: Samples) -> list[Said]:
    encoder = SoundEncoder()
    frames = sound.reshape(_PACKETS, FRAME_SAMPLES)
    return [(encoder.encode(frame), level_of(frame)) for frame in frames]
