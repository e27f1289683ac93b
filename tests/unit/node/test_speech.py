"""What a node tells of who speaks: when a spell began, how it grows, that it is over."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import cast

import pytest

from mixer.forward.echo_path import FRAME_S
from mixer.model import FeedOffer, MediaEvent, NodeSettings, SourceOffer, SpeechHeard
from mixer.node import MediaNode
from mixer.pump import VOICE, Pump
from tests.sim.virtual_time import virtually
from tests.unit.node.fake_pump import FakePump

VECTORS = Path(__file__).parents[2] / "vectors" / "sdp"
CHROMIUM = (VECTORS / "chromium_156_publish.sdp").read_bytes().decode()
LOUD, QUIET = 20, 90


class Scene:
    """A node on a fake pump, in virtual time, with one lesson and one microphone."""

    def __init__(self, node: MediaNode, pump: FakePump) -> None:
        self.node, self.pump = node, pump
        self.told: list[tuple[float, SpeechHeard]] = []
        self.producer_id = ""
        self.pump_id = 0
        self._said: list[tuple[float, int]] = []  # since when how loud

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def begin(self) -> None:
        await self.node.open_lesson("lesson", self.hear)
        await self.node.publish("lesson", "lead", CHROMIUM, {"0": SourceOffer("room", 48_000)})
        (producer,) = self.node._lesson("lesson").members.producers.values()
        self.pump_id, self.producer_id = producer.pump_id, producer.producer_id
        self.pump.level_at = self.level_at
        self.say(QUIET)
        await asyncio.sleep(14)

    def hear(self, event: MediaEvent) -> None:
        if isinstance(event, SpeechHeard):
            assert event.producer_id == self.producer_id
            self.told.append((self.now, event))

    def level_at(self, producer_id: int, at: float) -> int:
        """How loud it was: every other word is softer."""
        level = [127, *(level for since, level in self._said if since <= at)][-1]
        return level + 10 * (int(at / 0.3) % 2) if level == LOUD else level

    def say(self, level: int) -> None:
        """How loud it is from now on; the pump tells when it is a voice that begins."""
        self._said.append((self.now, level))
        self.pump.levels = [(self.pump_id, level)]
        if level == LOUD:
            self.pump.events.append((VOICE, self.pump_id))
            os.eventfd_write(self.pump.event_fd, 1)

    def times(self) -> list[tuple[float, float, bool]]:
        """From when till when it was told, each time."""
        return [
            (now - event.began_ago_s, now - event.ended_ago_s, event.over)
            for now, event in self.told
        ]


def in_a_node(story: Callable[[Scene], Coroutine[None, None, None]]) -> None:
    """Run it in virtual time."""

    async def main() -> None:
        pump = FakePump()
        node = MediaNode(
            NodeSettings(host="127.0.0.1"),
            pump_factory=lambda *_: cast(Pump, pump),
            clock=asyncio.get_running_loop().time,
        )
        scene = Scene(node, pump)
        await node.start()
        try:
            await scene.begin()
            await story(scene)
        finally:
            await node.close()
            pump.close()

    virtually(main)


def frame(time: float) -> object:
    return pytest.approx(time, abs=1.01 * FRAME_S)


def test_a_spell_is_told_while_it_grows_and_when_it_is_over() -> None:
    async def story(scene: Scene) -> None:
        began = scene.now
        scene.say(LOUD)
        await asyncio.sleep(5)
        ended = scene.now
        scene.say(QUIET)
        await asyncio.sleep(6)
        *growing, last = scene.times()
        assert last == (frame(began), frame(ended), True)
        assert len(growing) == pytest.approx(9, abs=1)
        assert all(since == frame(began) and not over for since, _, over in growing)
        assert scene.told[0][0] - began <= 1.3
        assert scene.told[-1][0] - ended <= 2.7

    in_a_node(story)


def test_a_closed_microphone_has_spoken() -> None:
    async def story(scene: Scene) -> None:
        began = scene.now
        scene.say(LOUD)
        await asyncio.sleep(4)
        scene.node.set_producer_paused("lesson", scene.producer_id, True)
        assert scene.told[-1][0] == scene.now
        assert scene.times()[-1][0] == frame(began)
        assert scene.now - scene.times()[-1][1] <= 0.6
        told = len(scene.told)
        await asyncio.sleep(3)
        assert len(scene.told) == told, "and is not listened to"
        scene.node.set_producer_paused("lesson", scene.producer_id, False)
        opened = scene.now
        await asyncio.sleep(3)
        assert scene.times()[-1][0] == frame(opened)

    in_a_node(story)


def test_a_stream_that_goes_has_spoken() -> None:
    async def story(scene: Scene) -> None:
        scene.say(LOUD)
        await asyncio.sleep(4)
        await scene.node.unpublish("lesson", scene.producer_id)
        assert scene.times()[-1][2]

    in_a_node(story)


def test_in_silence_the_pump_is_not_asked() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(30)
        assert scene.pump.told("level_history") == []
        scene.say(LOUD)
        await asyncio.sleep(1)
        scene.say(QUIET)
        await asyncio.sleep(10)
        asked = len(scene.pump.told("level_history"))
        assert asked >= 1
        await asyncio.sleep(30)
        assert len(scene.pump.told("level_history")) == asked

    in_a_node(story)


def test_what_the_server_makes_of_the_voices_is_no_voice(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        offer = FeedOffer("mix", "opus", 48_000)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as feeder:
            feeder.bind(str(tmp_path / "feed"))
            await scene.node.feed("lesson", "mixer", str(tmp_path / "feed"), offer)
        scene.say(LOUD)
        await asyncio.sleep(2)
        assert {ids for (ids,) in scene.pump.told("level_history")} == {(scene.pump_id,)}

    in_a_node(story)
