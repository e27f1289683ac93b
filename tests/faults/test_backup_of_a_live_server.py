"""A backup of a server in the middle of a recorded lesson, while people write, is a server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.unit.demo.test_demo import START_LIMIT_S, await_rooms, running_demo, signed_in


def tongke(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as somebody gives it in another folder, with no settings of the server's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TONGKE_")}
    done = subprocess.run(
        [sys.executable, "-m", "server", *map(str, arguments)],
        cwd=folder,
        env={**kept, "LANG": "en_GB.UTF-8", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=START_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


class Writing(threading.Thread):
    """An administrator who adds one school after the other."""

    def __init__(self, http: httpx.Client) -> None:
        super().__init__()
        self.written: list[str] = []
        self._http = http
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            name = f"School {len(self.written)}"
            self._http.post("/api/schools", json={"name": name, "kind": "rural"}).raise_for_status()
            self.written.append(name)

    def end(self) -> None:
        self._over.set()
        self.join()


@contextmanager
def a_lead(addresses: dict[str, Any]) -> Iterator[None]:
    """The teacher, simulated: a lesson is recorded since its lead is there."""
    with signed_in(addresses, "teacher") as http:
        address = f"/api/lessons/{addresses['lesson_id']}/token"
        token = http.post(address, json={"role": "lead"}).raise_for_status().json()["token"]
    command = [sys.executable, "-m", "server", "simulate", "--server", addresses["origin"]]
    with subprocess.Popen(
        [*command, "--token", token, "--height", "90", "--frame-rate", "8", "--stop-with-parent"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def await_recording(http: httpx.Client, state: str) -> dict[str, Any]:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        found = http.get("/api/recordings").raise_for_status().json()
        if found and found[0]["state"] == state:
            return dict(found[0])
        time.sleep(0.2)
    raise AssertionError(f"no recording is {state}: {found}")


def test_it_goes_on_from_its_copy(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with ExitStack() as stack:
        _, first = stack.enter_context(running_demo(tmp_path / "first"))
        http = stack.enter_context(signed_in(first, "administrator"))
        await_rooms(http, first["lesson_id"])
        stack.enter_context(a_lead(first))
        recorded = await_recording(http, "recording")
        writing = Writing(http)
        writing.start()
        while len(writing.written) < 20:
            time.sleep(0.01)
        before = len(writing.written)
        tongke(folder, "backup", tmp_path / "copy.tar", "--data-folder", tmp_path / "first")
        while len(writing.written) < before + 20:
            time.sleep(0.01)
        writing.end()
        lesson = http.get(f"/api/lessons/{first['lesson_id']}").json()
        assert lesson["state"] == "live"

    tongke(folder, "restore", tmp_path / "copy.tar", "--data-folder", tmp_path / "second")
    second_run = running_demo(tmp_path / "second", "--keep", "--no-rooms")
    with second_run as (_, second), signed_in(second, "administrator") as http:
        found = {one["name"] for one in http.get("/api/schools").json()}
        kept = [name in found for name in writing.written]
        assert all(kept[:before]) and kept == sorted(kept, reverse=True)
        lesson = http.get(f"/api/lessons/{first['lesson_id']}").json()
        assert (lesson["state"], second["lesson_id"] == first["lesson_id"]) == ("ended", False)
        # What had been recorded until then is finished and can be played.
        playable = await_recording(http, "ready")
        assert playable["id"] == recorded["id"] and playable["parts"] == []
        whole = http.get(f"/api/recordings/{playable['id']}").raise_for_status().json()
        assert whole["parts"] and whole["duration_s"] > 0
        # Its rooms' credentials are good here.
        for credential in first["credentials"]:
            answer = http.get("/api/room", headers={"authorization": f"Bearer {credential}"})
            assert answer.raise_for_status().json()["lesson"]["id"] == second["lesson_id"]
