"""Forty minutes of a delivery lesson on lines that lose 5 % of everything, in seconds.

One lead, three rooms and an observer; floors given and taken, hands, cuts short and long, a server
killed with SIGKILL in the middle, a weak line for ten minutes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest

from signaling.protocol import messages as m
from signaling.protocol.messages import DeviceKind, Mode, Source
from tests.sim.classroom import PACKET_S, Room
from tests.sim.lesson_server import SETTINGS, Server
from tests.sim.network import Clock
from tests.sim.wires import line

LOSS = 0.05
MINUTE = 60.0
ROOMS = ("room-1", "room-2", "room-3")
# 5 % of the packets are lost on each of two lines, in bursts: so much of 5 s of sound comes.
HEARD = 0.65
# A cut room notices within `silent_socket_s` and knocks again; then it has this long.
BACK_WITHIN_S = 5.0


@dataclass
class LessonPlay:
    """The lesson on its clock, with what is looked at in every second of it."""

    seed: int
    mode: Mode = Mode.DELIVERY
    strangers: list[str] = field(default_factory=list)
    whole_at: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.clock = Clock(start=1_700_000_000.0)
        self.server = Server(self.clock, self.mode)
        usual = (Source.STUDENTS, Source.ROOM)
        self.at = {
            "lead": self._room("lead", (Source.TEACHER, Source.ROOM), DeviceKind.BROWSER),
            **{seat: self._room(seat, usual, DeviceKind.ROOM_PC) for seat in ROOMS},
            "observer-1": self._room("observer-1", (), DeviceKind.BROWSER),
        }
        self.lead = self.at["lead"]
        self.started = self.clock.now
        self.clock.every(1.0, self._look)

    def _room(self, seat: str, sources: tuple[Source, ...], kind: DeviceKind) -> Room:
        up, down = (line(self.clock, self.rng, LOSS) for _direction in range(2))
        return Room(self.server, seat, up, down, sources, kind)

    def _look(self) -> None:
        """Every second: who has the floor is one of those who are here."""
        state, seats = self.server.view()
        here = {s.seat_id for s in seats if s.present or s.away_since is not None}
        if state.floor is not None and state.floor not in here:
            self.strangers.append(state.floor)

    def run_to(self, minute: float) -> None:
        self.clock.run(self.started + minute * MINUTE - self.clock.now)

    def cut(self, seat: str, seconds: float) -> float:
        """Cut a room's line for so long; when it is whole again."""
        room = self.at[seat]
        room.up.rate_bps = room.down.rate_bps = 0
        self.whole_at[seat] = max(self.whole_at.get(seat, 0), self.clock.now + seconds)

        def mend() -> None:
            if self.clock.now >= self.whole_at[seat]:  # not cut once more meanwhile
                room.up.rate_bps = room.down.rate_bps = None

        self.clock.after(seconds, mend)
        return self.clock.now + seconds

    def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass until it is so: a button's message may be lost and sent again."""
        for _step in range(100):
            if condition():
                return
            self.clock.run(0.1)
        raise AssertionError("it did not come to pass within 10 s")

    def has_hand(self, seat: str) -> bool:
        return self.server.seats()[seat].hand is not None

    def floor(self) -> str | None:
        return self.server.view()[0].floor

    def give_floor(self, seat: str) -> None:
        """The lead presses, and it is so."""
        self.lead.say(m.GiveFloor(seat_id=seat))
        self.until(lambda: self.floor() == seat)

    def heard(self, listener: str, speaker: str, seconds: float) -> float:
        """The share of a seat's sound that another hears in the next seconds."""
        before = self.at[listener].ears[speaker]
        self.clock.run(seconds)
        return (self.at[listener].ears[speaker] - before) / (seconds / PACKET_S)

    def all_know_the_same(self) -> bool:
        state, seats = self.server.view()
        want = {seat.seat_id: seat for seat in seats}
        return all(
            room.lesson == state and room.seats == want
            for room in self.at.values()
            if room.connected
        )


def begin(play: LessonPlay) -> None:
    """All come in during the first two minutes."""
    for delay, seat in zip((0, 20, 45, 70, 100), play.at, strict=True):
        play.clock.after(delay, play.at[seat].switch_on)
    play.run_to(2)
    assert all(room.connected for room in play.at.values())
    assert play.heard("room-1", "lead", 10) > HEARD
    assert play.heard("room-1", "room-2", 10) == 0, "its microphone is closed"


