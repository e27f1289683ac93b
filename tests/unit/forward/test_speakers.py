"""Who is heard: speech begins and ends calmly, noises are not speech."""

from __future__ import annotations

from mixer.forward.speakers import ActiveSpeakers, Speakers

SILENCE, SPEECH, LOUD, COUGH = 127, 30, 15, 5


class Room:
    def __init__(self) -> None:
        self.speakers = ActiveSpeakers()
        self.now = 100.0
        self.told: list[Speakers] = []

    def hear(self, seconds: float, **levels: int) -> Speakers:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.speakers.handle_levels(levels.items(), self.now)
            told = self.speakers.poll(self.now)
            if told is not None:
                self.told.append(told)
        return self.told[-1] if self.told else Speakers()

    @property
    def active(self) -> list[str]:
        return [name for name, _ in self.told[-1].levels] if self.told else []


def test_silence_tells_nothing() -> None:
    room = Room()
    room.hear(5, teacher=SILENCE, room=90)
    assert room.told == []


def test_speech_is_told_within_three_tenths_of_a_second() -> None:
    room = Room()
    room.hear(1, teacher=SILENCE)
    room.hear(0.3, teacher=SPEECH)
    assert room.active == ["teacher"]
    assert room.told[-1].dominant == "teacher"


def test_levels_are_in_dbov_and_steps() -> None:
    room = Room()
    told = room.hear(3, teacher=SPEECH)
    assert told.levels == (("teacher", -30),)


def test_a_steady_speaker_is_told_once() -> None:
    room = Room()
    room.hear(2, teacher=SPEECH)
    count = len(room.told)
    room.hear(10, teacher=SPEECH)
    assert len(room.told) == count


def test_pauses_between_words_do_not_end_speech() -> None:
    room = Room()
    room.hear(1, teacher=20)
    for _ in range(5):
        room.hear(0.8, teacher=SILENCE)
        assert room.active == ["teacher"]
        room.hear(0.5, teacher=20)


def test_speech_ends_after_a_while_and_dominance_stays() -> None:
    room = Room()
    room.hear(2, teacher=SPEECH)
    room.hear(2, teacher=SILENCE)
    assert room.active == []
    assert room.told[-1].dominant == "teacher"


def test_no_packets_are_silence() -> None:
    room = Room()
    room.hear(2, teacher=SPEECH)
    room.hear(2)
    assert room.active == []


def test_a_click_is_no_speech() -> None:
    room = Room()
    room.hear(1, teacher=SILENCE)
    room.hear(0.1, teacher=45)
    room.hear(1, teacher=SILENCE)
    assert room.told == []


def test_the_loudest_comes_first() -> None:
    room = Room()
    told = room.hear(3, a=SPEECH, b=LOUD, c=40)
    assert [name for name, _ in told.levels] == ["b", "a", "c"]


def test_a_cough_does_not_become_dominant() -> None:
    room = Room()
    room.hear(5, teacher=SPEECH, pupil=SILENCE)
    room.hear(0.3, teacher=SPEECH, pupil=COUGH)
    room.hear(3, teacher=SPEECH, pupil=SILENCE)
    assert {told.dominant for told in room.told} == {"teacher"}


def test_another_who_speaks_on_becomes_dominant() -> None:
    room = Room()
    room.hear(5, teacher=SPEECH, pupil=SILENCE)
    room.hear(4, teacher=SILENCE, pupil=SPEECH)
    assert room.told[-1].dominant == "pupil"
    assert room.active == ["pupil"]


def test_two_of_a_loudness_do_not_take_turns() -> None:
    room = Room()
    room.hear(3, a=SPEECH, b=SPEECH)
    dominants = []
    for step in range(40):
        room.hear(0.2, a=SPEECH - step % 3, b=SPEECH - (step + 1) % 3)
        dominants.append(room.told[-1].dominant)
    assert len(set(dominants)) == 1


def test_the_list_is_refreshed_seldom() -> None:
    room = Room()
    room.hear(1, a=SPEECH)
    before = len(room.told)
    for step in range(30):
        room.hear(0.1, a=20 + 20 * (step % 2))
    assert len(room.told) - before <= 10


def test_one_who_left_is_silent_at_once() -> None:
    room = Room()
    room.hear(2, a=SPEECH, b=SPEECH - 1)
    room.speakers.remove("b")
    room.speakers.remove("nobody")
    told = room.speakers.poll(room.now + 0.01)
    assert told is not None
    assert [name for name, _ in told.levels] == ["a"]
    assert told.dominant == "a"


def test_impossible_levels_are_clamped() -> None:
    room = Room()
    told = room.hear(3, a=-40)
    assert told.levels == (("a", 0),)


def test_nobody_is_only_when_that_was_told() -> None:
    room = Room()
    assert room.speakers.nobody
    room.hear(1, teacher=SPEECH)
    room.speakers.remove("teacher")
    assert not room.speakers.nobody
    assert room.hear(1).levels == ()
    assert room.speakers.nobody


def test_a_room_is_quiet_when_its_last_voice_has_been_told_to_end() -> None:
    room = Room()
    room.hear(1, teacher=70)
    assert room.speakers.quiet
    assert not room.speakers.nobody
    room.hear(1, teacher=SPEECH)
    assert not room.speakers.quiet
    room.speakers.remove("teacher")
    assert not room.speakers.quiet
    room.hear(1)
    assert room.speakers.quiet
