"""A real lesson on a real pump: aiortc peers publish and subscribe, frames are decoded."""

from __future__ import annotations

import asyncio
import re
import socket

import pytest

from mixer.errors import (
    AnswerUnexpected,
    DeviceUnknown,
    LessonOpen,
    LessonUnknown,
    NodeFull,
    ProducerUnknown,
    SdpRefused,
)
from mixer.model import (
    ConsumerChanged,
    Direction,
    LinkMeasured,
    LinkState,
    NodeLimits,
    SpeakersChanged,
    TransportChanged,
    Want,
)
from tests.network_relay import NetworkRelay
from tests.unit.node.peers import (
    LESSON,
    CountingPicture,
    Publisher,
    Subscriber,
    everything,
    running_node,
)

WRONG_FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)


def with_wrong_fingerprint(sdp: str) -> str:
    (right,) = re.findall("a=fingerprint:sha-256 .*", sdp)[:1]
    return re.sub("a=fingerprint:sha-(384|512) .*\r\n", "", sdp).replace(
        right.strip(), WRONG_FINGERPRINT
    )


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("codec", [pytest.param("VP8", marks=pytest.mark.thorough), "H264"])
async def test_picture_and_sound_arrive(host: str, codec: str) -> None:
    async with running_node(host=host) as (node, events):
        publisher, subscriber = Publisher(node, codec=codec), Subscriber(node)
        producers = await publisher.publish()
        assert producers["teacher"].codec == codec
        for info in producers.values():
            await events.live(info.producer_id)
        assert await subscriber.subscribe(everything(producers))
        for info in producers.values():
            await subscriber.received(info.producer_id)
        await events.link("receiver", LinkState.CONNECTED)
        await events.wait_for(
            lambda e: (
                isinstance(e, LinkMeasured)
                and e.direction is Direction.SUBSCRIBE
                and e.bitrate_bps > 0
                and e.rtt_ms > 0
            )
        )
        await subscriber.close()
        await publisher.close()


async def test_either_dtls_role() -> None:
    """An encoder that wants to be the server (`a=setup:passive`) is called by us."""

    def passive(sdp: str) -> str:
        return sdp.replace("a=setup:actpass", "a=setup:passive")

    async with running_node() as (node, events):
        publisher = Publisher(node)
        await publisher.publish(edit_offer=passive)
        await events.link("sender", LinkState.CONNECTED)
        await publisher.close()


async def test_wrong_fingerprint_is_refused() -> None:
    async with running_node() as (node, events):
        publisher, other = Publisher(node), Publisher(node, "other")
        await publisher.publish(edit_offer=with_wrong_fingerprint)
        await events.link("sender", LinkState.CLOSED)
        assert not any(
            isinstance(e, TransportChanged) and e.state is LinkState.CONNECTED for e in events.seen
        )
        await other.publish()
        await events.link("other", LinkState.CONNECTED)
        await publisher.close()
        await other.close()


async def test_peer_that_leaves_is_noticed_and_its_streams_end() -> None:
    async with running_node() as (node, events):
        publisher, subscriber = Publisher(node), Subscriber(node)
        producers = await publisher.publish()
        await events.live(producers["teacher"].producer_id)
        await subscriber.subscribe(everything(producers))
        await subscriber.received(producers["teacher"].producer_id)
        await publisher.close()
        await events.link("sender", LinkState.CLOSED)
        with pytest.raises(ProducerUnknown):
            node.set_producer_paused(LESSON, producers["teacher"].producer_id, True)
        await node.unpublish(LESSON, producers["teacher"].producer_id)
        again = Publisher(node)
        renewed = await again.publish()
        await events.live(renewed["teacher"].producer_id)
        assert await subscriber.subscribe(everything(renewed))
        await subscriber.received(renewed["teacher"].producer_id)
        await subscriber.close()
        await again.close()


async def test_paused_producer_is_not_sent_and_comes_back() -> None:
    async with running_node() as (node, events):
        publisher, subscriber = Publisher(node), Subscriber(node)
        producers = await publisher.publish()
        picture = producers["teacher"].producer_id
        await subscriber.subscribe(everything(producers))
        await subscriber.received(picture)
        node.set_producer_paused(LESSON, picture, True)
        await events.wait_for(
            lambda e: e == ConsumerChanged("receiver", picture, -1, "producer-paused")
        )
        events.seen.clear()
        node.set_producer_paused(LESSON, picture, False)
        await events.wait_for(
            lambda e: isinstance(e, ConsumerChanged) and (e.producer_id, e.layer) == (picture, 0)
        )
        await subscriber.received(picture)
        await subscriber.close()
        await publisher.close()


