"""A stream made on this machine is a stream like any other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mixer.errors import FeedRefused, NodeFull, ProducerUnknown
from mixer.forward import layer_demand
from mixer.model import FeedInfo, FeedOffer, LayersNeeded, NodeLimits, TapInfo, TileSize, Want
from mixer.node import MediaNode
from mixer.reading.frames import assembler_for
from mixer.reading.reorder import ReorderBuffer
from mixer.reading.tap_socket import TapSocket
from mixer.rtp.packet import DatagramKind, HeaderExtension, RtpPacket, datagram_kind
from tests.feeder import BRIGHTNESS, SAMPLE_RATE, SIZES, TONE_HZ
from tests.unit.node.peers import LESSON, WAIT_S, Subscriber, running_node

PICTURE = FeedOffer("program", "H264", 1_500_000, layers=2)
SOUND = FeedOffer("mix", "opus", 64_000)


def bound(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(str(path))
    return made


async def open_feeds(node: MediaNode, folder: Path) -> dict[str, FeedInfo]:
    feeds = {}
    for name, offer in (("picture", PICTURE), ("sound", SOUND)):
        with bound(folder / name):
            feeds[name] = await node.feed(LESSON, "program", str(folder / name), offer)
    return feeds


@contextlib.asynccontextmanager
async def feeding(folder: Path, feeds: dict[str, FeedInfo]) -> AsyncIterator[Any]:
    """The feeder's process; killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.feeder", stdin=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    told = {
        name: {
            "socket": str(folder / name),
            "media_path": info.media_path,
            "ssrcs": info.ssrcs,
            "payload_type": info.payload_type,
            "codec": info.producer.codec,
        }
        for name, info in feeds.items()
    }
    process.stdin.write(json.dumps(told).encode() + b"\n")
    await process.stdin.drain()
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def looks(frames: list[object]) -> tuple[tuple[int, int], int]:
    """The last picture's size, and which layer its brightness tells."""
    frame = frames[-1]
    assert isinstance(frame, av.VideoFrame)
    light = float(frame.to_ndarray(format="gray").mean())
    return (frame.width, frame.height), min(
        range(2), key=lambda layer: abs(BRIGHTNESS[layer] + 4 - light)
    )


async def sees(subscriber: Subscriber, producer_id: str, layer: int) -> None:
    """Until the picture of this layer comes, and then no other."""
    async with asyncio.timeout(WAIT_S):
        while looks(await subscriber.received(producer_id, 5)) != (SIZES[layer], layer):
            pass


async def test_a_fed_picture_is_forwarded_in_the_size_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_demand, "UNNEEDED_AFTER_S", 0.5)  # what it is, is the policy's test
    async with running_node() as (node, events):
        feeds = await open_feeds(node, tmp_path)
        picture = feeds["picture"].producer
        assert (picture.device_id, picture.layers, picture.codec) == ("program", 2, "H264")
        async with feeding(tmp_path, feeds):
            await events.live(picture.producer_id)
            subscriber = Subscriber(node)
            await subscriber.subscribe([Want(picture.producer_id, *SIZES[0])])
            await sees(subscriber, picture.producer_id, 0)
            await events.wait_for(lambda e: e == LayersNeeded("program", picture.producer_id, 1))
            await subscriber.subscribe([Want(picture.producer_id, 1280, 720)])
            await sees(subscriber, picture.producer_id, 1)
            await subscriber.close()


async def test_a_fed_sound_is_heard_and_told_when_nobody_hears_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_demand, "UNNEEDED_AFTER_S", 0.5)
    async with running_node() as (node, events):
        feeds = await open_feeds(node, tmp_path)
        sound = feeds["sound"].producer
        async with feeding(tmp_path, feeds):
            await events.live(sound.producer_id)
            await events.wait_for(lambda e: e == LayersNeeded("program", sound.producer_id, 0))
            subscriber = Subscriber(node)
            await subscriber.subscribe([Want(sound.producer_id)])
            frames = await subscriber.received(sound.producer_id, 50)
            samples = np.concatenate([f.to_ndarray().reshape(-1, 2)[:, 0] for f in frames[-40:]])
            spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
            loudest = float(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)[spectrum.argmax()])
            assert loudest == pytest.approx(TONE_HZ, abs=5)
            assert LayersNeeded("program", sound.producer_id, 1) in events.seen
            await subscriber.close()


