"""Who is in a lesson, towards the pump: SSRCs, handshakes and silence, restarts, senders."""

from __future__ import annotations

import re

import pytest
from aioice import stun

from mixer.model import (
    Direction,
    LinkState,
    SourceOffer,
    TransportChanged,
)
from mixer.node.peer_connection import SETUP_TIMEOUT_S
from mixer.node.publication import NAMED_SSRCS_BURST, NAMED_SSRCS_PER_S
from mixer.node.streams import Producer
from mixer.rtp import h264
from mixer.transport.ice import IceState
from tests.unit.node.fake_pump import (
    DATAGRAM,
)
from tests.unit.node.world import CHROMIUM, SOURCES, World


async def test_producers_are_told_to_the_pump(world: World) -> None:
    producers = await world.publish()
    added = [call[1] for call in world.pump.told("add_producer")]
    assert [p["clock_rate"] for p in added] == [48_000, 90_000, 90_000]
    assert [p["nack"] for p in added] == [False, True, True]
    encodings = world.pump.told("add_encoding")
    named = {call[0]: call[2] for call in encodings}
    assert set(named) == {
        world.producer_pump_id(producers["room"]),
        world.producer_pump_id(producers["screen"]),
    }, "the simulcast picture's SSRCs are not in the offer"
    assert named[world.producer_pump_id(producers["screen"])]["rtx_payload_type"] == 109
    await world.close()


async def test_parameter_sets_of_the_description_are_told_to_the_pump(world: World) -> None:
    """A camera that sends no others would be black to everybody."""
    sprop = "sprop-parameter-sets=Z0IAHw==,aM48gA=="
    producers = await world.publish(re.sub(r"(profile-level-id=42e01f)", rf"\1;{sprop}", CHROMIUM))
    screen = world.producer_pump_id(producers["screen"])
    (named,) = (call[2] for call in world.pump.told("add_encoding") if call[0] == screen)
    units = h264.split(named["parameter_sets"])
    assert [unit.data.hex() for unit in units] == ["6742001f", "68ce3c80"]
    await world.close()


@pytest.mark.parametrize(
    ("arrivals", "named"),
    [
        ([(7, 108, "1", "h", "")], [(1, 7, 0)]),
        ([(7, 108, "1", "h", ""), (8, 109, "1", "", "h")], [(1, 7, 0), (1, 7, 8)]),
        ([(8, 109, "1", "", "h"), (7, 108, "1", "h", "")], [(1, 7, 8)]),
        ([(7, 108, "1", "q", ""), (9, 108, "1", "f", "")], [(0, 7, 0), (2, 9, 0)]),
        ([(7, 108, "1", "q", ""), (70, 108, "1", "q", "")], [(0, 7, 0), (0, 70, 0)]),
        ([(7, 108, "1", "unknown", "")], []),
        ([(7, 108, "1", "", "")], []),
        ([(7, 108, "9", "q", "")], []),
        ([(7, 96, "1", "q", "")], []),
        ([(7, 108, "", "q", "")], []),
    ],
    ids=[
        "main", "main then repair", "repair then main", "two layers", "a layer's new ssrc",
        "unknown rid", "no rid", "unknown mid", "another codec", "two pictures and no mid",
    ],
)  # fmt: skip
async def test_ssrcs_are_learned(
    world: World,
    arrivals: list[tuple[int, int, str, str, str]],
    named: list[tuple[int, int, int]],
) -> None:
    picture = world.producer_pump_id((await world.publish())["teacher"])
    for arrival in arrivals:
        world.new_ssrc(*arrival)
    told = [call for call in world.pump.told("add_encoding") if call[0] == picture]
    assert [(call[1], call[2]["ssrc"], call[2]["rtx_ssrc"]) for call in told] == named
    await world.close()


async def test_another_source_on_the_same_line_has_the_ssrcs_learned_before(world: World) -> None:
    """A sender that keeps its SSRCs does not say MID and RID again (RFC 8843 §9.2)."""
    await world.publish()
    for layer, rid in enumerate("qhf"):
        world.new_ssrc(10 + layer, 108, "1", rid, "")
    world.new_ssrc(21, 109, "1", "", "h")
    sources = {**SOURCES, "1": SourceOffer("document", 1_000_000)}
    answer = await world.lesson.members.publish("lead", CHROMIUM, sources)
    (document,) = [info.producer_id for info in answer.producers if info.label == "document"]
    pump_id = world.producer_pump_id(document)
    named = [call for call in world.pump.told("add_encoding") if call[0] == pump_id]
    assert [(call[1], call[2]["ssrc"], call[2]["rtx_ssrc"]) for call in named] == [
        (0, 10, 0),
        (1, 11, 21),
        (2, 12, 0),
    ]
    world.new_ssrc(99, 108, "1", "h", "")
    assert world.pump.told("add_encoding")[-1][2]["ssrc"] == 99, "others show themselves"
    await world.close()


