"""Readings of a subscriber's line: how they reach its estimate, and what the pump is asked for."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from mixer.model import LinkState
from mixer.node.consumers import Consumers
from mixer.node.peer_connection import LOST_TIMEOUT_S
from mixer.rtp.bandwidth import START_BPS
from mixer.rtp.line_reading import LineReading, Usage
from mixer.transport.ice import IceState
from tests.unit.node.fake_pump import LINE
from tests.unit.node.world import World, begin_estimate, pass_time, watched_picture

FINE = LineReading(acknowledged_bps=1e6, busy_bps=1e6, sent_bps=1e6, expected=10, size_bytes=9000)


async def subscriber(world: World) -> tuple[str, Consumers]:
    """A picture of 1 Mb/s and a room whose line nobody knows yet."""
    picture, _ = await watched_picture(world)
    consumers = world.lesson.members.subscriptions["room"].consumers
    consumers.transport_cc = True
    pass_time(world, 2, sending=picture, bitrate_bps=1_000_000)
    begin_estimate(consumers, world.clock.now)  # before, it has tried more by itself
    world.pump.calls.clear()
    return picture, consumers


def sense(world: World, reading: LineReading, *, heard: bool = True) -> None:
    """The pump says that a reading waits."""
    transport_id = world.lesson.members.subscriptions["room"].connection.transport_id
    world.clock.now += 0.1
    if heard:
        reading = replace(reading, heard_since_s=world.clock.now)
    world.pump.lines[transport_id] = astuple(reading)
    world.pump.happen(world.port, (LINE, transport_id))


async def test_what_is_heard_first_is_probed_at_once(world: World) -> None:
    _, consumers = await subscriber(world)
    sense(world, FINE)
    ((_, probe),) = world.pump.told("probe")
    assert probe["duration_ms"] == 60
    assert probe["bitrate_bps"] == pytest.approx(2 * START_BPS, rel=0.02)
    sense(world, FINE)
    assert len(world.pump.told("probe")) == 1
    train = tuple((at * 0.001, 7 + at * 0.001, 1000) for at in range(9))
    sense(world, replace(FINE, train=train))
    assert consumers.estimator.bitrate_bps > 1_000_000
    await world.close()


async def test_a_line_that_carries_all_is_read_less_often(world: World) -> None:
    picture, consumers = await subscriber(world)
    begin_estimate(consumers, world.clock.now, start_bps=3_000_000)
    consumers.estimator.handle_remb(1, world.clock.now)  # heeded only where there is no feedback
    sense(world, FINE)
    room = world.lesson.members.subscriptions["room"].connection.transport_id
    assert world.pump.told("set_line_settled") == [(room, True)]
    pass_time(world, 5, sending=picture, bitrate_bps=1_000_000)
    assert world.pump.told("probe") == []
    sense(world, replace(FINE, usage=Usage.OVERUSE))
    assert world.pump.told("set_line_settled")[1:] == [(room, False)]
    await world.close()


async def test_a_line_at_rest_is_read_when_it_has_news(world: World) -> None:
    picture, consumers = await subscriber(world)
    begin_estimate(consumers, world.clock.now, start_bps=1_250_000)
    sense(world, FINE)
    world.pump.calls.clear()
    pass_time(world, 5, sending=picture, bitrate_bps=1_000_000)
    assert len(world.pump.told("line")) >= 5, "settled, but more might be looked for"
    begin_estimate(consumers, world.clock.now, start_bps=3_000_000)
    for _ in range(4):  # the loss has to be judged
        sense(world, replace(FINE, expected=100, size_bytes=90_000))
        world.clock.now += 1
    world.pump.calls.clear()
    pass_time(world, 10, sending=picture, bitrate_bps=1_000_000)
    assert world.pump.told("line") == []
    sense(world, FINE)
    assert len(world.pump.told("line")) == 1
    await world.close()


async def test_more_that_is_wanted_is_looked_for_at_once(world: World) -> None:
    picture, consumers = await subscriber(world)
    begin_estimate(consumers, world.clock.now, start_bps=2_000_000)
    sense(world, FINE)
    room = world.lesson.members.subscriptions["room"].connection.transport_id
    pass_time(world, 4, sending=picture, bitrate_bps=4_000_000)
    assert world.pump.told("set_line_settled") == [(room, True), (room, False)]
    assert world.pump.told("probe")
    await world.close()


async def test_silence_begins_anew(world: World) -> None:
    _, consumers = await subscriber(world)
    begin_estimate(consumers, world.clock.now, start_bps=3_000_000)
    sense(world, FINE)
    assert consumers.estimator.bitrate_bps == 3_000_000
    sense(world, replace(FINE, silent=True), heard=False)
    assert consumers.estimator.silent
    assert consumers.estimator.bitrate_bps == START_BPS
    sense(world, replace(FINE, returned=True))
    assert not consumers.estimator.silent
    await world.close()


async def test_a_silence_between_two_readings_begins_anew_too(world: World) -> None:
    _, consumers = await subscriber(world)
    begin_estimate(consumers, world.clock.now, start_bps=3_000_000)
    sense(world, FINE)
    sense(world, replace(FINE, returned=True))
    assert consumers.estimator.bitrate_bps < 1_000_000
    await world.close()


async def test_feedback_that_was_not_negotiated_counts_for_nothing(world: World) -> None:
    _, consumers = await subscriber(world)
    consumers.transport_cc = False
    sense(world, FINE)
    assert consumers.estimator.acknowledged_bps is None
    assert world.pump.told("probe") == []
    await world.close()


async def test_a_reading_of_who_has_left_is_passed_over(world: World) -> None:
    _, consumers = await subscriber(world)
    connection = world.lesson.members.subscriptions["room"].connection
    connection.ice_changed(IceState.SILENT)
    world.clock.now += LOST_TIMEOUT_S
    connection.handle_timer(world.clock.now)
    assert connection.state is LinkState.CLOSED
    begin_estimate(consumers, world.clock.now, start_bps=3_000_000)
    world.lesson.allocate()
    assert world.pump.told("set_line_settled") == []
    await world.lesson.members.close_device("room")
    world.pump.happen(world.port, (LINE, connection.transport_id))
    await world.close()