async def test_a_feeder_that_was_killed_goes_on_under_the_same_ssrcs(tmp_path: Path) -> None:
    async with running_node() as (node, events):
        feeds = await open_feeds(node, tmp_path)
        picture = feeds["picture"].producer
        subscriber = Subscriber(node)
        async with feeding(tmp_path, feeds):
            await events.live(picture.producer_id)
            await subscriber.subscribe([Want(picture.producer_id, 1280, 720)])
            await sees(subscriber, picture.producer_id, 1)
        async with feeding(tmp_path, feeds):
            await sees(subscriber, picture.producer_id, 1)
        assert list(subscriber.mids) == [picture.producer_id]  # no new negotiation
        await subscriber.close()


class Reader:
    """What a tap of a picture brings, decoded."""

    def __init__(self, tap: TapSocket, info: TapInfo) -> None:
        self._tap = tap
        self._reorder = ReorderBuffer()
        self._assembler = assembler_for(info.codec, info.fmtp)
        self._decoder = av.CodecContext.create("h264", "r")
        self._arrived = asyncio.Event()
        asyncio.get_running_loop().add_reader(tap.fileno(), self._arrived.set)

    async def sees(self, layer: int) -> None:
        """Until a picture of this layer comes."""
        async with asyncio.timeout(WAIT_S):
            while (SIZES[layer], layer) not in [looks([picture]) for picture in self._pictures()]:
                self._arrived.clear()
                await self._arrived.wait()

    def _pictures(self) -> list[object]:
        packets = [RtpPacket.parse(d) for d in self._tap.receive() if not 192 <= d[1] <= 223]
        arrived = [one for packet in packets for one in self._reorder.push(packet, 0.0)]
        frames = [f for one in arrived for f in self._assembler.push(one, one.packet.timestamp)]
        return [
            picture for frame in frames for picture in self._decoder.decode(av.Packet(frame.data))
        ]

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._tap.fileno())


async def test_a_tap_brings_the_size_that_is_wanted_and_later_another(tmp_path: Path) -> None:
    async with running_node() as (node, events):
        feeds = await open_feeds(node, tmp_path)
        picture = feeds["picture"].producer
        small = TileSize(*SIZES[0])
        with contextlib.closing(TapSocket(tmp_path / "tap")) as tap:
            async with feeding(tmp_path, feeds):
                await events.live(picture.producer_id)
                info = await node.tap(LESSON, picture.producer_id, str(tap.path), small)
                with contextlib.closing(Reader(tap, info)) as reader:
                    await reader.sees(0)
                    node.set_tap_want(LESSON, info.tap_id, TileSize(1280, 720))
                    await reader.sees(1)
                    node.set_tap_want(LESSON, info.tap_id, small)
                    await reader.sees(0)


async def test_feeds_end_with_the_lesson_or_alone(tmp_path: Path) -> None:
    async with running_node() as (node, _events):
        feeds = await open_feeds(node, tmp_path)
        stats = node.lesson_stats(LESSON)
        assert [one["label"] for one in stats["producers"]] == ["program", "mix"]
        await node.unpublish(LESSON, feeds["picture"].producer.producer_id)
        await node.unpublish(LESSON, feeds["picture"].producer.producer_id)
        stats = node.lesson_stats(LESSON)
        assert [one["label"] for one in stats["producers"]] == ["mix"]
        with bound(tmp_path / "again"):
            again = await node.feed(LESSON, "program", str(tmp_path / "again"), PICTURE)
        assert again.ssrcs != feeds["picture"].ssrcs