async def test_a_sender_that_makes_up_ssrcs_is_looked_up_seldom(world: World) -> None:
    await world.publish()
    by_offer = len(world.pump.told("add_encoding"))
    for ssrc in range(1, 1001):
        world.new_ssrc(ssrc, 108, "1", "q", "")
    assert len(world.pump.told("add_encoding")) == by_offer + NAMED_SSRCS_BURST
    world.clock.now += 5 / NAMED_SSRCS_PER_S
    before = len(world.pump.told("add_encoding"))
    for ssrc in range(2001, 2101):
        world.new_ssrc(ssrc, 108, "1", "q", "")
    assert len(world.pump.told("add_encoding")) == before + 5
    assert world.port.counters.ssrcs_not_named == 1000 - NAMED_SSRCS_BURST + 95
    await world.close()


async def test_peer_that_never_comes_is_closed(world: World) -> None:
    await world.publish()
    world.clock.now += SETUP_TIMEOUT_S - 1
    world.lesson.control.handle_timer(world.clock.now)
    assert world.heard == []
    world.clock.now += 1
    world.lesson.control.handle_timer(world.clock.now + 1)
    assert world.heard == [TransportChanged("lead", Direction.PUBLISH, LinkState.CLOSED)]
    assert world.lesson.producer("x") is None
    assert len(world.pump.told("remove_producer")) == 3
    await world.close()
    assert len(world.pump.told("remove_transport")) == 1


async def test_silent_line_is_lost_then_found(world: World) -> None:
    await world.publish()
    world.connect()
    connection = world.connection()
    connection.ice_changed(IceState.SILENT)
    connection.ice_changed(IceState.EXPIRED)
    connection.ice_changed(IceState.CONNECTED)
    states = [e.state for e in world.heard if isinstance(e, TransportChanged)]
    assert states == [LinkState.CONNECTED, LinkState.LOST, LinkState.CONNECTED]
    await world.close()


async def test_check_chooses_the_pumps_remote(world: World) -> None:
    await world.publish()
    local = world.connection().local_parameters()
    message = stun.Message(
        stun.Method.BINDING,
        stun.Class.REQUEST,
        b"t" * 12,
        {"USERNAME": f"{local.credentials.ufrag}:TgKv", "PRIORITY": 1, "USE-CANDIDATE": None},
    )
    message.add_message_integrity(local.credentials.password.encode())
    address = ("192.0.2.9", 5000)
    world.pump.happen(world.port, (DATAGRAM, 0, address, bytes(message), 0, "192.0.2.1"))
    assert world.pump.told("set_remote") == [
        (world.connection().transport_id, address, "192.0.2.1")
    ]
    assert [call[0] for call in world.pump.told("send_datagram")] == [address]
    await world.close()


async def test_ice_restart_keeps_the_producers(world: World) -> None:
    before = await world.publish()
    first = world.connection().local_parameters().credentials
    after = await world.publish(CHROMIUM.replace("ice-ufrag:TgKv", "ice-ufrag:NEWx"))
    assert before == after
    assert world.connection().local_parameters().credentials != first
    assert len(world.pump.told("add_transport")) == 1
    await world.close()


async def test_same_offer_again_changes_nothing(world: World) -> None:
    before = await world.publish()
    first = world.connection().local_parameters().credentials
    assert await world.publish() == before
    assert world.connection().local_parameters().credentials == first
    assert len(world.pump.told("add_producer")) == 3
    await world.close()


class SomeSender:
    """A sender of a kind that the lesson has never seen."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.removed: list[str] = []

    def ask_keyframe(self, producer: Producer, slot: int) -> None:
        self.asked.append(slot)

    def remove(self, producer: Producer) -> None:
        self.removed.append(producer.producer_id)


async def test_who_sends_is_asked_and_stopped_whatever_it_is(world: World) -> None:
    producer = world.lesson.producer((await world.publish())["teacher"])
    assert producer is not None
    sender = SomeSender()
    world.lesson.producer_added(producer, sender)
    world.lesson.ask_keyframe(producer, 1)
    assert sender.asked == [1]
    world.lesson.set_producer_paused(producer.producer_id, True)
    world.clock.now += 5
    world.lesson.ask_keyframe(producer, 2)
    assert sender.asked == [1], "nobody would get it"
    world.lesson.members.unpublish(producer.producer_id)
    assert sender.removed == [producer.producer_id]
    await world.close()
