"""A real compositor between a real media core's taps and feeds: a source in, the program out."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import pytest

from mixer.model import ProducerInfo, ProducerLive, Want
from server.children.child import Allowances
from server.programs.service import ProgramService
from signaling.lesson import LessonScene
from signaling.lesson import events as e
from signaling.protocol import messages as m
from signaling.protocol.messages import LessonSource, ProgramStanding, Source
from tests.feeder import BRIGHTNESS
from tests.unit.node.peers import LESSON, Subscriber, running_node
from tests.unit.node.test_feeds import feeding, open_feeds
from tests.unit.signaling.desk import Desk
from tests.unit.signaling.sample_lesson import SETTINGS

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(180)]
PATIENCE_S = 60.0


class Lessons:
    """`signaling.driver.LessonService`, with a lesson whose lead's picture and sound are fed."""

    def __init__(self) -> None:
        self.desk = Desk(settings=replace(SETTINGS, programs=True))
        self.renamed: dict[str, str] = {}  # as the desk's media has it → as the node has it

    def scene(self, lesson_id: str) -> LessonScene | None:
        scene = self.desk.lesson.scene()

        def known(source: m.SourceState) -> m.SourceState:
            renamed = self.renamed.get(source.producer_id, source.producer_id)
            return source.model_copy(update={"producer_id": renamed})

        seats = tuple(
            seat.model_copy(update={"sources": [known(one) for one in seat.sources]})
            for seat in scene.seats
        )
        flowing = frozenset(self.renamed.get(one, one) for one in scene.flowing)
        return replace(scene, seats=seats, flowing=flowing)

    async def add_stream(
        self, lesson_id: str, producer: ProducerInfo, *, seat_id: str | None = None
    ) -> None:
        self.desk.feed(e.StreamAdded(LessonSource(producer.label), producer, seat_id))

    async def remove_stream(self, lesson_id: str, producer_id: str) -> None:
        self.desk.feed(e.StreamRemoved(producer_id))

    async def set_program(self, lesson_id: str, standing: ProgramStanding) -> None:
        self.desk.feed(e.ProgramStands(standing))

    async def program_cut(self, lesson_id: str, cut: e.ProgramCut) -> None:
        self.desk.feed(cut)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not true():  # noqa: ASYNC110 - what is waited for is said by nobody
                await asyncio.sleep(0.05)

    async def until_running(self) -> None:
        await self.until(lambda: self.desk.state.program is ProgramStanding.RUNNING)

    def stream(self, source: LessonSource) -> str:
        return next(one.producer_id for one in self.desk.state.streams if one.source is source)


def brightness(frame: object) -> float:
    """Of the middle of the picture's left half: where a lead stands alone, and large."""
    assert isinstance(frame, av.VideoFrame)
    gray = frame.to_ndarray(format="gray")
    height, width = gray.shape
    return float(gray[height // 3 : height // 2, width // 4 : width // 2].mean())


async def shows_the_lead(subscriber: Subscriber, producer_id: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            (*_, last) = await subscriber.received(producer_id, 1)
            if min(abs(brightness(last) - level) for level in BRIGHTNESS) < 12:
                return


async def test_a_source_is_seen_in_the_program_and_again_after_a_kill(tmp_path: Path) -> None:
    sockets = tmp_path / "s"
    sockets.mkdir()
    async with running_node() as (node, _events):
        feeds = await open_feeds(node, sockets)
        lessons = Lessons()
        lead = lessons.desk.join("lead")
        made = lead.publish(Source.TEACHER, Source.ROOM)
        for mid, name in (("teacher", "picture"), ("room", "sound")):
            lessons.renamed[made[mid]] = feeds[name].producer.producer_id
            lessons.desk.notice(ProducerLive(made[mid], lead.device_id))
        service = ProgramService(
            node,
            most=1,
            allowed=Allowances(backoff_s=(0.0,)),
            lingers_s=0.0,
            runtime_folder=tmp_path,
        )
        service.lessons = lessons
        await service.start()
        try:
            async with feeding(sockets, feeds):
                lessons.desk.join("observer-1").ask(m.TakeProgram(taken=True))
                service._wanted(LESSON)
                await lessons.until_running()
                picture = lessons.stream(LessonSource.PROGRAM)
                subscriber = Subscriber(node)
                await subscriber.subscribe([Want(picture, 1280, 720)])
                await shows_the_lead(subscriber, picture)
                program = service.program_of(LESSON)
                assert program is not None and program.pid is not None
                os.kill(program.pid, signal.SIGKILL)
                await lessons.until(lambda: program.starts == 2)
                await lessons.until_running()
                await subscriber.received(picture, 10)
                await shows_the_lead(subscriber, picture)
                assert lessons.stream(LessonSource.PROGRAM) == picture
                await subscriber.close()
        finally:
            await service.close()
