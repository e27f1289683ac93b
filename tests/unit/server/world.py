"""A whole server in memory for the tests: its own clock, no network, no media."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http.cookiejar import Cookie
from pathlib import Path
from typing import Any, TypeVar, cast
from unittest import mock

import httpx
from fastapi import FastAPI
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Dialect, event, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hardware_profiles import ServerProfile
from mixer.errors import LessonUnknown
from mixer.model import LineProbe
from mixer.node import LessonStats, NodeStats
from server.accounts.first_start import setup_address
from server.accounts.passwords import Passwords
from server.app import create_app
from server.config import Settings
from server.database import engine
from server.database.data_folder import write_private
from server.database.engine import Database
from server.database.models import Base
from server.door.tls import ServedCertificate
from server.lessons.ownership import Lease, LocalOwnership
from server.node.media import MediaCore
from server.parts import OpenMedia
from server.services import Services

ORIGIN = "http://127.0.0.1:7880"
PASSWORD = "correct horse"
BEGAN = 1_800_000_000.0
JOIN_KEY = b"k" * 32  # the same in every folder, as are the cookies made with it

Rows = dict[str, list[dict[str, Any]]]  # by table
T = TypeVar("T")


@dataclass
class TestClock:
    """A clock that moves when told."""

    __test__ = False

    now: float = BEGAN
    set_by_s: float = 0.0

    def __call__(self) -> float:
        return self.now

    def steady(self) -> float:
        """The other clock of the machine, which nobody sets."""
        return self.now - self.set_by_s

    def set_on(self, seconds: float) -> None:
        """Somebody sets it, back if it is less than nothing: no time passes."""
        self.now += seconds
        self.set_by_s += seconds

    def pass_s(self, seconds: float) -> None:
        self.now += seconds


class NoMedia:
    """Media that nobody may need: any other call fails the test."""

    ready = True
    lesson_ids: tuple[str, ...] = ()

    def lesson_stats(self, lesson_id: str) -> LessonStats:
        raise LessonUnknown(lesson_id)

    def line_probe(self) -> LineProbe:
        return LineProbe("ufragufr", "p" * 24, udp=(("10.0.0.9", 7881),), tcp=(("10.0.0.9", 7882),))

    def node_stats(self) -> NodeStats:
        return {
            "lessons": 0,
            "lessons_admitted": 4,
            "ticks": 0,
            "tick_busy_s": 0.0,
            "tick_late_s": 0.0,
            "ports": [],
        }


@asynccontextmanager
async def no_media(_settings: Settings, _hardware: ServerProfile) -> AsyncIterator[MediaCore]:
    yield cast(MediaCore, NoMedia())


@dataclass
class World:
    """A running application and browsers to visit it with."""

    app: FastAPI
    clock: TestClock
    settings: Settings
    stack: AsyncExitStack
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        return cast(Services, self.app.state.services)

    async def browser(self, address: str = "10.0.0.1") -> httpx.AsyncClient:
        """A browser with its own cookies."""
        transport = httpx.ASGITransport(
            app=self.app, client=(address, 5000), raise_app_exceptions=False
        )
        client = httpx.AsyncClient(transport=transport, base_url=ORIGIN)
        return await self.stack.enter_async_context(client)

    async def signed_in(self, username: str, password: str = PASSWORD) -> httpx.AsyncClient:
        """A browser in which this user is signed in."""
        browser = await self.browser()
        answer = await browser.post(
            "/api/session", json={"username": username, "password": password}
        )
        assert answer.status_code == 200, answer.text
        return browser

    async def administrator(self) -> httpx.AsyncClient:
        """The first administrator, `admin`, made by the one-time address."""
        browser = await self.browser()

        async def set_up() -> list[Cookie]:
            address = await setup_address(self.services.database, self.settings, self.clock())
            assert address is not None
            answer = await browser.post(
                "/api/setup",
                json={
                    "key": address.partition("#key=")[2],
                    "username": "admin",
                    "display_name": "管理员",
                    "password": PASSWORD,
                },
            )
            assert answer.status_code == 200, answer.text
            return list(browser.cookies.jar)

        for cookie in await self._laid("administrator", set_up):
            browser.cookies.jar.set_cookie(cookie)
        return browser

    async def community(self, admin: httpx.AsyncClient) -> dict[str, str]:
        """The ids of a community, as `make_community` names them."""
        return dict(await self._laid("community", lambda: make_community(admin)))

    async def _laid(self, name: str, make: Callable[[], Awaitable[T]]) -> T:
        """What `make` gives; the rows it makes are kept, and for every later test laid at once."""
        if self.clock() != BEGAN:  # they would tell another moment
            return await make()
        if name not in _LAID:
            before = await self._rows()
            made = await make()
            after = await self._rows()
            new = {name: [row for row in after[name] if row not in before[name]] for name in after}
            _LAID[name] = (made, {table: rows for table, rows in new.items() if rows})
            return made
        made, rows = _LAID[name]
        async with self.services.database.write() as session:
            for table in rows:
                await session.execute(insert(Base.metadata.tables[table]), rows[table])
        return cast(T, made)

    async def _rows(self) -> Rows:
        async with self.services.database.read() as session:
            return {
                table.name: [dict(row) for row in (await session.execute(select(table))).mappings()]
                for table in Base.metadata.sorted_tables
            }


_LAID: dict[str, tuple[Any, Rows]] = {}
_DIALECTS: dict[str, Dialect] = {}  # as they have found their databases
_COMPILED: dict[Any, Any] = {}
_MIGRATED: list[bytes] = []  # an empty database, migrated once for all tests


def lay_database(folder: Path) -> None:
    """Spare each test the 100 ms of the migrations; `test_database` runs them."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "tongke.db"
    if file.exists():
        return
    if not _MIGRATED:
        asyncio.run(_migrate(f"sqlite+aiosqlite:///{file}"))
        _MIGRATED.append(file.read_bytes())
    file.write_bytes(_MIGRATED[0])


