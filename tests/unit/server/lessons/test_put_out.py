"""Who may not be in a lesson any more is out at once, is told why, and does not come in again.

A whole server with the real signaling, its WebSocket called directly; only the media is a model.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from hardware_profiles import ServerProfile
from server.config import Settings
from server.database.models import Credential
from server.database.spare_file import SpareFile
from server.lessons.endings import SPARE_BYTES
from server.node.media import MediaCore
from signaling.protocol.messages import CloseCode
from signaling.protocol.refusals import REFUSALS
from tests.refusals import locked
from tests.unit.server.world import (
    NoMedia,
    World,
    lesson_body,
    post,
    running_world,
)
from tests.unit.signaling.asgi_socket import AsgiSocket
from tests.unit.signaling.fakes import FakeMedia

Ids = dict[str, str]


class ModelledMedia(FakeMedia, NoMedia):
    """Lessons open and nothing flows."""


@asynccontextmanager
async def modelled_media(_settings: Settings, _hardware: ServerProfile) -> AsyncIterator[MediaCore]:
    yield cast(MediaCore, ModelledMedia())


@dataclass
class Class:
    """A live lesson of teacher Li with whoever joins it."""

    world: World
    admin: httpx.AsyncClient
    ids: Ids
    lesson: str

    def socket(self) -> AsgiSocket:
        return AsgiSocket(self.world.app, headers={"host": "127.0.0.1:7880"})

    async def token(self, who: str, role: str, seat_id: str | None = None) -> str:
        browser = await self.world.signed_in(who)
        body = {"role": role, "seat_id": seat_id}
        return str((await post(browser, f"/api/lessons/{self.lesson}/token", body))["token"])

    async def room_pc(self, room: str) -> tuple[str, dict[str, str]]:
        """A new device of a classroom: its credential's id, and the header it asks with."""
        path = f"/api/classrooms/{self.ids[room]}/credentials"
        made = await post(self.admin, path, {"label": "墙上的电脑"})
        return made["id"], {"authorization": f"Bearer {made['secret']}"}

    async def ask_room(self, headers: dict[str, str]) -> dict[str, Any]:
        answer = await (await self.world.browser()).get("/api/room", headers=headers)
        return cast(dict[str, Any], answer.json())

    async def refusal(self, token: str) -> str:
        """What a newcomer with this token is told."""
        async with self.socket() as socket:
            socket.send({"type": "join", "token": token})
            answer = await socket.receive()
            assert isinstance(answer, dict)
            assert await socket.closed() == CloseCode.REFUSED
            return str(answer["code"])

    async def joined(self, socket: AsgiSocket, token: str, **more: Any) -> dict[str, Any]:
        socket.send({"type": "join", "token": token, **more})
        return await socket.until("welcome")


@pytest.fixture
async def lesson(tmp_path: Path) -> AsyncIterator[Class]:
    async with running_world(tmp_path, open_media=modelled_media) as world:
        admin = await world.administrator()
        ids = await world.community(admin)
        li = await world.signed_in("li")
        yield Class(world, admin, ids, (await post(li, "/api/lessons", lesson_body(ids)))["id"])


async def told(socket: AsgiSocket) -> str:
    """Why it was put out, in words of both languages, and closed for good."""
    removed = await socket.until("removed")
    words = REFUSALS[removed["code"]]
    assert (removed["message_zh"], removed["message_en"]) == (words.zh, words.en)
    assert await socket.closed() == CloseCode.REMOVED
    return str(removed["code"])


async def test_a_room_pc_of_a_school_that_leaves_is_out_and_comes_back_with_it(
    lesson: Class,
) -> None:
    _credential, headers = await lesson.room_pc("room_1")
    _other, neighbour = await lesson.room_pc("room_2")
    li = await lesson.world.signed_in("li")
    in_an_hour = lesson.world.clock() + 3600
    body = lesson_body(lesson.ids, title="下一节", starts_at=in_an_hour)
    later = (await post(li, "/api/lessons", body))["id"]

    async def rooms_gone() -> list[bool]:
        planned = (await li.get(f"/api/lessons/{later}")).json()
        return [seat["gone"] for seat in planned["seats"]]

    token = (await lesson.ask_room(headers))["token"]
    async with lesson.socket() as pc, lesson.socket() as stays:
        await lesson.joined(pc, token, device="room_pc")
        await lesson.joined(stays, (await lesson.ask_room(neighbour))["token"], device="room_pc")
        assert (await school_leaves(lesson)).status_code == 200
        assert await told(pc) == "not-admitted"
        stays.send({"type": "ping"})
        await stays.until("pong")
    assert await lesson.refusal(token) == "not-admitted"
    answer = await lesson.ask_room(headers)
    assert (answer["token"], answer["removed"]["code"]) == (None, "not-admitted")
    assert answer["next"] is None
    assert await rooms_gone() == [False, True, False]
    back = {"partner_school_ids": [lesson.ids["rural_1"], lesson.ids["rural_2"]]}
    await lesson.admin.patch(f"/api/communities/{lesson.ids['community']}", json=back)
    answer = await lesson.ask_room(headers)
    assert (answer["removed"], answer["next"]["id"]) == (None, later)
    assert await rooms_gone() == [False, False, False]
    async with lesson.socket() as pc:
        await lesson.joined(pc, answer["token"], device="room_pc")


