"""Which tracks one file of a whole lesson has: each picture and each seat's sound, in order. Pure.

The first picture is what players open with: the lead's. A program (the lesson composited into one
picture) stands before it as soon as a recording has one: it is a part like any other. Its sound is
left out: it is the sum of sounds that stand here, each by itself and all together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from recorder.manifest import Manifest, Part
from recorder.part_plan import PICTURE_ORDER
from recorder.records import PROGRAM_SOURCE

_ORDER = (PROGRAM_SOURCE, *PICTURE_ORDER)


@dataclass(frozen=True, slots=True)
class LessonTrack:
    """One track: the parts that it is made of, in the order of the lesson."""

    kind: Literal["picture", "sound"]
    source: str
    name: str
    school: str
    parts: tuple[Part, ...]


def lesson_tracks(manifest: Manifest) -> list[LessonTrack]:
    """The pictures, then the sounds; the lead's stand first.

    A picture whose codec changed in the middle of a lesson is two tracks: none holds both.
    """
    parts = sorted(manifest.parts, key=lambda part: part.start_s)
    lead = lead_of(manifest)
    seats = list(dict.fromkeys([lead, *(part.seat_id for part in parts)]))
    pictures: dict[tuple[str, ...], list[Part]] = {}
    sounds: dict[str, list[Part]] = {}
    for part in parts:
        if part.has_video:
            codec = PurePath(part.file).suffix
            pictures.setdefault((part.seat_id, part.source, codec), []).append(part)
        if part.has_audio and not part.is_program:
            sounds.setdefault(part.seat_id, []).append(part)

    def place(part: Part) -> tuple[bool, int, int]:
        source = _ORDER.index(part.source) if part.source in _ORDER else len(_ORDER)
        return part.source != PROGRAM_SOURCE, seats.index(part.seat_id), source

    return [
        *(_track("picture", own) for own in sorted(pictures.values(), key=lambda o: place(o[0]))),
        *(_track("sound", sounds[seat]) for seat in seats if seat in sounds),
    ]


def lead_of(manifest: Manifest) -> str:
    """The seat that leads; of a recording that does not say so, the one with a teacher."""
    for event in manifest.events:
        members = event.members()
        if event.type == "seat_joined" and members.get("role") == "lead":
            return str(members.get("seat_id", ""))
    teachers = [part.seat_id for part in manifest.parts if part.source == "teacher"]
    seats = [part.seat_id for part in manifest.parts if not part.is_program]
    return (teachers or seats or [""])[0]


def _track(kind: Literal["picture", "sound"], parts: Sequence[Part]) -> LessonTrack:
    first = parts[0]
    source = first.source if kind == "picture" else "room"
    return LessonTrack(kind, source, first.name, first.school, tuple(parts))