def _remembering_engine(url: str, **options: Any) -> AsyncEngine:
    """One that knows the statements which those of earlier tests have compiled."""
    made = create_async_engine(url, **options)
    sync, name = made.sync_engine, made.dialect.name
    if name in _DIALECTS:
        sync.dialect = _DIALECTS[name]
    else:
        event.listen(sync, "connect", lambda *_: _DIALECTS.setdefault(name, made.dialect))
    sync.update_execution_options(compiled_cache=_COMPILED)
    return made


async def _migrate(url: str) -> None:
    database = Database(url)
    await database.migrate()
    await database.close()


@asynccontextmanager
async def running_world(
    folder: Path,
    *,
    open_media: OpenMedia = no_media,
    certificate: ServedCertificate | None = None,
    leases: dict[str, Lease] | None = None,
    keep_time: bool = False,
    **settings: Any,
) -> AsyncIterator[World]:
    """The application over a data folder, until the end of the block.

    With `leases` it is the node `this` of those that share them. Unless it is to `keep_time` by
    itself, nothing ticks beside the test: that is a third of what a short one costs.

    `database_wait_s` is how long a writer waits for its turn: so long that only a lock that is
    really held is one, however busy the machine.
    """
    patience = mock.patch.object(engine, "WAIT_S", settings.pop("database_wait_s", 60.0))
    memory = mock.patch.object(engine, "create_async_engine", _remembering_engine)
    usual = {"host": "127.0.0.1", "plain_http": True, "web_folder": folder / "web"}
    made = Settings(data_folder=folder / "data", **{**usual, **settings})
    if made.web_folder == folder / "web" and not made.web_folder.exists():
        made.web_folder.mkdir()
        (made.web_folder / "index.html").write_text("<!doctype html><title>Tongke</title>")
    if not made.database_url:
        await asyncio.to_thread(lay_database, made.data_folder)
    key = made.data_folder / "join_token.key"
    if not key.exists():
        made.data_folder.mkdir(parents=True, exist_ok=True)
        write_private(key, JOIN_KEY)
    clock = TestClock()
    cheap = Passwords(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1))
    app = create_app(
        made,
        certificate=certificate,
        clock=clock,
        steady=clock.steady,
        passwords=cheap,
        open_media=open_media,
        ownership=LocalOwnership("this", clock, leases),
        record=False,
        keep_time=keep_time,
    )
    with patience, memory:
        async with AsyncExitStack() as stack, app.router.lifespan_context(app):
            yield World(app, clock, made, stack)


async def post(browser: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """A POST that must succeed."""
    answer = await browser.post(path, json=body)
    assert answer.status_code in {200, 201}, answer.text
    return cast(dict[str, Any], answer.json())


def lesson_body(ids: dict[str, str], **changes: Any) -> dict[str, Any]:
    """A lesson of the community, to be started now."""
    return {
        "title": "圆的面积",
        "subject": "数学",
        "grade": "六年级",
        "mode": "delivery",
        "community_id": ids["community"],
        "lead_classroom_id": ids["room_0"],
        "room_classroom_ids": [ids["room_1"], ids["room_2"]],
        "starts_at": None,
        "record": True,
        **changes,
    }


async def make_community(admin: httpx.AsyncClient) -> dict[str, str]:
    """One urban and two rural schools with a classroom each, a teacher of each of the first two.

    Gives ids by name: `lead_school`, `rural_1`, `rural_2`, `room_0` … `room_2`, `community`,
    `li` (teaches at the lead school), `wang` (at rural 1), `outsider` (at no school of it).
    """
    ids = {}
    for key, name, kind in (
        ("lead_school", "实验小学", "urban"),
        ("rural_1", "青山小学", "rural"),
        ("rural_2", "河湾小学", "rural"),
        ("elsewhere", "远方小学", "rural"),
    ):
        ids[key] = (await post(admin, "/api/schools", {"name": name, "kind": kind}))["id"]
    for number, school in enumerate(("lead_school", "rural_1", "rural_2", "elsewhere")):
        body = {"school_id": ids[school], "name": f"{number}号教室"}
        ids[f"room_{number}"] = (await post(admin, "/api/classrooms", body))["id"]
    body = {
        "name": "青山共同体",
        "lead_school_id": ids["lead_school"],
        "partner_school_ids": [ids["rural_1"], ids["rural_2"]],
    }
    ids["community"] = (await post(admin, "/api/communities", body))["id"]
    for username, name, school in (
        ("li", "李老师", "lead_school"),
        ("wang", "王老师", "rural_1"),
        ("outsider", "赵老师", "elsewhere"),
    ):
        person = {
            "username": username,
            "display_name": name,
            "role": "teacher",
            "school_id": ids[school],
            "password": PASSWORD,
        }
        ids[username] = (await post(admin, "/api/users", person))["id"]
    return ids


async def pages(browser: httpx.AsyncClient, address: str) -> list[list[str]]:
    """Every page of a list, each by the `Link` of the one before (as httpx reads it)."""
    found: list[list[str]] = []
    while address:
        answer = await browser.get(address)
        assert answer.status_code == 200, answer.text
        found.append([row["id"] for row in answer.json()])
        address = answer.links.get("next", {}).get("url", "")
    return found
