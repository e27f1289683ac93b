"""What a node shows of itself agrees with what the peers saw on the wire."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable

import pytest
from aiortc import RTCPeerConnection

from mixer.errors import LessonUnknown
from mixer.model import LinkState, Want
from mixer.node import LayerStats, MediaNode, NodeStats
from mixer.node.ticks import Ticks
from tests.unit.node.peers import LESSON, WAIT_S, Publisher, Subscriber, everything, running_node


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - counters are looked at, they tell nobody
            await asyncio.sleep(0.02)


async def sent_by(peer: RTCPeerConnection) -> dict[str, int]:
    """Packets a peer has sent, by kind."""
    rows = (await peer.getStats()).values()
    return {row.kind: row.packetsSent for row in rows if row.type == "outbound-rtp"}


def layers_of(node: MediaNode) -> dict[str, LayerStats]:
    """The one layer of each producer, by kind."""
    return {p["kind"]: p["layers"][0] for p in node.lesson_stats(LESSON)["producers"]}


def pump_of(stats: NodeStats) -> dict[str, int]:
    return stats["ports"][0]["pump"]


async def test_packets_and_bytes_are_those_that_were_sent() -> None:
    async with running_node() as (node, events):
        publisher, subscriber = Publisher(node), Subscriber(node)
        producers = await publisher.publish()
        await events.live(producers["teacher"].producer_id)
        await subscriber.subscribe(everything(producers))
        await subscriber.received(producers["teacher"].producer_id, 20)
        earlier = await sent_by(publisher.peer)
        await until(
            lambda: all(
                layers_of(node)[kind]["packets"] + layers_of(node)[kind]["lost"] >= count
                for kind, count in earlier.items()
            )
        )
        layers = layers_of(node)
        later = await sent_by(publisher.peer)
        for kind in ("audio", "video"):
            assert layers[kind]["packets"] <= later[kind]
            assert layers[kind]["lost"] == 0
            assert layers[kind]["bytes"] > 12 * layers[kind]["packets"]
            assert layers[kind]["live"]
        assert layers["video"]["keyframes"] >= 1
        assert layers["video"]["pictures"] >= 20
        await subscriber.close()
        await publisher.close()


async def test_who_gets_which_layer_and_why_is_told() -> None:
    async with running_node() as (node, events):
        publisher, subscriber = Publisher(node), Subscriber(node)
        producers = await publisher.publish()
        picture, sound = producers["teacher"].producer_id, producers["room"].producer_id
        await events.live(picture)
        wants = [Want(picture, 320, 180, 3), Want(sound, priority=5)]
        await subscriber.subscribe(wants)
        await subscriber.received(picture)

        def row(producer_id: str) -> dict[str, object]:
            (line,) = node.lesson_stats(LESSON)["subscriptions"]
            (found,) = [c for c in line["consumers"] if c["producer_id"] == producer_id]
            return dict(found)

        shown = row(picture)
        assert (shown["layer"], shown["target"], shown["reason"]) == (0, 0, "")
        assert (shown["width"], shown["height"], shown["priority"]) == (320, 180, 3)
        assert row(sound)["priority"] == 5
        node.set_producer_paused(LESSON, picture, True)
        await until(lambda: row(picture)["reason"] == "producer-paused")
        assert row(picture)["target"] == -1
        await subscriber.subscribe([Want(sound)])
        assert (row(picture)["reason"], row(picture)["width"]) == ("not-wanted", 0)
        await subscriber.close()
        await publisher.close()


@pytest.mark.thorough
async def test_lines_are_told_in_both_directions() -> None:
    async with running_node() as (node, events):
        publisher, subscriber = Publisher(node), Subscriber(node)
        producers = await publisher.publish()
        await events.live(producers["teacher"].producer_id)
        await subscriber.subscribe(everything(producers))
        await subscriber.received(producers["teacher"].producer_id)
        await until(lambda: node.lesson_stats(LESSON)["subscriptions"][0]["rtt_ms"] > 0)
        # Each measures on its own second, and a slow machine may send nothing in one of them.
        stats = node.lesson_stats(LESSON)

        def both_measured() -> bool:
            nonlocal stats
            stats = node.lesson_stats(LESSON)
            lines = (*stats["publications"], *stats["subscriptions"])
            return all(line["bitrate_bps"] > 0 for line in lines)

        await until(both_measured)
        (up,), (down,) = stats["publications"], stats["subscriptions"]
        assert (up["device_id"], up["direction"], up["state"]) == ("sender", "publish", "connected")
        assert (down["device_id"], down["direction"]) == ("receiver", "subscribe")
        for line in (up, down):
            host, number = line["address"].split(" ")
            assert ipaddress.ip_address(host)
            assert int(number) > 0
            assert line["bitrate_bps"] > 0
            assert line["loss"] == 0
        assert up["packets_received"] > 0
        assert down["packets_sent"] > 0
        assert down["available_bps"] > 0
        assert 0 < down["used_bps"] <= down["wanted_bps"]
        await subscriber.close()
        await publisher.close()
        await events.link("sender", LinkState.CLOSED)
        await until(
            lambda: all(
                line["state"] == "closed" and line["packets_received"] == 0
                for line in node.lesson_stats(LESSON)["publications"]
            )
        )


async def test_node_counts_what_it_forwards_and_how_long_it_keeps_it() -> None:
    async with running_node() as (node, events):
        publisher, subscriber = Publisher(node), Subscriber(node)
        producers = await publisher.publish()
        await events.live(producers["teacher"].producer_id)
        await subscriber.subscribe(everything(producers))
        await subscriber.received(producers["teacher"].producer_id, 20)

        def consumed() -> int:
            lines = node.lesson_stats(LESSON)["subscriptions"]
            return sum(consumer["packets"] for line in lines for consumer in line["consumers"])

        before = consumed()
        stats = node.node_stats()
        assert before <= pump_of(stats)["forwarded_packets"] <= consumed()
        (port,) = stats["ports"]
        assert (port["transports"], port["pending"], port["lessons"]) == (2, 0, 1)
        gauges = port["gauges"]
        assert (gauges["transports"], gauges["producers"], gauges["consumers"]) == (2, 2, 2)
        _, counts, total_ns = port["measures"]["added_delay_ns"]
        assert sum(counts) >= before
        assert total_ns > 0
        await until(lambda: node.node_stats()["ticks"] >= 3)
        assert node.node_stats()["tick_busy_s"] > 0
        await subscriber.close()
        await publisher.close()


async def test_lessons_are_named_while_they_are_open() -> None:
    async with running_node() as (node, events):
        assert node.lesson_ids == (LESSON,)
        await node.open_lesson("second", events)
        assert node.lesson_ids == (LESSON, "second")
        assert node.node_stats()["lessons"] == 2
        await node.close_lesson("second")
        assert node.lesson_ids == (LESSON,)
        with pytest.raises(LessonUnknown):
            node.lesson_stats("second")


def test_ticks_add_up() -> None:
    ticks = Ticks()
    ticks.add(due_at=1.0, began_at=1.5, ended_at=1.75)
    ticks.add(due_at=2.0, began_at=1.9, ended_at=2.0)  # a timer may come a little early
    assert (ticks.count, ticks.late_s) == (2, 0.5)
    assert ticks.busy_s == pytest.approx(0.35)