def floors(play: LessonPlay, *, until: int = 10) -> None:
    """Hands go up in an order, and are answered in it, round after round."""
    asked: list[str] = []
    for minute in range(2, until):
        play.run_to(minute + 0.3)
        order = play.rng.sample(ROOMS, k=2)
        for seat in order:
            play.at[seat].say(m.RaiseHand())
            play.until(partial(play.has_hand, seat))
        for seat in order:
            seats = play.server.seats().values()
            hands = sorted((s.hand.place, s.seat_id) for s in seats if s.hand)
            assert hands[0] == (1, seat)
            play.give_floor(seat)
            play.server.talking = {seat}
            play.clock.run(2)
            others = [other for other in ROOMS if other != seat]
            assert play.heard(others[0], seat, 5) > HEARD
            assert play.heard("observer-1", seat, 1) > 0.5
            assert play.heard(seat, others[0], 1) == 0
            asked.append(seat)
        play.lead.say(m.TakeFloor())
        play.until(lambda: play.floor() is None)
        play.clock.run(1)
        assert play.heard(others[0], seat, 2) == 0
    given = [entry["seat_id"] for entry in play.server.journal if entry["type"] == "floor_given"]
    assert given == asked


def a_weak_line(play: LessonPlay) -> None:
    """For four minutes room 3 has 300 kb/s: it hears all, the others notice nothing."""
    play.run_to(10)
    weak = play.at["room-3"]
    weak.down.rate_bps = 300_000
    play.clock.run(15)
    assert play.server.seats()["room-3"].link == "weak"
    assert play.heard("room-3", "lead", 30) > HEARD, "speech goes on"
    now = {change.producer_id: change for change in weak.streams}
    (teacher,) = [
        s.producer_id for s in play.server.seats()["lead"].sources if s.source == "teacher"
    ]
    assert now[teacher].layer == 0, "the teacher's picture stays, small"
    strong = {change.producer_id: change for change in play.at["room-1"].streams}
    assert strong[teacher].layer == 2, "one weak room never lowers another's quality"
    play.run_to(14)
    weak.down.rate_bps = None
    play.clock.run(10)
    now = {change.producer_id: change for change in weak.streams}
    assert now[teacher].layer == 2, "full quality is back within 10 s"


def short_cuts(play: LessonPlay, *, minutes: tuple[int, ...] = (15, 17, 19)) -> None:
    """Each room is cut for 10 s while it has the floor, and is back with it, untouched."""
    for minute, seat in zip(minutes, ROOMS, strict=False):
        play.run_to(minute)
        play.give_floor(seat)
        play.lead.say(m.SetSpotlight(seat_id=seat))
        play.clock.run(5)
        mended = play.cut(seat, 10)
        play.clock.run(9)
        assert play.server.seats()[seat].away_since is not None
        play.clock.run(1 + BACK_WITHIN_S)
        room = play.at[seat]
        assert room.connected
        assert room.back_at[-1] - mended <= BACK_WITHIN_S
        play.clock.run(2)
        state = play.server.view()[0]
        assert state.floor == seat
        assert state.spotlight == m.SpotlightState(seat_id=seat)
        listener = "lead" if seat != "lead" else "room-1"
        assert play.heard(listener, seat, 5) > HEARD
    play.lead.say(m.TakeFloor())


def a_long_cut(play: LessonPlay) -> None:
    """A room away for longer than its grace has lost the floor, and comes back all the same."""
    play.run_to(21)
    play.give_floor("room-2")
    play.cut("room-2", SETTINGS.away_grace_s + 30)
    play.clock.run(SETTINGS.away_grace_s + 10)
    assert play.server.view()[0].floor is None
    assert not play.server.seats()["room-2"].sources
    play.clock.run(20 + BACK_WITHIN_S)
    assert play.at["room-2"].connected
    assert play.server.seats()["room-2"].present


