"""A real lesson on a real pump: aiortc peers publish and subscribe, frames are decoded."""

from __future__ import annotations

import pytest

from mixer.model import LinkState
from tests.unit.node.peers import LESSON, Publisher, Subscriber, everything, running_node


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("codec", ["VP8", "H264"])
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
        stats = node.lesson_stats(LESSON)
        assert len(stats["producers"]) == 2  # type: ignore[arg-type]
        await subscriber.close()
        await publisher.close()
