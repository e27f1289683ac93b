"""Random people do random things in a lesson: what must always hold, holds.

Whatever comes in whatever order, at most one seat has the floor, hands stand once and in order,
nobody is heard whom the rules do not let through, what each client was told adds up to what is,
a refusal changes nothing, and the lesson and the media core agree on what flows.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mixer.model import (
    ConsumerChanged,
    Direction,
    LinkMeasured,
    LinkState,
    ProducerLive,
    SpeakersChanged,
    TransportChanged,
)
from signaling.lesson import rules
from signaling.ports import SignalingSettings
from signaling.protocol import messages as m
from signaling.protocol.messages import DeviceKind, Layout, Mode, Source
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import bearer_of, publish

SEATS = ["lead", "room-1", "room-2", "room-3", "assistant-1", "observer-1", "observer-2"]
SEAT = st.sampled_from([*SEATS, "nobody"])
SMALL = SignalingSettings(devices_per_seat=3, guests_per_lesson=2)

REQUESTS = st.one_of(
    st.builds(m.RaiseHand),
    st.builds(m.LowerHand, seat_id=st.none() | SEAT),
    st.builds(m.LowerAllHands),
    st.builds(m.GiveFloor, seat_id=SEAT),
    st.builds(m.TakeFloor),
    st.builds(m.Mute, source=st.sampled_from(Source), muted=st.booleans()),
    st.builds(m.MuteSeat, seat_id=SEAT, muted=st.booleans()),
    st.builds(m.MuteAll, muted=st.booleans()),
    st.builds(m.SetSpotlight, seat_id=st.none() | SEAT, source=st.none() | st.sampled_from(Source)),
    st.builds(m.SetLayout, layout=st.sampled_from(Layout)),
    st.builds(
        m.SetPlaces,
        places=st.lists(
            st.builds(m.PicturePlace, seat_id=SEAT, source=st.none() | st.sampled_from(Source)),
            max_size=4,
        ),
    ),
    st.builds(m.SetDirecting, directing=st.sampled_from(m.Directing)),
    st.builds(m.SetLock, locked=st.booleans()),
    st.builds(m.SetRecording, recording=st.booleans()),
    st.builds(m.MarkChapter),
    st.builds(m.ScreenPage, stood_s=st.floats(0, m.MAX_STOOD_S)),
    st.builds(m.Enter),
    st.builds(m.RemoveDevice, device_id=st.integers(1, 8).map("device-{}".format)),
    st.builds(m.Readmit, seat_id=SEAT),
    st.builds(m.SendChat, text=st.text(min_size=1, max_size=20)),
    st.builds(m.Unpublish, source=st.sampled_from(Source)),
    st.builds(m.SubscribeAnswer, sdp=st.just("v=0")),
    st.builds(m.RestartSubscribe),
    st.builds(m.Ping),
    st.builds(m.Join, token=st.just("again")),
)


class RandomLesson(RuleBasedStateMachine):
    """One lesson; `mode` is set by the subclasses below."""

    mode = Mode.DELIVERY

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(self.mode, settings=SMALL)
        self.encoders = False
        self.keys: list[tuple[str, str]] = []  # seat and resume key of all who were ever here

    def any_client(self, data: st.DataObject) -> Client:
        return self.desk.clients[data.draw(st.sampled_from(sorted(self.desk.clients)))]

    def somebody_is_here(self) -> bool:
        return bool(self.desk.clients)

    @rule(
        seat=SEAT,
        kind=st.sampled_from([DeviceKind.BROWSER, DeviceKind.ROOM_PC, DeviceKind.TABLET]),
    )
    def join(self, seat: str, kind: DeviceKind) -> None:
        if seat == "nobody":
            return
        bearer = bearer_of(seat, room_device=kind is DeviceKind.ROOM_PC)
        client = self.desk.join(seat, kind=kind, bearer=bearer)
        out = {(gone.seat_id, gone.bearer) for gone in self.desk.state.removed}
        if client.welcome is not None:
            self.keys.append((seat, client.welcome.resume))
            assert (seat, bearer.name) not in out, "who was put out is not let in again"

    @rule(seat=st.sampled_from(["lead", "room-1"]), sound=st.booleans())
    def join_over_http(self, seat: str, *, sound: bool) -> None:
        self.desk.join(seat, kind=DeviceKind.ENCODER, over_http=True, offers_sound=sound)
        self.encoders = True

    @precondition(lambda self: self.keys)
    @rule(data=st.data(), keep=st.booleans(), token=st.booleans())
    def resume(self, data: st.DataObject, *, keep: bool, token: bool) -> None:
        seat, key = data.draw(st.sampled_from(self.keys))
        self.desk.join(seat, resume=key, keep_media=keep, token=token)

    @precondition(somebody_is_here)
    @rule(data=st.data())
    def cut(self, data: st.DataObject) -> None:
        self.any_client(data).cut()

    @precondition(somebody_is_here)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self.any_client(data).say(m.Leave())

    @precondition(somebody_is_here)
    @rule(data=st.data(), message=REQUESTS)
    def ask(self, data: st.DataObject, message: m.ClientMessage) -> None:
        client = self.any_client(data)
        before, told = self.desk.lesson.save(), len(client.received)
        client.ask(message)
        answers = client.received[told:]
        assert answers, "every request with an id is answered"
        if any(isinstance(answer, m.Refused) for answer in answers):
            assert self.desk.lesson.save() == before

    @precondition(somebody_is_here)
    @rule(data=st.data(), sources=st.sets(st.sampled_from(Source), max_size=3))
    def publish(self, data: st.DataObject, sources: set[Source]) -> None:
        if sources:
            self.any_client(data).say(publish(*sorted(sources)))

    @precondition(somebody_is_here)
    @rule(data=st.data())
    def subscribe(self, data: st.DataObject) -> None:
        known = sorted(self.desk.media.producers) or ["p1"]
        chosen = data.draw(st.lists(st.sampled_from(known), max_size=4, unique=True))
        wants = [m.Want(producer_id=producer_id) for producer_id in chosen]
        self.any_client(data).say(m.Subscribe(wants=wants))

    @precondition(lambda self: self.desk.media.devices)
    @rule(
        data=st.data(),
        direction=st.sampled_from(Direction),
        state=st.sampled_from(LinkState),
    )
    def transport(self, data: st.DataObject, direction: Direction, state: LinkState) -> None:
        device_id = data.draw(st.sampled_from(sorted(self.desk.media.devices)))
        if state is LinkState.CLOSED and direction is Direction.PUBLISH:
            for producer in list(self.desk.media.devices[device_id].producers.values()):
                self.desk.media.unpublish(producer.producer_id)
        if state is LinkState.CLOSED and direction is Direction.SUBSCRIBE:
            self.desk.media.devices[device_id].offer_out = False
        self.desk.notice(TransportChanged(device_id, direction, state))

    @precondition(lambda self: self.desk.media.producers)
    @rule(data=st.data(), level=st.integers(-127, 0), loss=st.floats(0, 1))
    def measure(self, data: st.DataObject, level: int, loss: float) -> None:
        producer = data.draw(st.sampled_from(list(self.desk.media.producers.values())))
        device_id = data.draw(st.sampled_from(sorted(self.desk.media.devices)))
        self.desk.notice(ProducerLive(producer.producer_id, producer.device_id))
        self.desk.notice(SpeakersChanged(((producer.producer_id, level),)))
        self.desk.notice(LinkMeasured(device_id, Direction.SUBSCRIBE, loss, 50, 1, 1))
        self.desk.notice(ConsumerChanged(device_id, producer.producer_id, 0))

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 20.0, 61.0]))
    def advance(self, seconds: float) -> None:
        self.desk.advance(seconds)

    @rule()
    def kill_the_server(self) -> None:
        before = self.desk.state.model_copy(update={"led": False})  # nobody is here any more
        self.desk.kill_and_restore()
        assert self.encoders or self.desk.state == before, "only an encoder's seat is not kept"

    # --- what always holds --------------------------------------------------------------------

    @invariant()
    def the_floor_and_hands_are_in_order(self) -> None:
        state, seats = self.desk.lesson.view()
        here = {s.seat_id for s in seats if s.present or s.away_since is not None}
        raised = sorted((s.hand.place, s.seat_id) for s in seats if s.hand is not None)
        assert [place for place, _seat in raised] == list(range(1, len(raised) + 1))
        assert {seat for _place, seat in raised} <= here
        assert state.floor is None or state.floor in here
        assert state.floor is not None or not state.floor_forward
        assert state.floor not in {seat for _place, seat in raised}
        roles = {s.seat_id: s.role for s in seats}
        if state.floor is not None:
            assert rules.can_have_floor(self.mode, roles[state.floor])
        assert state.spotlight is None or state.spotlight.seat_id in here

    @invariant()
    def only_a_person_leads(self) -> None:
        state, seats = self.desk.lesson.view()
        leads = [d for s in seats if s.role == "lead" for d in s.devices if d.connected]
        assert state.led == any(device.bearer.startswith("person") for device in leads)

    @invariant()
    def nobody_is_heard_who_may_not_speak(self) -> None:
        state, seats = self.desk.lesson.view()
        heard = self.desk.heard_seats()
        for seat in seats:
            own = any(s.source is Source.ROOM and s.muted for s in seat.sources)
            allowed = seat.role in ("lead", "room") and not seat.muted_by_lead and not own
            if self.mode is Mode.DELIVERY and seat.role == "room":
                allowed = allowed and state.floor == seat.seat_id
            if seat.seat_id in heard:
                assert allowed, f"{seat.seat_id} is heard"
                assert seat.may_speak

    @invariant()
    def lesson_and_media_agree(self) -> None:
        seats = self.desk.lesson.view()[1]
        told = {s.producer_id: s.device_id for seat in seats for s in seat.sources}
        flowing = {p.producer_id: p.device_id for p in self.desk.media.producers.values()}
        assert told == flowing
        for seat in seats:
            sources = [s.source for s in seat.sources]
            assert len(set(sources)) == len(sources), "one device sends each source"
            for source in seat.sources:
                if source.source is Source.ROOM:
                    assert source.device_id == seat.sound_device
        observed = [producer for what, producer in self.desk.observed if what == "added"]
        gone = [producer for what, producer in self.desk.observed if what == "removed"]
        assert len(set(gone)) == len(gone)
        if not self.desk.entries("lesson_restored"):
            assert set(observed) - set(gone) == set(told)

    @invariant()
    def everybody_was_told_everything(self) -> None:
        lesson, seats = self.desk.lesson.view()
        for client in self.desk.clients.values():
            assert client.lesson == lesson
            assert client.seats == {seat.seat_id: seat for seat in seats}

    @invariant()
    def time_does_not_stand_still(self) -> None:
        due = self.desk.lesson.next_timer()
        assert due is None or due > self.desk.now - 1e-6


class RandomBlended(RandomLesson):
    """All rooms talk."""

    mode = Mode.BLENDED


class RandomResearch(RandomLesson):
    """All are equal."""

    mode = Mode.RESEARCH


@pytest.mark.parametrize("lessons", [pytest.param(60, marks=pytest.mark.thorough), 8])
@pytest.mark.parametrize("machine", [RandomLesson, RandomBlended, RandomResearch])
def test_random_lessons(machine: type[RandomLesson], lessons: int) -> None:
    machine.TestCase.settings = settings(
        max_examples=lessons,
        stateful_step_count=50,
        deadline=None,  # a loaded machine is no fault of the lesson
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    machine.TestCase().runTest()
