"""When a node looks at its lessons: seldom while all is well, soon when something begins."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.model import MediaEvent, NodeSettings, SourceOffer, SpeakersChanged
from mixer.node import MediaNode
from mixer.node.beats import CALM_LOOK_S, LISTEN_S, LOOK_S, next_beat
from mixer.node.lesson_media import LessonMedia
from mixer.pump import VOICE, Pump
from tests.sim.virtual_time import virtually
from tests.unit.node.fake_pump import FakePump

VECTORS = Path(__file__).parents[2] / "vectors" / "sdp"
CHROMIUM = (VECTORS / "chromium_156_publish.sdp").read_bytes().decode()
LOUD, QUIET = 20, 90


@given(
    now=st.floats(0, 1e7),
    interval_s=st.sampled_from([LOOK_S, LISTEN_S, CALM_LOOK_S]),
)
def test_a_beat_is_a_multiple_and_neither_past_nor_far(now: float, interval_s: float) -> None:
    beat = next_beat(now, interval_s)
    assert 0.09 * interval_s < beat - now < 1.11 * interval_s
    assert beat / interval_s == pytest.approx(round(beat / interval_s))


def test_a_beat_just_served_is_not_served_twice() -> None:
    assert next_beat(7.0 - 1e-9, 1.0) == 8.0
    assert next_beat(7.0 + 1e-9, 1.0) == 8.0


class Scene:
    """A node on a fake pump, in virtual time, with one lesson and one microphone."""

    def __init__(self, node: MediaNode, pump: FakePump) -> None:
        self.node, self.pump = node, pump
        self.heard: list[tuple[float, int]] = []  # when, and how many were told to speak
        self.microphone = 0

    async def begin(self) -> None:
        await self.node.open_lesson("lesson", self.hear)
        await self.node.publish("lesson", "lead", CHROMIUM, {"0": SourceOffer("room", 48_000)})
        (producer,) = self.media().members.producers.values()
        self.microphone = producer.pump_id
        await asyncio.sleep(CALM_LOOK_S)

    def media(self, lesson_id: str = "lesson") -> LessonMedia:
        """What nobody outside of a node sees: one of its lessons."""
        return self.node._lesson(lesson_id)

    def hear(self, event: MediaEvent) -> None:
        if isinstance(event, SpeakersChanged):
            self.heard.append((asyncio.get_running_loop().time(), len(event.levels)))

    def say(self, level: int) -> None:
        """What the levels are from now on; the pump tells when it is a voice that begins."""
        begins = level == LOUD and self.pump.levels != [(self.microphone, LOUD)]
        self.pump.levels = [(self.microphone, level)]
        if begins:
            self.pump.events.append((VOICE, self.microphone))
            os.eventfd_write(self.pump.event_fd, 1)

    async def looks(self, seconds: float) -> int:
        """How often the node looked while so many seconds passed."""
        before = self.node.node_stats()["ticks"]
        await asyncio.sleep(seconds)
        return self.node.node_stats()["ticks"] - before


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
            await story(scene)
        finally:
            await node.close()
            pump.close()

    virtually(main)


def test_a_calm_lesson_is_looked_at_once_a_second() -> None:
    async def story(scene: Scene) -> None:
        await scene.begin()
        assert await scene.looks(60) == pytest.approx(60, abs=2)
        scene.say(QUIET)
        assert await scene.looks(60) == pytest.approx(60, abs=2)
        assert scene.heard == []

    in_a_node(story)


def test_a_voice_is_heard_soon_and_followed_to_its_end() -> None:
    async def story(scene: Scene) -> None:
        await scene.begin()
        await asyncio.sleep(0.37)
        began = asyncio.get_running_loop().time()
        scene.say(LOUD)
        assert await scene.looks(20) == pytest.approx(20 / LISTEN_S, abs=2)
        (heard_at, speaking), *later = scene.heard
        assert speaking == 1
        assert heard_at - began <= LOOK_S + 0.01
        assert all(count == 1 for _, count in later)
        ended = asyncio.get_running_loop().time()
        scene.say(QUIET)
        await asyncio.sleep(4)
        silent_at, speaking = scene.heard[-1]
        assert speaking == 0
        assert silent_at - ended <= 2 * LISTEN_S + 1.3, "the fall of a voice at -20 dBov"
        assert await scene.looks(60) == pytest.approx(60, abs=2)

    in_a_node(story)


def test_many_beginnings_are_one_look() -> None:
    async def story(scene: Scene) -> None:
        await scene.begin()
        lesson = scene.media()
        before = scene.node.node_stats()["ticks"]
        for _ in range(100):
            lesson.hurry()
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.25)
        assert scene.node.node_stats()["ticks"] - before <= 2

    in_a_node(story)


def test_a_lesson_that_fails_stops_neither_the_node_nor_the_machine(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(scene: Scene) -> None:
        await scene.begin()
        await scene.node.open_lesson("other", lambda event: None)

        def fail(*_: object) -> None:
            raise RuntimeError("a fault of ours")

        scene.media().control.handle_levels = fail  # type: ignore[method-assign, assignment]  # it is to fail
        assert await scene.looks(10) <= 10 / LOOK_S + 1
        assert scene.media("other").control.due_at > asyncio.get_running_loop().time()

    in_a_node(story)
    assert "the tick of lesson lesson failed" in caplog.text


def test_a_closed_node_looks_no_more() -> None:
    async def story(scene: Scene) -> None:
        await scene.begin()
        lesson = scene.media()
        await scene.node.close()
        lesson.hurry()
        assert await scene.looks(10) == 0

    in_a_node(story)
