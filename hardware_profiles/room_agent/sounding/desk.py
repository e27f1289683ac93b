"""The child's work: block by block of 10 ms, what the others say is played, and the room taken.

Owns the order: what is played in a block is what the echo is sought of in the same. A microphone's
own count of samples is the sound's clock; when it is opened anew the count goes on where this
machine's clock stands, so that a hole is a hole.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

import numpy as np

from hardware_profiles.room_agent.converting.messages import MessageKind, message_bytes
from hardware_profiles.room_agent.sounding.alsa import AlsaError
from hardware_profiles.room_agent.sounding.echo import BLOCK, Processing, ProcessingSteps
from hardware_profiles.room_agent.sounding.frames import RATE, Frames
from hardware_profiles.room_agent.sounding.health import MicrophoneHealth
from hardware_profiles.room_agent.sounding.packets import TakenSound, level_of
from hardware_profiles.room_agent.sounding.voices import Voices
from mixer.libopus import OpusEncoder, Samples

# A device that is gone is asked for so often; the room's other sound goes on meanwhile.
AGAIN_S = 1.5
# One that gives nothing so long hangs, whatever it says: it is opened anew.
SILENCE_S = 3.0
TELL_EVERY_S = 0.5
# What is encoded for: a line that loses more gets as many copies.
EXPECTED_LOSS_PERCENT = 10
# Of ten: speech at 7 costs a third less than at 10, and nobody hears it.
COMPLEXITY = 7
# Nothing of a second ago is played.
_MOST_BEHIND_S = 0.2

Write = Callable[[bytes], None]
_HEARD = struct.Struct("!B")


class OpenMicrophone(Protocol):
    """A device that is open (`alsa.AlsaMicrophone`)."""

    lost: int

    @property
    def delay(self) -> int: ...

    def read(self, count: int, patience_s: float) -> Samples | None:
        """So many samples, None when they do not come in time. Raises `AlsaError`."""
        ...

    def close(self) -> None: ...


class OpenLoudspeaker(Protocol):
    """The same for playing."""

    def play(self, sound: Samples) -> None:
        """Never waits. Raises `AlsaError`."""
        ...

    def close(self) -> None: ...


class Player:
    """The loudspeaker, opened again and again; what is told of it is `word`.

    `put` may be called by another thread.
    """

    def __init__(self, opened: Callable[[], OpenLoudspeaker] | None) -> None:
        self.word = ""
        self._voices = Voices()
        self._waiting: SimpleQueue[tuple[int, Samples]] = SimpleQueue()
        self._opened = opened
        self._speaker: OpenLoudspeaker | None = None
        self._again_at = float("-inf")

    def put(self, voice: int, samples: Samples) -> None:
        """What another room says."""
        if self._opened is not None:
            self._waiting.put((voice, samples))

    def play(self, count: int, now: float) -> Samples:
        """The next samples of all voices, which are being played; silence where none can be."""
        while not self._waiting.empty():
            self._voices.put(*self._waiting.get())
        sound = self._voices.take(count)
        if self._opened is None:
            return sound
        try:
            if self._speaker is None:
                if now < self._again_at:
                    return np.zeros_like(sound)
                self._again_at = now + AGAIN_S
                self._speaker = self._opened()
                self.word = ""
            self._speaker.play(sound)
        except AlsaError as error:
            self.word = error.word
            self.close()
            return np.zeros_like(sound)
        return sound

    def close(self) -> None:
        if self._speaker is not None:
            self._speaker.close()
            self._speaker = None


class Desk:
    """`block` for each 10 ms of a microphone, `heard` for what is to be played."""

    def __init__(
        self, wanted: ProcessingSteps, bitrate_bps: int, player: Player, write: Write
    ) -> None:
        """Raises `OpusError`, and `ImportError` where the processing is wanted and not there."""
        self.player = player
        self.health = MicrophoneHealth(RATE)
        self.word = ""  # why there is no microphone
        self._write = write
        self._processing = Processing(wanted)
        self._frames = Frames()
        self._encoder = OpusEncoder(
            bitrate_bps=bitrate_bps,
            complexity=COMPLEXITY,
            expected_loss_percent=EXPECTED_LOSS_PERCENT,
        )
        self._told_at = float("-inf")

    def heard(self, body: bytes) -> None:
        """What another room says: its number in one byte, then 16 bits a sample of two channels."""
        if len(body) % 4 == 1 and len(body) > 1:
            (voice,) = _HEARD.unpack_from(body)
            samples = np.frombuffer(body, "<i2", offset=1).reshape(-1, 2)
            mono: Samples = samples.mean(axis=1, dtype=np.float32)
            self.player.put(voice, mono / np.float32(32768))

    def block(self, near: Samples, position: int, at: float, now: float) -> None:
        """Play, clean, encode: `near` began at `position` and was taken `at`."""
        far = self.player.play(len(near), now)
        self.health.heard(near, now)
        clean = self._processing.clean(near, far)
        for frame in self._frames.of(clean, position, at):
            packet = TakenSound(
                frame.position,
                frame.at,
                level_of(frame.samples),
                self._encoder.encode(frame.samples),
            )
            self._write(message_bytes(MessageKind.SOUND, packet.body()))

    def tell(self, now: float, spent_s: float) -> None:
        """How both devices are, twice a second."""
        if now - self._told_at < TELL_EVERY_S:
            return
        self._told_at = now
        health = self.health.told(now)
        told = {
            "microphone": self.word,
            "loudspeaker": self.player.word,
            "fault": health.fault.value if health.fault and not self.word else "",
            "level_db": health.level_db,
            "rate": health.rate,
            "spent_s": round(spent_s, 3),
        }
        self._write(message_bytes(MessageKind.TOLD, json.dumps(told).encode()))


class AlsaTurn:
    """Turns of a desk whose microphone is a device: each reads a block, or waits as long."""

    def __init__(
        self,
        desk: Desk,
        opened: Callable[[], OpenMicrophone],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._desk, self._opened = desk, opened
        self._clock, self._sleep = clock, sleep
        self._microphone: OpenMicrophone | None = None
        self._position = 0  # of the next sample
        self._lost = 0
        self._steady = Steady()
        self._again_at = self._came_at = float("-inf")
        self._played_until: float | None = None

    def turn(self) -> None:
        """One block."""
        now = self._clock()
        if self._microphone is None and now >= self._again_at:
            self._open(now)
        if self._microphone is None:
            self._play_alone()
            return
        try:
            near = self._microphone.read(BLOCK, 0.1)
        except AlsaError as error:
            self._lose(error.word)
            return
        now = self._clock()
        if near is None:
            if now - self._came_at >= SILENCE_S:
                self._lose("hangs")
            else:
                self._play_alone()
            return
        self._came_at, self._played_until = now, None
        at = now - (self._microphone.delay + BLOCK) / RATE
        if self._microphone.lost != self._lost:
            self._lost = self._microphone.lost
            self._place(at)
        self._position += self._steady.missing(at * RATE - self._position, now)
        self._desk.block(near, self._position, at, now)
        self._position += BLOCK

    def close(self) -> None:
        if self._microphone is not None:
            self._microphone.close()
            self._microphone = None

    def _open(self, now: float) -> None:
        self._again_at = now + AGAIN_S
        try:
            self._microphone = self._opened()
        except AlsaError as error:
            self._desk.word = error.word
            return
        self._desk.word = ""
        self._desk.health.begin()
        self._came_at, self._lost = now, 0
        self._place(now)

    def _place(self, at: float) -> None:
        self._position = max(self._position, round(at * RATE))
        self._steady = Steady()

    def _lose(self, word: str) -> None:
        self.close()
        self._desk.word = word
        self._again_at = self._clock() + AGAIN_S / 3  # it may be back at once

    def _play_alone(self) -> None:
        """The others are heard in a room that has no microphone at the moment."""
        now = self._clock()
        if self._played_until is None or now - self._played_until > _MOST_BEHIND_S:
            self._played_until = now
        step = BLOCK / RATE
        while self._played_until <= now:
            self._desk.player.play(BLOCK, now)
            self._played_until += step
        self._sleep(max(0.0, self._played_until - now))


class Steady:
    """Samples that a device lost without a word: cheap ones do, and a busy machine's USB does.

    By how much the count is behind the clock grows slowly, as quartzes differ, and falls when what
    was held back comes. A step of the least of it is a hole.
    """

    _OVER_S = 0.5
    _STEP = RATE // 20  # 50 ms: what is less is nobody's trouble, and a quartz needs minutes for it

    def __init__(self) -> None:
        self._before = self._least = float("inf")
        self._until: float | None = None

    def missing(self, behind: float, now: float) -> int:
        """How many samples are missing, by how many the count is behind the clock `now`."""
        if self._until is None:
            self._until = now + self._OVER_S
        self._least = min(self._least, behind)
        if now < self._until:
            return 0
        step = self._least - self._before
        lost = round(step) if self._STEP < step < float("inf") else 0
        self._before, self._least = self._least - lost, float("inf")
        self._until = now + self._OVER_S
        return lost


class CodedTurn:
    """Turns of a desk whose microphone is a camera's: `came` for what was decoded of it.

    Where nothing is played here a block goes at once; else in time, behind what packets need.
    """

    # A packet of AAC holds 64 ms, and comes when it likes.
    BEGINS_WITH = RATE // 10
    MOST_HELD = RATE // 2

    def __init__(self, desk: Desk, clock: Callable[[], float], *, plays: bool) -> None:
        self._desk, self._clock, self._plays = desk, clock, plays
        self._held = np.zeros(0, np.float32)
        self._position = 0
        self._at = 0.0
        self._began = False
        self._played_until: float | None = None

    def came(self, samples: Samples, position: int, at: float) -> None:
        """Samples, the first of which is `position`."""
        if not len(self._held) or abs(position - self._position - len(self._held)) > BLOCK:
            self._held = np.zeros(0, np.float32)
            self._position, self._at = position, at
        self._held = np.concatenate((self._held, samples))
        if not self._plays:
            while len(self._held) >= BLOCK:
                self._block(self._clock())
        elif len(self._held) > self.MOST_HELD:
            left = len(self._held) - self.BEGINS_WITH
            self._held = self._held[left:]
            self._position += left

    def turn(self) -> float:
        """Every block that is due; how long until the next is, in seconds."""
        now = self._clock()
        if not self._plays:
            return 0.5
        if self._played_until is None or now - self._played_until > _MOST_BEHIND_S:
            self._played_until = now
        while self._played_until <= now:
            self._played_until += BLOCK / RATE
            self._began = len(self._held) >= (BLOCK if self._began else self.BEGINS_WITH)
            if self._began:
                self._block(now)
            else:
                self._desk.player.play(BLOCK, now)
        return max(0.0, self._played_until - self._clock())

    def _block(self, now: float) -> None:
        near, self._held = self._held[:BLOCK], self._held[BLOCK:]
        self._desk.block(near, self._position, self._at, now)
        self._position += BLOCK
        self._at += BLOCK / RATE
