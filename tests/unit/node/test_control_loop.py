"""What a lesson looks at and asks for: keyframes, layers, sizes, slow and ended sources."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mixer.forward.layer_demand import UNNEEDED_AFTER_S
from mixer.forward.pace import SILENT_AFTER_S
from mixer.model import (
    ConsumerChanged,
    LayersNeeded,
    TileSize,
    Want,
)
from mixer.node.beats import LOOK_S
from mixer.rtp.feedback import Fir, Pli
from mixer.rtp.line_reading import LineReading
from mixer.rtp.rtcp import ReceiverReport, parse_compound, serialize_compound
from tests.unit.node.fake_pump import (
    FIRST_PACKET,
    KEYFRAME_NEEDED,
)
from tests.unit.node.world import (
    CHROMIUM,
    SOURCES,
    World,
    begin_estimate,
    connected,
    pass_time,
    wanted_picture,
    watched_picture,
)


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


async def test_layers_are_chosen_only_for_who_is_connected(world: World) -> None:
    """A keyframe sent before the handshake is lost; the picture would begin without one."""
    _, subscription = await wanted_picture(world)
    world.lesson.allocate()
    assert world.pump.told("set_consumer_layer") == []
    connected(subscription.connection)
    assert [call[1] for call in world.pump.told("set_consumer_layer")] == [0]
    await world.close()


async def test_a_group_sent_again_needs_no_wider_line(world: World) -> None:
    """Half a minute of a camera's pictures in a second, for somebody new; the live ones wait for
    it. To all others the picture is as heavy as before.
    """
    picture, _ = await watched_picture(world)
    consumers = world.lesson.members.subscriptions["room"].consumers
    pass_time(world, 10, sending=picture, bitrate_bps=600_000)
    (row,) = world.pump.stats[world.producer_pump_id(picture)]
    for _ in range(3):
        for _ in range(10):
            row["bytes"] += 225_000
            row["past_bytes"] = row.get("past_bytes", 0) + 225_000
            pass_time(world, 0.1, sending=picture, bitrate_bps=0)
            row["last_packet_ns"] = round(1e9 * world.clock.now)
        row["bytes"] += 75_000  # what has waited
        pass_time(world, 0.5, sending=picture, bitrate_bps=600_000)
        assert consumers.wanted_bps == pytest.approx(600_000, rel=0.1)
    await world.close()


async def test_a_line_that_carries_all_is_looked_at_seldom(world: World) -> None:
    picture, chosen = await watched_picture(world)
    consumers = world.lesson.members.subscriptions["room"].consumers
    pass_time(world, 1, sending=picture, bitrate_bps=200_000)
    chosen.clear()
    before = consumers.wanted_bps
    pass_time(world, 10, sending=picture, bitrate_bps=300_000)
    assert chosen == [], "what it carries all of needs no choosing"
    assert before < consumers.wanted_bps == consumers.used_bps == pytest.approx(300_000, rel=0.1)
    begin_estimate(consumers, world.clock.now, max_bps=150_000)
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
    subscription = await world.subscribe(Want(producer_id, 1280, 720))
    connected(subscription.connection)
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


async def test_a_picture_that_begins_is_measured_and_shared_out_at_once(world: World) -> None:
    """However calm all is: until its bitrate is known, nobody knows whether a line carries it."""
    picture, chosen = await watched_picture(world)
    pump_id = world.producer_pump_id(picture)
    consumers = world.lesson.members.subscriptions["room"].consumers
    consumers.transport_cc = True
    consumers.estimator.handle_reading(LineReading(heard_since_s=world.clock.now), world.clock.now)
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
