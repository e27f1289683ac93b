"""What the devices of a lesson can show decides what pictures are sent as."""

from __future__ import annotations

import pytest

from signaling.lesson import Lesson
from signaling.protocol import messages as m
from signaling.protocol.messages import Source, VideoCodec
from tests.unit.signaling.desk import Desk
from tests.unit.signaling.sample_lesson import SETTINGS, START, plan

VP8 = (VideoCodec.VP8,)


@pytest.mark.parametrize(
    ("seat", "shows", "codec"),
    [
        ("room-1", VideoCodec, "H264"),
        ("room-1", VP8, "VP8"),
        ("lead", VP8, "VP8"),
        ("assistant-1", VP8, "VP8"),
        ("room-1", (), "VP8"),  # what every browser shows
        ("observer-1", VP8, "H264"),  # who only looks on costs no room its hardware decoder
    ],
)
def test_what_a_newcomer_cannot_show_is_sent_no_more(
    seat: str, shows: tuple[VideoCodec, ...], codec: str
) -> None:
    desk = Desk()
    other = desk.join("room-2")
    newcomer = desk.join(seat, shows=shows)
    assert newcomer.welcome is not None
    assert newcomer.welcome.lesson.video_codec == codec
    assert [told.lesson.video_codec for told in other.of(m.LessonChanged)] == (
        [codec] if codec == "VP8" else []
    )


def test_a_join_that_does_not_say_shows_all() -> None:
    assert list(m.Join(token="t").shows) == list(VideoCodec)


def test_it_stays_so_when_the_device_leaves_and_when_the_server_is_killed() -> None:
    desk = Desk()
    desk.join("room-1", shows=VP8).say(m.Leave())
    desk.kill_and_restore()
    assert desk.state.video_codec is VideoCodec.VP8


def test_a_state_from_before_there_was_a_choice_is_read() -> None:
    saved = Desk().lesson.save()
    before = saved.replace('"video_codec":"H264",', "")
    assert before != saved
    lesson, _effects = Lesson.restore(plan(), SETTINGS, before, START)
    assert lesson.view()[0].video_codec is VideoCodec.H264


def test_a_source_says_its_codec() -> None:
    desk = Desk()
    desk.join("room-1").publish(Source.STUDENTS)
    (source,) = desk.seat("room-1").sources
    assert source.codec == "H264"
