"""One microphone a seat: which of its devices carries the sound, and which plays the others'."""

from __future__ import annotations

import pytest

from signaling.protocol import messages as m
from signaling.protocol.messages import DeviceKind, Source
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import GRACE_S, publish


def page(desk: Desk) -> Client:
    return desk.join("room-1", kind=DeviceKind.ROOM_PC)


def agent(desk: Desk, *, plays: bool = True, resume: str | None = None) -> Client:
    return desk.join(
        "room-1", kind=DeviceKind.ENCODER, claims_sound=True, plays_sound=plays, resume=resume
    )


def carries(client: Client) -> bool:
    assert client.welcome is not None
    return client.welcome.carries_sound


def sounds(desk: Desk) -> list[str]:
    """The devices whose microphones the room is heard by."""
    seat = desk.seat("room-1")
    return [source.device_id for source in seat.sources if source.source is Source.ROOM]


@pytest.mark.parametrize("page_first", [True, False])
def test_who_claims_the_sound_has_it_whoever_came_first(*, page_first: bool) -> None:
    desk = Desk()
    desk.join("lead")
    if page_first:
        browser = page(desk)
        browser.publish(Source.STUDENTS, Source.ROOM)
        assert sounds(desk) == [browser.device_id]
        device = agent(desk)
    else:
        device = agent(desk)
        browser = page(desk)
        assert not carries(browser)
    assert carries(device)
    assert desk.seat("room-1").sound_device == device.device_id
    assert sounds(desk) == []  # the page's microphone is off before the agent's is on
    device.publish(Source.TEACHER, Source.ROOM)
    assert sounds(desk) == [device.device_id]
    assert browser.ask(m.Publish(sdp="v=0", sources={"0": Source.ROOM})) != "published"


def test_the_pages_microphone_is_refused_while_the_agent_has_the_sound() -> None:
    desk = Desk()
    desk.join("lead")
    agent(desk).publish(Source.ROOM)
    browser = page(desk)
    (told,) = [answer for answer in browser.say(_sound_offer()) if isinstance(answer, m.Refused)]
    assert told.code == "sound-elsewhere"
    assert len(sounds(desk)) == 1


def _sound_offer() -> m.Publish:
    return publish(Source.ROOM)


def test_a_lost_microphone_is_the_pages_until_it_is_back() -> None:
    desk = Desk()
    desk.join("lead")
    device, browser = agent(desk), page(desk)
    device.publish(Source.TEACHER, Source.ROOM)
    assert device.ask(m.OfferSound(offers=False)) == "done"
    assert sounds(desk) == [] and desk.seat("room-1").sound_device == browser.device_id
    assert {one.source for one in desk.seat("room-1").sources} == {Source.TEACHER}
    browser.publish(Source.ROOM)
    assert sounds(desk) == [browser.device_id]
    assert [one.code for one in device.say(_sound_offer()) if isinstance(one, m.Refused)] == [
        "sound-elsewhere"
    ]
    assert device.ask(m.OfferSound(offers=True)) == "done"
    assert sounds(desk) == [] and desk.seat("room-1").sound_device == device.device_id
    device.publish(Source.TEACHER, Source.ROOM)
    assert sounds(desk) == [device.device_id]
    assert [entry["device_id"] for entry in desk.entries("sound_moved")] == [
        browser.device_id,
        device.device_id,
    ]


def test_a_lost_microphone_stays_nobodys_until_a_page_comes() -> None:
    desk = Desk()
    desk.join("lead")
    device = agent(desk)
    assert device.ask(m.OfferSound(offers=False)) == "done"
    assert desk.seat("room-1").sound_device == device.device_id
    browser = page(desk)
    assert carries(browser)


def test_an_agent_whose_line_is_cut_keeps_the_sound_for_its_grace() -> None:
    desk = Desk()
    desk.join("lead")
    device, browser = agent(desk), page(desk)
    device.cut()
    assert desk.seat("room-1").sound_device == device.device_id
    desk.advance(GRACE_S + 1)
    assert desk.seat("room-1").sound_device == browser.device_id
    assert carries(agent(desk))


def test_an_agent_that_is_back_claims_again_after_a_restart_of_the_server() -> None:
    desk = Desk()
    desk.join("lead")
    device = agent(desk, plays=False)
    browser = page(desk)
    assert device.welcome is not None and browser.welcome is not None
    desk.kill_and_restore()
    desk.join("room-1", kind=DeviceKind.ROOM_PC, resume=browser.welcome.resume)
    back = agent(desk, plays=False, resume=device.welcome.resume)
    assert carries(back)
    assert desk.seat("room-1").sound_device == device.device_id
    assert desk.seat("room-1").sound_player == browser.device_id


def test_who_has_no_loudspeaker_is_played_for_by_another() -> None:
    desk = Desk()
    desk.join("lead")
    device = agent(desk, plays=False)
    assert desk.seat("room-1").sound_player is None
    browser = page(desk)
    seat = desk.seat("room-1")
    assert (seat.sound_device, seat.sound_player) == (device.device_id, browser.device_id)
    device.ask(m.Leave())
    seat = desk.seat("room-1")
    assert (seat.sound_device, seat.sound_player) == (browser.device_id, browser.device_id)


def test_who_plays_and_carries_is_one_where_it_can() -> None:
    desk = Desk()
    desk.join("lead")
    browser, device = page(desk), agent(desk)
    assert desk.seat("room-1").sound_player == device.device_id != browser.device_id
