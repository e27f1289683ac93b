"""A lesson of real peers through a whole server: its statistics and metrics are what went over the
wire, at the seats that sent and received it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hardware_profiles import ServerProfile
from mixer.model import (
    ConsumerInfo,
    FeedOffer,
    Kind,
    LinkState,
    NodeSettings,
    ProducerInfo,
    PublishAnswer,
    SourceOffer,
    SubscribeOffer,
    Want,
)
from mixer.node import MediaNode
from server.api.stats import lesson_stats_view
from server.config import Settings
from server.lessons.event_log import log_path, read_log
from server.metrics import families
from server.node.media import MediaCore
from signaling.log.entries import LessonEnded, SeatJoined
from tests.unit.node.peers import (
    LESSON,
    WAIT_S,
    Events,
    Publisher,
    Subscriber,
    everything,
    running_node,
)
from tests.unit.server.world import World, lesson_body, post, running_world
from tests.unit.signaling.asgi_socket import AsgiSocket

Numbers = dict[tuple[str, ...], float]


@asynccontextmanager
async def loopback_node(_settings: Settings, _hardware: ServerProfile) -> AsyncIterator[MediaCore]:
    node = MediaNode(NodeSettings(host="127.0.0.1", port=0))
    await node.start()
    try:
        yield cast(MediaCore, node)
    finally:
        await node.close()


class Visit:
    """A device in the lesson: `MediaNode`'s calls, made over its WebSocket."""

    def __init__(self, socket: AsgiSocket) -> None:
        self.socket = socket
        self.device_id = ""
        self.seat_id = ""

    async def join(self, token: str) -> None:
        self.socket.send({"type": "join", "token": token})
        welcome = await self.socket.until("welcome")
        self.device_id, self.seat_id = welcome["device_id"], welcome["seat_id"]

    async def publish(
        self, _lesson: str, _device: str, offer: str, sources: dict[str, SourceOffer]
    ) -> PublishAnswer:
        labels = {mid: source.label for mid, source in sources.items()}
        self.socket.send({"type": "publish", "sdp": offer, "sources": labels})
        answer = await self.socket.until("published")
        producers = tuple(
            ProducerInfo(producer_id, self.device_id, labels[mid], Kind.VIDEO, "VP8", 1)
            for mid, producer_id in answer["producers"].items()
        )
        return PublishAnswer(answer["sdp"], producers)

    async def subscribe(
        self, _lesson: str, _device: str, wants: Sequence[Want], *, restart: bool
    ) -> SubscribeOffer | None:
        assert not restart
        rows = [{"producer_id": w.producer_id, "width": w.width, "height": w.height} for w in wants]
        self.socket.send({"type": "subscribe", "wants": rows})
        offer = await self.socket.until("subscribe_offer")
        consumers = tuple(ConsumerInfo(p, mid) for mid, p in offer["consumers"].items())
        return SubscribeOffer(offer["sdp"], consumers)

    async def subscribe_answer(self, _lesson: str, _device: str, sdp: str) -> None:
        self.socket.send({"type": "subscribe_answer", "sdp": sdp, "request_id": "a"})
        await self.socket.until("done")


@asynccontextmanager
async def visiting(
    world: World, browser: httpx.AsyncClient, lesson: str, body: dict[str, Any]
) -> AsyncIterator[Visit]:
    token = (await post(browser, f"/api/lessons/{lesson}/token", body))["token"]
    async with AsgiSocket(world.app) as socket:
        visit = Visit(socket)
        await visit.join(token)
        yield visit


