"""The lesson's own streams: everybody may receive them, and they are nobody's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mixer.model import Kind, SpeakersChanged
from signaling.lesson import events as e
from signaling.protocol import messages as m
from signaling.protocol.messages import DeviceKind, LessonSource, Mode, Source
from tests.sim.virtual_time import virtually
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import LESSON
from tests.unit.signaling.service import World, join


def feed(desk: Desk, kind: Kind) -> str:
    """The server feeds the media core with the lesson's program; the producer's id."""
    info = desk.media.feed(kind)
    desk.feed(e.StreamAdded(LessonSource(info.label), info))
    return info.producer_id


def streams_of(lesson: m.LessonState | None) -> list[tuple[str, str]]:
    assert lesson is not None
    return [(stream.producer_id, stream.kind) for stream in lesson.streams]


def subscribe(client: Client, *producer_ids: str) -> str:
    answer = client.ask(m.Subscribe(wants=[m.Want(producer_id=one) for one in producer_ids]))
    if answer == "subscribe_offer":
        assert client.ask(m.SubscribeAnswer(sdp="v=0")) == "done"
    return answer


@pytest.mark.parametrize("mode", list(Mode))
def test_everybody_is_told_of_them_and_may_receive_them(mode: Mode) -> None:
    desk = Desk(mode)
    early = [desk.join("lead"), desk.join("room-1")]
    picture, sound = feed(desk, Kind.VIDEO), feed(desk, Kind.AUDIO)
    late = [desk.join("room-2"), desk.join("observer-1")]
    for client in early + late:
        assert streams_of(client.lesson) == [(picture, "video"), (sound, "audio")]
        assert [seat.sources for seat in client.seats.values()] == [[]] * len(client.seats)
        assert subscribe(client, picture, sound) == "subscribe_offer"
        wanted = desk.media.devices[client.device_id].wants
        assert [want.producer_id for want in wanted] == [picture, sound]
    early[0].ask(m.MuteSeat(seat_id="room-1", muted=True))
    assert not any(desk.media.paused.values()), "neither the mode nor a mute closes them"
    assert desk.entries("stream_added") == [
        {"at": desk.now, "type": "stream_added", "source": source, "producer_id": producer_id}
        for source, producer_id in (("program", picture), ("mix", sound))
    ]
    assert desk.observed == [("added", picture), ("added", sound)]


def test_observers_hear_of_them_but_for_the_mix_of_one_seat() -> None:
    desk = Desk()
    desk.join("lead")
    picture = feed(desk, Kind.VIDEO)
    info = desk.media.feed(Kind.AUDIO)
    desk.feed(e.StreamAdded(LessonSource(info.label), info, "lead"))
    desk.feed(e.StreamRemoved(info.producer_id))
    desk.feed(e.StreamRemoved(picture))
    assert desk.observed == [("added", picture), ("removed", picture)]


def test_one_that_ends_is_wanted_by_nobody() -> None:
    desk = Desk()
    room = desk.join("room-1")
    picture, sound = feed(desk, Kind.VIDEO), feed(desk, Kind.AUDIO)
    subscribe(room, picture, sound)
    for _ in range(2):  # gone already is fine
        desk.feed(e.StreamRemoved(picture))
    assert streams_of(room.lesson) == [(sound, "audio")]
    assert list(desk.media.producers) == [sound]
    assert subscribe(room, picture, sound) == "subscribe_offer", "it crossed the removal"
    assert [want.producer_id for want in desk.media.devices[room.device_id].wants] == [sound]
    assert subscribe(room, "p-never") == "unknown-producer"
    (entry,) = desk.entries("stream_removed")
    assert entry["producer_id"] == picture


def test_it_never_speaks() -> None:
    """It says again what was said by others."""
    desk = Desk()
    lead = desk.join("lead")
    voice = lead.publish(Source.ROOM)["room"]
    sound = feed(desk, Kind.AUDIO)
    desk.notice(SpeakersChanged(((sound, -10), (voice, -20))))
    desk.advance(1.0)
    assert [said.seats for said in lead.of(m.Speaking)] == [[("lead", -20)]]


def test_it_ends_with_the_servers_process() -> None:
    desk = Desk()
    desk.join("lead")
    feed(desk, Kind.VIDEO)
    desk.kill_and_restore()
    assert streams_of(desk.state) == []


def play(desk: Desk, source: LessonSource = LessonSource.PROGRAM) -> Client:
    player = desk.join("observer-1", kind=DeviceKind.PLAYER, over_http=True, offers_sound=False)
    desk.feed(e.PlayRequested(player.number, "v=0", None, source, "play"))
    return player


def test_a_player_of_the_program_follows_it() -> None:
    desk = Desk()
    lead = desk.join("lead")
    lead.publish(Source.TEACHER, Source.ROOM)
    refused = play(desk).received[-1]
    assert isinstance(refused, m.Refused) and refused.code == "nothing-to-play"
    first = [feed(desk, Kind.VIDEO), feed(desk, Kind.AUDIO)]
    player = play(desk)
    assert isinstance(player.received[-1], m.Published)

    def played(player: Client = player) -> list[str]:
        return [want.producer_id for want in desk.media.devices[player.device_id].wants]

    assert played() == first
    assert played(play(desk, LessonSource.MIX)) == first[1:], "the sound alone"
    for producer_id in first:
        desk.feed(e.StreamRemoved(producer_id))
    again = [feed(desk, Kind.VIDEO), feed(desk, Kind.AUDIO)]
    assert played() == again


def test_the_service_brings_them_into_an_open_lesson_only() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            await service.remove_stream(LESSON, "p1")
            end, welcome = await join(service, "lead")
            assert welcome.lesson.streams == []
            info = world.media.lessons[LESSON].feed(Kind.VIDEO)
            with pytest.raises(ValueError, match="teacher"):
                await service.add_stream(LESSON, replace(info, label="teacher"))
            await service.add_stream("another-lesson", info)
            await service.add_stream(LESSON, info)
            told = await end.until("lesson_changed")
            assert isinstance(told, m.LessonChanged)
            assert streams_of(told.lesson) == [(info.producer_id, "video")]
            await service.remove_stream(LESSON, info.producer_id)
            told = await end.until("lesson_changed")
            assert isinstance(told, m.LessonChanged)
            assert streams_of(told.lesson) == []
            assert world.media.lessons[LESSON].producers == {}

    virtually(main)
