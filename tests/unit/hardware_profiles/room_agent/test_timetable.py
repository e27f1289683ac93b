"""A room that knows what comes while its server is away, whatever its own clock does meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from hardware_profiles.room_agent.room_tokens import TimetabledTokens
from hardware_profiles.room_agent.timetable import (
    READY_AFTER_S,
    READY_BEFORE_S,
    KnownTimetable,
    Timetable,
    TimetableTornError,
)
from hardware_profiles.room_agent.timetable_file import TimetableFile
from signaling.client.address import ServerAddress
from signaling.client.sentences import Sentence
from signaling.client.token_providers import RoomTokens

NINE = 1_900_000_000.0
HOUR = 3600.0
BOOT = "boot"


def answer(*starts: float, now: float = NINE - HOUR) -> dict[str, Any]:
    lessons = [{"id": f"l{at:.0f}", "title": "分数", "starts_at": at} for at in starts]
    return {"server_time": now, "lessons": lessons}


def learnt(*starts: float, steady: float = 500.0) -> Timetable:
    table = Timetable(None, boot=BOOT)
    assert table.learn(answer(*starts), steady=steady)
    return table


@pytest.mark.parametrize("step", [0.0, HOUR, -HOUR, 10 * 365 * 24 * HOUR])
def test_a_clock_that_steps_makes_no_lesson_early_or_late(step: float) -> None:
    """Told an hour before the lesson; then the server is away and the clock set to something."""
    table = learnt(NINE)

    def near(after_s: float) -> bool:
        return table.near(wall=NINE - HOUR + after_s + step, steady=500.0 + after_s)

    assert not near(HOUR - READY_BEFORE_S - 1)
    assert near(HOUR - READY_BEFORE_S)
    assert near(HOUR + READY_AFTER_S - 1)
    assert not near(HOUR + READY_AFTER_S)


@pytest.mark.parametrize("step", [0.0, HOUR, -HOUR])
def test_an_agent_that_is_started_again_reckons_on(step: float) -> None:
    kept = learnt(NINE).known
    assert kept is not None
    table = Timetable(KnownTimetable.read(kept.written()), boot=BOOT)
    now = table.server_time(wall=NINE + step, steady=500.0 + HOUR)
    assert now == NINE


def test_a_machine_that_is_started_again_has_its_clock_alone_and_never_goes_back() -> None:
    kept = learnt(NINE).known
    table = Timetable(kept, boot="another")
    assert table.server_time(wall=NINE, steady=3.0) == NINE
    assert table.server_time(wall=0.0, steady=3.0) == NINE - HOUR  # an empty battery
    coming = table.next(wall=0.0, steady=3.0)
    assert coming is not None and coming.starts_at == NINE


def test_the_next_lesson_is_the_earliest_that_is_not_long_past() -> None:
    table = learnt(NINE + HOUR, NINE, NINE - 2 * HOUR)
    at = [table.next(wall=0, steady=500.0 + after) for after in (0.0, HOUR + READY_AFTER_S, 9e9)]
    assert [one and one.starts_at for one in at] == [NINE, NINE + HOUR, None]


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"server_time": "now", "lessons": []},
        {"server_time": True, "lessons": []},
        {"server_time": float("nan"), "lessons": []},
        {"server_time": NINE, "lessons": 7},
    ],
)
def test_what_is_no_timetable_changes_nothing(told: dict[str, Any]) -> None:
    table = learnt(NINE)
    before = table.known
    assert not table.learn(told, steady=600.0)
    assert table.known is before


def test_lessons_of_another_form_are_left_out() -> None:
    told = answer(NINE)
    told["lessons"] += [None, {"id": "x"}, {"id": "y", "title": "t", "starts_at": float("inf")}]
    table = Timetable(None, boot=BOOT)
    table.learn(told, steady=0.0)
    assert table.known is not None and len(table.known.lessons) == 1


def test_every_tear_and_every_flipped_bit_is_found() -> None:
    kept = learnt(NINE, NINE + HOUR).known
    assert kept is not None
    whole, rng = kept.written(), random.Random(1)
    assert KnownTimetable.read(whole) == kept
    torn = [whole[:end] for end in range(len(whole))]
    for _ in range(200):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        torn.append(bytes(flipped))
    for data in torn:
        with pytest.raises(TimetableTornError):
            KnownTimetable.read(data)


def test_another_version_s_file_is_torn_too() -> None:
    body = json.dumps({"told_at": 1}).encode()
    with pytest.raises(TimetableTornError):
        KnownTimetable.read(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def test_a_torn_file_is_told_and_made_anew(tmp_path: Path) -> None:
    said: list[Sentence] = []
    file = TimetableFile(tmp_path, said.append)
    known = learnt(NINE).known
    assert known is not None
    file.write(known)
    assert file.read().known == known and said == []
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(known.written()[:-9])
    assert file.read().known is None
    assert "damaged" in said[0].en and len(said) == 1
    file.write(known)
    assert file.read().known == known


def test_another_room_s_is_another(tmp_path: Path) -> None:
    known = learnt(NINE).known
    assert known is not None
    TimetableFile(tmp_path, print, room="one").write(known)
    assert TimetableFile(tmp_path, print, room="two").read().known is None
    assert TimetableFile(tmp_path, print, room="one").read().known == known


def test_a_disk_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[Sentence] = []
    file = TimetableFile(tmp_path / "file" / "folder", said.append)
    known = learnt(NINE).known
    assert known is not None
    for _ in range(3):
        file.write(known)
    assert len(said) == 1 and "cannot be kept" in said[0].en


async def test_it_asks_by_itself_and_knows_without_the_server(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        told = {
            **answer(NINE, now=NINE - 10),
            "copied": {"message_zh": "两台", "message_en": "two"},
        }
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(told).encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = ServerAddress.parse(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        file = TimetableFile(tmp_path, lambda _: None)
        tokens = TimetabledTokens(RoomTokens(address, "secret", run="r1"), file)
        assert tokens.next is None and not tokens.near
        keeping = asyncio.create_task(tokens.keep())
        while tokens.copied is None:  # noqa: ASYNC110 - what it waits for is read by others too
            await asyncio.sleep(0.01)
        keeping.cancel()
    assert b"GET /api/room/timetable " in asked[0] and b"r1" in asked[0]
    assert tokens.copied == ("两台", "two")
    again = TimetabledTokens(RoomTokens(address, "secret"), file)  # the server is gone
    assert again.near and again.wait_s <= 1.0
    assert again.next is not None and again.next.starts_at == NINE