def a_killed_server(play: LessonPlay, *, minute: int = 24) -> None:
    """SIGKILL: everybody is back within 5 s of the restart, to the same floor, hands and chat."""
    play.run_to(minute)
    play.give_floor("room-1")
    for seat in ("room-3", "room-2"):
        play.at[seat].say(m.RaiseHand())
        play.until(partial(play.has_hand, seat))
    play.lead.say(m.SendChat(text="第三题"))
    play.lead.say(m.SetLayout(layout=m.Layout.WALL))
    play.lead.say(m.SetLock(locked=True))
    play.clock.run(3)
    before = play.server.view()
    devices = {seat: room.device_id for seat, room in play.at.items()}
    play.server.kill(for_s=2.0)
    # Nothing tells them but silence, which they notice after `silent_socket_s`.
    play.clock.run(2.0 + SETTINGS.silent_socket_s + BACK_WITHIN_S)
    assert all(room.connected for room in play.at.values())
    assert {seat: room.device_id for seat, room in play.at.items()} == devices
    play.clock.run(3)
    after = play.server.view()
    assert after[0] == before[0]
    assert [(s.seat_id, s.hand) for s in after[1]] == [(s.seat_id, s.hand) for s in before[1]]
    assert play.heard("lead", "room-1", 5) > HEARD
    play.lead.say(m.SetLock(locked=False))
    play.lead.say(m.TakeFloor())


def the_lead_away(play: LessonPlay) -> None:
    """The lead's line fails for half a minute: the rooms wait, and the lesson goes on."""
    play.run_to(28)
    play.cut("lead", 30)
    play.clock.run(20)
    assert play.server.lesson.phase == "waiting"
    assert all(play.at[seat].connected for seat in ROOMS)
    play.clock.run(10 + BACK_WITHIN_S)
    assert play.lead.connected
    assert play.server.lesson.phase == "running"


def many_small_cuts(play: LessonPlay) -> None:
    """Ten minutes in which somebody is always being cut for some seconds."""
    while play.clock.now < play.started + 38 * MINUTE:
        play.cut(play.rng.choice(list(play.at)), play.rng.uniform(1, 12))
        play.clock.run(play.rng.uniform(8, 20))
        play.lead.say(m.GiveFloor(seat_id=play.rng.choice(ROOMS)))
    play.clock.run(20)
    assert all(room.connected for room in play.at.values())
    assert play.all_know_the_same()


def the_end(play: LessonPlay, *, minute: int = 40) -> None:
    """The lead ends the lesson."""
    play.run_to(minute)
    play.lead.say(m.EndLesson())
    play.clock.run(5)
    assert all(room.ended for room in play.at.values())
    assert play.server.closed is not None
    assert play.server.closed.reason == "by-lead"


@pytest.mark.thorough
@pytest.mark.parametrize("seed", [1, 2])
def test_forty_minutes(seed: int) -> None:
    play = LessonPlay(seed)
    begin(play)
    floors(play)
    a_weak_line(play)
    short_cuts(play)
    a_long_cut(play)
    a_killed_server(play)
    the_lead_away(play)
    many_small_cuts(play)
    the_end(play)
    assert play.server.leaks == [], "nobody was heard without the floor, not for one packet"
    assert play.strangers == []
    times = [float(str(entry["at"])) for entry in play.server.journal]
    assert times == sorted(times)
    kinds = {str(entry["type"]) for entry in play.server.journal}
    assert kinds >= {
        "lesson_running", "lesson_waiting", "lesson_restored", "lesson_ended", "seat_joined",
        "seat_lost", "seat_returned", "seat_left", "source_added", "source_removed",
        "hand_raised", "floor_given", "floor_taken", "spotlight", "layout", "lock", "chat", "link",
    }  # fmt: skip
    # Buttons pressed into a floor that a cut had just taken away are refused, nothing else is.
    refused = {code for room in play.at.values() for code in room.refusals}
    assert refused <= {"seat-absent", "no-offer", "unknown-producer"}


def test_seven_minutes() -> None:
    """The same people, a floor each, one cut, the server killed."""
    play = LessonPlay(4)
    begin(play)
    floors(play, until=3)
    short_cuts(play, minutes=(4,))
    a_killed_server(play, minute=5)
    the_end(play, minute=7)
    assert play.server.leaks == []
    assert play.strangers == []


def test_in_a_blended_lesson_all_rooms_hear_all() -> None:
    play = LessonPlay(3, Mode.BLENDED)
    for room in play.at.values():
        room.switch_on()
    play.clock.run(20)
    for listener, speaker in (("room-1", "room-2"), ("room-3", "lead"), ("lead", "room-1")):
        assert play.heard(listener, speaker, 10) > HEARD
    play.lead.say(m.MuteSeat(seat_id="room-2", muted=True))
    play.clock.run(2)
    assert play.heard("room-1", "room-2", 5) == 0
    assert play.all_know_the_same()
