"""The room's sound as the agent carries it: its microphone's packets, and its loudspeaker.

Owns the child that has both, its life, and what is known of them; whatever is wrong with the sound
is no picture's trouble. Like a camera it rests when there is no lesson.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hardware_profiles.room_agent.camera import StreamState
from hardware_profiles.room_agent.converting.converter import Converter
from hardware_profiles.room_agent.converting.messages import MessageKind, PictureMessage
from hardware_profiles.room_agent.passing.sound_clock import SoundClock
from hardware_profiles.room_agent.sounding.packets import TakenSound
from hardware_profiles.room_agent.sources.errors import SoundFailed
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from hardware_profiles.room_agent.whole.sounds import SoundPackets
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.rtcp import Goodbye, SenderReport, parse_compound
from mixer.rtp.sequence import unix_ns_from_ntp

COMMAND = (sys.executable, "-m", "hardware_profiles.room_agent.sounding")
_AGAIN_S = (0.3, 0.6, 1.0, 1.5)  # as a camera is asked again
# The child tells twice a second how it is; its numbers and codecs load in a second, on an old PC
# in four.
_BEGINS_S, _SILENCE_S, _LOOK_EVERY_S = 12.0, 3.0, 0.5
# What comes of a camera fits its rhythm; so long without a packet it has none, or has stopped.
_NO_SOUND_S = 3.0


@dataclass(frozen=True, slots=True)
class SentSound:
    """One packet to send on, 20 ms."""

    payload: bytes
    timestamp: int
    level: int  # −dBov (RFC 6464)


@dataclass(frozen=True, slots=True)
class SoundSetup:
    """What the profile says of the sound. `device` is None where a camera has the microphone."""

    device: str | None
    loudspeaker: str | None
    bitrate_bps: int
    echo: bool
    noise: bool
    gain: bool

    def told(self) -> dict[str, Any]:
        return {
            "device": self.device,
            "loudspeaker": self.loudspeaker,
            "bitrate_bps": self.bitrate_bps,
            "echo": self.echo,
            "noise": self.noise,
            "gain": self.gain,
        }


Listener = Callable[[SentSound], None]


class SoundFeed:
    """`start` it for a lesson and `stop` it after; who listens gets every packet.

    `fault` is what the microphone that is there does wrong ("nothing", "clipped", "rate").
    """

    def __init__(self, setup: SoundSetup, *, first_timestamp: int) -> None:
        self.state = StreamState.RESTS
        self.trouble: SoundFailed | None = None
        self.speaker_trouble: SoundFailed | None = None
        self.since = time.time()
        self.packets = 0
        self.fault = ""
        self.level_db = 0.0
        self.rate = 0
        self.price = 0.0  # of one core
        self.carried = True  # the room is heard by this microphone, and not by its page's
        self.clock = SoundClock(first_timestamp)
        self.camera = CameraSound(self) if setup.device is None else None
        self._setup = setup
        self._listeners: list[Listener] = []
        self._task: asyncio.Task[None] | None = None
        self._child: _SoundChild | None = None
        self._lives_until = 0.0
        self._came_at = float("-inf")
        self._spent: tuple[float, float] | None = None

    @property
    def plays(self) -> bool:
        """Whether the other rooms are heard through it."""
        return self._setup.loudspeaker is not None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="room-sound")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._is(StreamState.RESTS)

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        self._listeners.remove(listener)

    def play(self, voice: int, samples: bytes) -> None:
        """What another room says: 16 bits a sample, two channels at 48 kHz."""
        if self._child is not None and self.plays:
            self._child.tell(MessageKind.HEARD, bytes((voice & 0xFF,)) + samples)

    def flows(self, now: float) -> bool:
        """Whether it has a microphone's sound, by the loop's clock."""
        return now - self._came_at < _SILENCE_S

    # --- its life -------------------------------------------------------------------------------

    async def _run(self) -> None:
        losses = 0
        while True:
            if self.state is not StreamState.LOST:
                self._is(StreamState.IS_ASKED)
            began = self.packets
            if self.camera is not None:
                await self.camera.until_known()
            await self._one_child()
            losses = 1 if self.packets > began else losses + 1
            self._is(StreamState.LOST)
            await asyncio.sleep(_AGAIN_S[min(losses, len(_AGAIN_S)) - 1])

    async def _one_child(self) -> None:
        loop = asyncio.get_running_loop()
        told = self._setup.told() | (self.camera.told() if self.camera is not None else {})
        child = self._child = _SoundChild(told, self)
        self._lives_until = loop.time() + _BEGINS_S
        running = asyncio.create_task(child.run(), name="sound-child")
        changed = self.camera.changed if self.camera is not None else asyncio.Event()
        try:
            while not running.done() and not changed.is_set():
                await asyncio.wait((running,), timeout=_LOOK_EVERY_S)
                if loop.time() > self._lives_until:
                    child.failure = "hangs"
                    break
                self._look(loop.time())
        finally:
            self._child = None
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        if child.failure:
            self.trouble = SoundFailed(child.failure)
        elif not changed.is_set():
            self.trouble = self.trouble or SoundFailed("lost")

    def _look(self, now: float) -> None:
        if self.camera is not None and now - self.camera.came_at > _NO_SOUND_S:
            self.trouble = SoundFailed("camera")
            self._is(StreamState.LOST)

    def _is(self, state: StreamState) -> None:
        if state is not self.state:
            self.state, self.since = state, time.time()
        if state in (StreamState.SENDS, StreamState.RESTS):
            self.trouble = None

    # --- what child and camera tell -------------------------------------------------------------

    def give(self, data: bytes, position: int) -> None:
        """A camera's coded sound, for the child."""
        if self._child is not None:
            self._child.tell(MessageKind.CODED, PictureMessage(position, data).body())

    def sounded(self, packet: TakenSound) -> None:
        """The child has made a packet."""
        now = asyncio.get_running_loop().time()
        self.packets += 1
        self._came_at = now
        if self.camera is None:
            self.clock.came(packet.position, packet.at)
        passed = SentSound(packet.payload, self.clock.sent(packet.position, now), packet.level)
        for listener in self._listeners:
            listener(passed)
        self._is(StreamState.SENDS)

    def told(self, told: dict[str, Any]) -> None:
        """How its devices are."""
        now = asyncio.get_running_loop().time()
        self._lives_until = now + _SILENCE_S
        self.fault, self.level_db, self.rate = told["fault"], told["level_db"], told["rate"]
        word = told["loudspeaker"]
        self.speaker_trouble = SoundFailed(word) if word else None
        if told["microphone"]:
            self.trouble = SoundFailed(told["microphone"])
            self._is(StreamState.LOST)
        if self._spent is not None and now > self._spent[0]:
            self.price = max(0.0, (told["spent_s"] - self._spent[1]) / (now - self._spent[0]))
        self._spent = now, told["spent_s"]


