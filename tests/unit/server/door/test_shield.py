"""Bounds on bodies, headers on answers, one shape for every failure."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest

from server.api import health
from server.database.engine import Database
from server.database.refusing import Cause, DatabaseRefused
from server.door.shield import content_security_policy
from tests.unit.server.world import World, running_world

LIMIT = 262_144


async def test_large_bodies_are_refused_before_they_are_read(world: World) -> None:
    browser = await world.browser()
    answer = await browser.post("/api/session", content=b"x" * (LIMIT + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


async def test_large_bodies_without_a_length_are_cut(world: World) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 65_536
            yield b"x" * 65_536

    answer = await (await world.browser()).post("/api/session", content=endless())
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


@pytest.mark.parametrize("length", ["-1", "many", "9" * 30])
async def test_wrong_lengths_are_refused(world: World, length: str) -> None:
    request = httpx.Request(
        "POST", "http://127.0.0.1:7880/api/session", headers={"content-length": length}
    )
    answer = await (await world.browser()).send(request)
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/", "/api/setup", "/api/nothing", "/healthz"])
async def test_every_answer_has_the_security_headers(world: World, path: str) -> None:
    headers = (await (await world.browser()).get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "ws://127.0.0.1:7880" in headers["content-security-policy"]
    assert "camera=(self)" in headers["permissions-policy"]


async def test_the_interface_is_never_cached(world: World) -> None:
    browser = await world.browser()
    for path in ("/api/setup", "/media/recordings/r1/part.mp4"):
        assert (await browser.get(path)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("tongke.example.cn", "wss://tongke.example.cn"),
        ("[2001:db8::1]:7880", "wss://[2001:db8::1]:7880"),
        ("evil.example; script-src *", ""),
        ("", ""),
    ],
)
def test_a_host_cannot_write_the_policy(host: str, named: str) -> None:
    policy = content_security_policy(host, secure=True)
    connect = next(part for part in policy.split("; ") if part.startswith("connect-src"))
    assert connect == f"connect-src 'self' {named}".rstrip()
    assert "script-src 'self'" in policy
    assert policy.count("script-src") == 1


@pytest.mark.parametrize(
    ("settings", "host", "bound"),
    [
        ({"tls": True}, "tongke.example.cn", True),
        ({"tls": True}, "tongke.example.cn:7880", True),
        ({"tls": True}, "LOCALHOST:7880", False),  # it would bind all that runs on this machine
        ({"tls": True}, "a.localhost", False),
        ({"tls": True}, "evil; includeSubDomains", False),
        ({}, "tongke.example.cn", False),  # self-made: a warning must have a way past it
        ({"plain_http": True}, "tongke.example.cn", False),
    ],
)
async def test_a_given_certificate_alone_binds_browsers_to_https(
    tmp_path: Path, settings: dict[str, bool], host: str, bound: bool
) -> None:
    given: dict[str, Any] = {"plain_http": settings.get("plain_http", False)}
    if settings.get("tls"):
        given |= {"tls_cert": tmp_path / "a.crt", "tls_key": tmp_path / "a.key"}
    async with running_world(tmp_path, **given) as world:
        headers = (await (await world.browser()).get("/healthz", headers={"host": host})).headers
    assert headers.get("strict-transport-security") == ("max-age=2592000" if bound else None)


async def test_a_bug_of_ours_is_told_with_a_number(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(world.services.rooms, "online", broken)
    admin = await world.administrator()
    answer = await admin.get("/api/classrooms")
    told = answer.json()
    assert (answer.status_code, told["code"]) == (500, "internal")
    assert "ZeroDivision" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_health_and_readiness(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await world.browser()
    assert (await browser.get("/healthz")).text == "ok\n"
    ready = await browser.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    monkeypatch.setattr(world.services.media, "ready", False)
    monkeypatch.setattr(health, "clock_fault", lambda now: "ok")  # this machine's may not be kept

    @asynccontextmanager
    async def away(**_wait: float) -> AsyncIterator[None]:
        raise DatabaseRefused(Cause.AWAY)
        yield

    monkeypatch.setattr(world.services.database, "write", away)
    unready = await browser.get("/readyz")
    assert unready.status_code == 503
    assert unready.json() == {
        "ready": False,
        "checks": {
            "database": "away",
            "data_folder": "ok",
            "recordings_folder": "ok",
            "media": "not listening",
            "pages": "ok",
            "clock": "ok",
        },
    }


async def test_a_moved_database_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "moved", True)
    answer = await (await world.browser()).get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "moved")


@pytest.mark.parametrize(("up", "told"), [(True, "ok"), (False, "not running")])
async def test_a_recorder_that_is_down_is_told_and_lessons_go_on(
    world: World, up: bool, told: str
) -> None:
    recording = mock.Mock()
    recording.totals.return_value.recorder_up = up
    world.app.state.services = dataclasses.replace(world.services, recording=recording)
    answer = await (await world.browser()).get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["recorder"]) == (200, told)


async def test_the_interface_describes_itself(world: World) -> None:
    described = (await (await world.browser()).get("/api/openapi.json")).json()
    assert "/api/lessons/{lesson_id}/token" in described["paths"]
    assert described["info"]["title"].startswith("Tongke")


async def test_the_reference_page_needs_nothing_from_elsewhere(world: World) -> None:
    page = await (await world.browser()).get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "/api/lessons/{lesson_id}/token" in page.text
    assert "room_classroom_ids: [string]" in page.text
    assert "<script" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
