"""The doctor before servers that hang, lie or answer nonsense: a finding each, in its time."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest

from hardware_profiles.doctor import line_probe
from hardware_profiles.doctor.findings import Checked, Grade
from hardware_profiles.doctor.line_probe import MediaWays, RoomServer, ServerUnreachable
from hardware_profiles.doctor.room import RoomCheck
from hardware_profiles.doctor.words import SERVER
from hardware_profiles.loader import load_room_profile
from signaling.client.address import ServerAddress

NOWHERE: dict[str, Any] = {"ufrag": "u", "password": "p", "udp": [], "tcp": [], "ice_servers": []}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n"


@asynccontextmanager
async def server(answer: bytes, *, drips: bytes = b"") -> AsyncIterator[RoomServer]:
    """Says this to every question, then one byte after the other until it is left."""

    left, said = asyncio.Event(), set[asyncio.Task[Any]]()

    async def says(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said.add(cast("asyncio.Task[Any]", asyncio.current_task()))
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            while drips and not left.is_set():
                await writer.drain()
                writer.write(drips)
                await asyncio.sleep(0.05)
        writer.close()

    async with await asyncio.start_server(says, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        try:
            yield RoomServer(ServerAddress.parse(f"http://127.0.0.1:{port}"), "tkr_x")
        finally:
            left.set()
            await asyncio.gather(*said)
            for thread in threading.enumerate():  # those left to themselves end with it
                if thread.name == "doctor-asks":
                    await asyncio.to_thread(thread.join, 20)


@pytest.mark.parametrize("begun", [HEAD + b"\r\n", b"HTTP/1.1 200 OK\r\nX: "])
async def test_a_server_that_drips_is_away_in_time(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte is in time, the answer never: in its body, or already in its head."""
    monkeypatch.setattr(line_probe, "_ANSWER_S", 0.5)
    monkeypatch.setattr(line_probe, "RATE_S", 0.2)
    monkeypatch.setattr(line_probe, "_GRACE_S", 0.2)
    async with server(begun, drips=b" ") as one:
        began = time.monotonic()
        with pytest.raises(ServerUnreachable) as told:
            await one.ask("/api/room")
        await one.rates()
        assert time.monotonic() - began < 10
    assert told.value.word == "away"


@pytest.mark.parametrize("body", [b"[" * 200_000, b"<html>", b"\xff\xfe", b"[]"])
async def test_what_is_no_answer_of_ours_is_another_server(body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with server(head + body) as one:
        with pytest.raises(ServerUnreachable) as told:
            await one.ask("/api/room")
    assert told.value.word == "old"


@pytest.mark.parametrize(
    "place",
    [
        {"host": "10.0.0.1", "port": 99_999},
        {"host": "10.0.0.1", "port": float("inf")},
        {"host": "10.0.0.1", "port": 0},
        {"host": "a..b", "port": 9},
        {"host": "a" * 64, "port": 9},
        {"host": "", "port": 9},
    ],
)
def test_a_place_where_nothing_can_be_is_no_answer(place: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        MediaWays.of({**NOWHERE, "udp": [place]})
    relay = [{"urls": [f"turn:{place['host']}:{place['port']}"]}]
    ways = MediaWays.of({**NOWHERE, "ice_servers": relay})
    assert all(0 < one.port < 65_536 for one in ways.relays)


def test_of_places_without_end_the_first_are_tried() -> None:
    many = [{"host": "10.0.0.1", "port": 9}] * 5_000
    relays = [{"urls": ["turn:10.0.0.1"] * 5_000}] * 5_000
    ways = MediaWays.of({**NOWHERE, "udp": many, "tcp": many, "ice_servers": relays})
    assert max(len(ways.udp), len(ways.tcp), len(ways.relays)) <= 8


@pytest.mark.parametrize("said", [10**400, float("inf"), float("nan"), -1, "now"])
async def test_a_time_that_is_none_is_not_judged(
    said: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_probe, "RATE_S", 0.1)
    body = json.dumps({**NOWHERE, "server_time": said}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with server(head + body) as one:
        check = RoomCheck(load_room_profile("standard"), {}, None)
        found = await check._line_to(one)
    assert [finding.check for finding in found][:2] == ["server", "line"]


async def test_what_raises_is_a_finding_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its text may hold anything: of it nothing is told."""

    def part(*found: Checked) -> Callable[[RoomCheck], Any]:
        async def run(_check: RoomCheck) -> list[Checked]:
            if not found:
                raise OverflowError("s3cret")
            return list(found)

        return run

    good = Checked(check="x", name=SERVER, verdict=Grade.GOOD, words=SERVER)
    monkeypatch.setattr(RoomCheck, "_cameras", part())
    monkeypatch.setattr(RoomCheck, "_sound", part(good))
    monkeypatch.setattr(RoomCheck, "_machine", part(good))
    monkeypatch.setattr(RoomCheck, "_line", part())
    report = await RoomCheck(load_room_profile("standard"), {}, None).run()
    assert [one.check for one in report.findings] == ["failed", "x", "x", "failed"]
    assert report.verdict is Grade.WEAK
    assert "s3cret" not in report.model_dump_json()
