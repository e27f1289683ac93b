"""The automatic director, in virtual time."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from mixer.composite.arrange import Cast, PictureId, ProgramSeat
from mixer.composite.director import Directing, Director, Shot, Why
from mixer.composite.layouts import ProgramLayout

STEP_S = 0.25


def lead(*sources: str, present: bool = True) -> ProgramSeat:
    return ProgramSeat("lead", "lead", sources or ("teacher",), present)


def room(name: str, *, present: bool = True) -> ProgramSeat:
    return ProgramSeat(name, "room", ("students",) if present else (), present)


@dataclass
class Studio:
    """A director, its clock, and every cut it made."""

    director: Director
    now: float = 0.0
    cuts: list[tuple[float, Shot]] = field(default_factory=list)

    def until(self, time: float) -> None:
        while self.now < time:
            shot = self.director.poll(self.now)
            if shot is not None:
                self.cuts.append((self.now, shot))
            self.now += STEP_S

    def large(self) -> str:
        shot = self.director.shot
        assert shot is not None and shot.cast.large is not None
        return f"{shot.layout}: {shot.cast.large.seat_id}.{shot.cast.large.source}"


def studio(*seats: ProgramSeat, directing: Directing = Directing.AUTOMATIC) -> Studio:
    director = Director(0.0, directing)
    director.handle_seats(seats or (lead(), room("east"), room("west")), 0.0)
    made = Studio(director)
    made.until(10.0)
    return made


def test_it_begins_with_the_lead() -> None:
    made = studio()
    assert made.large() == "speaker: lead.teacher"
    assert [(at, shot.why) for at, shot in made.cuts] == [(0.0, Why.BEGIN)]


@pytest.mark.parametrize("directing", [Directing.AUTOMATIC, Directing.SEMI_AUTOMATIC])
def test_who_is_given_the_floor_is_large_at_once_and_then_the_lead_again(
    directing: Directing,
) -> None:
    made = studio(directing=directing)
    made.director.handle_floor("west", 10.0)
    made.until(12.0)
    assert made.large() == "speaker: west.students"
    made.director.handle_floor(None, 12.0)
    made.until(14.0)
    assert made.large() == "speaker: lead.teacher"
    times = [at for at, shot in made.cuts[1:]]
    assert times == [pytest.approx(10.5, abs=0.3), pytest.approx(12.5, abs=0.3)]
    assert made.cuts[1][1].cast.beside == PictureId("lead", "teacher")


def test_a_wrong_button_is_no_cut() -> None:
    made = studio()
    made.director.handle_floor("west", 10.0)
    made.director.poll(10.1)
    made.director.handle_floor(None, 10.2)
    made.until(20.0)
    assert len(made.cuts) == 1


def test_a_holder_with_sound_alone_changes_nothing() -> None:
    made = studio(lead(), ProgramSeat("east", "room"))
    made.director.handle_floor("east", 10.0)
    made.until(20.0)
    assert len(made.cuts) == 1


def test_a_room_that_speaks_is_shown_and_the_lead_when_it_is_silent() -> None:
    made = studio()
    made.director.handle_speakers(["east"], 10.0)
    made.until(11.0)
    assert made.large() == "speaker: lead.teacher", "a word is no turn"
    made.until(12.0)
    assert made.large() == "speaker: east.students"
    made.until(20.0)
    made.director.handle_speakers([], 20.0)
    made.until(22.0)
    assert made.large() == "speaker: east.students", "it may go on"
    made.until(24.0)
    assert made.large() == "speaker: lead.teacher"
    assert [shot.why for _, shot in made.cuts] == [Why.BEGIN, Why.SPEECH, Why.LEAD]


def test_a_cough_is_not_shown() -> None:
    made = studio()
    for second in range(10, 40, 3):
        made.director.handle_speakers(["east"], second)
        made.until(second + 0.5)
        made.director.handle_speakers([], second + 0.5)
        made.until(second + 3)
    assert len(made.cuts) == 1


def test_two_who_talk_with_each_other_stand_side_by_side() -> None:
    made = studio()
    turn = 10.0
    while turn < 60.0:
        for who in ("lead", "east"):
            made.director.handle_speakers([who], turn)
            made.until(turn + 2.5)
            turn += 2.5
    assert made.large() == "dialogue: east.students"
    assert len(made.cuts) == 2, "one cut, and no more while they talk"


def test_only_floor_and_screen_count_when_it_is_half_automatic() -> None:
    made = studio(directing=Directing.SEMI_AUTOMATIC)
    made.director.handle_speakers(["east"], 10.0)
    made.until(30.0)
    assert len(made.cuts) == 1
    made.director.handle_seats((lead("teacher", "screen"), room("east")), 30.0)
    made.until(31.0)
    assert made.large() == "screen: lead.screen"


def test_a_screen_is_large_while_it_changes() -> None:
    made = studio()
    made.director.handle_seats((lead("teacher", "screen"), room("east")), 10.0)
    made.until(11.0)
    assert made.large() == "screen: lead.screen"
    made.until(31.0)
    assert made.large() == "lead-and-screen: lead.screen"
    made.director.handle_speakers(["east"], 31.0)
    made.until(36.0)
    assert made.large() == "screen: lead.screen", "who speaks is seen beside it"
    assert made.cuts[-1][1].cast.beside == PictureId("east", "students")
    made.director.handle_speakers([], 36.0)
    made.until(46.0)
    assert made.large() == "lead-and-screen: lead.screen"
    made.director.handle_screen_changed(46.0)
    made.until(51.0)
    assert made.large() == "screen: lead.screen"
    made.director.handle_seats((lead(), room("east")), 51.0)
    made.until(51.5)
    assert made.large() == "speaker: lead.teacher"


def test_who_answers_comes_before_the_screen_and_what_it_shares_with_it() -> None:
    made = studio(lead("teacher", "screen"), room("east"), room("west"))
    made.director.handle_floor("east", 10.0)
    made.until(11.0)
    assert made.large() == "speaker: east.students"
    shot = made.director.shot
    assert shot is not None and shot.cast.beside == PictureId("lead", "screen")
    sharing = ProgramSeat("east", "room", ("students", "screen"))
    made.director.handle_seats((lead(), sharing), 11.0)
    made.until(12.0)
    assert made.large() == "screen: east.screen"


@pytest.mark.parametrize(
    ("directing", "stands_s"),
    [
        (Directing.AUTOMATIC, 60.0),
        (Directing.SEMI_AUTOMATIC, 600.0),
        (Directing.MANUAL, 600.0),
    ],
)
def test_what_the_lead_chose_stands(directing: Directing, stands_s: float) -> None:
    made = studio(directing=directing)
    chosen = Cast(PictureId("west", "students"))
    made.director.handle_choice(ProgramLayout.SPOTLIGHT, chosen, 10.0)
    made.until(10.5)
    assert made.large() == "spotlight: west.students", "at once"
    made.director.handle_speakers(["east"], 11.0)
    made.until(9.0 + stands_s)
    assert made.large() == "spotlight: west.students"
    assert len(made.cuts) == 2


@pytest.mark.parametrize(
    ("directing", "expected"),
    [
        (Directing.AUTOMATIC, "speaker: east.students"),
        (Directing.SEMI_AUTOMATIC, "speaker: east.students"),
        (Directing.MANUAL, "wall: lead.teacher"),
    ],
)
def test_the_floor_ends_a_choice_unless_all_is_chosen_by_hand(
    directing: Directing, expected: str
) -> None:
    made = studio(directing=directing)
    made.director.handle_choice(ProgramLayout.WALL, Cast(PictureId("lead", "teacher")), 10.0)
    made.until(12.0)
    made.director.handle_floor("east", 12.0)
    made.until(13.0)
    assert made.large() == expected


def test_going_over_to_manual_cuts_nothing_and_back_lets_it_go_on() -> None:
    made = studio()
    made.director.handle_floor("east", 10.0)
    made.until(12.0)
    made.director.handle_directing(Directing.MANUAL, 12.0)
    made.director.handle_floor(None, 12.0)
    made.until(30.0)
    assert made.large() == "speaker: east.students"
    made.director.handle_directing(Directing.AUTOMATIC, 30.0)
    made.until(31.0)
    assert made.large() == "speaker: lead.teacher"


@pytest.mark.parametrize("directing", Directing)
def test_who_goes_away_is_not_shown_any_more(directing: Directing) -> None:
    made = studio(directing=directing)
    made.director.handle_choice(ProgramLayout.SPEAKER, Cast(PictureId("east", "students")), 10.0)
    made.until(12.0)
    made.director.handle_seats((lead(), room("east", present=False), room("west")), 12.0)
    made.until(12.0 + STEP_S)
    assert made.large() == "speaker: lead.teacher"
    assert made.cuts[-1][1].why is Why.AWAY


def test_while_the_lead_is_away_a_room_is_shown() -> None:
    made = studio()
    made.director.handle_seats((lead(present=False), room("east")), 10.0)
    made.until(11.0)
    assert made.large() == "speaker: east.students"


def test_nobody_here_is_nobody_shown() -> None:
    director = Director(0.0)
    shot = director.poll(0.0)
    assert shot is not None and shot.cast == Cast()
    director.handle_speakers(["stranger"], 1.0)
    director.handle_floor("stranger", 1.0)
    assert director.poll(5.0) is None


ROOMS = ("east", "west", "north")


class ScriptedLesson:
    """Talk, answers, coughs, a deck, rooms that fail: what happens at every quarter of a second."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.director = Director(0.0)
        self.away: set[str] = set()
        self.sharing = False
        self.floor: str | None = None
        self.floor_at = 0.0
        self.seats_change(0.0)

    def seats_change(self, now: float) -> None:
        sources = ("teacher", "screen") if self.sharing else ("teacher",)
        rooms = [room(name, present=name not in self.away) for name in ROOMS]
        self.director.handle_seats((lead(*sources), *rooms), now)

    def floor_goes_to(self, seat_id: str | None, now: float) -> None:
        self.floor, self.floor_at = seat_id, now
        self.director.handle_floor(seat_id, now)

    def step(self, tick: int, now: float) -> Shot | None:
        """The cut at this moment, if there is one."""
        if tick % 12 == 0:  # every three seconds somebody else may speak
            speaker = self.rng.choices(["lead", *ROOMS, ""], [10, 2, 2, 1, 3])[0]
            self.director.handle_speakers([speaker] if speaker else [], now)
        if tick % 240 == 100:
            here = [name for name in ROOMS if name not in self.away]
            self.floor_goes_to(self.rng.choice(here), now)
        elif tick % 240 == 180:
            self.floor_goes_to(None, now)
        if tick % 800 == 300:
            self.sharing = not self.sharing
            self.seats_change(now)
        if self.sharing and tick % 61 == 0:
            self.director.handle_screen_changed(now)
        if tick % 333 == 50:
            self.away = {self.rng.choice(ROOMS)} - self.away - {self.floor or ""}
            self.seats_change(now)
        return self.director.poll(now)