class CameraSound:
    """A camera's sound on its way to the child (`sources.rtsp.connection.PacketTaker`)."""

    def __init__(self, feed: SoundFeed) -> None:
        self.changed = asyncio.Event()  # another sound than the child was set up for
        self.came_at = float("-inf")
        self._feed = feed
        self._known = asyncio.Event()
        self._track: CameraTrack | None = None
        self._packets: SoundPackets | None = None

    async def until_known(self) -> None:
        """What it sends; until then there is nothing to set up."""
        self.came_at = asyncio.get_running_loop().time()
        while not self._known.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_NO_SOUND_S):
                    await self._known.wait()
            if not self._known.is_set():
                self._feed.trouble = SoundFailed("camera")
        self.changed.clear()

    def told(self) -> dict[str, Any]:
        """For the child's setup."""
        track = self._track
        assert track is not None  # known
        return {
            "codec": track.codec,
            "clock_rate": track.clock_rate,
            "channels": track.channels,
            "config": track.config.hex(),
        }

    def begins(self, track: CameraTrack) -> None:
        if self._track is not None and track != self._track:
            self.changed.set()
        self._track, self._packets = track, SoundPackets(track)
        self._feed.clock.begin(self._packets.delay_s)
        # The child's count goes on or begins anew with the camera's: a new one is the safe way.
        if self._known.is_set():
            self.changed.set()
        self._known.set()

    def packet(self, data: bytes, at: float, *, control: bool) -> bool:
        if self._packets is None:
            return True
        if control:
            return self._control(data)
        for piece in self._packets.packet(data, at):
            self.came_at = at
            self._feed.give(piece.data, piece.position)
            self._feed.clock.came(piece.position + piece.samples, at)
        return True

    def lives(self) -> None:
        """Nothing is known of a sound by its picture."""

    def _control(self, data: bytes) -> bool:
        packets = self._packets
        assert packets is not None  # `packet` has looked
        with suppress(MalformedPacketError):
            for one in parse_compound(data):
                if isinstance(one, SenderReport) and one.ssrc == packets.ssrc:
                    self._feed.clock.report(
                        packets.position_of(one.rtp_timestamp),
                        unix_ns_from_ntp(one.ntp) / 1e9,
                        packets.newest,
                        time.time(),
                    )
                elif isinstance(one, Goodbye) and packets.ssrc in one.ssrcs:
                    return False
        return True


class _SoundChild(Converter):
    """The process (`sounding`)."""

    def __init__(self, setup: dict[str, Any], feed: SoundFeed) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(setup, _Nobody(), clock=loop.time, command=COMMAND)
        self._feed = feed

    def _take(self, kind: MessageKind, body: bytes) -> None:
        if kind is MessageKind.SOUND:
            self._feed.sounded(TakenSound.read(body))
        elif kind is MessageKind.TOLD:
            self._feed.told(json.loads(body))
        else:
            super()._take(kind, body)


class _Nobody:
    """It makes no pictures."""

    def made(self, picture: PictureMessage) -> None: ...

    def done(self) -> None: ...
