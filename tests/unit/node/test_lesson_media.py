"""What is told of a lesson: to whom, once, and of what is gone not at all."""

from __future__ import annotations

import pytest

from mixer.model import (
    MediaEvent,
    NodeLimits,
    ProducerLive,
)
from mixer.node.lesson_media import LessonMedia
from mixer.transport.dtls import DtlsCertificate
from tests.unit.node.fake_pump import (
    DATAGRAM,
    FIRST_PACKET,
    KEYFRAME_NEEDED,
    LAYER_SWITCHED,
    NEW_SSRC,
)
from tests.unit.node.world import World


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


async def test_listener_that_fails_stops_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_event: MediaEvent) -> None:
        raise RuntimeError("the listener's own fault")

    lesson = LessonMedia("other", world.port, DtlsCertificate(), NodeLimits(), fail)
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


async def test_levels_reach_the_lesson_whose_they_are(world: World) -> None:
    room = (await world.publish())["room"]
    pump_id = world.producer_pump_id(room)
    world.pump.levels = [(pump_id, 20), (pump_id + 1000, 10)]
    levels = world.port.take_levels()
    assert [(p.producer_id, level) for p, level in levels.pop(world.lesson)] == [(room, 20)]
    assert levels == {}
    await world.close()