async def test_feeds_that_cannot_be(tmp_path: Path) -> None:
    async with running_node(limits=NodeLimits(feeds_per_lesson=1)) as (node, _events):
        with pytest.raises(FeedRefused, match="no socket at"):
            await node.feed(LESSON, "program", str(tmp_path / "nobody"), PICTURE)
        with pytest.raises(FeedRefused, match="107 bytes"):
            await node.feed(LESSON, "program", str(tmp_path / ("x" * 120)), PICTURE)
        with bound(tmp_path / "one"), bound(tmp_path / "two"):
            one, two = str(tmp_path / "one"), str(tmp_path / "two")
            with pytest.raises(FeedRefused, match="H265"):
                await node.feed(LESSON, "program", one, FeedOffer("program", "H265", 0))
            for layers in (0, 5):
                with pytest.raises(FeedRefused, match="1 to 4 layers"):
                    await node.feed(LESSON, "program", one, FeedOffer("p", "H264", 0, layers))
            await node.feed(LESSON, "program", one, PICTURE)
            with pytest.raises(NodeFull, match="1 feeds"):
                await node.feed(LESSON, "program", two, PICTURE)


async def test_feeds_at_paths_of_different_lengths_lose_nothing(tmp_path: Path) -> None:
    """Whoever sends is known by its path: what the kernel said of the last one is of no account."""
    paths = [tmp_path / name for name in ("f", "feed-of-a-much-longer-name", "feed")]
    async with running_node() as (node, _events):
        with contextlib.ExitStack() as stack:
            ends = [stack.enter_context(bound(path)) for path in paths]
            feeds = [await node.feed(LESSON, "program", str(path), SOUND) for path in paths]
            for number in range(100):
                for end, info in zip(ends, feeds, strict=True):
                    packet = RtpPacket(
                        payload_type=info.payload_type,
                        sequence_number=number,
                        timestamp=number * 960,
                        ssrc=info.ssrcs[0],
                        payload=b"sound",
                    )
                    end.sendto(packet.serialize(), info.media_path)
                await asyncio.sleep(0.001)
            async with asyncio.timeout(WAIT_S):
                while True:
                    layers = [one["layers"][0] for one in node.lesson_stats(LESSON)["producers"]]
                    if all(layer["packets"] == 100 for layer in layers):
                        break
                    await asyncio.sleep(0.05)
            assert [(one["lost"], one["duplicates"]) for one in layers] == [(0, 0)] * 3


async def test_a_taps_reader_is_told_how_loud_a_sound_is(tmp_path: Path) -> None:
    """It need not decode what says of itself that it is quiet."""
    async with running_node() as (node, _events):
        with bound(tmp_path / "feed") as feeder:
            fed = await node.feed(LESSON, "program", str(tmp_path / "feed"), SOUND)
            tapped = TapSocket(tmp_path / "tap")
            info = await node.tap(LESSON, fed.producer.producer_id, str(tmp_path / "tap"))
            heard: list[RtpPacket] = []
            for number in range(1000):
                level = HeaderExtension(fed.audio_level_id, bytes([number % 120]))
                packet = RtpPacket(
                    fed.payload_type,
                    number,
                    number * 960,
                    fed.ssrcs[0],
                    bytes([number % 120]) * 40,
                    extensions=(level,),
                )
                feeder.sendto(packet.serialize(), fed.media_path)
                await asyncio.sleep(0.005)
                for data in tapped.receive():
                    if datagram_kind(data) is DatagramKind.RTP:
                        heard.append(RtpPacket.parse(data))
                if len(heard) >= 5:
                    break
            tapped.close()
    assert len(heard) >= 5
    for one in heard:
        assert one.extension(info.audio_level_id) == one.payload[:1]


async def test_a_device_that_is_closed_takes_its_feeds_with_it(tmp_path: Path) -> None:
    async with running_node() as (node, _events):
        fed = [one.producer.producer_id for one in (await open_feeds(node, tmp_path)).values()]
        await node.close_device(LESSON, "somebody-else")
        for producer_id in fed:
            node.set_producer_paused(LESSON, producer_id, True)  # it is there
        await node.close_device(LESSON, "program")
        for producer_id in fed:
            with pytest.raises(ProducerUnknown):
                node.set_producer_paused(LESSON, producer_id, True)
