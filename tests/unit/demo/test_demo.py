"""The demonstration as a newcomer starts it: one command, one address, nothing left behind."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

# Far more than it takes (two seconds); a test machine may be busy.
START_LIMIT_S = 90.0


def command(folder: Path, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "server", "demo", "--print-json"),
        *("--data-folder", str(folder), "--port", "0", "--media-port", "0", *options),
    ]


@contextmanager
def running_demo(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """A demonstration and its addresses; ended by SIGINT, as Ctrl-C does."""
    with subprocess.Popen(
        command(folder, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            ready, _, _ = select.select([process.stdout], [], [], START_LIMIT_S)
            line = process.stdout.readline() if ready else ""
            if not line:
                process.kill()
                pytest.fail(f"the demonstration did not start: {process.stderr.read()}")
            yield process, json.loads(line)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(START_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def children_of(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text().rsplit(") ", 1)[1].split()[1]) == pid:
                found.append(int(status.parent.name))
    return found


def await_end(pids: list[int]) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    for pid in pids:
        with suppress(ProcessLookupError):
            watch = os.pidfd_open(pid)
            try:
                left_s = max(0.0, deadline - time.monotonic())
                assert select.select([watch], [], [], left_s)[0], f"process {pid} lives on"
            finally:
                os.close(watch)


def await_rooms(http: httpx.Client, lesson_id: str) -> list[dict[str, Any]]:
    """The rooms' seats, once all three send picture and sound."""
    deadline = time.monotonic() + START_LIMIT_S
    rooms: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        lessons = http.get("/api/admin/live").raise_for_status().json()["lessons"]
        lesson = next(each for each in lessons if each["lesson"]["id"] == lesson_id)
        rooms = [seat for seat in lesson["seats"] if seat["role"] == "room" and seat["present"]]
        if len(rooms) == 3 and all(
            {s["source"] for s in seat["sources"] if s["live"]} == {"room", "students"}
            for seat in rooms
        ):
            return rooms
        time.sleep(0.2)
    raise AssertionError(f"the rooms are not all there: {rooms}")


def a_visitors_room_is_theirs_alone(http: httpx.Client, addresses: dict[str, Any]) -> None:
    """The second address: nobody else's page or simulation sits where it leads."""

    def seat(credential: str) -> tuple[str, str]:
        answer = http.get("/api/room", headers={"authorization": f"Bearer {credential}"})
        told = answer.raise_for_status().json()
        assert told["lesson"]["id"] == addresses["lesson_id"] and told["token"]
        seats = {one["classroom_id"]: one["seat_id"] for one in told["lesson"]["seats"]}
        return told["classroom"]["name"], seats[told["classroom"]["id"]]

    visitors = seat(addresses["room"].partition("#credential=")[2])
    assert visitors not in [seat(one) for one in addresses["credentials"]]
    assert visitors[0] == "云岭二教室 Yunling 2"


@contextmanager
def signed_in(addresses: dict[str, Any], username: str) -> Iterator[httpx.Client]:
    origin = addresses["origin"]
    with httpx.Client(base_url=origin, headers={"Origin": origin}, timeout=30) as http:
        sign_in = {"username": addresses[username], "password": addresses["password"]}
        http.post("/api/session", json=sign_in).raise_for_status()
        yield http


@pytest.mark.thorough
@pytest.mark.timeout(300)  # three starts, on whatever machine
def test_one_address_signs_in_and_what_was_killed_comes_back_with_keep(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with running_demo(folder) as (process, first):
        address = urlsplit(first["address"])
        fragment = parse_qs(address.fragment)
        assert fragment["next"] == [f"/teach/{first['lesson_id']}"]
        origin = first["origin"]
        with httpx.Client(base_url=origin, headers={"Origin": origin}, timeout=30) as http:
            key = {"key": fragment["key"][0]}
            http.post("/api/session/key", json=key).raise_for_status()
            lesson = http.get(f"/api/lessons/{first['lesson_id']}").raise_for_status().json()
            assert (lesson["state"], len(lesson["seats"])) == ("live", 5)
            token = http.post(f"/api/lessons/{lesson['id']}/token", json={"role": "lead"})
            assert token.raise_for_status().json()["seat_id"] == "lead"
            assert http.post("/api/session/key", json=key).status_code == 403  # once only
            a_visitors_room_is_theirs_alone(http, first)
        with signed_in(first, "administrator") as http:
            await_rooms(http, first["lesson_id"])
        children = children_of(process.pid)
        process.kill()
        await_end(children)
    with running_demo(folder, "--keep") as (process, second):
        # The same lesson, the same rooms: pages that were open come back by themselves.
        assert second["lesson_id"] == first["lesson_id"]
        assert second["credentials"] == first["credentials"]
        assert urlsplit(second["room"]).fragment == urlsplit(first["room"]).fragment
        with signed_in(second, "administrator") as http:
            await_rooms(http, second["lesson_id"])
            http.post(f"/api/lessons/{second['lesson_id']}/end").raise_for_status()
        children = children_of(process.pid)
        assert children
    assert process.returncode == 0
    await_end(children)
    with running_demo(folder, "--no-rooms") as (_, third):
        assert third["lesson_id"] != first["lesson_id"]
        with signed_in(third, "teacher") as http:
            assert http.get("/api/recordings").raise_for_status().json() == []
        assert third["credentials"] != first["credentials"]


def refused(folder: Path, *options: str) -> str:
    done = subprocess.run(
        command(folder, *options),
        capture_output=True,
        text=True,
        timeout=START_LIMIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_a_folder_that_is_no_demonstrations_is_left_alone(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("dear")
    assert "left alone" in refused(tmp_path)
    assert letter.read_text() == "dear"


@pytest.mark.thorough
def test_a_busy_port_is_told_and_another_taken_and_no_second_one_empties_the_folder(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "demo"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running_demo(folder, "--no-rooms", "--port", str(port)) as (demo, said):
            assert urlsplit(said["origin"]).port not in (None, port)
            assert httpx.get(f"{said['origin']}/healthz").status_code == 200
            assert demo.stderr is not None
            assert str(port) in demo.stderr.readline()
            greeting = "".join(demo.stderr.readline() for _ in range(8))
            assert "without simulated classrooms" in greeting
            assert "already running" in refused(folder)
            with signed_in(said, "teacher") as http:
                lesson = http.get(f"/api/lessons/{said['lesson_id']}")
                assert lesson.raise_for_status().json()["state"] == "live"
