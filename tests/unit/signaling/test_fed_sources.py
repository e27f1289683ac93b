"""Sources that the server feeds for an encoder: a seat's like any other, by the same rules."""

from __future__ import annotations

import pytest

from mixer.model import Kind, LayersNeeded, ProducerInfo, ProducerLive
from signaling.lesson import events as e
from signaling.lesson.roster import HTTP_DEVICE_SETUP_S
from signaling.protocol import messages as m
from signaling.protocol.messages import DeviceKind, Mode, Source
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.media_model import DeviceMedia


def encoder(desk: Desk, seat: str = "room-1", *, sound: bool = False) -> Client:
    return desk.join(seat, kind=DeviceKind.ENCODER, over_http=True, offers_sound=sound)


def feed(desk: Desk, client: Client, source: Source) -> tuple[str, str]:
    """The server feeds this source: its producer's id, and what the lesson answers."""
    kind = Kind.AUDIO if source is Source.ROOM else Kind.VIDEO
    producer_id = f"p{next(desk.media.numbers)}"
    codec = "opus" if source is Source.ROOM else "H264"
    info = ProducerInfo(producer_id, client.device_id, source.value, kind, codec, 1)
    media = desk.media.devices.setdefault(client.device_id, DeviceMedia())
    media.producers[producer_id] = info
    desk.media.paused[producer_id] = False
    desk.feed(e.SourceFed(client.number, info, "f"))
    (answer,) = [one for one in client.received[-1:] if getattr(one, "request_id", "") == "f"]
    return producer_id, answer.code if isinstance(answer, m.Refused) else answer.type


def sent(desk: Desk, seat: str = "room-1") -> dict[Source, bool]:
    return {one.source: one.live for one in desk.seat(seat).sources}


def test_it_is_shown_once_its_first_packet_has_come_and_gone_with_its_device() -> None:
    desk = Desk()
    desk.join("lead")
    box = encoder(desk)
    producer_id, answer = feed(desk, box, Source.BOARD)
    assert (answer, sent(desk)) == ("done", {Source.BOARD: False})
    assert desk.observed == [("added", producer_id)]
    desk.notice(ProducerLive(producer_id, box.device_id))
    assert sent(desk) == {Source.BOARD: True}
    # It has no transport that connects; it is there all the same.
    desk.advance(HTTP_DEVICE_SETUP_S + 1)
    assert sent(desk) == {Source.BOARD: True}
    box.cut()
    assert sent(desk) == {}
    assert producer_id not in desk.media.producers
    assert desk.observed[-1] == ("removed", producer_id)


def test_fed_anew_it_takes_its_own_place() -> None:
    desk = Desk()
    box = encoder(desk)
    first, _ = feed(desk, box, Source.BOARD)
    second, answer = feed(desk, box, Source.BOARD)
    assert answer == "done"
    assert list(desk.media.producers) == [second] != [first]


def test_its_sound_is_heard_where_it_carries_the_seats() -> None:
    desk = Desk(Mode.RESEARCH)
    desk.join("lead")
    box = encoder(desk, sound=True)
    sound, answer = feed(desk, box, Source.ROOM)
    assert (answer, desk.media.heard()) == ("done", {sound})


def test_that_nobody_receives_its_sound_is_told_to_nobody() -> None:
    """The media core says of fed sounds whether anybody receives them; a device's has no layers."""
    desk = Desk(Mode.RESEARCH)
    desk.join("lead")
    box = encoder(desk, sound=True)
    sound, _ = feed(desk, box, Source.ROOM)
    board, _ = feed(desk, box, Source.BOARD)
    before = len(box.received)
    desk.notice(LayersNeeded(box.device_id, sound, 0))
    desk.notice(LayersNeeded(box.device_id, sound, 1))
    assert box.received[before:] == []
    desk.notice(LayersNeeded(box.device_id, board, 1))
    assert box.received[before:] == [m.LayersNeeded(producer_id=board, layers=1)]


@pytest.mark.parametrize(
    ("seat", "source", "code"),
    [
        ("observer-1", Source.TEACHER, "source-not-allowed"),
        ("room-1", Source.ROOM, "sound-elsewhere"),
        ("room-1", Source.TEACHER, "source-taken"),
    ],
)
def test_what_is_refused_leaves_nothing_in_the_lesson(seat: str, source: Source, code: str) -> None:
    desk = Desk()
    page = desk.join("room-1")
    page.publish(Source.ROOM, Source.TEACHER)
    before = desk.seat("room-1")
    assert feed(desk, encoder(desk, seat), source)[1] == code
    assert desk.seat("room-1").sources == before.sources


def test_an_ended_lesson_refuses_it() -> None:
    desk = Desk()
    lead = desk.join("lead")
    box = encoder(desk)
    lead.ask(m.EndLesson())
    desk.clients[box.number] = box  # what it is answered must be told somebody
    desk.feed(e.SourceFed(box.number, ProducerInfo("p9", "x", "board", Kind.VIDEO, "H264", 1), "f"))
    last = box.received[-1]
    assert isinstance(last, m.Refused) and last.code == "lesson-ended"
