"""Who spoke when, from the packets of a lesson to its event log, in virtual time.

The lesson's rules and the detector are the real ones; rooms return what their loudspeakers play.
What the log says is compared with the script of who spoke.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from signaling.log import entries as log
from signaling.protocol import messages as m
from signaling.protocol.messages import DeviceKind, Mode, Source
from tests.models.voices import PACKET_S, SILENCE, Levels, at, talk
from tests.sim.classroom import Room
from tests.sim.lesson_server import Server
from tests.sim.network import Clock
from tests.sim.wires import line

ROOMS = ("room-1", "room-2", "room-3")
LOSS = 0.004  # of packets that stand for five: each is a hole of a tenth of a second
LASTS_S = 124.0
# Who speaks from when till when, in seconds.
SCRIPT: dict[str, list[tuple[float, float]]] = {
    "lead": [(8, 22), (31, 42), (50, 74), (88, 104), (112, 124)],
    "room-1": [(23, 29), (43, 48), (105, 110)],
    "room-2": [(58, 67)],  # while the lead goes on
    "room-3": [(76, 86)],
}
ECHO_DB = {"room-1": -12.0, "room-3": -20.0}
MUTED_AT, OPENED_AT = 46.0, 50.0  # room-1, in mid-sentence
LEAVES_AT, BACK_AT = 83.0, 90.0  # room-3, in mid-sentence
ENDS_AT = 120.0  # while the lead speaks
# Of a seat that goes, what was said since the node looked last is not known.
LOOK_S = 0.5


class Lesson:
    """The lesson on its clock; voices are heard in their rooms by the script."""

    def __init__(self) -> None:
        self.rng = random.Random(4)
        self.clock = Clock(start=1_700_000_000.0)
        self.started = self.clock.now
        self.server = Server(self.clock, Mode.BLENDED)
        self.at = {
            "lead": self._room("lead", (Source.TEACHER, Source.ROOM), DeviceKind.BROWSER),
            **{
                seat: self._room(seat, (Source.STUDENTS, Source.ROOM), DeviceKind.ROOM_PC)
                for seat in ROOMS
            },
        }
        for room in self.at.values():
            room.switch_on()

    def _room(self, seat: str, sources: tuple[Source, ...], kind: DeviceKind) -> Room:
        up, down = (line(self.clock, self.rng, LOSS) for _direction in range(2))
        room = Room(self.server, seat, up, down, sources, kind)
        parts = [(begins, talk(self.rng, ends - begins)) for begins, ends in SCRIPT[seat]]
        room.echo_db = ECHO_DB.get(seat, SILENCE)
        room.voice = _voice_of(self.started, at(LASTS_S, *parts))
        return room

    def run_to(self, second: float) -> None:
        self.clock.run(self.started + second - self.clock.now)

    def spells(self) -> dict[str, list[tuple[float, float, bool]]]:
        """Of each seat, as whoever reads the log has them: the last entry of each counts."""
        entries, _ = log.parse_entries(self.server.journal)
        last = {
            (entry.seat_id, entry.since): entry
            for entry in entries
            if isinstance(entry, log.Speech)
        }
        found: dict[str, list[tuple[float, float, bool]]] = {}
        for (seat, since), entry in sorted(last.items()):
            times = (since - self.started, entry.until - self.started, entry.over)
            found.setdefault(seat, []).append(times)
        return found


def _voice_of(started: float, levels: Levels) -> Callable[[float], float]:
    def at_time(now: float) -> float:
        place = round((now - started) / PACKET_S)
        return levels[place] if 0 <= place < len(levels) else SILENCE

    return at_time


def in_step(since: float, until: float, *, until_within: float = 0.3) -> object:
    return (pytest.approx(since, abs=0.3), pytest.approx(until, abs=until_within), True)


def test_the_log_says_who_spoke() -> None:
    lesson = Lesson()
    lesson.run_to(MUTED_AT)
    lesson.at["room-1"].say(m.Mute(source=Source.ROOM, muted=True))
    lesson.run_to(OPENED_AT)
    lesson.at["room-1"].say(m.Mute(source=Source.ROOM, muted=False))
    lesson.run_to(LEAVES_AT)
    lesson.at["room-3"].leave()
    lesson.run_to(BACK_AT)
    lesson.at["room-3"].switch_on()
    lesson.run_to(ENDS_AT)
    lesson.at["lead"].say(m.EndLesson())
    lesson.run_to(LASTS_S)
    expected = {seat: [in_step(*times) for times in spells] for seat, spells in SCRIPT.items()}
    expected["room-1"][1] = in_step(43, MUTED_AT)
    expected["room-3"] = [in_step(76, LEAVES_AT, until_within=0.3 + LOOK_S)]
    expected["lead"][-1] = in_step(112, ENDS_AT, until_within=0.3 + LOOK_S)
    assert lesson.spells() == expected
    entries = [entry for entry in lesson.server.journal if entry["type"] == "speech"]
    assert len(entries) < 200, "two minutes in which somebody speaks all the time"


def test_of_a_spell_that_a_kill_ends_all_but_the_last_second_is_known() -> None:
    lesson = Lesson()
    lesson.run_to(21)
    lesson.server.kill(for_s=2.0)
    lesson.run_to(24)
    ((since, until, over),) = lesson.spells()["lead"]
    assert since == pytest.approx(8, abs=0.3)
    assert 20 <= until <= 21
    assert not over, "nobody could write that"
    assert "lesson_restored" in [entry["type"] for entry in lesson.server.journal]