@pytest.mark.parametrize("seed", range(3))
def test_a_whole_lesson_of_forty_minutes(seed: int) -> None:
    lesson = ScriptedLesson(seed)
    cuts: list[tuple[float, Shot]] = []
    shown: Counter[str] = Counter()
    for tick in range(round(40 * 60 / STEP_S)):
        now = tick * STEP_S
        cut = lesson.step(tick, now)
        if cut is not None:
            cuts.append((now, cut))
        shot = lesson.director.shot
        assert shot is not None and shot.cast.large is not None
        seen = {one.seat_id for one in (shot.cast.large, shot.cast.beside) if one is not None}
        assert not seen & lesson.away, "nobody who is away"
        if now - lesson.floor_at >= 0.5:  # the floor is followed within half a second
            assert (shot.why is Why.FLOOR) == (lesson.floor is not None)
            assert lesson.floor in (None, shot.cast.large.seat_id)
        shown[shot.cast.large.source] += 1
    times = [at for at, _ in cuts]
    assert max(sum(at <= other < at + 60 for other in times) for at in times) <= 14
    free = (Why.SPEECH, Why.SCREEN, Why.LEAD)
    for (at, shot), (later, following) in pairwise(cuts):
        if following.why in free and shot.why is not Why.FLOOR:
            assert later - at >= 4.0, "no flicker"
    assert len(cuts) > 80
    assert min(shown["teacher"], shown["students"], shown["screen"]) > 1000, shown
