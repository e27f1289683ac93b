"""Who has spoken, in the event log: seats and times, from what the media core tells of streams."""

from __future__ import annotations

import pytest

from mixer.model import SpeechHeard
from signaling.lesson import events as e
from signaling.log import entries as log
from signaling.protocol import messages as m
from signaling.protocol.messages import EndReason, Source
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import START

Told = tuple[str, float, float, bool]


class Talk:
    """A lesson in which the lead's and a room's microphones are open."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.lead, self.room = self.desk.join("lead"), self.desk.join("room-1")
        self.lead_sound = self.lead.publish(Source.ROOM)["room"]
        self.room_sound = self.room.publish(Source.ROOM)["room"]

    def at(self, second: float) -> None:
        self.desk.advance(START + second - self.desk.now)

    def hear(self, producer_id: str, since: float, until: float, *, over: bool = False) -> None:
        """The media core tells that it was so, in seconds from the beginning."""
        now = self.desk.now - START
        self.desk.notice(SpeechHeard(producer_id, now - since, now - until, over))

    def entries(self) -> list[Told]:
        """Those of the log: the seat, since and until when, whether it is over."""
        found, unknown = log.parse_entries(self.desk.entries("speech"))
        assert unknown == 0
        return [
            (one.seat_id, round(one.since - START, 3), round(one.until - START, 3), one.over)
            for one in found
            if isinstance(one, log.Speech)
        ]


def test_a_spell_is_written_as_it_begins_and_as_it_ends() -> None:
    talk = Talk()
    talk.at(11)
    talk.hear(talk.room_sound, 10, 10.9)
    assert talk.entries() == [("room-1", 10, 10.9, False)]
    talk.at(15)
    talk.hear(talk.room_sound, 10, 13, over=True)
    assert talk.entries()[1:] == [("room-1", 10, 13, True)]
    assert [entry["at"] for entry in talk.desk.entries("speech")] == [START + 11, START + 15]


def test_a_long_one_is_written_once_a_second() -> None:
    talk = Talk()
    for half in range(22, 33):
        talk.at(half / 2)
        talk.hear(talk.lead_sound, 10.02, half / 2 - 0.1)
    written = talk.entries()
    assert {(seat, since) for seat, since, *_ in written} == {("lead", 10.02)}
    assert [until for _, _, until, _ in written] == [10.9, 11.9, 12.9, 13.9, 14.9, 15.9]


def test_its_beginning_does_not_move_with_the_time_it_is_told() -> None:
    talk = Talk()
    talk.at(11)
    talk.hear(talk.lead_sound, 10, 10.9)
    talk.at(30)
    talk.hear(talk.lead_sound, 10.04, 28, over=True)  # told a moment late
    assert {since for _, since, _, _ in talk.entries()} == {10}


def test_the_end_that_was_not_told_comes_before_what_begins() -> None:
    talk = Talk()
    talk.at(11)
    talk.hear(talk.lead_sound, 10, 10.9)
    talk.at(20)
    talk.hear(talk.lead_sound, 18, 19.9)
    assert talk.entries() == [
        ("lead", 10, 10.9, False),
        ("lead", 10, 10.9, True),
        ("lead", 18, 19.9, False),
    ]


def test_what_turned_out_to_be_an_echo_is_taken_back() -> None:
    talk = Talk()
    talk.at(12)
    talk.hear(talk.room_sound, 10, 12)
    talk.at(14.01)
    talk.hear(talk.room_sound, 10.01, 10.01, over=True)
    assert talk.entries()[-1] == ("room-1", 10, 10, True)


def test_a_short_one_is_written_once() -> None:
    talk = Talk()
    talk.at(14)
    talk.hear(talk.room_sound, 10, 11.5, over=True)
    assert talk.entries() == [("room-1", 10, 11.5, True)]


def test_two_who_speak_at_once_have_spells_of_their_own() -> None:
    talk = Talk()
    talk.at(12)
    talk.hear(talk.lead_sound, 10, 12)
    talk.hear(talk.room_sound, 11, 12)
    talk.at(20)
    talk.hear(talk.room_sound, 11, 14, over=True)
    talk.hear(talk.lead_sound, 10, 18, over=True)
    assert talk.entries()[2:] == [("room-1", 11, 14, True), ("lead", 10, 18, True)]


@pytest.mark.parametrize("way", ["leaves", "stops its sound", "is put out", "grace over"])
def test_a_seat_that_goes_has_spoken(way: str) -> None:
    talk = Talk()
    talk.at(12)
    talk.hear(talk.room_sound, 10, 12)
    talk.at(13)
    talk.hear(talk.room_sound, 10, 12.5)
    if way == "leaves":
        talk.room.say(m.Leave())
    elif way == "stops its sound":
        talk.room.say(m.Unpublish(source=Source.ROOM))
    elif way == "is put out":
        talk.lead.say(m.RemoveDevice(device_id=talk.room.device_id))
    else:
        talk.room.cut()
        talk.at(13 + talk.desk.settings.away_grace_s)
    assert talk.entries()[-1] == ("room-1", 10, 12.5, True)
    kinds = [entry["type"] for entry in talk.desk.journal]
    assert kinds.index("speech") < kinds.index("source_removed")
    talk.hear(talk.room_sound, 10, 13, over=True)  # what was on its way
    assert len(talk.entries()) == 2


@pytest.mark.parametrize("reason", ["by-administrator", "lead"])
def test_the_end_of_the_lesson_ends_all(reason: EndReason | str) -> None:
    talk = Talk()
    talk.at(12)
    talk.hear(talk.lead_sound, 10, 12)
    talk.hear(talk.room_sound, 11, 12)
    if reason == "lead":
        talk.lead.say(m.EndLesson())
    else:
        talk.desk.feed(e.EndRequested("by-administrator"))
    assert talk.entries()[2:] == [("lead", 10, 12, True), ("room-1", 11, 12, True)]
    assert [entry["type"] for entry in talk.desk.journal][-1] == "lesson_ended"


def test_a_restart_leaves_what_was_known_and_begins_anew() -> None:
    """No entry tells of its end: it lasted at least so long."""
    talk = Talk()
    talk.at(12)
    talk.hear(talk.lead_sound, 10, 12)
    talk.desk.kill_and_restore()
    talk.at(20)
    lead: Client = talk.desk.join("lead")
    talk.hear(lead.publish(Source.ROOM)["room"], 18, 19.9)
    assert talk.entries() == [("lead", 10, 12, False), ("lead", 18, 19.9, False)]


def test_what_no_seat_says_is_no_speech() -> None:
    talk = Talk()
    talk.at(12)
    talk.hear("p-unknown", 10, 12)
    assert talk.entries() == []
    assert talk.lead.of(m.Speaking) == []
