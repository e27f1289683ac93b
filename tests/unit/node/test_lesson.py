"""The node's decisions in virtual time: SSRCs, keyframes, time-outs, what the listener hears."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aioice import stun

from mixer.forward.pace import SILENT_AFTER_S
from mixer.forward.uplink import UNNEEDED_AFTER_S
from mixer.model import (
    ConsumerChanged,
    Direction,
    LayersNeeded,
    LinkState,
    MediaEvent,
    NodeLimits,
    ProducerLive,
    SourceOffer,
    TileSize,
    TransportChanged,
    Want,
)
from mixer.node.beats import LOOK_S
from mixer.node.connection import SETUP_TIMEOUT_S, Connection
from mixer.node.lesson import Lesson
from mixer.node.port import Port
from mixer.node.publication import NAMED_SSRCS_BURST, NAMED_SSRCS_PER_S
from mixer.node.streams import Producer
from mixer.rtp import h264
from mixer.rtp.feedback import Fir, Pli
from mixer.rtp.rtcp import ReceiverReport, parse_compound, serialize_compound
from mixer.transport.dtls import Certificate
from mixer.transport.ice import IceState
from tests.unit.node.fake_pump import (
    DATAGRAM,
    FIRST_PACKET,
    KEYFRAME_NEEDED,
    LAYER_SWITCHED,
    NEW_SSRC,
    Clock,
    FakePump,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "sdp"
CHROMIUM = (VECTORS / "chromium_156_publish.sdp").read_bytes().decode()
SOURCES = {
    "0": SourceOffer("room", 48_000),
    "1": SourceOffer("teacher", 2_500_000),
    "2": SourceOffer("screen", 1_000_000),
}


class World:
    """A lesson on a fake pump."""

    def __init__(self) -> None:
        self.clock, self.pump = Clock(), FakePump()
        self.port = Port(self.pump, addresses=("192.0.2.1",), clock=self.clock)  # type: ignore[arg-type]
        self.heard: list[MediaEvent] = []
        self.lesson = Lesson("lesson", self.port, Certificate(), NodeLimits(), self.heard.append)

    async def publish(self, offer: str = CHROMIUM) -> dict[str, str]:
        """Chromium's offer as device `lead`; producer ids by label."""
        answer = await self.lesson.members.publish("lead", offer, SOURCES)
        return {info.label: info.producer_id for info in answer.producers}

    def connection(self) -> Connection:
        return self.lesson.members.publications["lead"].connection

    def producer_pump_id(self, producer_id: str) -> int:
        producer = self.lesson.producer(producer_id)
        assert producer is not None
        return producer.pump_id

    def new_ssrc(self, ssrc: int, payload_type: int, mid: str, rid: str, repaired: str) -> None:
        transport = self.connection().transport_id
        self.pump.happen(self.port, (NEW_SSRC, transport, ssrc, payload_type, mid, rid, repaired))

    def connect(self) -> None:
        """As if the handshake had succeeded."""
        self.connection()._enter(LinkState.CONNECTED)

    async def close(self) -> None:
        await self.lesson.close()
        await self.port.stop()


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.pump.close()


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


async def test_keyframe_requests_are_shared_and_repeated_until_one_comes(world: World) -> None:
    picture = world.producer_pump_id((await world.publish())["teacher"])
    world.new_ssrc(7, 108, "1", "h", "")
    world.connect()

    def asked() -> int:
        sent = [parse_compound(data)[0] for _, data in world.pump.told("send_rtcp")]
        return sum(isinstance(packet, Pli) for packet in sent)

    for _ in range(20):
        world.pump.happen(world.port, (KEYFRAME_NEEDED, picture, 1))
    assert asked() == 1
    (packet,) = parse_compound(world.pump.told("send_rtcp")[0][1])
    assert isinstance(packet, Pli)
    assert packet.media_ssrc == 7
    world.clock.now += 0.6
    world.port.ask_due_keyframes()
    assert asked() == 2
    # the other layers have not been named, so the pump has no rows of them
    world.pump.stats[picture] = [{"layer": 1, "bytes": 10, "keyframes": 1}]
    world.lesson.control.handle_timer(world.clock.now)
    world.clock.now += 5
    world.port.ask_due_keyframes()
    assert asked() == 2
    await world.close()


async def test_a_keyframe_that_came_before_it_was_needed_is_no_answer(world: World) -> None:
    picture = world.producer_pump_id((await world.publish())["teacher"])
    world.new_ssrc(7, 108, "1", "h", "")
    world.connect()
    row = {"layer": 1, "bytes": 10, "keyframes": 1}
    world.pump.stats[picture] = [row]
    world.clock.now += 5
    world.lesson.control.handle_timer(world.clock.now)
    row["keyframes"] = 2  # since that look
    before = len(world.pump.told("send_rtcp"))
    world.pump.happen(world.port, (KEYFRAME_NEEDED, picture, 1))
    assert len(world.pump.told("send_rtcp")) == before + 1
    row["keyframes"] = 3
    world.clock.now += 0.6
    world.port.ask_due_keyframes()
    assert len(world.pump.told("send_rtcp")) == before + 1, "this one is"
    await world.close()


