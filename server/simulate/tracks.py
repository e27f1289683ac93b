"""A seat's camera and microphone as aiortc tracks: the right thing at the right time.

Owns pacing, and that camera and microphone show and say one moment at one time (`SeatClock`). What
is seen and heard comes from a `PictureSource` and a `SoundSource` (`scene` and `voice`, or
`media_file`). The frame counter is the wall clock in frames, so a receiver on the same machine can
read from a picture how old it is (`watch`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import av
import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from server.simulate.encoding import CLOCK_RATE, VideoEncoder
from server.simulate.identity import COUNTER_RANGE
from server.simulate.scene import Picture
from server.simulate.voice import SAMPLE_RATE, Sound

if TYPE_CHECKING:
    from server.simulate.encoding import EncodedPicture

FRAME_SAMPLES = 960  # 20 ms, the usual Opus frame
_FRAME_S = FRAME_SAMPLES / SAMPLE_RATE
# A machine that slept or was starved sends on from now; it does not send what it has missed.
_MOST_BEHIND_S = 0.5


class SeatClock:
    """A seat's time, in seconds since it began; its tracks and their sources go by it alone."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._began_unix = time.time()

    def now(self) -> float:
        return time.monotonic() - self._began

    def unix(self, at: float) -> float:
        """The Unix time of a moment; it never jumps, whatever is done to the machine's clock."""
        return self._began_unix + at

    def at(self, unix: float) -> float:
        return unix - self._began_unix


class PictureSource(Protocol):
    """Where pictures come from. Called in a worker thread, one call at a time."""

    def picture(self, counter: int, *, at: float = 0.0, hand: bool = False) -> Picture:
        """What is seen at the seat's time `at`, marked with `counter`."""
        ...


class SoundSource(Protocol):
    """Where sound comes from. Called in the event loop: must be quick."""

    def samples(self, index: int) -> Sound:
        """What is heard in the `index`-th 20 ms of the seat's time: 960 mono samples at 48 kHz."""
        ...


class SpeechLoop:
    """A short loop of sound, played over and over."""

    def __init__(self, loop: Sound) -> None:
        self._loop = loop[: len(loop) // FRAME_SAMPLES * FRAME_SAMPLES]

    def samples(self, index: int) -> Sound:
        start = index * FRAME_SAMPLES % len(self._loop)
        return self._loop[start : start + FRAME_SAMPLES]


class PictureTrack(MediaStreamTrack):
    """A camera or a screen: encoded pictures at the source's frame rate."""

    kind = "video"

    def __init__(
        self,
        pictures: PictureSource,
        encoder: VideoEncoder,
        hand_is_up: Callable[[], bool],
        clock: SeatClock | None = None,
    ) -> None:
        super().__init__()
        self._pictures = pictures
        self._encoder = encoder
        self._hand_is_up = hand_is_up
        self._clock = clock or SeatClock()
        self._next = 0
        self._first = 0
        self.captured_at = 0.0  # Unix time of the moment that the last picture shows
        self.pictures = 0  # given so far

    def use_encoder(self, encoder: VideoEncoder) -> None:
        """Send through this one (the codec is known only after negotiation)."""
        self._encoder = encoder

    async def recv(self) -> EncodedPicture:
        """The next encoded picture, when its time has come."""
        rate = float(self._encoder.frame_rate)
        loop = asyncio.get_running_loop()
        while self.readyState == "live":
            now = self._clock.unix(self._clock.now())
            if not self._next or now - self._next / rate > _MOST_BEHIND_S:
                self._next = int(now * rate) + 1
                self._first = self._first or self._next
            await asyncio.sleep(max(0.0, self._next / rate - now))
            counter, self._next = self._next, self._next + 1
            packets = await loop.run_in_executor(None, self._encode, counter)
            if packets:
                self.captured_at = counter / rate
                self.pictures += 1
                return packets[0]
        raise MediaStreamError

    def _encode(self, counter: int) -> list[EncodedPicture]:
        rate = float(self._encoder.frame_rate)
        picture = self._pictures.picture(
            counter % COUNTER_RANGE, at=self._clock.at(counter / rate), hand=self._hand_is_up()
        )
        ticks = round((counter - self._first) * CLOCK_RATE / rate)
        return self._encoder.encode(picture, ticks)


class MicrophoneTrack(MediaStreamTrack):
    """A microphone: 20 ms of sound at a time, silence while the seat does not talk."""

    kind = "audio"

    def __init__(
        self, sound: SoundSource, talks: Callable[[], bool], clock: SeatClock | None = None
    ) -> None:
        super().__init__()
        self._sound = sound
        self._talks = talks
        self._clock = clock or SeatClock()
        self._gain = 0.0
        self._index: int | None = None
        self.captured_at = 0.0  # Unix time at which the last 20 ms began

    async def recv(self) -> av.AudioFrame:
        """The next 20 ms, when they have been said."""
        if self.readyState != "live":
            raise MediaStreamError
        now = self._clock.now()
        if self._index is None or now - (self._index + 1) * _FRAME_S > _MOST_BEHIND_S:
            self._index = int(now / _FRAME_S)
        await asyncio.sleep(max(0.0, (self._index + 1) * _FRAME_S - now))
        index, self._index = self._index, self._index + 1
        self.captured_at = self._clock.unix(index * _FRAME_S)
        return self._frame(index)

    def _frame(self, index: int) -> av.AudioFrame:
        gain, self._gain = self._gain, 1.0 if self._talks() else 0.0
        samples = self._sound.samples(index)
        if gain != self._gain:  # fade over these 20 ms: a cut would click
            ramp = np.linspace(gain, self._gain, FRAME_SAMPLES)
            samples = (samples * ramp).astype(np.int16)
        elif not gain:
            samples = np.zeros(FRAME_SAMPLES, dtype=np.int16)
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        frame.planes[0].update(samples.tobytes())
        frame.pts = index * FRAME_SAMPLES
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        return frame
