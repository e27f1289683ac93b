"""What of a lesson's state is to be seen in its program, in the compositor's words. Pure.

Owns who is shown, under which name, and what the lead's choice is: the rule is the pages' own
(`web_client/src/lesson/stage.ts`). Who has the floor and stands forward comes before layout and
spotlight; those hold again when it is back. With the layout that a lesson begins with and no
spotlight nothing is chosen, and the director cuts by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mixer.composite.arrange import ProgramSeat
from mixer.composite.director import Directing
from mixer.composite.layouts import ProgramLayout
from mixer.composite.process import messages as c
from signaling.lesson import LessonScene
from signaling.protocol import messages as m
from signaling.protocol.messages import Layout, Role, SeatState

# On a slate both languages stand: a program is one for all who watch.
AWAY = "暂时离开 · Away"
NO_PICTURE = "没有画面 · No picture"


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What the lead has chosen by hand."""

    layout: Layout
    large: c.PictureName | None
    places: tuple[c.PictureName, ...]

    @property
    def is_usual(self) -> bool:
        """Nothing: so a lesson begins."""
        return self == _Chosen(Layout.SPEAKER, None, ())


class ProgramScene:
    """The scenes of one program, one after the other: each new choice of the lead has a number."""

    def __init__(self) -> None:
        self._chosen: _Chosen | None = None
        self._number = 0

    def of(self, scene: LessonScene) -> c.Scene:
        """What is to be seen of this lesson now."""
        lesson = scene.lesson
        seats = tuple(_seat(seat, scene.flowing) for seat in scene.seats if _is_shown(seat))
        choice = self._choice(scene, seats)
        return c.Scene(
            title=lesson.title,
            seats=seats,
            floor=lesson.floor or "",
            hands=tuple(seat.seat_id for seat in _in_order(scene.seats)),
            speakers=scene.speakers,
            places=_places(lesson),
            directing=self._directing(lesson.directing),
            choice=choice,
        )

    def _choice(self, scene: LessonScene, seats: Iterable[c.SceneSeat]) -> c.Choice | None:
        lesson = scene.lesson
        large = _spotlight(scene, {seat.seat_id: seat for seat in seats})
        by_hand = _Chosen(lesson.layout, large, _places(lesson))
        answers = lesson.floor is not None and lesson.floor_forward
        begins = by_hand.is_usual and not self._number
        chosen = None if answers or begins else by_hand
        if chosen != self._chosen:
            self._chosen = chosen
            self._number += chosen is not None
        if chosen is None:
            return None
        layout = ProgramLayout(chosen.layout.value)
        return c.Choice(number=self._number, layout=layout, large=chosen.large)

    def _directing(self, said: m.Directing) -> Directing:
        """What the lead has chosen stands; until then, by default, the director is free."""
        if said is m.Directing.AUTOMATIC and self._chosen is not None:
            return Directing.AUTOMATIC if self._chosen.is_usual else Directing.SEMI_AUTOMATIC
        return Directing(said.value)


def _places(lesson: m.LessonState) -> tuple[c.PictureName, ...]:
    return tuple(
        c.PictureName(seat_id=place.seat_id, source=place.source.value if place.source else "")
        for place in lesson.places
    )


def _is_shown(seat: SeatState) -> bool:
    """Who is not here takes no room from those who are; but all wait for the lead."""
    match seat.role:
        case Role.OBSERVER:
            return False
        case Role.ASSISTANT:
            return bool(seat.sources)
        case Role.LEAD:
            return True
        case Role.ROOM:
            return seat.present or seat.away_since is not None


def _seat(seat: SeatState, flowing: frozenset[str]) -> c.SceneSeat:
    return c.SceneSeat(
        seat_id=seat.seat_id,
        role=seat.role.value,
        name=" · ".join(dict.fromkeys(word for word in (seat.name, seat.school) if word)),
        sources=tuple(
            source.source.value
            for source in seat.sources
            if source.kind == "video" and source.live and source.producer_id in flowing
        ),
        present=seat.present,
        absence=NO_PICTURE if seat.present else AWAY,
    )


def _spotlight(scene: LessonScene, seats: dict[str, c.SceneSeat]) -> c.PictureName | None:
    """The picture under the spotlight, if it stands on a seat that is here."""
    spotlight = scene.lesson.spotlight
    seat = seats.get(spotlight.seat_id) if spotlight is not None else None
    if spotlight is None or seat is None or not seat.present:
        return None
    if spotlight.source is not None and spotlight.source.value in seat.sources:
        return c.PictureName(seat_id=seat.seat_id, source=spotlight.source.value)
    face = ProgramSeat(seat.seat_id, seat.role, seat.sources).face
    return None if face is None else c.PictureName(seat_id=face.seat_id, source=face.source)


def _in_order(seats: Iterable[SeatState]) -> list[SeatState]:
    """Raised hands, the first first."""
    raised = [(seat.hand.place, seat) for seat in seats if seat.hand is not None]
    return [seat for _, seat in sorted(raised, key=lambda one: one[0])]
