"""One room's line becomes weak and strong again: its own picture follows, nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from mixer.model import MediaEvent, NodeSettings, Want
from mixer.node import MediaNode
from tests.browser.media_page import MediaPage, running_browser, until
from tests.network_relay import LinkConditions, NetworkRelay

pytestmark = [pytest.mark.browser, pytest.mark.alone]

LESSON = "lesson-1"
LAYERS: list[dict[str, object]] = [
    {"rid": "q", "scaleResolutionDownBy": 4, "maxBitrate": 150_000},
    {"rid": "h", "scaleResolutionDownBy": 2, "maxBitrate": 500_000},
    {"rid": "f", "maxBitrate": 1_700_000},
]
WEAK = LinkConditions(delay_s=0.02, rate_bps=300_000)
STRONG = LinkConditions(delay_s=0.02)


def ignore(_event: MediaEvent) -> None:
    """What is looked at are pages and counters."""


async def test_weak_line_gets_what_it_carries_and_returns_within_ten_seconds() -> None:
    node = MediaNode(NodeSettings(host="127.0.0.1", port=0))
    await node.start()
    try:
        await node.open_lesson(LESSON, ignore)
        async with (
            NetworkRelay(server=node.candidates[0], seed=1, down=STRONG) as relay,
            running_browser() as (browser, address),
        ):
            lead, weak, strong = [
                MediaPage(await browser.new_page(), node, LESSON, name)
                for name in ("lead", "weak", "strong")
            ]
            for page in (lead, weak, strong):
                await page.page.goto(address)
            producers = await lead.publish("H264", LAYERS)
            picture, sound = producers["teacher"].producer_id, producers["room"].producer_id
            wants = [Want(picture, 1280, 720), Want(sound)]

            async def width(page: MediaPage) -> int:
                return (await page.pixels(picture))["width"]

            async def is_large(page: MediaPage) -> bool:
                return await width(page) == 1280

            await weak.subscribe(wants, reroute=relay.reroute)
            await strong.subscribe(wants)
            await until(lambda: is_large(weak), what="the large picture before")
            await until(lambda: is_large(strong), what="the strong line's picture")
            relay.down = WEAK

            async def small_and_moving() -> bool:
                (video,) = [
                    s for s in await weak.stats("down", "inbound-rtp") if s["kind"] == "video"
                ]
                return await width(weak) == 320 and video.get("framesPerSecond", 0) >= 10

            await until(small_and_moving, what="a small moving picture on 300 kb/s")
            assert await is_large(strong), "the strong line paid for the weak one"

            async def audio_received() -> int:
                streams: list[dict[str, Any]] = await weak.stats("down", "inbound-rtp")
                return next(s["packetsReceived"] for s in streams if s["kind"] == "audio")

            before = await audio_received()

            async def sound_goes_on() -> bool:
                return await audio_received() > before + 40

            await until(sound_goes_on, within_s=5, what="sound on the weak line")
            relay.down = STRONG
            await until(lambda: is_large(weak), within_s=10, what="the full picture's return")
    finally:
        await node.close()
