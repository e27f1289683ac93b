"""A real Chromium on the media core: simulcast comes up, is seen, switched, and survives loss."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from mixer.model import FeedOffer, MediaEvent, NodeSettings, Want
from mixer.node import MediaNode
from tests.browser.media_page import MediaPage, running_browser, until
from tests.camera_media import B_FRAMES, encode_h264, packetise
from tests.network_relay import LinkConditions, NetworkRelay
from tests.recorded_media import FRAME_RATE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

LESSON = "lesson-1"
THREE_LAYERS = (960, 540)  # the smallest picture that Chromium sends in three
SMALL = (640, 360)  # where its size does not matter
LAYERS: list[dict[str, object]] = [
    {"rid": "q", "scaleResolutionDownBy": 4, "maxBitrate": 100_000},
    {"rid": "h", "scaleResolutionDownBy": 2, "maxBitrate": 300_000},
    {"rid": "f", "maxBitrate": 1_000_000},
]

MANY_PACKETS: list[dict[str, object]] = [  # of which enough are lost soon
    {"rid": "q", "scaleResolutionDownBy": 4, "maxBitrate": 150_000},
    {"rid": "h", "scaleResolutionDownBy": 2, "maxBitrate": 500_000},
    {"rid": "f", "maxBitrate": 1_700_000},
]


def layers_of(node: MediaNode) -> list[dict[str, Any]]:
    """Counters of the one picture's layers."""
    producers = cast("list[dict[str, Any]]", node.lesson_stats(LESSON)["producers"])
    return next(p["layers"] for p in producers if p["kind"] == "video")


def ignore(_event: MediaEvent) -> None:
    """What is looked at are pages and counters."""


@contextlib.asynccontextmanager
async def started_node(host: str = "::") -> AsyncIterator[MediaNode]:
    node = MediaNode(NodeSettings(host=host, port=0))
    await node.start()
    try:
        await node.open_lesson(LESSON, ignore)
        yield node
    finally:
        await node.close()


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_simulcast_is_published_seen_and_switched(codec: str) -> None:
    async with started_node() as node, running_browser() as (browser, address):
        lead = MediaPage(await browser.new_page(), node, LESSON, "lead")
        room = MediaPage(await browser.new_page(), node, LESSON, "room")
        for page in (lead, room):
            await page.page.goto(address)
        producers = await lead.publish(codec, LAYERS, size=THREE_LAYERS)
        picture, sound = producers["teacher"], producers["room"]
        assert (picture.codec, picture.layers) == (codec, 3)

        async def all_layers_come() -> bool:  # the upper ones only come beyond a start's 300 kb/s
            return all(layer["live"] for layer in layers_of(node))

        await until(all_layers_come, what="three layers")

        async def shows(width: int) -> bool:
            return (await room.pixels(picture.producer_id))["width"] == width

        sound_wanted = Want(sound.producer_id)
        await room.subscribe([Want(picture.producer_id, *THREE_LAYERS), sound_wanted])
        await until(lambda: shows(960), what="the large picture")
        first = await room.pixels(picture.producer_id)

        async def moves() -> bool:
            return (await room.pixels(picture.producer_id))["hash"] != first["hash"]

        await until(moves, what="a change of the picture")
        await room.subscribe([Want(picture.producer_id, 160, 90), sound_wanted])
        await until(lambda: shows(240), what="the small layer")
        await room.subscribe([Want(picture.producer_id, 480, 270), sound_wanted])
        await until(lambda: shows(480), what="the middle layer")

        async def sound_plays() -> bool:
            streams = await room.stats("down", "inbound-rtp")
            return any(s["kind"] == "audio" and s["totalAudioEnergy"] > 0 for s in streams)

        await until(sound_plays, what="sound")


async def test_lost_packets_are_sent_again_both_ways() -> None:
    lossy = LinkConditions(loss=0.05, delay_s=0.01)
    async with (
        started_node("127.0.0.1") as node,
        NetworkRelay(server=node.candidates[0], seed=3, up=lossy) as up,
        NetworkRelay(server=node.candidates[0], seed=4, down=lossy) as down,
        running_browser() as (browser, address),
    ):
        lead = MediaPage(await browser.new_page(), node, LESSON, "lead")
        room = MediaPage(await browser.new_page(), node, LESSON, "room")
        for page in (lead, room):
            await page.page.goto(address)
        producers = await lead.publish("H264", MANY_PACKETS, reroute=up.reroute)
        picture = producers["teacher"]
        await room.subscribe(
            [Want(picture.producer_id, 1280, 720), Want(producers["room"].producer_id)],
            reroute=down.reroute,
        )

        async def recovered_upstream() -> bool:
            return sum(layer["recovered"] for layer in layers_of(node)) >= 10

        await until(recovered_upstream, what="recovery of the publisher's losses")

        async def recovered_downstream() -> bool:
            streams = await room.stats("down", "inbound-rtp")
            pictures = [s for s in streams if s["kind"] == "video"]
            return any(
                s.get("retransmittedPacketsReceived", 0) >= 5 and s["framesDecoded"] >= 30
                for s in pictures
            )

        await until(recovered_downstream, what="recovery of the subscriber's losses")
        assert min(up.lost[0], down.lost[1]) > 0


async def transport_of(page: MediaPage, which: str) -> dict[str, Any]:
    """The page's own view of one of its transports."""
    (transport,) = await page.stats(which, "transport")
    return transport


