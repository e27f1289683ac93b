"""The lesson service in trouble: faults, calls that hang, stores that refuse, clients that do not
read, and time that passes without any message.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from mixer.model import Direction, LinkMeasured, PublishAnswer, SourceOffer, SpeakersChanged
from signaling.lesson import events as e
from signaling.lesson.machine import Lesson
from signaling.log.entries import AnyEntry
from signaling.observing import CLOSE_TIMEOUT_S
from signaling.outbox import MAX_MESSAGES
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, Source
from signaling.runner import MEDIA_TIMEOUT_S
from tests.sim.virtual_time import virtually
from tests.unit.signaling.fakes import FakeMedia, FakeObserver, FakeStore
from tests.unit.signaling.sample_lesson import LESSON, plan, publish
from tests.unit.signaling.service import World, join, knock


def test_a_fault_in_one_lesson_closes_it_alone_and_it_is_restored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handle = Lesson.handle

    def faulty(self: Lesson, event: e.Event, now: float) -> object:
        if isinstance(event, e.RequestReceived) and isinstance(event.message, m.SendChat):
            raise ZeroDivisionError("a fault of ours")
        return handle(self, event, now)

    monkeypatch.setattr(Lesson, "handle", faulty)

    async def main() -> None:
        world = World(store=FakeStore(plan(m.Mode.DELIVERY), replace(plan(), lesson_id="lesson-2")))
        async with world.serving() as service:
            other, _ = await join(service, "lead", lesson="lesson-2")
            lead, _ = await join(service, "lead")
            room, welcome = await join(service, "room-1")
            await lead.ask(m.GiveFloor(seat_id="room-1"))
            await service.request(room.connection, m.SendChat(text="boom"))
            assert await room.closed() is CloseCode.LESSON_FAILED
            assert await lead.closed() is CloseCode.LESSON_FAILED
            assert (await other.ask(m.Ping())).type == "pong"
            for end in (lead, room):
                await end.lost()
            _again, back = await join(service, "room-1", resume=welcome.resume)
            assert back.device_id == welcome.device_id
            assert back.lesson.floor == "room-1"

    virtually(main)


def test_a_client_that_does_not_read_is_closed_and_holds_up_nobody() -> None:
    async def main() -> None:
        async with World().serving() as service:
            lead, _ = await join(service, "lead")
            deaf, welcome = await join(service, "room-1")
            for number in range(MAX_MESSAGES + 1):
                assert (await lead.ask(m.SendChat(text=str(number)))).type == "done"
            assert await deaf.closed() is CloseCode.TOO_SLOW
            assert deaf.connection.outbox.dropped > MAX_MESSAGES
            await deaf.lost()
            _back, again = await join(service, "room-1", resume=welcome.resume)
            assert again.chat[-1].text == str(MAX_MESSAGES)

    virtually(main)


def test_a_media_call_that_hangs_is_given_up() -> None:
    class HangingMedia(FakeMedia):
        async def publish(
            self, lesson_id: str, device_id: str, offer_sdp: str, sources: dict[str, SourceOffer]
        ) -> PublishAnswer:
            await asyncio.Event().wait()
            raise AssertionError

    async def main() -> None:
        async with World(media=HangingMedia()).serving() as service:
            lead, _ = await join(service, "lead")
            started = asyncio.get_running_loop().time()
            refused = await lead.ask(publish(Source.TEACHER))
            assert isinstance(refused, m.Refused)
            assert refused.code == "media-failed"
            assert asyncio.get_running_loop().time() - started == pytest.approx(MEDIA_TIMEOUT_S)
            assert (await lead.ask(m.Ping())).type == "pong"

    virtually(main)


def test_a_fault_of_the_media_core_fails_the_call_and_not_the_lesson() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            world.media.model(LESSON).fail_next["publish"] = KeyError("a fault of theirs")
            refused = await lead.ask(publish(Source.TEACHER))
            assert isinstance(refused, m.Refused)
            assert refused.code == "media-failed"
            assert (await lead.ask(publish(Source.TEACHER))).type == "published"

    virtually(main)


def test_a_store_that_cannot_save_is_tried_again_and_told_of_once() -> None:
    async def main() -> None:
        world = World()
        world.store.save_error = OSError("disk full")
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            assert (await lead.ask(m.SetLock(locked=True))).type == "done"
            await asyncio.sleep(5)
            assert world.store.states == {}
            world.store.save_error = None
            await asyncio.sleep(2)
            assert json.loads(world.store.states[LESSON])["locked"]

    with capture_logs() as logs:
        virtually(main)
    told = [(line["event"], line.get("why")) for line in logs if "saved" in line["event"]]
    assert told == [
        ("a lesson cannot be saved; tried again until it can", "OSError('disk full')"),
        ("a lesson is saved again", None),
    ]


@pytest.mark.parametrize("trouble", ["hangs", "raises"])
def test_an_observer_in_trouble_disturbs_nobody(trouble: str) -> None:
    class BadObserver(FakeObserver):
        async def happened(self, lesson_id: str, entry: AnyEntry) -> None:
            if trouble == "raises":
                raise OSError("disk full")
            await asyncio.Event().wait()

    async def main() -> None:
        world = World(observer=BadObserver())
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            for number in range(100):
                assert (await lead.ask(m.SendChat(text=str(number)))).type == "done"
            started = asyncio.get_running_loop().time()
            await service.end_lesson(LESSON)
            assert asyncio.get_running_loop().time() - started <= CLOSE_TIMEOUT_S + 0.1
        assert world.store.endings == {LESSON: "by-server"}
        assert (("closed", LESSON) in world.observer.heard) is (trouble == "raises")

    virtually(main)


def test_measurements_are_kept_as_the_newest_only() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, welcome = await join(service, "lead")
            tell = world.media.listeners[LESSON]
            for step in range(10_000):
                tell(LinkMeasured(welcome.device_id, Direction.PUBLISH, 0.0, step, 1, 1))
                tell(SpeakersChanged((("p1", -step % 100),)))
            runner = await service.open(LESSON)
            assert len(runner._noticed) == 2
            assert (await lead.ask(m.Ping())).type == "pong"

    virtually(main)


def test_timers_run_without_any_message() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            room, _ = await join(service, "room-1")
            await room.lost()
            await asyncio.sleep(world.settings.away_grace_s + 1)
            _lesson, seats = service.live()[LESSON]
            assert seats[1].away_since is None
            assert not seats[1].present
            assert (await lead.ask(m.Ping())).type == "pong"

    virtually(main)


def test_a_lesson_everybody_left_ends_by_itself() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            await lead.ask(m.Leave())
            await asyncio.sleep(world.settings.empty_lesson_s + 1)
            assert service.live() == {}
        assert world.store.endings == {LESSON: "timed-out"}

    virtually(main)


def test_recording_is_shown_as_the_recorder_says() -> None:
    async def main() -> None:
        async with World().serving() as service:
            await service.set_recording("lesson-9", True)  # not open: nothing happens
            lead, _ = await join(service, "lead")
            await service.set_recording(LESSON, True)
            changed = await lead.until("lesson_changed")
            assert isinstance(changed, m.LessonChanged)
            assert changed.lesson.recording
            assert changed.lesson.recording_fault == ""
            await service.set_recording(LESSON, False, "disk-full")
            changed = await lead.until("lesson_changed")
            assert isinstance(changed, m.LessonChanged)
            assert not changed.lesson.recording
            assert changed.lesson.recording_fault == "disk-full"

    virtually(main)


def test_a_stopped_service_refuses() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            pass
        refused = await (await knock(service, f"{LESSON}/lead")).next()
        assert isinstance(refused, m.Refused)
        assert refused.code == "server-failed"

    virtually(main)


def test_a_device_with_cameras_alone_never_carries_the_sound() -> None:
    """Whichever comes first: the page beside it has microphone and loudspeaker."""

    async def main() -> None:
        world = World()
        async with world.serving() as service:
            _, cameras = await join(service, "room-1", offers_sound=False)
            assert not cameras.carries_sound
            assert Source.ROOM not in {one.source for one in cameras.profile.sources}
            _, page = await join(service, "room-1")
            assert page.carries_sound

    virtually(main)
