"""A part's sound: the packets of one or several tracks that fall into it, end to end."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

from recorder.gapless_sound import AHEAD, BEHIND, RATE, GaplessSound, SoundPacket
from recorder.lesson_time import TimeMap, places
from recorder.samples import Samples
from recorder.sound_reader import READ_AT_ONCE, sound_duration, stored_packets
from recorder.track_reader import TrackFile

# A sound's time may step back where its sender began to count anew, never by more than this.
STEP_BACK_S = 15.0


class HeardPacket(NamedTuple):
    """An Opus packet as its track has it: `at` in Unix seconds, how long it lasts in seconds."""

    at: float
    duration: float
    data: bytes


def sound_packets(
    tracks: Iterable[Iterable[HeardPacket]], start: float, end: float
) -> Iterator[SoundPacket]:
    """Those of a part that lasts from `start` to `end`, without holes."""
    gapless = GaplessSound()
    for heard in tracks:
        for at, duration, data in heard:
            if at >= end + STEP_BACK_S:
                break
            # A packet on the border belongs to the part that has more of it.
            if not start <= at + duration / 2 < end:
                continue
            target, samples = round((at - start) * RATE), round(duration * RATE)
            # As `place` does with nearly all of them, without asking it a million times.
            cursor = gapless.cursor
            if -AHEAD < target - cursor < BEHIND:
                gapless.cursor = cursor + samples
                yield SoundPacket(cursor, samples, data)
            else:
                yield from gapless.place(target, samples, data)
    if gapless.cursor:
        yield from gapless.fill(round((end - start) * RATE))


def packets_of(
    stack: ExitStack,
    file: TrackFile,
    samples: Samples,
    to_lesson: TimeMap,
    since: float,
) -> Iterator[HeardPacket]:
    """The packets of a sound's MP4 from about `since` on. Raises `OSError`."""
    rate = file.clock_rate
    times = places(to_lesson, (file.rtp + samples.shown) / rate)
    # As far as its time goes evenly: what is passed over is before `since` by any account.
    begins = bisect_left(times, since)
    file_at = stack.enter_context(file.path.open("rb"))
    first = max(0, begins - READ_AT_ONCE)
    for at, data in enumerate(stored_packets(file_at, samples, first), first):
        lasts = sound_duration(data[:2])
        if lasts is not None:
            yield HeardPacket(times[at], lasts, data)