async def test_fir_for_a_sender_without_pli(world: World) -> None:
    offer = CHROMIUM.replace("nack pli", "nack xyz")
    picture = world.producer_pump_id((await world.publish(offer))["teacher"])
    world.new_ssrc(7, 108, "1", "h", "")
    world.connect()
    numbers = []
    for _ in range(2):
        world.clock.now += 5
        world.pump.happen(world.port, (KEYFRAME_NEEDED, picture, 1))
        (packet,) = parse_compound(world.pump.told("send_rtcp")[-1][1])
        assert isinstance(packet, Fir)
        numbers += [number for _, number in packet.entries]
    assert numbers[0] != numbers[1]
    await world.close()


async def test_producer_is_live_once(world: World) -> None:
    picture = (await world.publish())["teacher"]
    pump_id = world.producer_pump_id(picture)
    world.pump.happen(world.port, (FIRST_PACKET, pump_id, 0), (FIRST_PACKET, pump_id, 1))
    assert world.heard == [ProducerLive(picture, "lead")]
    await world.close()


async def test_events_of_what_is_gone_are_counted(world: World) -> None:
    world.pump.happen(
        world.port,
        (FIRST_PACKET, 999, 0),
        (KEYFRAME_NEEDED, 999, 0),
        (LAYER_SWITCHED, 999, 0),
        (NEW_SSRC, 999, 1, 96, "", "", ""),
        (DATAGRAM, 0, ("192.0.2.9", 5), b"\x16junk", 0, "192.0.2.1"),
        (DATAGRAM, 0, ("192.0.2.9", 5), b"\x7fjunk", 0, "192.0.2.1"),
        (DATAGRAM, 0, ("192.0.2.9", 5), b"", 0, "192.0.2.1"),
    )
    assert world.port.counters.orphan_events == 3
    assert world.port.counters.dtls_from_strangers == 1
    assert world.port.counters.unknown_datagrams == 2
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


async def test_listener_that_fails_stops_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_event: MediaEvent) -> None:
        raise RuntimeError("the listener's own fault")

    lesson = Lesson("other", world.port, Certificate(), NodeLimits(), fail)
    lesson.tell(ProducerLive("p", "d"))
    assert "the listener's own fault" in caplog.text
    await lesson.close()
    await world.close()


async def test_nothing_is_told_after_the_end(world: World) -> None:
    await world.publish()
    world.connect()
    world.heard.clear()
    await world.close()
    assert world.heard == []


async def test_layers_are_chosen_only_for_who_is_connected(world: World) -> None:
    """A keyframe sent before the handshake is lost; the picture would begin without one."""
    picture = (await world.publish())["teacher"]
    await world.lesson.members.subscribe("room", [Want(picture, 1280, 720)], restart=False)
    subscription = world.lesson.members.subscriptions["room"]
    line = subscription._lines.lines[0]
    line.codec = world.lesson.producer(picture).codec  # type: ignore[union-attr]
    subscription._send_lines()
    world.lesson.allocate()
    assert world.pump.told("set_consumer_layer") == []
    subscription.connection._enter(LinkState.CONNECTED)
    assert [call[1] for call in world.pump.told("set_consumer_layer")] == [0]
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


async def watched_picture(world: World) -> tuple[str, list[float]]:
    """A picture that sends 1 Mb/s, one room that wants it; when its layers were chosen."""
    picture = (await world.publish())["teacher"]
    await world.lesson.members.subscribe("room", [Want(picture, 1280, 720)], restart=False)
    subscription = world.lesson.members.subscriptions["room"]
    line = subscription._lines.lines[0]
    line.codec = world.lesson.producer(picture).codec  # type: ignore[union-attr]
    subscription._send_lines()
    chosen: list[float] = []
    allocate = subscription.consumers.allocate

    def noted(now: float, *rest: Any) -> None:
        chosen.append(now)
        allocate(now, *rest)

    subscription.consumers.allocate = noted  # type: ignore[assignment]
    subscription.connection._enter(LinkState.CONNECTED)
    return picture, chosen


