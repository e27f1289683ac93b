"""Watching a lesson elsewhere: who has an address, what it opens, to whom it may be pushed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import Message, Send

from mixer.outputs.segmenter import HlsPart, HlsSegment
from server.broadcasts.remembered import RememberedPushes
from server.broadcasts.service import BroadcastService
from server.broadcasts.targets import push_target
from server.broadcasts.watch_keys import WatchKeys
from server.broadcasts.watch_rights import ASKED_AGAIN_S
from server.database.models import KeptPush
from server.database.refusing import Cause, DatabaseRefused
from server.encoders.sealed import Seal
from signaling.lesson import Bar
from tests.unit.server.lessons.present import Present, plan
from tests.unit.server.test_lesson_hls import PlayedCore, Programs, until
from tests.unit.server.world import JOIN_KEY, World
from tests.unit.signaling.sample_lesson import plan as lesson_plan

Ids = dict[str, str]
HOSTS = ("live.example.cn",)
ADDRESS = "rtmp://live.example.cn/app/KEY"


@pytest.fixture
async def broadcasts(world: World, tmp_path: Path) -> AsyncIterator[BroadcastService]:
    """The server puts lessons out, to `live.example.cn` too; no media is there."""
    (tmp_path / "sockets").mkdir()
    made = BroadcastService(
        PlayedCore(),
        Programs(),
        keys=WatchKeys(JOIN_KEY),
        window_s=60,
        clock=world.clock,
        runtime_folder=tmp_path / "sockets",
    )
    await made.start()
    settings = world.settings.model_copy(update={"push_hosts": ("live.example.cn",)})
    world.app.state.services = replace(world.services, broadcasts=made, settings=settings)
    yield made
    await made.close()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, "" if answer.is_success else answer.json()["code"]


async def test_an_address_opens_one_lesson_for_who_may_observe_it(
    world: World, present: Present, community: Ids, broadcasts: BroadcastService
) -> None:
    lesson_id = await plan(world, community, None)
    wang, outsider = await world.signed_in("wang"), await world.signed_in("outsider")
    path = f"/api/lessons/{lesson_id}/watch"
    assert (await outsider.post(path)).status_code == 404, "it is not theirs to see"
    told = (await wang.post(path)).json()
    assert told["window_s"] == 60
    player = await world.browser()  # it has no cookie
    address = httpx.URL(told["hls"]).path
    assert code(await player.get(address)) == (404, "lesson-not-live"), "nobody is in it"
    key = address.split("/")[2]
    for wrong in ("x", key[:-2], key.split(".")[0], f"{key}x"):
        answer = await player.get(f"/hls/{wrong}/index.m3u8")
        assert code(answer) == (403, "watch-address-invalid")
        # A page of another site must see that it is refused, or it takes it for a broken line.
        assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in (await wang.get("/api/lessons")).headers


async def test_who_is_put_out_watches_no_more(
    world: World,
    present: Present,
    community: Ids,
    broadcasts: BroadcastService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lesson_id = await plan(world, community, None)
    wang, li = await world.signed_in("wang"), await world.signed_in("li")
    addresses = [
        httpx.URL((await one.post(f"/api/lessons/{lesson_id}/watch")).json()["hls"]).path
        for one in (wang, li)
    ]
    watcher = broadcasts.keys.read(addresses[0].split("/")[2])
    assert watcher is not None and watcher.lesson_id == lesson_id
    barred = {watcher.bearer_id: cast("Bar", object())}
    monkeypatch.setattr(present, "bars_of", lambda _: barred)
    player = await world.browser()
    answers = [code(await player.get(address)) for address in addresses]
    assert answers == [(403, "watch-address-invalid"), (404, "lesson-not-live")]
    again = await wang.post(f"/api/lessons/{lesson_id}/watch")
    assert code(again) == (403, "watch-address-invalid")


async def test_whose_account_is_deleted_watches_no_more(
    world: World, present: Present, community: Ids, broadcasts: BroadcastService
) -> None:
    lesson_id = await plan(world, community, None)
    admin, wang, li = [await world.signed_in(one) for one in ("admin", "wang", "li")]
    addresses = [
        httpx.URL((await one.post(f"/api/lessons/{lesson_id}/watch")).json()["hls"]).path
        for one in (wang, li)
    ]
    await broadcasts.lesson_opened(replace(lesson_plan(), lesson_id=lesson_id))
    player = await world.browser()
    pieces = [address.replace("index.m3u8", "9.9.m4s") for address in addresses]
    there = (404, "not-found")  # let in: there is no such piece
    assert [code(await player.get(piece)) for piece in pieces] == [there, there]
    who = (await wang.get("/api/session")).json()["user"]["id"]
    assert (await admin.delete(f"/api/users/{who}")).status_code == 204
    world.clock.pass_s(ASKED_AGAIN_S)
    answers = [code(await player.get(piece)) for piece in pieces]
    assert answers == [(403, "watch-address-invalid"), there]
    await broadcasts.lesson_closed(lesson_id)
    assert code(await player.get(pieces[0])) == (404, "lesson-not-live")


async def test_a_database_that_refuses_stops_no_player(
    world: World,
    present: Present,
    community: Ids,
    broadcasts: BroadcastService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lesson_id = await plan(world, community, None)
    wang = await world.signed_in("wang")
    address = (await wang.post(f"/api/lessons/{lesson_id}/watch")).json()["hls"]
    watcher = broadcasts.keys.read(address.split("/hls/")[1].split("/")[0])
    assert watcher is not None

    def refuse(_: object) -> AbstractAsyncContextManager[AsyncSession]:
        raise DatabaseRefused(Cause.FULL)

    monkeypatch.setattr(type(world.services.database), "read", refuse)
    assert await broadcasts.rights.hold(watcher, world.services.database)


async def test_a_segment_goes_out_part_by_part_as_it_is_taken(
    world: World, present: Present, community: Ids, broadcasts: BroadcastService
) -> None:
    """Whoever asks for one and reads nothing keeps no copy of it waiting in memory."""
    lesson_id = await plan(world, community, None)
    await broadcasts.lesson_opened(replace(lesson_plan(), lesson_id=lesson_id))
    hls = broadcasts.hls_of(lesson_id)
    assert hls is not None
    parts = [HlsPart(bytes([number]) * 1000, 0.2, independent=not number) for number in range(20)]
    hls.segmenter.segments.append(HlsSegment(0, 0, 0.0, False, parts, whole=True))
    li = await world.signed_in("li")
    address = (await li.post(f"/api/lessons/{lesson_id}/watch")).json()["hls"]
    key = address.split("/hls/")[1].split("/")[0]
    said: list[Message] = []
    url = httpx.URL(f"http://test/hls/{key}/0.m4s")
    await world.app(
        {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": url.path,
            "raw_path": url.raw_path,
            "query_string": b"",
            "headers": [(b"host", b"test")],
        },
        _says_nothing_more,
        _put_into(said),
    )
    assert dict(said[0]["headers"])[b"content-length"] == b"20000"
    bodies = [one["body"] for one in said[1:] if one["body"]]
    assert bodies == [part.data for part in parts]


async def _says_nothing_more() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


def _put_into(said: list[Message]) -> Send:
    async def send(message: Message) -> None:
        said.append(message)

    return send


async def test_its_teacher_has_it_pushed_where_a_setting_allows(
    world: World, present: Present, community: Ids, broadcasts: BroadcastService
) -> None:
    lesson_id = await plan(world, community, None)
    li, wang = await world.signed_in("li"), await world.signed_in("wang")
    path = f"/api/lessons/{lesson_id}/pushes"
    assert code(await wang.post(path, json={"address": ADDRESS})) == (403, "not-its-teacher")
    assert code(await li.post(path, json={"address": ADDRESS})) == (404, "lesson-not-live")
    await broadcasts.lesson_opened(replace(lesson_plan(), lesson_id=lesson_id))
    made = await li.post(path, json={"address": ADDRESS})
    assert made.status_code == 201
    assert made.json()["target"] == "rtmp://live.example.cn:1935/app/…"
    assert "KEY" not in made.text
    assert code(await li.post(path, json={"address": ADDRESS})) == (409, "pushed-already")
    elsewhere = await li.post(path, json={"address": "rtmp://127.0.0.1/app/KEY"})
    assert code(elsewhere) == (403, "push-host-not-allowed")
    assert code(await li.post(path, json={"address": "http://live.example.cn"})) == (422, "invalid")
    for number in range(3):
        answer = await li.post(path, json={"address": f"{ADDRESS}{number}"})
        assert answer.status_code == 201
    assert code(await li.post(path, json={"address": f"{ADDRESS}9"})) == (409, "too-many-pushes")
    rows = (await li.get(path)).json()
    assert len(rows) == 4 and "KEY" not in str(rows)
    assert (await li.delete(f"{path}/{rows[0]['push_id']}")).status_code == 204
    assert code(await li.delete(f"{path}/{rows[0]['push_id']}")) == (404, "not-found")
    await broadcasts.lesson_closed(lesson_id)
    assert (await li.get(path)).json() == []


async def test_pushes_go_on_after_a_restart_and_no_longer_than_their_lesson(
    world: World, present: Present, community: Ids, tmp_path: Path
) -> None:
    lesson_id = await plan(world, community, None)
    opened = replace(lesson_plan(), lesson_id=lesson_id)
    addresses = [ADDRESS, "srt://live.example.cn:9000?passphrase=SECRETSECRET", f"{ADDRESS}2"]
    async with begun(world, tmp_path) as first:
        await first.lesson_opened(opened)
        made = [await first.add_push(lesson_id, push_target(one, HOSTS)) for one in addresses]
        await first.end_push(lesson_id, made[2].push_id)
        await written(world)
    rows = await kept(world)
    assert sorted(row.id for row in rows) == sorted(one.push_id for one in made[:2])
    assert not any("KEY" in row.sealed or "SECRET" in row.sealed for row in rows)
    async with begun(world, tmp_path) as second:
        await second.lesson_opened(replace(opened, lesson_id="another"))
        assert second.pushes == ()
        await second.lesson_opened(opened)
        await until(lambda: len(second.pushes) == 2)
        again = second.pushes_of(lesson_id)
        assert [(one.push_id, one.target.address) for one in again] == [
            (one.push_id, one.target.address) for one in made[:2]
        ]
        assert not any("KEY" in repr(one.target) for one in again)
        await second.lesson_opened(opened)  # after a fault of its own: no second time
        await second.lesson_closed(lesson_id)
        await written(world)
    assert await kept(world) == []


async def test_a_host_that_is_allowed_no_more_is_pushed_to_no_more(
    world: World, present: Present, community: Ids, tmp_path: Path
) -> None:
    lesson_id = await plan(world, community, None)
    opened = replace(lesson_plan(), lesson_id=lesson_id)
    async with begun(world, tmp_path) as first:
        await first.lesson_opened(opened)
        await first.add_push(lesson_id, push_target(ADDRESS, HOSTS))
    async with begun(world, tmp_path, hosts=()) as second:
        await second.lesson_opened(opened)
        while await kept(world):
            await written(world)
        assert second.pushes == ()


async def test_what_cannot_be_kept_is_not_begun(
    world: World, present: Present, community: Ids, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a restart would silently end it."""
    lesson_id = await plan(world, community, None)
    async with begun(world, tmp_path) as broadcasts:
        await broadcasts.lesson_opened(replace(lesson_plan(), lesson_id=lesson_id))

        async def refused(*_: object) -> None:
            raise DatabaseRefused(Cause.FULL)

        monkeypatch.setattr(RememberedPushes, "keep", refused)
        with pytest.raises(DatabaseRefused):
            await broadcasts.add_push(lesson_id, push_target(ADDRESS, HOSTS))
        assert broadcasts.pushes == ()


@asynccontextmanager
async def begun(
    world: World, tmp_path: Path, hosts: tuple[str, ...] = HOSTS
) -> AsyncIterator[BroadcastService]:
    """A server that remembers its pushes, until it stops."""
    services = world.services
    made = BroadcastService(
        PlayedCore(),
        Programs(),
        keys=WatchKeys(JOIN_KEY),
        window_s=60,
        clock=world.clock,
        remembered=RememberedPushes(services.database, services.pending_writes, Seal(JOIN_KEY)),
        push_hosts=hosts,
        runtime_folder=tmp_path,
    )
    await made.start()
    yield made
    await made.close()


async def kept(world: World) -> Sequence[KeptPush]:
    async with world.services.database.read() as session:
        return (await session.scalars(select(KeptPush))).all()


async def written(world: World) -> None:
    """All that waited to be written is."""

    async def nothing(_: AsyncSession) -> None:
        pass

    await world.services.pending_writes.written("nothing", nothing)