async def test_who_was_put_out_stays_out_over_a_restart(tmp_path: Path) -> None:
    """The server comes back and nobody has joined yet: the lesson is in no memory."""
    async with running_world(tmp_path, open_media=modelled_media) as world:
        admin = await world.administrator()
        ids = await world.community(admin)
        li = await world.signed_in("li")
        it = Class(world, admin, ids, (await post(li, "/api/lessons", lesson_body(ids)))["id"])
        _credential, headers = await it.room_pc("room_1")
        token = (await it.ask_room(headers))["token"]
        async with it.socket() as pc:
            device = (await it.joined(pc, token))["device_id"]
            await admin.delete(f"/api/admin/live/{it.lesson}/devices/{device}")
            assert await told(pc) == "removed-by-administrator"
    async with running_world(tmp_path, open_media=modelled_media) as world:
        admin = await world.signed_in("admin")
        it = Class(world, admin, ids, it.lesson)
        answer = await it.ask_room(headers)
        assert not world.services.lessons.live.seated_devices()
        assert (answer["token"], answer["removed"]["code"]) == (None, "removed-by-administrator")
        (live,) = (await admin.get("/api/admin/live")).json()["lessons"]
        assert live["removed"] == [{"seat_id": "room-1", "bearer": "墙上的电脑"}]
        assert not world.services.lessons.live.seated_devices()
        path = "/api/admin/live/{}/seats/room-1/readmit"
        assert (await admin.post(path.format("none-such"))).status_code == 404
        assert (await admin.post(path.format(it.lesson))).status_code == 204
        async with it.socket() as pc:
            answer = await it.ask_room(headers)
            assert answer["removed"] is None
            await it.joined(pc, answer["token"])


@pytest.mark.thorough
async def test_who_was_put_out_stays_out_when_the_server_is_killed_under_a_locked_database(
    tmp_path: Path,
) -> None:
    """What is on the disk when the answer is there is all that a killed server leaves."""
    async with running_world(tmp_path, open_media=modelled_media) as world:
        admin = await world.administrator()
        ids = await world.community(admin)
        li = await world.signed_in("li")
        it = Class(world, admin, ids, (await post(li, "/api/lessons", lesson_body(ids)))["id"])
        _credential, first = await it.room_pc("room_1")
        _credential, second = await it.room_pc("room_2")
        tokens = [(await it.ask_room(headers))["token"] for headers in (first, second)]
        teacher = await it.token("li", "lead")
        async with it.socket() as lead, it.socket() as one, it.socket() as two:
            await it.joined(lead, teacher)
            welcomes = [await it.joined(pc, t) for pc, t in zip((one, two), tokens, strict=True)]
            async with locked(world.settings.data_folder / "tongke.db"):
                by_lead = {"type": "remove_device", "device_id": welcomes[0]["device_id"]}
                lead.send({**by_lead, "request_id": "1"})
                await lead.until("done")
                lead.send({"type": "set_recording", "recording": False, "request_id": "2"})
                await lead.until("done")
                path = f"/api/admin/live/{it.lesson}/devices/{welcomes[1]['device_id']}"
                assert (await admin.delete(path)).status_code == 204
                shutil.copytree(world.settings.data_folder, tmp_path / "killed" / "data")
            # When the database takes it, the file is empty again.
            kept = world.settings.data_folder / "unwritten_bars.jsonl"
            async with asyncio.timeout(60):
                while SpareFile(kept, size=SPARE_BYTES).load():  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)
    async with running_world(tmp_path / "killed", open_media=modelled_media) as world:
        it = Class(world, await world.signed_in("admin"), ids, it.lesson)
        for headers, code in ((first, "lead"), (second, "administrator")):
            answer = await it.ask_room(headers)
            assert (answer["token"], answer["removed"]["code"]) == (None, f"removed-by-{code}")
        for token, welcome, code in zip(tokens, welcomes, ("lead", "administrator"), strict=True):
            assert await it.refusal(token) == f"removed-by-{code}"
            async with it.socket() as back:
                back.send({"type": "join", "token": token, "resume": welcome["resume"]})
                assert (await back.until("refused"))["code"] == f"removed-by-{code}"
        await world.services.pending_writes.written("the last", nothing)
        assert seats_barred(world) == ["room-1", "room-2"]
        async with it.socket() as lead:
            state = (await it.joined(lead, teacher))["lesson"]
            assert state["record"] is False, "switched off as it was answered"