async def numbers(world: World, name: str) -> Numbers:
    """The values of a sample by its labels' values, in the order of the catalogue."""
    family = next(family for family in families.ALL if name.startswith(family.name))
    transport = httpx.ASGITransport(app=world.app, client=("127.0.0.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser:
        text = (await browser.get("/metrics")).text
    return {
        tuple(sample.labels[label] for label in family.labels): sample.value
        for found in text_string_to_metric_families(text)
        for sample in found.samples
        if sample.name == name
    }


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await condition():  # noqa: ASYNC110 - counters are looked at, they tell nobody
            await asyncio.sleep(0.05)


async def sent_packets(publisher: Publisher) -> dict[str, int]:
    rows = (await publisher.peer.getStats()).values()
    return {row.kind: row.packetsSent for row in rows if row.type == "outbound-rtp"}


def seat(stats: dict[str, Any], seat_id: str) -> dict[str, Any]:
    (found,) = [seat for seat in stats["seats"] if seat["seat_id"] == seat_id]
    return cast(dict[str, Any], found)


@pytest.mark.thorough
async def test_numbers_of_a_lesson_of_real_peers(tmp_path: Path) -> None:
    async with running_world(tmp_path, open_media=loopback_node) as world:
        admin = await world.administrator()
        ids = await world.community(admin)
        li, wang = await world.signed_in("li"), await world.signed_in("wang")
        body = lesson_body(ids, mode="blended", record=False)
        lesson = await post(li, "/api/lessons", body)
        room_id = next(s["seat_id"] for s in lesson["seats"] if s["classroom_id"] == ids["room_1"])
        room = {"role": "room", "seat_id": room_id}
        async with (
            visiting(world, li, lesson["id"], {"role": "lead"}) as lead,
            visiting(world, wang, lesson["id"], room) as far,
        ):
            publisher = Publisher(cast(MediaNode, lead), lead.device_id)
            subscriber = Subscriber(cast(MediaNode, far), far.device_id)
            producers = await publisher.publish()
            await subscriber.subscribe(everything(producers))
            await subscriber.received(producers["teacher"].producer_id, 20)
            await _stats_agree(admin, lesson["id"], publisher, lead, far)
            await _metrics_agree(world, lesson["id"], publisher, lead, far)
            await _the_node_agrees(admin, world)
            await subscriber.close()
            await publisher.close()
        await post(li, f"/api/lessons/{lesson['id']}/end", {})
        assert (await admin.get(f"/api/lessons/{lesson['id']}/stats")).status_code == 404
        assert await numbers(world, "tongke_lesson_producers") == {}
        assert await numbers(world, "tongke_stream_in_packets_total") == {}
    # It was not recorded; its event log is there all the same.
    written = read_log(log_path(world.settings.data_folder / "lesson_logs", lesson["id"]))
    joined = [entry.seat_id for entry in written.entries if isinstance(entry, SeatJoined)]
    assert joined == [lead.seat_id, far.seat_id]
    assert isinstance(written.entries[-1], LessonEnded)


async def _stats_agree(
    admin: httpx.AsyncClient, lesson: str, publisher: Publisher, lead: Visit, far: Visit
) -> None:
    path = f"/api/lessons/{lesson}/stats"

    async def measured() -> bool:
        stats = (await admin.get(path)).json()
        (device,) = seat(stats, far.seat_id)["devices"]
        return bool(device["down"]["rtt_ms"] and device["down"]["bitrate_bps"])

    await until(measured)
    earlier = await sent_packets(publisher)
    stats = (await admin.get(path)).json()
    later = await sent_packets(publisher)
    (sender,), (receiver,) = (seat(stats, v.seat_id)["devices"] for v in (lead, far))
    assert (sender["device_id"], receiver["device_id"]) == (lead.device_id, far.device_id)
    assert (sender["up"]["state"], receiver["down"]["state"]) == ("connected", "connected")
    assert (sender["down"], receiver["up"]) == (None, None)
    by_kind = {stream["kind"]: stream for stream in sender["sends"]}
    assert {stream["source"] for stream in sender["sends"]} == {"teacher", "room"}
    for kind, stream in by_kind.items():
        (layer,) = stream["layers"]
        # what was sent in the meantime may be on its way
        assert layer["packets"] <= later[kind]
        assert layer["packets"] >= earlier[kind] - 20
        assert layer["lost"] == 0
    picture = next(one for one in receiver["receives"] if one["kind"] == "video")
    assert (picture["from_seat_id"], picture["source"]) == (lead.seat_id, "teacher")
    assert (picture["layer"], picture["layers"], picture["reason"]) == (0, 1, "")
    assert (picture["width"], picture["height"]) == (320, 180)
    assert 0 < picture["packets"] <= later["video"]
    assert stats["strangers"] == []


async def _metrics_agree(
    world: World, lesson: str, publisher: Publisher, lead: Visit, far: Visit
) -> None:
    earlier = await sent_packets(publisher)
    incoming = await numbers(world, "tongke_stream_in_packets_total")
    outgoing = await numbers(world, "tongke_stream_out_packets_total")
    later = await sent_packets(publisher)
    for source, kind in (("teacher", "video"), ("room", "audio")):
        came = incoming[lesson, lead.seat_id, lead.device_id, source, "0"]
        assert earlier[kind] - 20 <= came <= later[kind]
        went = outgoing[lesson, far.seat_id, far.device_id, lead.seat_id, source]
        assert 0 < went <= later[kind]
    connected = await numbers(world, "tongke_transport_connected")
    assert connected == {
        (lesson, lead.seat_id, lead.device_id, "up"): 1,
        (lesson, far.seat_id, far.device_id, "down"): 1,
    }
    forwarded = sum((await numbers(world, "tongke_pump_forwarded_packets_total")).values())
    delays = sum((await numbers(world, "tongke_pump_added_delay_seconds_count")).values())
    assert sum(outgoing.values()) <= forwarded
    assert sum(outgoing.values()) <= delays
    assert await numbers(world, "tongke_lesson_seats_present") == {(lesson,): 2}
    assert await numbers(world, "tongke_lesson_consumers") == {(lesson,): 2}
    assert await numbers(world, "tongke_signaling_sockets_open") == {(): 2}
    joins = await numbers(world, "tongke_signaling_messages_received_total")
    assert joins["join",] == 2
    await _no_names(world)


async def _no_names(world: World) -> None:
    transport = httpx.ASGITransport(app=world.app, client=("127.0.0.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser:
        text = (await browser.get("/metrics")).text
    assert not re.search("[\u4e00-\u9fff]", text), "a name of a person, a school or a lesson"
    for name in ("wang", "admin"):
        assert not re.search(rf'="[^"/]*{name}', text)


async def _the_node_agrees(admin: httpx.AsyncClient, world: World) -> None:
    before = sum((await numbers(world, "tongke_pump_forwarded_packets_total")).values())
    node = (await admin.get("/api/admin/media")).json()
    after = sum((await numbers(world, "tongke_pump_forwarded_packets_total")).values())
    (port,) = node["ports"]
    assert before <= port["counters"]["forwarded_packets"] <= after
    assert (node["lessons"], port["lessons"], port["gauges"]["consumers"]) == (1, 1, 2)
    delay = port["measures"]["added_delay_ns"]
    assert len(delay["counts"]) == len(delay["bounds"]) + 1
    assert before <= sum(delay["counts"]) <= after
    assert node["resident_bytes"] > 1_000_000
    assert node["cpu_s"] > 0


async def test_measures_are_for_administrators(tmp_path: Path) -> None:
    async with running_world(tmp_path, open_media=loopback_node) as world:
        admin = await world.administrator()
        ids = await world.community(admin)
        li = await world.signed_in("li")
        lesson = await post(li, "/api/lessons", lesson_body(ids))
        for path in (f"/api/lessons/{lesson['id']}/stats", "/api/admin/media"):
            assert (await li.get(path)).status_code == 403
            assert (await (await world.browser()).get(path)).status_code == 401
        assert (await admin.get("/api/admin/media")).status_code == 200
        # live by the timetable, and nobody has come yet: nothing is measured
        assert (await admin.get(f"/api/lessons/{lesson['id']}/stats")).status_code == 404
        assert (await admin.get("/api/lessons/none/stats")).status_code == 404


async def test_a_device_whose_line_is_not_closed_yet_is_a_stranger(tmp_path: Path) -> None:
    async with running_world(tmp_path, open_media=loopback_node) as world:
        admin = await world.administrator()
        node = cast(MediaNode, world.services.media)
        events = Events()
        await node.open_lesson("lesson-1", events)
        publisher = Publisher(node, "gone")
        await publisher.publish()
        await events.link("gone", LinkState.CONNECTED)
        stats = (await admin.get("/api/lessons/lesson-1/stats")).json()
        assert stats["seats"] == []
        (stranger,) = stats["strangers"]
        assert (stranger["device_id"], stranger["connected"]) == ("gone", False)
        assert len(stranger["sends"]) == 2
        assert ("lesson-1", "unknown", "gone", "up") in await numbers(
            world, "tongke_transport_connected"
        )
        await publisher.close()


async def test_who_receives_the_program_has_it_from_no_seat(tmp_path: Path) -> None:
    path = str(tmp_path / "feed")
    async with running_node() as (node, _):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as feeder:
            feeder.bind(path)
            fed = await node.feed(LESSON, "program", path, FeedOffer("mix", "opus", 64_000))
        subscriber = Subscriber(node)
        await subscriber.subscribe([Want(fed.producer.producer_id)])
        view = lesson_stats_view(node.lesson_stats(LESSON), seats=[], present=[], at=1.0)
        await subscriber.close()
    received = [(one.from_seat_id, one.source) for each in view.strangers for one in each.receives]
    assert received == [(None, "mix")]