def pass_time(world: World, seconds: float, *, sending: str, bitrate_bps: int) -> None:
    """Ticks of 0.1 s in which the smallest layer of a picture sends (or not)."""
    rows = world.pump.stats[world.producer_pump_id(sending)]
    if not rows:
        rows.append({"layer": 0, "bytes": 0, "keyframes": 1})
    for _ in range(round(10 * seconds)):
        world.clock.now += 0.1
        rows[0]["bytes"] += bitrate_bps // 80
        if bitrate_bps:
            rows[0]["last_packet_ns"] = round(1e9 * world.clock.now)
        world.lesson.control.handle_timer(world.clock.now)


async def test_a_line_that_carries_all_is_looked_at_seldom(world: World) -> None:
    picture, chosen = await watched_picture(world)
    consumers = world.lesson.members.subscriptions["room"].consumers
    pass_time(world, 1, sending=picture, bitrate_bps=200_000)
    chosen.clear()
    before = consumers.wanted_bps
    pass_time(world, 10, sending=picture, bitrate_bps=300_000)
    assert chosen == [], "what it carries all of needs no choosing"
    assert before < consumers.wanted_bps == consumers.used_bps == pytest.approx(300_000, rel=0.1)
    consumers.estimator._max_bps = 150_000.0
    chosen.clear()
    pass_time(world, 2, sending=picture, bitrate_bps=200_000)
    assert len(chosen) >= 2 / (LOOK_S + 0.11), "too narrow a line is looked at at every chance"
    await world.close()


async def test_a_layer_that_ends_is_noticed_at_once(world: World) -> None:
    picture, _ = await watched_picture(world)
    pass_time(world, 3, sending=picture, bitrate_bps=200_000)
    heard_of = len([event for event in world.heard if isinstance(event, ConsumerChanged)])
    pass_time(world, SILENT_AFTER_S + 0.3, sending=picture, bitrate_bps=0)
    last = [event for event in world.heard if isinstance(event, ConsumerChanged)][heard_of:]
    assert [(event.layer, event.reason) for event in last] == [(-1, "producer-silent")]
    await world.close()


@pytest.mark.parametrize("period_s", [3.0, 8.0])
async def test_a_source_slower_than_a_picture_in_two_seconds_does_not_flap(
    world: World, period_s: float
) -> None:
    """A camera for papers, say; before, it was silent and live again at every picture."""
    await world.lesson.members.publish("lead", CHROMIUM, {"2": SOURCES["2"]})
    ((producer_id, producer),) = world.lesson.members.producers.items()
    wants = [Want(producer_id, 1280, 720)]
    watched = await world.lesson.members.subscribe("room", wants, restart=False)
    assert watched is not None
    subscription = world.lesson.members.subscriptions["room"]
    subscription._lines.lines[0].codec = producer.codec
    subscription._send_lines()
    subscription.connection._enter(LinkState.CONNECTED)
    (row,) = rows = [{"layer": 0, "bytes": 0, "keyframes": 1}]
    world.pump.stats[producer.pump_id] = rows
    next_at = world.clock.now
    ended_at = next_at + 20 * period_s
    while world.clock.now < ended_at:
        world.clock.now += 0.1
        if world.clock.now >= next_at:
            last_ns, now_ns = row.get("last_packet_ns", 0), round(1e9 * world.clock.now)
            row["longest_pause_ns"] = now_ns - last_ns if last_ns else 0
            row["bytes"] += 2_000
            row["last_packet_ns"] = now_ns
            world.pump.happen(world.port, (FIRST_PACKET, producer.pump_id, 0))
            next_at += period_s
        world.lesson.control.handle_timer(world.clock.now)
    changes = [event for event in world.heard if isinstance(event, ConsumerChanged)]
    assert [(event.layer, event.reason) for event in changes] == [
        (-1, "producer-silent"),  # before its first picture
        (0, ""),
    ]
    await world.close()


async def test_who_only_wonders_in_a_slow_sources_pause_asks_for_no_keyframe(
    world: World,
) -> None:
    picture, _ = await watched_picture(world)
    world.new_ssrc(7, 108, "1", "q", "")
    pass_time(world, 3, sending=picture, bitrate_bps=200_000)
    world.connect()
    subscription = world.lesson.members.subscriptions["room"]
    (consumer,) = subscription.consumers

    def asked(since_sent_s: float) -> int:
        world.clock.now += 10
        world.pump.sent[consumer.pump_id]["last_packet_ns"] = round(
            1e9 * (world.clock.now - since_sent_s)
        )
        before = len(world.pump.told("send_rtcp"))
        subscription.handle_rtcp(
            serialize_compound([ReceiverReport(1), Pli(1, consumer.ssrc)]),
            round(1e9 * world.clock.now),
        )
        return len(world.pump.told("send_rtcp")) - before

    assert asked(since_sent_s=3.0) == 0, "as a browser does after three seconds without a picture"
    assert asked(since_sent_s=0.2) == 1
    assert consumer.keyframe_requests == 2
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