async def test_who_was_put_out_is_kept_out_though_the_database_hangs(
    lesson: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses nothing and answers nothing, as one on a machine that is gone."""
    goes_on = asyncio.Event()
    database = lesson.world.services.database
    write = database.write

    @asynccontextmanager
    async def hanging(**wait: float) -> AsyncIterator[AsyncSession]:
        await goes_on.wait()
        async with write(**wait) as session:
            yield session

    monkeypatch.setattr("server.lessons.desk.KEPT_WITHIN_S", 0.01)
    _credential, headers = await lesson.room_pc("room_1")
    kept = lesson.world.settings.data_folder / "unwritten_bars.jsonl"
    async with lesson.socket() as pc:
        device = (await lesson.joined(pc, (await lesson.ask_room(headers))["token"]))["device_id"]
        monkeypatch.setattr(database, "write", hanging)
        await lesson.world.services.lessons.put_out(lesson.lesson, device)
        assert b"removed-by-administrator" in kept.read_bytes()
        goes_on.set()
        async with asyncio.timeout(60):
            while SpareFile(kept, size=SPARE_BYTES).load():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
    assert seats_barred(lesson.world) == ["room-1"]


async def nothing(_session: object) -> None:
    """Written after all before it."""


def seats_barred(world: World) -> list[str]:
    """What stands in the database itself."""
    with closing(sqlite3.connect(world.settings.data_folder / "tongke.db")) as raw:
        (state,) = raw.execute("SELECT state FROM lesson_states").fetchone()
    return sorted(bar["seat_id"] for bar in json.loads(state)["barred"].values())


async def test_a_removal_is_in_the_database_when_it_is_answered(lesson: Class) -> None:
    _credential, headers = await lesson.room_pc("room_1")
    async with lesson.socket() as pc:
        device = (await lesson.joined(pc, (await lesson.ask_room(headers))["token"]))["device_id"]
        path = f"/api/admin/live/{lesson.lesson}/devices/{device}"
        assert (await lesson.admin.delete(path)).status_code == 204
        assert seats_barred(lesson.world) == ["room-1"]


Change = Callable[[Class], Awaitable[httpx.Response]]


def patch_user(name: str, **change: Any) -> Change:
    return lambda it: it.admin.patch(f"/api/users/{it.ids[name]}", json=change)


def delete_user(name: str) -> Change:
    return lambda it: it.admin.delete(f"/api/users/{it.ids[name]}")


def school_leaves(it: Class) -> Awaitable[httpx.Response]:
    change = {"partner_school_ids": [it.ids["rural_2"]]}
    return it.admin.patch(f"/api/communities/{it.ids['community']}", json=change)


@pytest.mark.parametrize(
    ("who", "seat", "change", "code"),
    [
        ("wang", "assistant", delete_user("wang"), "account-deleted"),
        ("wang", "room-1", delete_user("wang"), "account-deleted"),
        ("wang", "observer", delete_user("wang"), "account-deleted"),
        ("wang", "room-1", patch_user("wang", school_id=None), "not-admitted"),
        ("wang", "observer", school_leaves, "not-admitted"),
        ("second", "lead", patch_user("second", role="teacher"), "taken-over"),
    ],
)
async def test_whoever_loses_their_right_is_out(
    lesson: Class, who: str, seat: str, change: Change, code: str
) -> None:
    second = {
        "username": "second",
        "display_name": "第二位管理员",
        "role": "administrator",
        "password": "correct horse",
    }
    lesson.ids["second"] = (await post(lesson.admin, "/api/users", second))["id"]
    role = seat.partition("-")[0]
    token = await lesson.token(who, role, seat if role == "room" else None)
    teacher = await lesson.token("li", "lead")
    async with lesson.socket() as lead, lesson.socket() as other:
        await lesson.joined(lead, teacher)
        welcome = await lesson.joined(other, token)
        assert (await change(lesson)).status_code in {200, 204}
        assert await told(other) == code
        assert await lesson.refusal(token) == code
        again = {"resume": welcome["resume"]}
        async with lesson.socket() as back:
            back.send({"type": "join", "token": token, **again})
            refused = await back.until("refused")
            assert refused["code"] == code
        lead.send({"type": "ping"})
        await lead.until("pong")  # nobody else is touched


async def test_a_device_with_a_revoked_credential_is_out(lesson: Class) -> None:
    credential, headers = await lesson.room_pc("room_1")
    _other, neighbour = await lesson.room_pc("room_2")
    token = (await lesson.ask_room(headers))["token"]
    async with lesson.socket() as pc, lesson.socket() as stays:
        await lesson.joined(pc, token, device="room_pc")
        await lesson.joined(stays, (await lesson.ask_room(neighbour))["token"], device="room_pc")
        await lesson.admin.delete(f"/api/credentials/{credential}")
        assert await told(pc) == "credential-revoked"
        assert await lesson.refusal(token) == "credential-revoked"
        assert (await lesson.ask_room(headers))["code"] == "credential-refused"
        stays.send({"type": "ping"})
        await stays.until("pong")


async def test_a_change_that_nobody_told_of_is_found_by_the_clock(lesson: Class) -> None:
    credential, headers = await lesson.room_pc("room_1")
    async with lesson.socket() as pc:
        await lesson.joined(pc, (await lesson.ask_room(headers))["token"])
        async with lesson.world.services.database.write() as session:
            await session.execute(
                update(Credential).where(Credential.id == credential).values(revoked_at=1.0)
            )
        await lesson.world.services.lessons.keep_time()
        assert await told(pc) == "credential-revoked"


async def test_the_administrator_puts_out_anybody_and_lets_in_again(lesson: Class) -> None:
    _credential, headers = await lesson.room_pc("room_1")
    token = (await lesson.ask_room(headers))["token"]
    path = f"/api/admin/live/{lesson.lesson}"
    async with lesson.socket() as pc:
        device = (await lesson.joined(pc, token))["device_id"]
        (live,) = (await lesson.admin.get("/api/admin/live")).json()["lessons"]
        (seat,) = [seat for seat in live["seats"] if seat["seat_id"] == "room-1"]
        assert seat["devices"] == [
            {
                "device_id": device,
                "kind": "browser",
                "bearer": "墙上的电脑",
                "connected": True,
                "takes_program": False,
            }
        ]
        li = await lesson.world.signed_in("li")
        assert (await li.delete(f"{path}/devices/{device}")).status_code == 403
        assert (await lesson.admin.delete(f"{path}/devices/{device}")).status_code == 204
        assert await told(pc) == "removed-by-administrator"
    assert await lesson.refusal(token) == "removed-by-administrator"
    answer = await lesson.ask_room(headers)
    words = REFUSALS["removed-by-administrator"]
    assert answer["token"] is None
    assert answer["removed"] == {
        "code": "removed-by-administrator",
        "message_zh": words.zh,
        "message_en": words.en,
    }
    assert answer["lesson"]["id"] == lesson.lesson
    assert (await lesson.admin.delete(f"{path}/devices/{device}")).status_code == 404
    (live,) = (await lesson.admin.get("/api/admin/live")).json()["lessons"]
    assert live["removed"] == [{"seat_id": "room-1", "bearer": "墙上的电脑"}]
    assert (await lesson.admin.post(f"{path}/seats/room-1/readmit")).status_code == 204
    async with lesson.socket() as pc:
        answer = await lesson.ask_room(headers)
        assert answer["removed"] is None
        await lesson.joined(pc, answer["token"])


async def test_the_teacher_puts_out_a_room_pc_which_waits_until_it_is_let_in(lesson: Class) -> None:
    _credential, headers = await lesson.room_pc("room_1")
    teacher = await lesson.token("li", "lead")
    async with lesson.socket() as lead, lesson.socket() as pc:
        await lesson.joined(lead, teacher)
        device = (await lesson.joined(pc, (await lesson.ask_room(headers))["token"]))["device_id"]
        lead.send({"type": "remove_device", "device_id": device, "request_id": "1"})
        await lead.until("done")
        assert await told(pc) == "removed-by-lead"
        assert (await lesson.ask_room(headers))["removed"]["code"] == "removed-by-lead"
        lead.send({"type": "readmit", "seat_id": "room-1", "request_id": "2"})
        await lead.until("done")
        assert (await lesson.ask_room(headers))["removed"] is None