async def test_ice_restart_goes_on_without_a_new_handshake() -> None:
    async with started_node() as node, running_browser() as (browser, address):
        lead = MediaPage(await browser.new_page(), node, LESSON, "lead")
        room = MediaPage(await browser.new_page(), node, LESSON, "room")
        for page in (lead, room):
            await page.page.goto(address)
        before = await lead.publish("VP8", LAYERS, size=SMALL)
        wants = [Want(before["teacher"].producer_id, 320, 180)]
        await room.subscribe(wants)

        async def decoded() -> int:
            streams = await room.stats("down", "inbound-rtp")
            return sum(s["framesDecoded"] for s in streams if s["kind"] == "video")

        await until(decoded, what="the picture")
        used = [await transport_of(lead, "up"), await transport_of(room, "down")]
        after = await lead.negotiate(restart=True)
        await room.subscribe(wants, restart=True)
        assert {p.producer_id for p in after.values()} == {p.producer_id for p in before.values()}
        seen = await decoded()

        async def still_decodes() -> bool:
            return await decoded() > seen + 30

        await until(still_decodes, what="the picture after both restarts")
        renewed = [await transport_of(lead, "up"), await transport_of(room, "down")]
        for old, new in zip(used, renewed, strict=True):
            assert new["dtlsState"] == "connected"
            assert new["iceLocalUsernameFragment"] != old["iceLocalUsernameFragment"]
            assert new["localCertificateId"] == old["localCertificateId"]


async def test_m_line_is_reused_for_the_next_producer() -> None:
    """A seat that comes back has new producers; the same m-line then shows them."""
    async with started_node() as node, running_browser() as (browser, address):
        room = MediaPage(await browser.new_page(), node, LESSON, "room")
        await room.page.goto(address)
        mids = []
        for visit, codec in enumerate(["H264", "VP8", "H264"]):
            lead = MediaPage(await browser.new_page(), node, LESSON, f"lead-{visit}")
            await lead.page.goto(address)
            picture = (await lead.publish(codec, [{"rid": "f"}], size=SMALL))["teacher"]
            await room.subscribe([Want(picture.producer_id, 1280, 720)])
            mids.append(room.mids[picture.producer_id])
            first = await room.pixels(picture.producer_id)

            async def moves(producer_id: str = picture.producer_id, seen: object = first) -> bool:
                return await room.pixels(producer_id) != seen

            await until(moves, what=f"the picture of visit {visit}")
            again = await room.pixels(picture.producer_id)
            await until(partial(moves, picture.producer_id, again), what="its motion")
            await node.close_device(LESSON, f"lead-{visit}")
            await lead.page.close()
        assert mids == ["0", "0", "0"]


async def test_cut_line_comes_back_by_itself() -> None:
    """Ten seconds without a packet: the transport is told lost, then found, with no signaling."""
    async with (
        started_node("127.0.0.1") as node,
        NetworkRelay(server=node.candidates[0]) as relay,
        running_browser() as (browser, address),
    ):
        lead = MediaPage(await browser.new_page(), node, LESSON, "lead")
        room = MediaPage(await browser.new_page(), node, LESSON, "room")
        for page in (lead, room):
            await page.page.goto(address)
        picture = (await lead.publish("H264", LAYERS, size=SMALL))["teacher"]
        await room.subscribe([Want(picture.producer_id, 1280, 720)], reroute=relay.reroute)

        async def changes(seen: dict[str, int]) -> bool:
            return await room.pixels(picture.producer_id) != seen

        blank = await room.pixels(picture.producer_id)
        await until(lambda: changes(blank), what="the picture")
        relay.cut = True

        async def told_lost() -> bool:
            (line,) = node.lesson_stats(LESSON)["subscriptions"]
            return bool(line["state"] == "lost")

        await until(told_lost, what="the loss of the line")
        relay.cut = False
        frozen = await room.pixels(picture.producer_id)
        await until(lambda: changes(frozen), what="the picture's return")


async def test_b_frames_cost_a_viewer_no_keyframe_requests(tmp_path: Path) -> None:
    """What a browser cannot show is not sent: it asked for a keyframe five times a second."""
    pictures = encode_h264(B_FRAMES, 4.0)
    place = {id(picture): number for number, picture in enumerate(pictures)}
    async with started_node("127.0.0.1") as node, running_browser() as (browser, address):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as camera:
            camera.bind(str(tmp_path / "camera"))
            offer = FeedOffer("teacher", "H264", 1_000_000)
            feed = await node.feed(LESSON, "camera", str(tmp_path / "camera"), offer)
            room = MediaPage(await browser.new_page(), node, LESSON, "room")
            await room.page.goto(address)
            await room.subscribe([Want(feed.producer.producer_id, 320, 240)])
            clock = asyncio.get_running_loop().time
            began = clock()
            for picture, packet in packetise(
                pictures, ssrc=feed.ssrcs[0], payload_type=feed.payload_type
            ):
                await asyncio.sleep(began + place[id(picture)] / FRAME_RATE - clock())
                await asyncio.to_thread(camera.sendto, packet.serialize(), feed.media_path)
            (seen,) = await room.stats("down", "inbound-rtp")
    assert seen["framesDecoded"] >= 4
    assert seen["pliCount"] <= 2  # before the first keyframe
