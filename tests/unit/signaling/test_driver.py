"""The lesson service: opening, restoring, and that one's trouble is not the others'."""

from __future__ import annotations

import asyncio
import json

import pytest

from mixer.errors import NodeFull, NodeUnavailable
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, RemovalCode, Source
from tests.sim.virtual_time import virtually
from tests.unit.signaling.fakes import FakeStore
from tests.unit.signaling.sample_lesson import LESSON, plan, publish
from tests.unit.signaling.service import World, join, knock, settle


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
