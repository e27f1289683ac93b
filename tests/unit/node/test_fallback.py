"""Who cannot show a fed picture as it comes has it in another codec, while anybody needs that."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiortc import RTCSessionDescription

from mixer.errors import FeedRefused, SdpRefused
from mixer.forward import layer_demand
from mixer.model import FallbackNeeded, FeedInfo, FeedOffer, Want
from mixer.node import MediaNode
from tests.feeder import SIZES
from tests.unit.node.peers import (
    LESSON,
    WAIT_S,
    Events,
    Subscriber,
    close_peer,
    new_peer,
    prefer,
    running_node,
)
from tests.unit.node.test_feeds import PICTURE, bound, feeding, looks, sees

WITH_FALLBACK = replace(PICTURE, fallback_codec="VP8")
LARGE = (1280, 720)


def without_h264(sdp: str) -> str:
    """As a browser answers that has VP8 alone."""
    foreign = set(re.findall(r"a=rtpmap:(\d+) H264/", sdp))
    foreign |= set(re.findall(rf"a=fmtp:(\d+) apt=(?:{'|'.join(foreign)})\r", sdp))
    numbers = "|".join(foreign)
    left = re.sub(rf"a=(rtpmap|fmtp|rtcp-fb):({numbers}) .*\r\n", "", sdp)
    return re.sub(r"(?m)^m=video.*$", lambda line: re.sub(rf" ({numbers})\b", "", line[0]), left)


async def open_feed(node: MediaNode, folder: Path, name: str, offer: FeedOffer) -> FeedInfo:
    with bound(folder / name):
        return await node.feed(LESSON, "program", str(folder / name), offer)


@contextlib.asynccontextmanager
async def fallback(
    node: MediaNode, folder: Path, name: str, producer_id: str
) -> AsyncIterator[FeedInfo]:
    """The same picture in VP8, fed."""
    offer = FeedOffer("program", "VP8", 1_500_000, layers=2, fallback_for=producer_id)
    fed = await open_feed(node, folder, name, offer)
    async with feeding(folder, {name: fed}):
        yield fed
    await node.unpublish(LESSON, fed.producer.producer_id)


async def needed(events: Events, producer_id: str, layers: int) -> None:
    """Until so many layers of the fallback are, by what was told last."""
    async with asyncio.timeout(WAIT_S):
        while True:
            told = [one for one in events.seen if isinstance(one, FallbackNeeded)]
            if told and told[-1] == FallbackNeeded("program", producer_id, layers):
                return
            await asyncio.sleep(0.02)


@pytest.mark.thorough
async def test_it_is_needed_by_those_who_lack_the_codec_and_by_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_demand, "UNNEEDED_AFTER_S", 0.5)  # what it is, is the policy's test
    async with running_node() as (node, events):
        usual = await open_feed(node, tmp_path, "usual", WITH_FALLBACK)
        picture = usual.producer.producer_id
        async with feeding(tmp_path, {"usual": usual}):
            await events.live(picture)
            able, lacking = Subscriber(node, "able"), Subscriber(node, "lacking")
            await able.subscribe([Want(picture, *LARGE)])
            await sees(able, picture, 1)
            assert not any(isinstance(one, FallbackNeeded) for one in events.seen)
            await lacking.subscribe([Want(picture, *SIZES[0])], edit_answer=without_h264)
            await needed(events, picture, 1)
            async with fallback(node, tmp_path, "vp8", picture):
                await sees(lacking, picture, 0)
                await lacking.subscribe([Want(picture, *LARGE)])
                await needed(events, picture, 2)
                await sees(lacking, picture, 1)
                stats = node.lesson_stats(LESSON)
                codecs = {one["producer_id"]: one["codec"] for one in stats["producers"]}
                received = {
                    one["device_id"]: [codecs[sent["producer_id"]] for sent in one["consumers"]]
                    for one in stats["subscriptions"]
                }
                assert received == {"able": ["H264"], "lacking": ["VP8"]}
                await lacking.subscribe([])
                await needed(events, picture, 0)
            await sees(able, picture, 1)
            # It is wanted again, and made again.
            assert await lacking.subscribe([Want(picture, *LARGE)], edit_answer=without_h264)
            await needed(events, picture, 2)
            async with fallback(node, tmp_path, "vp8-again", picture):
                await node.close_device(LESSON, "lacking")
                await needed(events, picture, 0)
            await able.close()
            await lacking.close()


async def test_a_player_that_offers_vp8_alone_plays_it(tmp_path: Path) -> None:
    async with running_node() as (node, events):
        usual = await open_feed(node, tmp_path, "usual", WITH_FALLBACK)
        picture = usual.producer.producer_id
        player = new_peer()
        player.addTransceiver("video", direction="recvonly")
        prefer(player, "VP8")
        await player.setLocalDescription(await player.createOffer())
        offer = player.localDescription.sdp
        assert "H264" not in offer
        answer = await node.subscribe_offered(LESSON, "player", offer, [Want(picture, *LARGE)])
        await player.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await needed(events, picture, 2)
        async with fallback(node, tmp_path, "vp8", picture):
            (receiver,) = player.getReceivers()
            async with asyncio.timeout(WAIT_S):
                while looks([await receiver.track.recv()]) != (SIZES[1], 1):
                    pass
        await close_peer(player)


async def test_without_a_fallback_a_player_that_lacks_the_codec_is_refused(tmp_path: Path) -> None:
    async with running_node() as (node, _events):
        usual = await open_feed(node, tmp_path, "usual", PICTURE)
        player = new_peer()
        player.addTransceiver("video", direction="recvonly")
        prefer(player, "VP8")
        await player.setLocalDescription(await player.createOffer())
        with pytest.raises(SdpRefused, match="no codec of the streams"):
            await node.subscribe_offered(
                LESSON,
                "player",
                player.localDescription.sdp,
                [Want(usual.producer.producer_id, *LARGE)],
            )
        await close_peer(player)


async def test_fallbacks_that_cannot_be(tmp_path: Path) -> None:
    async with running_node() as (node, _events):
        usual = await open_feed(node, tmp_path, "usual", WITH_FALLBACK)
        picture = usual.producer.producer_id
        vp8 = FeedOffer("program", "VP8", 1, fallback_for=picture)
        await open_feed(node, tmp_path, "first", vp8)
        for offer, fault in (
            (vp8, "no use for another"),
            (replace(vp8, codec="H264"), "no use for another feed in H264"),
            (replace(PICTURE, fallback_codec="H265"), "H265"),
        ):
            with pytest.raises(FeedRefused, match=fault):
                await open_feed(node, tmp_path, f"other-{fault[-4:]}", offer)
        # The picture goes: what stands for it stands for nothing, and can be let go.
        await node.unpublish(LESSON, picture)
        (left,) = node.lesson_stats(LESSON)["producers"]
        await node.unpublish(LESSON, left["producer_id"])
        assert node.lesson_stats(LESSON)["producers"] == []
