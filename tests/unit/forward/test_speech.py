"""Who has spoken, from when till when: coughs, pauses, closed microphones, and rooms that echo."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from mixer.forward.echo_path import FRAME_S, FRAMES
from mixer.forward.speech import SpeechSpells
from tests.models.voices import (
    Levels,
    at,
    frames_of,
    mixed,
    noise,
    returned,
    talk,
    turned_up_and_down,
)

START = 5000  # frames: the node's clock does not begin with a lesson
LOOK = 5  # frames: as often as levels are read
OPEN_S = 4.0  # before anybody speaks, so long are the microphones open


class Bench:
    """Levels in, spells out, as seconds from the beginning."""

    def __init__(self) -> None:
        self.speech = SpeechSpells()
        self.now = 0  # frames since the beginning
        self.told: list[tuple[float, str, float, float, bool]] = []
        self._past: dict[str, bytes] = {}

    def hear(self, **scene: Levels) -> None:
        """So much of each microphone, all of the same length; who is not named is closed."""
        frames = {name: frames_of(levels) for name, levels in scene.items()}
        (length,) = {len(one) for one in frames.values()}
        past = {name: self._past.get(name, bytes([127]) * FRAMES) for name in frames}
        for end in range(LOOK, length + 1, LOOK):
            newest = {name: (past[name] + one[:end])[-FRAMES:] for name, one in frames.items()}
            self._take(newest, self.now + end)
        self.now += length
        self._past = {name: (past[name] + one)[-FRAMES:] for name, one in frames.items()}

    def _take(self, newest: Mapping[str, bytes], end: int) -> None:
        for spell in self.speech.hear(newest, START + end):
            self._note(end, spell.producer_id, spell.began, spell.ended, spell.over)

    def close(self, name: str) -> None:
        for spell in self.speech.remove(name, START + self.now):
            self._note(self.now, spell.producer_id, spell.began, spell.ended, spell.over)

    def _note(self, now: int, name: str, began: int, ended: int, over: bool) -> None:
        since, until = ((at - START) * FRAME_S for at in (began, ended))
        self.told.append((now * FRAME_S, name, since, until, over))

    def spells(self, name: str) -> list[tuple[float, float]]:
        """Those that are over, but for what was taken back."""
        return [
            (began, ended)
            for _, who, began, ended, over in self.told
            if who == name and over and began < ended
        ]


def close_to(*times: tuple[float, float]) -> list[object]:
    return [pytest.approx(time, abs=0.3) for time in times]


def quiet(rng: random.Random, seconds: float) -> Levels:
    return noise(rng, seconds, -64)


@pytest.fixture
def rng() -> random.Random:
    return random.Random(20)


# --- one microphone -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "spells"),
    [
        ([], []),
        ([(3.0, 0.4)], []),  # a cough
        ([(3.0, 0.2), (4.0, 0.2), (5.0, 0.3)], []),  # chairs
        ([(3.0, 1.0)], [(3.0, 4.0)]),
        ([(3.0, 9.0)], [(3.0, 12.0)]),
        ([(3.0, 4.0), (8.5, 3.0)], [(3.0, 11.5)]),  # thinks between two sentences
        ([(3.0, 4.0), (10.0, 3.0)], [(3.0, 7.0), (10.0, 13.0)]),
    ],
)
def test_a_spell_begins_with_a_word_and_ends_with_the_last(
    rng: random.Random, words: list[tuple[float, float]], spells: list[tuple[float, float]]
) -> None:
    bench = Bench()
    spoken = at(20, *((begins, talk(rng, lasts)) for begins, lasts in words))
    bench.hear(room=mixed(spoken, quiet(rng, 20)))
    assert bench.spells("room") == close_to(*spells)
    assert not bench.speech.is_busy


def test_it_is_told_soon_at_each_look_and_at_its_end(rng: random.Random) -> None:
    bench = Bench()
    bench.hear(room=mixed(at(12, (2.0, talk(rng, 5.0))), quiet(rng, 12)))
    first, *later, last = [(now, ended, over) for now, _, _, ended, over in bench.told]
    assert first[0] - 2.0 <= 1.3, "0.6 s of sound, and until somebody looks"
    assert len(later) >= 7, "at each look but those into which no word fell"
    assert all(now - ended <= 0.6 and not over for now, ended, over in later)
    assert last[2]
    assert last[0] - 7.0 <= 2.6


@pytest.mark.parametrize("hum_dbov", [-60.0, -44.0, -35.0])
def test_a_fan_is_nobody_and_a_voice_over_it_somebody(rng: random.Random, hum_dbov: float) -> None:
    bench = Bench()
    bench.hear(room=noise(rng, 6, hum_dbov))
    told = len(bench.told)
    bench.hear(room=noise(rng, 10, hum_dbov))
    assert len(bench.told) == told
    bench.hear(room=mixed(noise(rng, 10, hum_dbov), at(10, (3.0, talk(rng, 5.0, dbov=-15)))))
    assert bench.spells("room")[-1:] == close_to((19.0, 24.0))


def test_a_closed_microphone_ends_it_at_once(rng: random.Random) -> None:
    bench = Bench()
    bench.hear(room=at(5, (2.0, talk(rng, 3.0))))
    bench.close("room")
    assert bench.spells("room") == close_to((2.0, 5.0))
    assert not bench.speech.is_busy


def test_what_was_said_into_a_closed_one_does_not_count(rng: random.Random) -> None:
    bench = Bench()
    secret = talk(rng, 5.0)
    bench.close("room")
    bench.hear(lead=quiet(rng, 5), room_elsewhere=quiet(rng, 5))
    bench.close("room")  # it is opened
    past = frames_of(secret)
    bench._past["room"] = (bytes([127]) * FRAMES + past)[-FRAMES:]
    bench.hear(lead=quiet(rng, 6), room=quiet(rng, 6))
    assert bench.told == []


def test_who_is_gone_has_spoken(rng: random.Random) -> None:
    bench = Bench()
    bench.hear(lead=quiet(rng, 5), room=at(5, (2.0, talk(rng, 3.0))))
    bench.hear(lead=quiet(rng, 1))
    assert bench.spells("room") == close_to((2.0, 5.0))


def test_what_was_said_into_one_that_is_closed_is_still_returned(rng: random.Random) -> None:
    bench = Bench()
    voice = at(14.5, (4.0, talk(rng, 10.5)))
    room = room_with(rng, voice + [-127.0] * 250, delay_s=1.0, gain_db=-12, wet_s=0.6)
    bench.hear(lead=mixed(voice, quiet(rng, 14.5)), room=room[:725])
    bench.close("lead")
    bench.hear(room=room[725:])
    assert bench.spells("lead") == close_to((4.0, 14.5))
    assert bench.spells("room") == []


# --- rooms that return what they hear -------------------------------------------------------------

WALLS = [(-20, 0.3), (-14, 0.7)]  # by how much the returned voice is softer, and lasts
DELAYS = [0.06, 0.13, 0.35, 0.7, 1.2]


def room_with(
    rng: random.Random, voice: Levels, *own: Levels, delay_s: float, gain_db: float, wet_s: float
) -> Levels:
    """A room that hears `voice` from its loudspeaker, and what its own people say."""
    echo = returned(voice, delay_s=delay_s, gain_db=gain_db, reverberation_s=wet_s)
    return mixed(echo, quiet(rng, len(voice) * 0.02), *own)


@pytest.mark.parametrize(
    ("gain_db", "wet_s", "gain"), [(-20, 0.3, "fixed"), (-6, 0.7, "automatic")]
)
@pytest.mark.parametrize("delay_s", DELAYS)
def test_a_room_that_returns_the_lead_does_not_speak(
    rng: random.Random, delay_s: float, gain_db: float, wet_s: float, gain: str
) -> None:
    bench = Bench()
    voice = at(40, (OPEN_S, talk(rng, 12)), (20.0, talk(rng, 5)), (29.0, talk(rng, 6)))
    room = room_with(rng, voice, delay_s=delay_s, gain_db=gain_db, wet_s=wet_s)
    bench.hear(
        lead=mixed(voice, quiet(rng, 40)),
        room=turned_up_and_down(room) if gain == "automatic" else room,
    )
    assert bench.spells("room") == []
    assert bench.spells("lead") == close_to((OPEN_S, OPEN_S + 12), (20.0, 25.0), (29.0, 35.0))


@pytest.mark.parametrize("delay_s", DELAYS)
def test_a_room_speaks_that_answers_the_sentence_it_returned(
    rng: random.Random, delay_s: float
) -> None:
    bench = Bench()
    asked = [(OPEN_S, talk(rng, 5)), (16.0, talk(rng, 3)), (26.0, talk(rng, 4))]
    answers = [(OPEN_S + 5.5, talk(rng, 3)), (19.4, talk(rng, 2)), (30.6, talk(rng, 1))]
    answers = [(begins + delay_s, words) for begins, words in answers]
    voice = at(40, *asked)
    room = room_with(rng, voice, at(40, *answers), delay_s=delay_s, gain_db=-15, wet_s=0.4)
    bench.hear(lead=mixed(voice, quiet(rng, 40)), room=room)
    ends = [(begins, begins + len(words) * 0.02) for begins, words in answers]
    assert bench.spells("room") == close_to(*ends)


@pytest.mark.parametrize(("gain_db", "wet_s"), WALLS)
@pytest.mark.parametrize("delay_s", DELAYS)
def test_a_room_speaks_that_talks_into_what_it_returns(
    rng: random.Random, delay_s: float, gain_db: float, wet_s: float
) -> None:
    bench = Bench()
    voice, own = at(45, (OPEN_S, talk(rng, 36))), at(45, (16.0, talk(rng, 10)))
    room = room_with(rng, voice, own, delay_s=delay_s, gain_db=gain_db, wet_s=wet_s)
    bench.hear(lead=mixed(voice, quiet(rng, 45)), room=room)
    (began, ended), *more = bench.spells("room")
    assert more == []
    assert began == pytest.approx(16.0, abs=0.3)
    assert ended == pytest.approx(26.0, abs=1.0), "the softest of the last words are in the echo"
    assert bench.spells("lead") == close_to((OPEN_S, OPEN_S + 36))


@pytest.mark.parametrize(("gain_db", "gain"), [(-6, "fixed"), (-14, "automatic")])
@pytest.mark.parametrize("delay_s", DELAYS[::2])
def test_a_room_speaks_whose_echo_is_as_loud_as_its_people(
    rng: random.Random, delay_s: float, gain_db: float, gain: str
) -> None:
    """Not from the first word on, as that is hidden in the echo; nor longer than it does."""
    bench = Bench()
    voice, own = at(45, (OPEN_S, talk(rng, 36))), at(45, (16.0, talk(rng, 14)))
    room = room_with(rng, voice, own, delay_s=delay_s, gain_db=gain_db, wet_s=0.5)
    bench.hear(
        lead=mixed(voice, quiet(rng, 45)),
        room=turned_up_and_down(room) if gain == "automatic" else room,
    )
    spells = bench.spells("room")
    assert sum(ended - began for began, ended in spells) >= 5
    assert all(15.7 <= began <= ended <= 30.3 for began, ended in spells)


@pytest.mark.parametrize("lasts_s", [1.5, 3.0, 12.0])
@pytest.mark.parametrize("seed", range(2))
def test_who_talks_over_another_speaks(seed: int, lasts_s: float) -> None:
    rng = random.Random(seed)
    bench = Bench()
    voice, own = at(40, (OPEN_S, talk(rng, 30))), at(40, (15.0, talk(rng, lasts_s)))
    bench.hear(lead=mixed(voice, quiet(rng, 40)), room=mixed(own, quiet(rng, 40)))
    assert bench.spells("room") == close_to((15.0, 15.0 + lasts_s))


def test_all_rooms_return_the_lead_and_one_that_answers(rng: random.Random) -> None:
    bench = Bench()
    asked, answer = at(40, (OPEN_S, talk(rng, 10))), at(40, (OPEN_S + 11, talk(rng, 6)))
    both = mixed(asked, answer)
    bench.hear(
        lead=mixed(asked, room_with(rng, answer, delay_s=0.4, gain_db=-12, wet_s=0.4)),
        answering=room_with(rng, asked, answer, delay_s=0.3, gain_db=-15, wet_s=0.4),
        other=room_with(rng, both, delay_s=0.5, gain_db=-10, wet_s=0.6),
    )
    assert bench.spells("lead") == close_to((OPEN_S, OPEN_S + 10))
    assert bench.spells("answering") == close_to((OPEN_S + 11, OPEN_S + 17))
    assert bench.spells("other") == []


def test_a_loudspeaker_that_is_turned_up_in_mid_lesson_is_soon_found_out(
    rng: random.Random,
) -> None:
    bench = Bench()
    voice = talk(rng, 60)
    echo = returned(voice, delay_s=0.3, gain_db=-15, reverberation_s=0.4)
    half = len(voice) // 2
    room = mixed([-127.0] * half + echo[half:], quiet(rng, 60))
    bench.hear(lead=mixed(voice, quiet(rng, 60)), room=room)
    assert sum(ended - began for began, ended in bench.spells("room")) < 8
