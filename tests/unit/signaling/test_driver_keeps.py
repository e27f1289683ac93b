"""What the lesson service keeps before it tells of it: ends, removals, a switched recording."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from signaling.driver import LessonService
from signaling.errors import LessonRefusal
from signaling.lesson.machine import Lesson
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, RemovalCode
from tests.sim.virtual_time import virtually
from tests.unit.signaling.sample_lesson import LESSON
from tests.unit.signaling.service import End, World, join, knock, settle


def test_the_end_reaches_store_observers_and_media() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            room, _ = await join(service, "room-1")
            await service.end_lesson(LESSON)
            for end in (lead, room):
                ended = await end.until("lesson_ended")
                assert ended == m.LessonEnded(reason="by-server")
                assert await end.closed() is CloseCode.LESSON_ENDED
            assert world.store.endings == {LESSON: "by-server"}
            assert world.observer.heard[-1] == ("closed", LESSON)
            assert world.media.closed == [LESSON]
            assert service.live() == {}
            refused = await (await knock(service, f"{LESSON}/lead")).next()
            assert isinstance(refused, m.Refused)
            assert refused.code == "no-such-lesson"

    virtually(main)


def test_an_end_that_only_the_saved_state_tells_is_finished_when_somebody_knocks() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            runner = await service.open(LESSON)
            await lead.ask(m.EndLesson())
            await settle()
        world.store.endings.clear()
        world.store.states[LESSON] = runner.lesson.save()
        async with world.serving() as service:
            refused = await (await knock(service, f"{LESSON}/room-1")).next()
            assert isinstance(refused, m.Refused)
            assert refused.code == "lesson-ended"
            await settle()
        assert world.store.endings == {LESSON: "by-lead"}

    virtually(main)


async def by_lead(service: LessonService, lead: End, device_id: str) -> None:
    assert (await lead.ask(m.RemoveDevice(device_id=device_id))).type == "done"


async def by_administrator(service: LessonService, _lead: End, device_id: str) -> None:
    await service.remove(LESSON, [device_id], RemovalCode.BY_ADMINISTRATOR, bars=True)


@pytest.mark.parametrize("put_out", [by_lead, by_administrator])
def test_a_removal_is_answered_when_it_is_kept_and_so_is_its_undoing(
    put_out: Callable[[LessonService, End, str], Awaitable[None]],
) -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            room, welcome = await join(service, "room-1")
            for step in (
                lambda: put_out(service, lead, welcome.device_id),
                lambda: service.readmit(LESSON, "room-1"),
            ):
                before = dict(world.store.bars_kept)
                world.store.keeps.clear()
                answered = asyncio.ensure_future(step())
                await settle()
                assert not answered.done()
                assert world.store.bars_kept == before
                world.store.keeps.set()
                await answered
                assert world.store.bars_kept != before
            assert await room.closed() is CloseCode.REMOVED

    virtually(main)


def test_nobody_is_told_of_a_switched_recording_before_that_is_kept() -> None:
    """A server that is killed after it has said "off" must not go on recording."""

    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            for recording in (True, False):
                world.store.keeps.clear()
                answer = asyncio.ensure_future(lead.ask(m.SetRecording(recording=recording)))
                await settle()
                assert not answer.done()
                world.store.keeps.set()
                await answer
                assert json.loads(world.store.states[LESSON])["record"] is recording

    virtually(main)


def test_a_removal_is_kept_though_a_saving_hangs() -> None:
    async def main() -> None:
        world = World()
        hangs = asyncio.Event()
        save = world.store.save_state

        async def hanging(lesson_id: str, state: str) -> None:
            await hangs.wait()
            await save(lesson_id, state)

        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            _room, welcome = await join(service, "room-1")
            await settle()
            world.store.save_state = hanging  # type: ignore[method-assign]  # a disk that hangs
            await lead.ask(m.SetLayout(layout=m.Layout.WALL))
            await settle()
            await by_administrator(service, lead, welcome.device_id)
            assert world.store.bars_kept[LESSON]
            hangs.set()

    virtually(main)


def test_whoever_waits_for_a_removal_is_told_when_the_lesson_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def faulty(*_: object) -> list[object]:
        raise ZeroDivisionError("a fault of ours")

    async def main() -> None:
        world = World()
        async with world.serving() as service:
            _lead, welcome = await join(service, "lead")
            with monkeypatch.context() as patched:
                patched.setattr(Lesson, "handle", faulty)
                asked = [by_administrator(service, _lead, welcome.device_id) for _ in range(2)]
                for told in await asyncio.gather(*asked, return_exceptions=True):
                    assert isinstance(told, LessonRefusal)
                    assert told.code == "server-failed"
                await settle()

    virtually(main)