async def test_unwanted_stream_stops_and_returns_without_a_new_offer() -> None:
    async with running_node() as (node, _):
        publisher, subscriber = Publisher(node), Subscriber(node)
        producers = await publisher.publish()
        picture = producers["teacher"].producer_id
        await subscriber.subscribe(everything(producers))
        await subscriber.received(picture)
        assert not await subscriber.subscribe([Want(producers["room"].producer_id)])
        stats = node.lesson_stats(LESSON)
        consumers = stats["subscriptions"][0]["consumers"]
        assert [c["layer"] for c in consumers if c["producer_id"] == picture] == [-1]
        assert not await subscriber.subscribe(everything(producers))
        await subscriber.received(picture)
        await subscriber.close()
        await publisher.close()


async def test_each_room_sees_the_others() -> None:
    async with running_node() as (node, _):
        names = ["lead", "east", "west"]
        publishers = [Publisher(node, name) for name in names]
        offers = [await publisher.publish() for publisher in publishers]
        subscribers = [Subscriber(node, name) for name in names]
        for name, subscriber in zip(names, subscribers, strict=True):
            wants = [w for p in offers if p["room"].device_id != name for w in everything(p)]
            await subscriber.subscribe(wants)
        for subscriber in subscribers:
            for producer_id in list(subscriber.mids):
                await subscriber.received(producer_id, 2)
        for subscriber in subscribers:
            await subscriber.close()
        for publisher in publishers:
            await publisher.close()


async def test_added_source_gets_its_own_producer_and_keeps_the_others() -> None:
    async with running_node() as (node, events):
        publisher, subscriber = Publisher(node), Subscriber(node)
        before = await publisher.publish(tracks=[CountingPicture()])
        await events.live(before["teacher"].producer_id)
        await subscriber.subscribe(everything(before))
        publisher.peer.addTransceiver("audio", direction="sendonly")
        after = await publisher.publish()
        assert after["teacher"].producer_id == before["teacher"].producer_id
        assert after["room"].producer_id not in {p.producer_id for p in before.values()}
        assert await subscriber.subscribe(everything(after))
        await subscriber.received(after["teacher"].producer_id)
        await subscriber.close()
        await publisher.close()


@pytest.mark.thorough
async def test_room_whose_nat_moves_its_port_goes_on() -> None:
    async with (
        running_node() as (node, events),
        NetworkRelay(server=node.candidates[0]) as relay,
    ):
        publisher, subscriber = Publisher(node), Subscriber(node)
        producers = await publisher.publish()
        await events.live(producers["teacher"].producer_id)
        await subscriber.subscribe(everything(producers), reroute=relay.reroute)
        await subscriber.received(producers["teacher"].producer_id)
        await relay.rebind()
        await subscriber.received(producers["teacher"].producer_id, 10)
        assert not any(
            isinstance(e, TransportChanged) and e.state is LinkState.CLOSED for e in events.seen
        )
        await subscriber.close()
        await publisher.close()


async def test_page_that_was_reloaded_takes_over_its_publish_connection() -> None:
    async with running_node() as (node, events):
        first, second = Publisher(node), Publisher(node)
        before = await first.publish()
        await events.live(before["teacher"].producer_id)
        after = await second.publish()
        assert after["teacher"].producer_id != before["teacher"].producer_id
        await events.live(after["teacher"].producer_id)
        assert len(node.lesson_stats(LESSON)["producers"]) == 2
        await first.close()
        await second.close()


async def test_page_that_was_reloaded_takes_over_its_subscribe_connection() -> None:
    async with running_node() as (node, events):
        publisher, first, second = Publisher(node), Subscriber(node), Subscriber(node)
        producers = await publisher.publish()
        await events.live(producers["teacher"].producer_id)
        await first.subscribe(everything(producers))
        await first.received(producers["teacher"].producer_id)
        assert await second.subscribe(everything(producers), restart=True)
        await second.received(producers["teacher"].producer_id)
        await first.close()
        await second.close()
        await publisher.close()


