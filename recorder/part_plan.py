"""Which files the player gets: one per picture and stay, the sound with the seat's main picture.

Sans-IO, all times in Unix seconds. A *span* is one recorded file (a new one begins where the
picture's size or codec changes). Every span of a picture becomes a part. The seat's sound goes
with its main picture; where that is missing for long, the sound is a part of its own: nothing
that was heard is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

# The teacher's picture is what the sound belongs to, then the class, then what is shown.
PICTURE_ORDER = ("teacher", "students", "board", "screen")

# Up to here a picture stands still while its sound goes on; beyond, the sound is its own part.
HOLD_S = 10.0

# A browser's sound usually begins a moment before its picture: the part begins with the sound.
LEAD_S = 2.0

# Sound apart from any picture that is shorter than this is the click of a device, not a word.
SHORTEST_SOUND_S = 0.2


@dataclass(frozen=True, slots=True)
class Span:
    """One recorded file on the lesson's time line. `key` is whatever the caller knows it by."""

    key: str
    source: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """One file to be made: at most one picture, and the sounds that fall into [start, end)."""

    source: str
    start: float
    end: float
    picture: str | None
    sounds: tuple[str, ...]


def plan_seat(pictures: Sequence[Span], sounds: Sequence[Span]) -> list[PlannedPart]:
    """The parts of one seat, by start."""
    main_source = _main_source(pictures)
    main = sorted((p for p in pictures if p.source == main_source), key=lambda p: p.start)
    parts = [
        PlannedPart(p.source, p.start, p.end, p.key, ())
        for p in pictures
        if p.source != main_source
    ]
    windows = _windows(main)
    for window in windows:
        own = _sounds_in(sounds, window.start, window.end)
        start = min([window.picture_start, *(max(s.start, window.start) for s in own)])
        end = max([window.picture_end, *(min(s.end, window.end) for s in own)])
        keys = tuple(s.key for s in own)
        parts.append(PlannedPart(main_source, start, end, window.picture, keys))
    parts += _sound_alone(sounds, windows)
    return sorted(parts, key=lambda part: part.start)


@dataclass(frozen=True, slots=True)
class _Window:
    """The stretch of sound that belongs to one main picture."""

    start: float
    end: float
    picture: str
    picture_start: float
    picture_end: float


def _main_source(pictures: Sequence[Span]) -> str:
    present = {p.source for p in pictures}
    for source in PICTURE_ORDER:
        if source in present:
            return source
    return min(present, default="")


def _windows(main: Sequence[Span]) -> list[_Window]:
    windows: list[_Window] = []
    for index, picture in enumerate(main):
        before = windows[-1].end if windows else float("-inf")
        start = max(before, picture.start - LEAD_S)
        end = max(picture.end, start)
        if index + 1 < len(main) and main[index + 1].start - picture.end <= HOLD_S:
            end = max(start, main[index + 1].start)
        windows.append(_Window(start, end, picture.key, picture.start, picture.end))
    if windows:
        # A picture that stopped a moment before the sound keeps it.
        windows[-1] = replace(windows[-1], end=windows[-1].end + LEAD_S)
    return windows


def _sounds_in(sounds: Sequence[Span], start: float, end: float) -> list[Span]:
    return sorted((s for s in sounds if s.start < end and s.end > start), key=lambda s: s.start)


def _sound_alone(sounds: Sequence[Span], windows: Sequence[_Window]) -> list[PlannedPart]:
    parts = []
    for sound in sounds:
        at = sound.start
        for window in sorted(windows, key=lambda w: w.start):
            if window.end <= at or window.start >= sound.end:
                continue
            if window.start - at >= SHORTEST_SOUND_S:
                parts.append(PlannedPart(sound.source, at, window.start, None, (sound.key,)))
            at = max(at, window.end)
        if sound.end - at >= SHORTEST_SOUND_S:
            parts.append(PlannedPart(sound.source, at, sound.end, None, (sound.key,)))
    return parts