def layers_told(world: World, seconds: float) -> list[tuple[str, int]]:
    """What publishers are told of their layers while so many seconds pass: label and number."""
    before = len(world.heard)
    for _ in range(round(10 * seconds)):
        world.clock.now += 0.1
        world.lesson.control.handle_timer(world.clock.now)
    told = [event for event in world.heard[before:] if isinstance(event, LayersNeeded)]
    assert {event.device_id for event in told} <= {"lead"}
    producers = [(event, world.lesson.producer(event.producer_id)) for event in told]
    return [(producer.label, event.layers) for event, producer in producers if producer]


async def test_a_publisher_is_told_which_layers_nobody_needs(world: World) -> None:
    picture = (await world.publish())["teacher"]
    assert layers_told(world, UNNEEDED_AFTER_S - 0.5) == []
    assert layers_told(world, 2) == [("teacher", 1)], "nobody wants it; the screen has one layer"
    await world.lesson.members.subscribe("room", [Want(picture, 640, 360)], restart=False)
    assert layers_told(world, 0.3) == [("teacher", 2)]
    await world.lesson.members.subscribe("wall", [Want(picture, 1920, 1080)], restart=False)
    assert layers_told(world, 0.3) == [("teacher", 3)]
    await world.lesson.members.close_device("wall")
    assert layers_told(world, UNNEEDED_AFTER_S + 1.5) == [("teacher", 2)]
    await world.close()


async def test_what_is_recorded_keeps_its_best_layer(world: World, tmp_path: Path) -> None:
    picture = (await world.publish())["teacher"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
        reader.bind(str(tmp_path / "tap"))
        tap = world.lesson.members.tap(picture, str(tmp_path / "tap"))
        assert layers_told(world, 2 * UNNEEDED_AFTER_S) == []
        world.lesson.members.untap(tap.tap_id)
    assert layers_told(world, UNNEEDED_AFTER_S + 1.5) == [("teacher", 1)]
    await world.close()


async def test_the_size_a_tap_wants_is_demand_like_a_devices(world: World, tmp_path: Path) -> None:
    picture = (await world.publish())["teacher"]
    calm_s = UNNEEDED_AFTER_S + 1.5
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
        reader.bind(str(tmp_path / "tap"))
        tap_id = world.lesson.members.tap(picture, str(tmp_path / "tap"), TileSize(640, 360)).tap_id
        assert layers_told(world, calm_s) == [("teacher", 2)]
        world.lesson.members.set_tap_want(tap_id, TileSize(1920, 1080))
        assert layers_told(world, 0.3) == [("teacher", 3)]
        world.lesson.members.set_tap_want(tap_id, TileSize(160, 90))
        assert layers_told(world, calm_s) == [("teacher", 1)]
        world.lesson.members.set_tap_want(tap_id, None)
        assert layers_told(world, 0.3) == [("teacher", 3)]
        world.lesson.members.untap(tap_id)
    assert layers_told(world, calm_s) == [("teacher", 1)]
    world.lesson.members.set_tap_want(tap_id, TileSize(1920, 1080))
    assert layers_told(world, calm_s) == [], "it is gone"
    await world.close()


async def test_levels_reach_the_lesson_whose_they_are(world: World) -> None:
    room = (await world.publish())["room"]
    pump_id = world.producer_pump_id(room)
    world.pump.levels = [(pump_id, 20), (pump_id + 1000, 10)]
    levels = world.port.take_levels()
    assert [(p.producer_id, level) for p, level in levels.pop(world.lesson)] == [(room, 20)]
    assert levels == {}
    await world.close()


async def test_a_picture_that_begins_is_measured_and_shared_out_at_once(world: World) -> None:
    """However calm all is: until its bitrate is known, nobody knows whether a line carries it."""
    picture, chosen = await watched_picture(world)
    pump_id = world.producer_pump_id(picture)
    consumers = world.lesson.members.subscriptions["room"].consumers
    consumers.transport_cc = consumers.estimator._heard = True
    layers_told(world, 5.1)  # time passes
    assert world.lesson.control.due_at - world.clock.now > LOOK_S, "nothing moves"
    world.clock.now = 105.97
    row = {"layer": 0, "bytes": 1000, "keyframes": 1, "last_packet_ns": 105_970_000_000}
    world.pump.stats[pump_id].append(row)
    world.pump.happen(world.port, (FIRST_PACKET, pump_id, 0))
    world.lesson.control.handle_timer(106.0)  # too early to tell a bitrate
    began = world.clock.now = 106.0
    assert consumers.wanted_bps == 0
    chosen.clear()
    pass_time(world, 3, sending=picture, bitrate_bps=1_000_000)
    assert consumers.wanted_bps > 0
    assert chosen[0] - began <= 2 * LOOK_S
    await world.close()