async def test_junk_during_a_lesson_changes_nothing() -> None:
    async with running_node() as (node, events):
        publisher, subscriber = Publisher(node), Subscriber(node)
        producers = await publisher.publish()
        await subscriber.subscribe(everything(producers))
        await subscriber.received(producers["teacher"].producer_id)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for number in range(2000):
                first = (0, 1, 20, 22, 63, 64, 128, 144, 200, 255)[number % 10]
                junk = bytes([first]) + bytes(number * 7 % 256 for _ in range(number % 1400))
                stranger.sendto(junk, node.candidates[0])
                if number % 100 == 0:
                    await asyncio.sleep(0)
        await subscriber.received(producers["teacher"].producer_id, 10)
        assert all(
            e.state is LinkState.CONNECTED for e in events.seen if isinstance(e, TransportChanged)
        )
        await subscriber.close()
        await publisher.close()


async def test_speech_is_reported() -> None:
    """aiortc sends no audio level: its silence must not be taken for speech."""
    async with running_node() as (node, events):
        publisher = Publisher(node)
        producers = await publisher.publish()
        await events.live(producers["room"].producer_id)
        assert not any(isinstance(e, SpeakersChanged) and e.levels for e in events.seen)
        await publisher.close()


async def test_close_leaves_nothing_behind() -> None:
    """The fixtures of `tests/conftest.py` look for tasks, threads and sockets."""
    async with running_node() as (node, events):
        publisher, subscriber = Publisher(node), Subscriber(node)
        producers = await publisher.publish()
        await events.live(producers["teacher"].producer_id)
        await subscriber.subscribe(everything(producers))
        await node.close_device(LESSON, "sender")
        await node.close_device(LESSON, "sender")
        await node.close_lesson(LESSON)
        await node.close_lesson(LESSON)
        transports = [port["transports"] for port in node.node_stats()["ports"]]
        assert transports == [0]
        await subscriber.close()
        await publisher.close()


async def test_refusals() -> None:
    limits = NodeLimits(lessons=1, devices_per_lesson=1, producers_per_device=1)
    async with running_node(limits=limits) as (node, _):
        with pytest.raises(LessonOpen):
            await node.open_lesson(LESSON, print)
        with pytest.raises(NodeFull):
            await node.open_lesson("another", print)
        with pytest.raises(LessonUnknown):
            await node.publish("another", "device", "v=0", {})
        with pytest.raises(SdpRefused):
            await node.publish(LESSON, "device", "nonsense", {})
        with pytest.raises(DeviceUnknown):
            await node.subscribe_answer(LESSON, "device", "v=0")
        publisher = Publisher(node)
        with pytest.raises(NodeFull):
            await publisher.publish()
        assert node.lesson_stats(LESSON)["publications"] == []
        await publisher.close()
        alone = Publisher(node)
        producers = await alone.publish(tracks=[CountingPicture()])
        with pytest.raises(NodeFull):
            await node.subscribe(LESSON, "one too many", everything(producers))
        assert await node.subscribe(LESSON, "sender", everything(producers)) is not None
        with pytest.raises(SdpRefused):
            await node.subscribe_answer(LESSON, "sender", "nonsense")
        await alone.close()


async def test_answer_without_an_offer() -> None:
    async with running_node() as (node, _):
        publisher, subscriber = Publisher(node), Subscriber(node)
        producers = await publisher.publish()
        await subscriber.subscribe(everything(producers))
        with pytest.raises(AnswerUnexpected):
            await node.subscribe_answer(LESSON, "receiver", subscriber.peer.localDescription.sdp)
        assert await node.subscribe(LESSON, "nobody", []) is None
        await subscriber.close()
        await publisher.close()


async def test_handshakes_under_way_are_capped() -> None:
    limits = NodeLimits(pending_handshakes=2)
    async with running_node(limits=limits) as (node, _):
        publisher = Publisher(node)
        await publisher.publish()
        producers = publisher.producers
        with pytest.raises(NodeFull, match="set up"):
            for number in range(5):
                await node.subscribe(LESSON, f"silent-{number}", everything(producers))
        await publisher.close()
