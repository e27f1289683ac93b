"""What a simulated seat sees and hears of the others: marks read, tones heard, frames missed.

Owns the counting. It decodes everything it receives, which costs far more than sending; a seat
does so only when asked to.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import av
import numpy as np
import numpy.typing as npt
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from server.simulate.identity import TONES, counter_step, heard_tones, read_mark

# Half a second resolves neighbouring tones and is longer than a breath between words.
_TONE_WINDOW_S = 0.5
# Ages are kept for a quarter of an hour at 15 frames a second; the oldest go first.
_MOST_AGES = 13_500


@dataclass(slots=True)
class StreamSeen:
    """What has come of one producer, whose seat is `seat_id`."""

    seat_id: str
    source: str
    frames: int = 0
    unreadable: int = 0  # decoded pictures whose mark could not be read
    identities: set[int] = field(default_factory=set)
    last_counter: int | None = None
    missed: int = 0  # counters skipped between two pictures
    backwards: int = 0  # a picture older than the one before it
    width: int = 0
    height: int = 0
    ages_ms: list[float] = field(default_factory=list)
    sound_s: float = 0.0
    tones: set[int] = field(default_factory=set)

    @property
    def age_ms(self) -> float | None:
        """The median age of the pictures when they came out of the decoder."""
        return float(np.median(self.ages_ms)) if self.ages_ms else None

    def summary(self) -> dict[str, object]:
        """As JSON."""
        return {
            "seat": self.seat_id,
            "source": self.source,
            "frames": self.frames,
            "unreadable": self.unreadable,
            "identities": sorted(self.identities),
            "last_counter": self.last_counter,
            "missed": self.missed,
            "backwards": self.backwards,
            "size": f"{self.width}x{self.height}",
            "age_ms": self.age_ms,
            "sound_s": round(self.sound_s, 1),
            "tones": sorted(self.tones),
        }


async def watch_picture(track: MediaStreamTrack, seen: StreamSeen, frame_rate: float) -> None:
    """Read marks until the track ends. Ages are right for senders on this machine, at this rate."""
    try:
        while True:
            frame = await track.recv()
            if isinstance(frame, av.VideoFrame):
                see_picture(frame, seen, wall=time.time(), frame_rate=frame_rate)
            # Decoded frames may be waiting in the track; let the rest of the seat live too.
            await asyncio.sleep(0)
    except MediaStreamError:
        return


def see_picture(frame: av.VideoFrame, seen: StreamSeen, *, wall: float, frame_rate: float) -> None:
    """Count one decoded picture that came at `wall` (seconds since 1970)."""
    luma = np.asarray(frame.to_ndarray(format="gray"), dtype=np.uint8)
    seen.frames += 1
    seen.width, seen.height = frame.width, frame.height
    mark = read_mark(luma)
    if mark is None:
        seen.unreadable += 1
        return
    if seen.last_counter is not None and mark.identity in seen.identities:
        step = counter_step(seen.last_counter, mark.counter)
        seen.backwards += step < 0
        seen.missed += max(0, step - 1)
    seen.identities.add(mark.identity)
    seen.last_counter = mark.counter
    late = counter_step(mark.counter, int(wall * frame_rate) % (1 << 16))
    seen.ages_ms.append(1000 * late / frame_rate)
    del seen.ages_ms[:-_MOST_AGES]


async def watch_sound(track: MediaStreamTrack, seen: StreamSeen) -> None:
    """Listen for tones until the track ends."""
    pieces: list[npt.NDArray[np.float64]] = []
    length_s = 0.0
    try:
        while True:
            frame = await track.recv()
            if not isinstance(frame, av.AudioFrame):
                continue
            pieces.append(mono_samples(frame))
            length_s += frame.samples / frame.sample_rate
            seen.sound_s += frame.samples / frame.sample_rate
            if length_s >= _TONE_WINDOW_S:
                seen.tones |= heard_tones(np.concatenate(pieces), frame.sample_rate)
                pieces, length_s = [], 0.0
    except MediaStreamError:
        return


def mono_samples(frame: av.AudioFrame) -> npt.NDArray[np.float64]:
    """A decoded s16 frame as mono samples, full scale ±1."""
    packed = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
    return np.asarray(packed.mean(axis=1) / 32768.0, dtype=np.float64)


def tone_of(identity: int) -> int:
    """The tone number of a seat."""
    return identity % TONES
