"""The lesson service: opening, restoring, and that one's trouble is not the others'."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from mixer.errors import NodeFull, NodeUnavailable
from mixer.model import Direction, LinkMeasured, PublishAnswer, SourceOffer, SpeakersChanged
from signaling.driver import LessonService
from signaling.errors import LessonRefusal
from signaling.lesson import events as e
from signaling.lesson.machine import Lesson
from signaling.log.entries import AnyEntry
from signaling.observing import CLOSE_TIMEOUT_S
from signaling.outbox import MAX_MESSAGES
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, RemovalCode, Source
from signaling.runner import MEDIA_TIMEOUT_S
from tests.sim.virtual_time import virtually
from tests.unit.signaling.fakes import FakeMedia, FakeObserver, FakeStore
from tests.unit.signaling.sample_lesson import LESSON, plan, publish
from tests.unit.signaling.service import End, World, join, knock, settle


def second_plan() -> object:
    one = plan()
    return type(one)("lesson-2", *[getattr(one, name) for name in list(one.__slots__)[1:]])


def test_two_join_talk_and_the_observer_hears_of_it() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            room, welcome = await join(service, "room-1")
            assert welcome.resume.startswith(f"{LESSON}~")
            assert (await room.ask(m.RaiseHand())).type == "done"
            assert (await lead.until("seat_changed")).type == "seat_changed"
            await lead.ask(m.GiveFloor(seat_id="room-1"))
            published = await room.ask(publish(Source.ROOM))
            assert isinstance(published, m.Published)
            assert world.media.model(LESSON).heard() == set(published.producers.values())
            lesson, seats = service.live()[LESSON]
            assert lesson.floor == "room-1"
            assert len(seats) == 4
        kinds = [kind for kind, _value in world.observer.heard]
        assert kinds[0] == "opened"
        assert ("added", ("room-1", "room", "p1")) in world.observer.heard
        assert "closed" not in kinds, "a server that stops ends no lesson"

    virtually(main)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("nonsense", "token-invalid"),
        (f"expired:{LESSON}/lead", "token-expired"),
        ("lesson-9/lead", "no-such-lesson"),
        (f"{LESSON}/room-9", "no-such-seat"),
    ],
)
def test_who_is_refused_at_the_door(token: str, code: str) -> None:
    async def main() -> None:
        async with World().serving() as service:
            end = await knock(service, token)
            refused = await end.next()
            assert isinstance(refused, m.Refused)
            assert refused.code == code
            assert await end.closed() is CloseCode.REFUSED

    virtually(main)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NodeFull("full"), "media-full"),
        (NodeUnavailable("closed"), "media-failed"),
        (RuntimeError("bug"), "media-failed"),
    ],
)
def test_a_lesson_the_media_core_will_not_open(error: Exception, code: str) -> None:
    async def main() -> None:
        world = World()
        world.media.open_error = error
        async with world.serving() as service:
            end = await knock(service, f"{LESSON}/lead")
            refused = await end.next()
            assert isinstance(refused, m.Refused)
            assert refused.code == code
            world.media.open_error = None
            await join(service, "lead")  # and later it does

    virtually(main)


def test_a_store_that_fails_refuses_and_recovers() -> None:
    class BrokenStore(FakeStore):
        broken = True

        async def load_state(self, lesson_id: str) -> str | None:
            if self.broken:
                raise OSError("disk")
            return await super().load_state(lesson_id)

    async def main() -> None:
        store = BrokenStore(plan())
        world = World(store=store)
        async with world.serving() as service:
            refused = await (await knock(service, f"{LESSON}/lead")).next()
            assert isinstance(refused, m.Refused)
            assert refused.code == "server-failed"
            store.broken = False
            await join(service, "lead")

    virtually(main)


def test_many_who_knock_at_once_open_a_lesson_once() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            seats = ("lead", "room-1", "room-2", "room-3")
            await asyncio.gather(*(join(service, seat) for seat in seats))
        assert [value for kind, value in world.observer.heard if kind == "opened"] == [LESSON]

    virtually(main)


# --- restarts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_after_a_restart_all_are_back_in_the_same_lesson(how: str) -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, lead_welcome = await join(service, "lead")
            _room, room_welcome = await join(service, "room-1")
            await lead.ask(m.GiveFloor(seat_id="room-1"))
            await settle()
            killed = dict(world.store.states)
            await service.close()
            if how == "stopped":
                assert await lead.closed() is CloseCode.SERVER_RESTARTS
        if how == "killed":  # nothing of the orderly end was written
            world = World(store=FakeStore(plan(m.Mode.DELIVERY)))
            world.store.states = killed
        async with world.serving() as service:
            _end, again = await join(service, "lead", resume=lead_welcome.resume)
            assert again.device_id == lead_welcome.device_id
            assert again.lesson.floor == "room-1"
            # Its token has run out meanwhile; its key is enough.
            end = await knock(service, "expired:", resume=room_welcome.resume)
            back = await end.until("welcome")
            assert isinstance(back, m.Welcome)
            assert back.device_id == room_welcome.device_id

    virtually(main)


def test_an_unreadable_state_does_not_keep_people_from_their_lesson() -> None:
    async def main() -> None:
        world = World()
        world.store.states[LESSON] = "{damaged"
        async with world.serving() as service:
            await join(service, "lead")
            await settle()
        assert json.loads(world.store.states[LESSON])["version"] == 1

    virtually(main)


# --- who may still come in ------------------------------------------------------------------------


def test_whom_the_store_does_not_want_is_not_let_in() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            _room, welcome = await join(service, "room-1")
            world.store.unwelcome["person:room-1"] = RemovalCode.CREDENTIAL_REVOKED
            end = await knock(service, f"{LESSON}/room-1")
            refused = await end.next()
            assert isinstance(refused, m.Refused)
            assert refused.code == RemovalCode.CREDENTIAL_REVOKED
            assert await end.closed() is CloseCode.REFUSED
            assert world.store.asked == ["person:room-1", "person:room-1"]
            assert len(service.devices(LESSON)) == 1
            assert welcome.device_id == service.devices(LESSON)[0].device_id

    virtually(main)


def test_a_store_that_cannot_tell_lets_nobody_in() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            await join(service, "lead")
            world.store.ask_error = OSError("the database is away")
            refused = await (await knock(service, f"{LESSON}/room-1")).next()
            assert isinstance(refused, m.Refused)
            assert refused.code == "server-failed"

    virtually(main)


def test_the_server_puts_devices_out_of_an_open_lesson() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            await service.remove(
                LESSON, ["d"], RemovalCode.ACCOUNT_DELETED, bars=False
            )  # nobody is there
            await join(service, "lead")
            room, welcome = await join(service, "room-1")
            bearer = service.devices(LESSON)[1].bearer.bearer_id
            device = [welcome.device_id]
            await service.remove(LESSON, device, RemovalCode.BY_ADMINISTRATOR, bars=True)
            told = await room.until("removed")
            assert isinstance(told, m.Removed)
            assert told.code == "removed-by-administrator"
            assert await room.closed() is CloseCode.REMOVED
            bars = service.bars_of(LESSON)
            assert bars is not None
            assert bars[bearer].code is RemovalCode.BY_ADMINISTRATOR
            assert service.bars_of("no-such-lesson") is None
            await service.readmit(LESSON, "room-1")
            await service.rename_lead(LESSON, "Mr Wang")
            _again, welcome = await join(service, "room-1")
            assert service.bars_of(LESSON) == {}
            assert welcome.seats[0].name == "Mr Wang"

    virtually(main)


# --- another process ------------------------------------------------------------------------------


def test_a_lesson_that_goes_on_elsewhere_is_closed_not_ended() -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            await service.let_go("lesson-9")  # none of ours
            world.store.elsewhere.add(LESSON)
            await service.let_go(LESSON)
            assert await lead.closed() is CloseCode.SERVER_RESTARTS  # which means: come back
            assert (world.store.endings, service.live()) == ({}, {})
            assert world.media.closed == [LESSON]
            refused = await (await knock(service, f"{LESSON}/lead")).next()
            assert isinstance(refused, m.Refused)
            assert refused.code == "lesson-elsewhere"

    virtually(main)


# --- ending ---------------------------------------------------------------------------------------


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
            world.store.save_state = hanging  # type: ignore[method-assign]
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


# --- trouble --------------------------------------------------------------------------------------


def test_a_fault_in_one_lesson_closes_it_alone_and_it_is_restored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handle = Lesson.handle

    def faulty(self: Lesson, event: e.Event, now: float) -> list[object]:
        if isinstance(event, e.RequestReceived) and isinstance(event.message, m.SendChat):
            raise ZeroDivisionError("a fault of ours")
        return handle(self, event, now)  # type: ignore[return-value]

    monkeypatch.setattr(Lesson, "handle", faulty)

    async def main() -> None:
        world = World(store=FakeStore(plan(m.Mode.DELIVERY), second_plan()))  # type: ignore[arg-type]
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
