"""`tongke simulate --lessons` against a real server: what it makes, tells, and takes away again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.unit.demo.test_demo import START_LIMIT_S, running_demo, signed_in

SMALL = ("--height", "90", "--frame-rate", "8")


def command(origin: str, password_file: Path, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "server", "simulate", "--server", origin, *SMALL),
        *("--administrator", "admin", "--password-file", str(password_file), *options),
    ]


def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=START_LIMIT_S, check=False
    )


def standing(http: httpx.Client) -> dict[str, list[str]]:
    """What stands on the server, by id; lessons whatever their state."""
    kinds = ("schools", "classrooms", "communities", "lessons")
    return {
        kind: sorted(row["id"] for row in http.get(f"/api/{kind}").raise_for_status().json())
        for kind in kinds
    }


def test_a_county_is_made_measured_and_removed(tmp_path: Path) -> None:
    with running_demo(tmp_path / "demo", "--no-rooms") as (_, addresses):
        origin = addresses["origin"]
        password = tmp_path / "password"
        password.write_text(addresses["password"] + "\n")
        with signed_in(addresses, "administrator") as http:
            before = standing(http)

            load = ("--lessons", "2", "--rooms", "1", "--receive", "all")
            done = run(origin, password, *load, "--duration", "5", "--json")
            assert done.returncode == 0, done.stderr
            told = json.loads(done.stdout)
            assert told["failed"] == 0
            assert [seat["seat"] for seat in told["seats"]] == ["lead", "room-1"] * 2
            for seat in told["seats"]:
                # The other seat of the lesson is received, and of nobody else anything.
                assert seat["sent_packets"] > 50 and seat["sent_bps"] > 1000, seat
                assert seat["sent_pictures"] > 5 and seat["received_pictures"] > 5, seat
                assert seat["received_packets"] > 50 and seat["delay_ms"] is not None, seat
            marks = [{n for one in s["received"] for n in one["identities"]} for s in told["seats"]]
            assert marks == [{2}, {1}, {4}, {3}]
            assert standing(http) == before

            # Ctrl-C while it runs: the same, and nothing failed.
            with subprocess.Popen(
                command(origin, password, "--lessons", "1", "--rooms", "1"),
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                assert process.stderr is not None
                told_lines = iter(process.stderr.readline, "")
                assert any("as room" in line for line in told_lines)
                assert standing(http) != before
                process.send_signal(signal.SIGINT)
                rest = process.stderr.read()
                assert process.wait(START_LIMIT_S) in {0, 1}
            assert "removed" in rest
            assert standing(http) == before

        password.write_text("not the password")
        refused = run(origin, password, "--lessons", "1")
        assert refused.returncode == 1
        assert "does not match" in refused.stderr or "password" in refused.stderr
