"""What was to be seen of a lesson at each moment, made from its recording. Pure.

Whose picture there is to be shown is what was recorded: a source is there while one of its parts
covers the moment. What was chosen of them (floor, spotlight, layout, places, hands) is in the
events, and who spoke. The rule of what follows from it is the program's own
(`server.programs.scene`), so that a film made afterwards shows what a program would have shown. An
event that this version does not know changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Any, TypeVar

from mixer.composite.process.messages import Scene
from recorder.lesson_tracks import lead_of
from recorder.manifest import Manifest, Part, RecordedEvent
from server.programs.scene import ProgramScene
from signaling.lesson import LessonScene
from signaling.protocol import messages as m
from signaling.protocol.messages import Directing, Layout, Mode, Role, Source

_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(slots=True)
class _Chosen:
    """What people had chosen up to a moment."""

    floor: str | None = None
    forward: bool = False
    spotlight: m.SpotlightState | None = None
    layout: Layout = Layout.SPEAKER
    places: list[m.PicturePlace] = field(default_factory=list)
    directing: Directing = Directing.AUTOMATIC
    hands: dict[str, None] = field(default_factory=dict)  # the first first


def scenes_of(manifest: Manifest) -> Iterator[tuple[float, Scene]]:
    """(from when on, what is to be seen): each until the next; the first is at 0."""
    parts = [part for part in manifest.parts if not part.is_program and _word(Source, part.source)]
    roles = _roles(manifest)
    changes: list[tuple[float, RecordedEvent | None]] = [(0.0, None)]
    for part in parts:
        changes += [(part.start_s, None), (part.start_s + part.duration_s, None)]
    spoken = list(_spells(manifest))
    changes += [(at, None) for _, *both in spoken for at in both]
    changes += [(event.start_s, event) for event in manifest.events]
    within = [one for one in changes if 0 <= one[0] < max(manifest.duration_s, 1e-9)]
    chosen, scenes, last = _Chosen(), ProgramScene(), None
    for at, group in groupby(sorted(within, key=lambda one: one[0]), key=lambda one: one[0]):
        for _, event in group:
            if event is not None:
                _take(chosen, event)
        speakers = tuple(dict.fromkeys(who for who, since, until in spoken if since <= at < until))
        seats = tuple(_seats(parts, roles, chosen, at))
        scene = scenes.of(
            LessonScene(
                lesson=_lesson(manifest, chosen),
                seats=seats,
                flowing=frozenset(one.producer_id for seat in seats for one in seat.sources),
                speakers=speakers,
                takers=frozenset(),
            )
        )
        if scene != last:
            last = scene
            yield at, scene


def _lesson(manifest: Manifest, chosen: _Chosen) -> m.LessonState:
    return m.LessonState.model_construct(
        lesson_id=manifest.lesson_id,
        title=manifest.title,
        mode=Mode.BLENDED,
        started_at=manifest.started_at,
        floor=chosen.floor,
        floor_forward=chosen.forward,
        spotlight=chosen.spotlight,
        layout=chosen.layout,
        places=chosen.places,
        directing=chosen.directing,
    )


def _seats(
    parts: list[Part], roles: dict[str, Role], chosen: _Chosen, at: float
) -> Iterator[m.SeatState]:
    """Who had been recorded; who is between two of their parts is away for a while."""
    for seat_id in dict.fromkeys(part.seat_id for part in parts):
        own = [part for part in parts if part.seat_id == seat_id]
        now = [part for part in own if part.start_s <= at < part.start_s + part.duration_s]
        came = min(part.start_s for part in own) <= at
        comes_back = any(part.start_s > at for part in own)
        place = list(chosen.hands).index(seat_id) + 1 if seat_id in chosen.hands else 0
        yield m.SeatState.model_construct(
            seat_id=seat_id,
            role=roles.get(seat_id, Role.ROOM),
            name=own[0].name,
            school=own[0].school,
            present=bool(now),
            away_since=at if came and comes_back and not now else None,
            sources=[
                m.SourceState.model_construct(
                    source=Source(part.source),
                    producer_id=part.part_id,
                    device_id="",
                    kind="video",
                    live=True,
                )
                for part in now
                if part.has_video
            ],
            hand=m.Hand.model_construct(place=place, raised_at=at) if place else None,
        )


def _roles(manifest: Manifest) -> dict[str, Role]:
    roles = {}
    for event in manifest.events:
        role = _word(Role, _text(event, "role")) if event.type == "seat_joined" else None
        if role is not None:
            roles[_text(event, "seat_id")] = role
    return {lead_of(manifest): Role.LEAD} | roles


def _spells(manifest: Manifest) -> Iterator[tuple[str, float, float]]:
    """(seat, from, to) of all that was said; of entries of one spell the last counts."""
    spells: dict[tuple[str, float], float] = {}
    for event in manifest.events:
        if event.type == "speech":
            members = event.model_extra or {}
            since, until = members.get("since"), members.get("until")
            if isinstance(since, int | float) and isinstance(until, int | float):
                spells[_text(event, "seat_id"), float(since)] = float(until)
    for (seat_id, since), until in spells.items():
        if until > since:
            yield seat_id, since - manifest.started_at, until - manifest.started_at


def _take(chosen: _Chosen, event: RecordedEvent) -> None:
    """The same rules as the lesson's own (`signaling.lesson.conduct`)."""
    seat = _text(event, "seat_id")
    match event.type:
        case "hand_raised":
            chosen.hands[seat] = None
        case "hand_lowered":
            chosen.hands.pop(seat, None)
        case "floor_given":
            chosen.floor, chosen.forward = seat, True
            chosen.hands.pop(seat, None)
        case "floor_taken":
            chosen.floor, chosen.forward = None, False
        case "spotlight":
            source = _word(Source, _text(event, "source"))
            spotlight = m.SpotlightState.model_construct(seat_id=seat, source=source)
            chosen.spotlight = spotlight if seat else None
            chosen.forward = False
        case "layout":
            chosen.layout = _word(Layout, _text(event, "layout")) or chosen.layout
            chosen.forward = False
        case "places":
            chosen.places = list(_places((event.model_extra or {}).get("places")))
            chosen.forward = False
        case "directing":
            chosen.directing = _word(Directing, _text(event, "directing")) or chosen.directing


def _places(told: Any) -> Iterator[m.PicturePlace]:
    for one in told if isinstance(told, list | tuple) else ():
        seat = one.get("seat_id") if isinstance(one, dict) else None
        if isinstance(seat, str) and seat:
            source = _word(Source, one.get("source") or "")
            yield m.PicturePlace.model_construct(seat_id=seat, source=source)


def _text(event: RecordedEvent, member: str) -> str:
    value = (event.model_extra or {}).get(member)
    return value if isinstance(value, str) else ""


def _word(words: type[_Word], value: Any) -> _Word | None:
    try:
        return words(value)
    except ValueError:
        return None
