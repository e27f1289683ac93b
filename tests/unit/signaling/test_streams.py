"""Publishing, subscribing and what the media core notices."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mixer.errors import NodeFull, SdpRefused
from mixer.model import (
    ConsumerChanged,
    Direction,
    LayersNeeded,
    LinkMeasured,
    LinkState,
    PictureFault,
    PictureFaultsChanged,
    ProducerLive,
    SpeakersChanged,
    TransportChanged,
)
from signaling.lesson import events as e
from signaling.lesson.publishing import PAGES_APART_S, max_bitrate_bps
from signaling.lesson.subscribing import ANSWER_TIMEOUT_S
from signaling.protocol import messages as m
from signaling.protocol.messages import DeviceKind, Mode, Source
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import START, offer_of, profile, publish


def class_of(mode: Mode = Mode.BLENDED) -> tuple[Desk, Client, Client]:
    desk = Desk(mode)
    return desk, desk.join("lead"), desk.join("room-1")


# --- publishing -----------------------------------------------------------------------------------

AUDIO, VIDEO = offer_of(Source.ROOM), offer_of(Source.TEACHER)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (m.Publish(sdp="hello", sources={}), "bad-sdp"),
        (m.Publish(sdp="v=0\r\n", sources={}), "bad-sdp"),
        (m.Publish(sdp=VIDEO, sources={"nowhere": "teacher"}), "bad-sdp"),
        (m.Publish(sdp=VIDEO, sources={"teacher": "room"}), "wrong-kind"),
        (m.Publish(sdp=AUDIO, sources={"room": "teacher"}), "wrong-kind"),
        (
            m.Publish(
                sdp=offer_of(Source.TEACHER, Source.BOARD),
                sources={"teacher": "teacher", "board": "teacher"},
            ),
            "bad-sdp",
        ),
        (m.Publish(sdp=VIDEO + VIDEO[4:], sources={"teacher": "teacher"}), "bad-sdp"),
        (m.Publish(sdp=VIDEO + "refuse-me", sources={"teacher": "teacher"}), "bad-sdp"),
    ],
)
def test_offers_that_are_refused(message: m.Publish, code: str) -> None:
    desk, lead, _room = class_of()
    assert lead.ask(message) == code
    assert desk.seat("lead").sources == []


def test_published_names_the_producers_and_all_see_them() -> None:
    desk, lead, room = class_of()
    producers = lead.publish(Source.TEACHER, Source.ROOM)
    assert set(producers) == {"teacher", "room"}
    seen = room.of(m.SeatChanged)[-1].seat.sources
    assert {s.source: (s.producer_id, s.kind, s.live) for s in seen} == {
        "teacher": (producers["teacher"], "video", False),
        "room": (producers["room"], "audio", False),
    }
    desk.notice(ProducerLive(producers["teacher"], lead.device_id))
    assert room.of(m.SeatChanged)[-1].seat.sources[0].live
    assert desk.observed == [("added", producers["teacher"]), ("added", producers["room"])]


def test_renegotiating_keeps_what_stays_and_drops_what_went() -> None:
    desk, lead, _room = class_of()
    first = lead.publish(Source.TEACHER, Source.ROOM)
    second = lead.publish(Source.ROOM, Source.SCREEN)
    assert second["room"] == first["room"]
    assert {s.source for s in desk.seat("lead").sources} == {"room", "screen"}
    assert ("removed", first["teacher"]) in desk.observed


def test_unpublish_stops_one_source() -> None:
    desk, lead, _room = class_of()
    producers = lead.publish(Source.TEACHER, Source.ROOM)
    assert lead.ask(m.Unpublish(source=Source.TEACHER)) == "done"
    assert set(desk.media.producers) == {producers["room"]}
    assert lead.ask(m.Unpublish(source=Source.TEACHER)) == "unknown-source"


def told_pages(desk: Desk) -> list[tuple[object, object, object]]:
    told = desk.entries("screen_page")
    return [(entry["seat_id"], entry["page"], entry["since"]) for entry in told]


def test_a_page_of_a_shared_screen_is_told_with_the_count_of_its_sharing() -> None:
    desk, lead, room = class_of()
    lead.publish(Source.SCREEN)
    desk.advance(60)
    came = desk.now - 1.5
    assert lead.ask(m.ScreenPage(stood_s=1.5)) == "done"
    desk.advance(60)
    lead.say(m.ScreenPage())
    room.publish(Source.SCREEN)
    desk.advance(60)
    room.say(m.ScreenPage())
    assert told_pages(desk) == [
        ("lead", 2, came),
        ("lead", 3, came + 61.5),
        ("room-1", 2, desk.now),
    ]
    lead.say(m.Unpublish(source=Source.SCREEN))
    assert lead.ask(m.ScreenPage()) == "unknown-source"
    lead.publish(Source.SCREEN)
    desk.advance(60)
    lead.say(m.ScreenPage())
    assert told_pages(desk)[3:] == [("lead", 2, desk.now)], "another sharing counts anew"


def test_only_the_device_that_shares_a_screen_tells_its_pages() -> None:
    desk, lead, room = class_of()
    lead.publish(Source.SCREEN)
    second = desk.join("lead", kind=DeviceKind.TABLET)
    room.publish(Source.STUDENTS)
    desk.advance(60)
    assert [one.ask(m.ScreenPage()) for one in (second, room)] == ["unknown-source"] * 2
    lead.say(m.Mute(source=Source.SCREEN, muted=True))
    assert lead.ask(m.ScreenPage()) == "done"
    assert told_pages(desk) == [], "nobody saw that page"


def test_many_pages_at_once_do_not_fill_the_log() -> None:
    desk, lead, _room = class_of()
    lead.publish(Source.SCREEN)
    began = desk.now
    for _ in range(600):
        desk.advance(0.1)
        lead.say(m.ScreenPage(stood_s=m.MAX_STOOD_S))
    told = told_pages(desk)
    assert 0 < len(told) <= 60 / PAGES_APART_S
    moments = [began, *(entry["at"] for entry in desk.entries("screen_page"))]
    assert [since for _, _, since in told] == moments[:-1], "none began before the one before it"
    assert [page for _, page, _ in told] == list(range(2, len(told) + 2))


@pytest.mark.parametrize("stood_s", [-0.1, m.MAX_STOOD_S + 0.1, float("nan"), float("inf")])
def test_a_page_that_stood_for_a_strange_time_is_refused(stood_s: float) -> None:
    with pytest.raises(ValidationError):
        m.ScreenPage(stood_s=stood_s)


def test_in_delivery_a_rooms_microphone_is_closed_from_its_first_packet() -> None:
    desk, _lead, room = class_of(Mode.DELIVERY)
    sound = room.publish(Source.ROOM)["room"]
    assert desk.media.paused[sound]
    assert not desk.seat("room-1").may_speak


@pytest.mark.parametrize(
    ("source", "bitrate"), [(Source.TEACHER, 800_000), (Source.SCREEN, 2_500_000)]
)
def test_bitrates_follow_the_profile(source: Source, bitrate: int) -> None:
    assert max_bitrate_bps(profile(Source.TEACHER), source) == bitrate
    assert max_bitrate_bps(m.SendProfile(name="none", sources=[]), Source.ROOM) == 64_000


def test_a_full_media_server_is_told_and_changes_nothing() -> None:
    desk, lead, _room = class_of()
    desk.media.fail_next["publish"] = NodeFull("full")
    assert lead.ask(publish(Source.TEACHER)) == "bad-sdp"  # the desk knows one code only
    assert desk.seat("lead").sources == []
    assert lead.ask(publish(Source.TEACHER)) == "published"


def test_an_answer_for_a_device_that_left_closes_it() -> None:
    desk, _lead, room = class_of()
    device_id = room.device_id
    room.say(m.Leave())
    answer = desk.media.publish(device_id, offer_of(Source.ROOM), {})
    desk.feed(e.PublishAnswered(device_id, {}, answer, None))
    assert device_id not in desk.media.devices


# --- subscribing ----------------------------------------------------------------------------------


def wants(*producers: str) -> m.Subscribe:
    return m.Subscribe(wants=[m.Want(producer_id=p, width=640, height=360) for p in producers])


def test_subscribing_is_offered_and_answered() -> None:
    _desk, lead, room = class_of()
    picture = lead.publish(Source.TEACHER)["teacher"]
    assert room.ask(wants(picture)) == "subscribe_offer"
    assert room.of(m.SubscribeOffer)[-1].consumers == {"0": picture}
    assert room.ask(m.SubscribeAnswer(sdp="v=0")) == "done"
    assert room.ask(m.SubscribeAnswer(sdp="v=0")) == "no-offer"
    assert room.ask(wants(picture)) == "done", "nothing new to negotiate"


def test_own_and_unknown_streams_are_refused_and_vanished_ones_left_out() -> None:
    desk, lead, room = class_of()
    own = room.publish(Source.STUDENTS)["students"]
    gone, there = (lead.publish(s)[s.value] for s in (Source.BOARD, Source.TEACHER))
    assert room.ask(wants(own)) == "own-producer"
    assert room.ask(wants("p999")) == "unknown-producer"
    assert room.ask(wants(gone, there)) == "subscribe_offer"
    assert [w.producer_id for w in desk.media.devices[room.device_id].wants] == [there]


def test_only_one_offer_is_out_and_the_newest_wants_come_next() -> None:
    desk, lead, room = class_of()
    streams = lead.publish(Source.TEACHER, Source.BOARD, Source.ROOM)
    room.say(wants(streams["teacher"]))
    waiting = m.Subscribe(wants=[m.Want(producer_id=streams["board"])], request_id="old")
    assert room.say(waiting) == []
    last = m.Subscribe(wants=[m.Want(producer_id=streams["room"])], request_id="new")
    assert [a.request_id for a in room.say(last) if isinstance(a, m.Done)] == ["old"]
    answers = room.say(m.SubscribeAnswer(sdp="v=0", request_id="a"))
    offers = [a for a in answers if isinstance(a, m.SubscribeOffer)]
    assert [(o.request_id, o.consumers) for o in offers] == [("new", {"0": streams["room"]})]
    assert room.ask(m.SubscribeAnswer(sdp="v=0")) == "done"
    assert not desk.media.devices[room.device_id].offer_out


def test_an_overdue_answer_starts_the_connection_anew() -> None:
    desk, lead, room = class_of()
    streams = lead.publish(Source.TEACHER, Source.BOARD)
    room.say(wants(streams["teacher"]))
    room.say(wants(streams["board"]))
    offers = len(room.of(m.SubscribeOffer))
    desk.advance(ANSWER_TIMEOUT_S)
    assert len(room.of(m.SubscribeOffer)) == offers + 1
    assert desk.media.restarts == 1


def test_a_failed_connection_is_offered_anew() -> None:
    desk, lead, room = class_of()
    room.say(wants(lead.publish(Source.TEACHER)["teacher"]))
    assert room.ask(m.RestartSubscribe()) == "subscribe_offer"
    assert desk.media.restarts == 1
    assert room.ask(m.SubscribeAnswer(sdp="v=0")) == "done"


@pytest.mark.parametrize("call", ["subscribe", "subscribe_answer"])
def test_after_a_failure_the_next_offer_starts_anew(call: str) -> None:
    desk, lead, room = class_of()
    streams = lead.publish(Source.TEACHER, Source.BOARD)
    desk.media.fail_next[call] = SdpRefused("no")
    first = room.ask(wants(streams["teacher"]))
    if call == "subscribe_answer":
        assert first == "subscribe_offer"
        first = room.ask(m.SubscribeAnswer(sdp="v=0"))
    assert first == "bad-sdp"
    assert room.ask(wants(streams["board"])) == "subscribe_offer"
    assert desk.media.restarts == 1


def test_a_device_back_with_its_media_gets_the_offer_that_was_lost_again() -> None:
    desk, lead, room = class_of()
    room.say(wants(lead.publish(Source.TEACHER)["teacher"]))
    room.cut()
    assert room.welcome is not None
    back = desk.join("room-1", resume=room.welcome.resume, keep_media=True)
    assert [message.type for message in back.received] == ["welcome", "subscribe_offer"]
    assert back.ask(m.SubscribeAnswer(sdp="v=0")) == "done"


# --- WHEP -----------------------------------------------------------------------------------------


def play(desk: Desk, seat: str | None = None, source: Source | None = None) -> Client:
    player = desk.join("observer-1", kind=DeviceKind.PLAYER, over_http=True, offers_sound=False)
    desk.feed(e.PlayRequested(player.number, "v=0", seat, source, "play"))
    return player


@pytest.mark.parametrize(
    ("seat", "source", "expected"),
    [
        (None, None, ["lead-teacher", "lead-room"]),
        ("lead", Source.BOARD, ["lead-board", "lead-room"]),
        ("room-1", None, ["room-students"]),
        ("room-1", Source.ROOM, "nothing-to-play"),
        ("room-2", None, "nothing-to-play"),
        ("nobody", None, "unknown-seat"),
    ],
)
def test_what_a_player_is_given(
    seat: str | None, source: Source | None, expected: list[str] | str
) -> None:
    desk, lead, room = class_of()
    names = {
        producer: f"lead-{mid}"
        for mid, producer in lead.publish(Source.BOARD, Source.TEACHER, Source.ROOM).items()
    }
    names[room.publish(Source.STUDENTS)["students"]] = "room-students"
    player = play(desk, seat, source)
    answer = player.received[-1]
    if isinstance(expected, str):
        assert isinstance(answer, m.Refused)
        assert answer.code == expected
    else:
        assert isinstance(answer, m.Published)
        given = desk.media.devices[player.device_id].wants
        assert [names[want.producer_id] for want in given] == expected


def test_a_player_follows_its_seat_to_new_streams() -> None:
    desk, lead, _room = class_of()
    lead.publish(Source.TEACHER)
    player = play(desk)
    lead.say(m.Leave())
    again = desk.join("lead").publish(Source.TEACHER, Source.ROOM)
    given = desk.media.devices[player.device_id].wants
    assert [want.producer_id for want in given] == [again["teacher"], again["room"]]
    assert player.closed is None


# --- what the media core notices ------------------------------------------------------------------


def test_speaking_names_only_who_is_let_through_and_at_most_five_times_a_second() -> None:
    desk, lead, room = class_of(Mode.DELIVERY)
    own, closed = lead.publish(Source.ROOM)["room"], room.publish(Source.ROOM)["room"]
    for step in range(50):
        desk.notice(SpeakersChanged(((closed, -10), (own, -20 - step))))
        desk.advance(0.02)
    told = lead.of(m.Speaking)
    assert 4 <= len(told) <= 6
    assert {seat for message in told for seat, _level in message.seats} == {"lead"}
    desk.notice(SpeakersChanged(()))
    desk.advance(1)
    assert lead.of(m.Speaking)[-1].seats == [], "the last word is told, if later"
    assert len(room.of(m.Speaking)) == len(lead.of(m.Speaking))


def test_stream_changes_go_to_their_device_alone() -> None:
    desk, lead, room = class_of()
    picture = lead.publish(Source.TEACHER)["teacher"]
    desk.notice(ConsumerChanged(room.device_id, picture, -1, "bandwidth"))
    assert room.of(m.StreamChanged) == [
        m.StreamChanged(producer_id=picture, layer=-1, reason="bandwidth")
    ]
    assert lead.of(m.StreamChanged) == []


def test_which_layers_are_needed_goes_to_the_device_that_sends_them() -> None:
    desk, lead, room = class_of()
    picture = lead.publish(Source.TEACHER)["teacher"]
    desk.notice(LayersNeeded(lead.device_id, picture, 1))
    desk.notice(LayersNeeded(lead.device_id, "p-gone", 1))
    desk.notice(LayersNeeded("device-gone", picture, 1))
    assert lead.of(m.LayersNeeded) == [m.LayersNeeded(producer_id=picture, layers=1)]
    assert room.of(m.LayersNeeded) == []


def test_which_layers_are_needed_is_said_again_to_who_was_cut_off() -> None:
    desk, lead, _room = class_of()
    picture = lead.publish(Source.TEACHER)["teacher"]
    lead.cut()
    desk.notice(LayersNeeded(lead.device_id, picture, 1))
    assert lead.welcome is not None
    back = desk.join("lead", resume=lead.welcome.resume, keep_media=True)
    assert back.of(m.LayersNeeded) == [m.LayersNeeded(producer_id=picture, layers=1)]
    back.cut()
    again = desk.join("lead", resume=lead.welcome.resume, keep_media=False)
    assert again.of(m.LayersNeeded) == [], "it begins anew, with all layers"


def measure(
    desk: Desk,
    client: Client,
    seconds: int,
    *,
    loss: float = 0.0,
    available: int = 0,
    wanted: int = 0,
) -> None:
    for _second in range(seconds):
        desk.notice(
            LinkMeasured(
                client.device_id, Direction.SUBSCRIBE, loss, 40, 900_000, available, wanted
            )
        )
        desk.advance(1)


@pytest.mark.parametrize(
    ("seconds", "loss", "available", "link"),
    [
        (1, 0.30, 0, "good"),  # one burst colours nothing
        (4, 0.30, 0, "weak"),
        (9, 0.04, 0, "good"),
        (4, 0.00, 200_000, "weak"),
        (4, 0.00, 2_000_000, "good"),
    ],
)
def test_a_line_turns_weak_when_it_stays_bad(
    seconds: int, loss: float, available: int, link: str
) -> None:
    desk, _lead, room = class_of()
    measure(desk, room, seconds, loss=loss, available=available)
    assert desk.seat("room-1").link == link


@pytest.mark.parametrize(
    ("available", "wanted", "link"),
    [
        (250_000, 200_000, "good"),  # a small picture is all that is wanted: nobody tried for more
        (250_000, 260_000, "weak"),
    ],
)
def test_a_line_that_carries_all_that_is_wanted_is_not_weak(
    available: int, wanted: int, link: str
) -> None:
    desk, _lead, room = class_of()
    measure(desk, room, 4, loss=0.2)
    assert desk.seat("room-1").link == "weak"
    measure(desk, room, 7, available=available, wanted=wanted)
    assert desk.seat("room-1").link == link


def test_a_weak_line_is_good_again_only_after_good_seconds() -> None:
    desk, lead, room = class_of()
    measure(desk, room, 4, loss=0.2)
    measure(desk, room, 4)
    measure(desk, room, 1, loss=0.04)  # neither fine nor bad: it stays weak and begins anew
    measure(desk, room, 5)
    assert desk.seat("room-1").link == "weak"
    measure(desk, room, 2)
    assert desk.seat("room-1").link == "good"
    told = [change.seat.link for change in lead.of(m.SeatChanged)]
    assert told[-2:] == ["weak", "good"]
    assert [entry["link"] for entry in desk.entries("link")] == ["weak", "good"]


def test_a_silent_transport_is_a_lost_line_at_once() -> None:
    desk, _lead, room = class_of()
    desk.notice(TransportChanged(room.device_id, Direction.PUBLISH, LinkState.LOST))
    assert desk.seat("room-1").link == "lost"
    desk.notice(TransportChanged(room.device_id, Direction.PUBLISH, LinkState.CONNECTED))
    assert desk.seat("room-1").link == "good"


def test_a_closed_publish_connection_sends_nothing_any_more() -> None:
    desk, lead, room = class_of()
    room.publish(Source.STUDENTS)
    desk.notice(TransportChanged(room.device_id, Direction.PUBLISH, LinkState.CLOSED))
    assert lead.of(m.SeatChanged)[-1].seat.sources == []
    assert room.publish(Source.STUDENTS)


def test_a_closed_subscribe_connection_frees_the_negotiation() -> None:
    desk, lead, room = class_of()
    streams = lead.publish(Source.TEACHER, Source.BOARD)
    room.say(wants(streams["teacher"]))
    desk.media.close_device(room.device_id)
    desk.notice(TransportChanged(room.device_id, Direction.SUBSCRIBE, LinkState.CLOSED))
    assert room.ask(wants(streams["board"])) == "subscribe_offer"


def test_all_hear_of_a_picture_that_browsers_cannot_show_and_of_its_mending() -> None:
    desk, lead, room = class_of()
    board = room.publish(Source.STUDENTS)["students"]
    desk.notice(PictureFaultsChanged(board, room.device_id, (PictureFault.B_FRAMES,)))
    for heard in (lead, room):
        (source,) = [
            one for one in heard.of(m.SeatChanged)[-1].seat.sources if one.producer_id == board
        ]
        assert source.faults == [m.PictureFault.B_FRAMES]
    desk.notice(PictureFaultsChanged(board, room.device_id, ()))
    assert [one.faults for one in lead.of(m.SeatChanged)[-1].seat.sources] == [[]]
    desk.notice(PictureFaultsChanged("p99", "device-99", (PictureFault.INTERLACED,)))


def test_every_fault_of_the_media_core_has_its_word_in_the_protocol() -> None:
    assert [fault.value for fault in PictureFault] == [fault.value for fault in m.PictureFault]


def test_measurements_that_change_nothing_tell_nothing() -> None:
    desk, lead, room = class_of()
    told, saves = len(lead.received), desk.saves
    measure(desk, room, 60)
    assert (len(lead.received), desk.saves) == (told, saves)
    assert desk.now == START + 60


def test_reports_about_what_is_gone_are_ignored() -> None:
    desk, lead, _room = class_of()
    told = len(lead.received)
    desk.notice(ProducerLive("p99", "device-99"))
    desk.notice(ConsumerChanged("device-99", "p99", 0))
    desk.notice(LinkMeasured("device-99", Direction.PUBLISH, 1.0, 1, 1, 1))
    desk.notice(TransportChanged("device-99", Direction.PUBLISH, LinkState.CLOSED))
    desk.notice(SpeakersChanged((("p99", -3),)))
    assert len(lead.received) == told
