"""Plain RTP to a Unix socket, and players that offer themselves."""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiortc import RTCSessionDescription

from mixer.errors import ProducerUnknown, SdpRefused, TapRefused
from mixer.model import Kind, Want
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import SenderReport, parse_compound
from tests.unit.node.peers import (
    LESSON,
    WAIT_S,
    Publisher,
    close_peer,
    everything,
    new_peer,
    running_node,
)

UUID = "0f6b0a52-93d1-4e17-8c3b-5d2a7e91f00"


async def datagrams(reader: socket.socket) -> AsyncIterator[bytes]:
    """What arrives at a tap's socket."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(WAIT_S):
        while True:
            yield await loop.sock_recv(reader, 2048)


@pytest.mark.parametrize(("label", "kind"), [("teacher", Kind.VIDEO), ("room", Kind.AUDIO)])
async def test_tap_gives_plain_rtp_and_the_publishers_clock(
    tmp_path: Path, label: str, kind: Kind
) -> None:
    path = str(tmp_path / "tap")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
        reader.bind(path)
        reader.setblocking(False)
        async with running_node() as (node, events):
            publisher = Publisher(node)
            producers = await publisher.publish()
            await events.live(producers[label].producer_id)
            info = await node.tap(LESSON, producers[label].producer_id, path)
            assert (info.kind, info.codec) == (kind, producers[label].codec)
            packets: list[RtpPacket] = []
            reports: list[SenderReport] = []
            async for data in datagrams(reader):
                if 192 <= data[1] <= 223:
                    found = parse_compound(data)
                    reports += [p for p in found if isinstance(p, SenderReport)]
                else:
                    packets.append(RtpPacket.parse(data))
                if len(packets) >= 20 and reports:
                    break
            assert {p.ssrc for p in packets} == {info.ssrc} == {r.ssrc for r in reports}
            assert {p.payload_type for p in packets} == {info.payload_type}
            steps = [
                (b.sequence_number - a.sequence_number) & 0xFFFF
                for a, b in itertools.pairwise(packets)
            ]
            assert set(steps) == {1}
            await node.untap(LESSON, info.tap_id)
            await node.untap(LESSON, info.tap_id)
            await publisher.close()


async def test_taps_that_cannot_be(tmp_path: Path) -> None:
    async with running_node() as (node, events):
        publisher = Publisher(node)
        producers = await publisher.publish()
        await events.live(producers["room"].producer_id)
        sound = producers["room"].producer_id
        with pytest.raises(TapRefused, match="no socket at"):
            await node.tap(LESSON, sound, str(tmp_path / "nobody"))
        with pytest.raises(TapRefused, match="107 bytes"):
            await node.tap(LESSON, sound, str(tmp_path / ("x" * 120)))
        with pytest.raises(ProducerUnknown):
            await node.tap(LESSON, "p-nobody", str(tmp_path / "nobody"))
        await publisher.close()


async def test_reader_that_dies_and_producer_that_leaves_harm_nobody(tmp_path: Path) -> None:
    path = str(tmp_path / "tap")
    async with running_node() as (node, events):
        publisher = Publisher(node)
        producers = await publisher.publish()
        await events.live(producers["room"].producer_id)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
            reader.bind(path)
            info = await node.tap(LESSON, producers["room"].producer_id, path)
        Path(path).unlink()  # noqa: ASYNC240 - one file name, in memory
        await node.unpublish(LESSON, producers["room"].producer_id)
        await events.live(producers["teacher"].producer_id)
        await node.untap(LESSON, info.tap_id)
        await publisher.close()


async def test_player_offers_and_plays() -> None:
    async with running_node() as (node, events):
        publisher = Publisher(node)
        producers = await publisher.publish()
        await events.live(producers["teacher"].producer_id)
        player = new_peer()
        for kind in ("audio", "video"):
            player.addTransceiver(kind, direction="recvonly")
        await player.setLocalDescription(await player.createOffer())
        answer = await node.subscribe_offered(
            LESSON, "player", player.localDescription.sdp, everything(producers)
        )
        await player.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        async with asyncio.timeout(WAIT_S):
            for receiver in player.getReceivers():
                for _ in range(5):
                    await receiver.track.recv()
        # The seat comes back with new producers: they take the player's lines, unannounced.
        await node.close_device(LESSON, "sender")
        again = Publisher(node)
        producers = await again.publish()
        await events.live(producers["teacher"].producer_id)
        assert await node.subscribe(LESSON, "player", everything(producers)) is None
        picture = player.getReceivers()[1].track
        async with asyncio.timeout(WAIT_S):
            for _ in range(20):  # more than may have waited in the player from before
                await picture.recv()
        await close_peer(player)
        await publisher.close()
        await again.close()


async def test_player_whose_mids_are_uuids_plays() -> None:
    """More than a header extension holds: it knows its streams by the SSRCs of the answer."""
    async with running_node() as (node, events):
        publisher = Publisher(node)
        producers = await publisher.publish()
        await events.live(producers["teacher"].producer_id)
        player = new_peer()
        for kind in ("audio", "video"):
            player.addTransceiver(kind, direction="recvonly")
        await player.setLocalDescription(await player.createOffer())
        offer = player.localDescription.sdp
        assert re.findall("a=group:BUNDLE (.*)\r", offer) == ["0 1"]
        offer = re.sub("a=group:BUNDLE .*\r", f"a=group:BUNDLE {UUID}0 {UUID}1\r", offer)
        offer = re.sub("a=mid:", f"a=mid:{UUID}", offer)
        answer = await node.subscribe_offered(LESSON, "player", offer, everything(producers))
        assert f"a=mid:{UUID}1" in answer
        answer = answer.replace(UUID, "")
        await player.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        async with asyncio.timeout(WAIT_S):
            for receiver in player.getReceivers():
                for _ in range(5):
                    await receiver.track.recv()
        await close_peer(player)
        await publisher.close()


async def test_player_with_nothing_in_common_is_refused_and_leaves_no_trace() -> None:
    async with running_node() as (node, events):
        publisher = Publisher(node)
        producers = await publisher.publish()
        await events.live(producers["teacher"].producer_id)
        player = new_peer()
        player.addTransceiver("audio", direction="recvonly")
        await player.setLocalDescription(await player.createOffer())
        picture = [Want(producers["teacher"].producer_id, 320, 180)]
        with pytest.raises(SdpRefused, match="no codec of the streams"):
            await node.subscribe_offered(LESSON, "player", player.localDescription.sdp, picture)
        assert node.lesson_stats(LESSON)["subscriptions"] == []
        await close_peer(player)
        await publisher.close()
