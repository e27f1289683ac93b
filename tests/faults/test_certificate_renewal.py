"""A certificate is renewed in the middle of a lesson: who comes next is shown the new one, and who
is there loses neither the connection nor a packet beyond 0.1 %."""

from __future__ import annotations

import datetime
import hashlib
import json
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.browser.county import ADMINISTRATOR, ROOMS, County, client, post
from tests.browser.server_process import ServerProcess
from tests.unit.server.door.certificate_files import Made, made

pytestmark = [pytest.mark.thorough, pytest.mark.alone, pytest.mark.timeout(300)]

PATIENCE_S = 60.0
SEATS = 2
# Sound alone is fifty packets a second: enough of both seats for a thousandth to be seen.
PACKETS = 2000
MOST_LOST = 0.001


def issued() -> Made:
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    return made("county", "127.0.0.1", begins=now - day, ends=now + 90 * day)


def fingerprint(certificate: Made) -> str:
    return hashlib.sha256(certificate.certificate.public_bytes(Encoding.DER)).hexdigest()


def shown(server: ServerProcess) -> str:
    """What the next who comes is shown."""
    pem = ssl.get_server_certificate(("127.0.0.1", server.port), timeout=PATIENCE_S)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def until(what: Callable[[], Any]) -> Any:
    """What it gives at last."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
    return found


def measured(admin: httpx.Client, lesson_id: str) -> tuple[dict[str, int], int, int]:
    """By stream how many packets came and went; all of them, and how many were lost."""
    answer = admin.get(f"/api/lessons/{lesson_id}/stats")
    if not answer.is_success:  # nobody has come yet
        return {}, 0, 0
    stats = answer.json()
    streams: dict[str, int] = {}
    lost = 0
    for seat in stats["seats"]:
        for device in seat["devices"]:
            for way in ("sends", "receives"):
                for stream in device[way]:
                    for part in stream["layers"] if way == "sends" else [stream]:
                        name = f"{device['device_id']} {way} {stream['producer_id']}"
                        streams[name] = streams.get(name, 0) + part["packets"]
                        lost += part["lost"]
    return streams, sum(streams.values()), lost


def test_nobody_notices_in_the_middle_of_a_lesson(tmp_path: Path) -> None:
    first, second = issued(), issued()
    first.write(tmp_path, "live")
    (tmp_path / "data").mkdir()
    with ExitStack() as stack:
        server = ServerProcess(
            tmp_path / "data",
            settings={
                "TONGKE_HOST": "127.0.0.1",
                "TONGKE_TLS_CERT": str(tmp_path / "live.crt"),
                "TONGKE_TLS_KEY": str(tmp_path / "live.key"),
            },
        )
        stack.callback(server.stop)
        server.start()
        assert shown(server) == fingerprint(first)
        county = County.founded(server.origin, server.setup_key, profile="recording-room")
        stack.callback(county.teacher.close)
        admin = stack.enter_context(client(server.origin))
        post(admin, "/api/session", **ADMINISTRATOR)
        lesson_id = county.lesson_now(mode="blended")
        options = ["--server", server.origin, "--insecure", "--height", "180", "--json", "--watch"]
        told_to_people = stack.enter_context((tmp_path / "seats.txt").open("wb"))
        seats = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "server", "simulate", "--credentials-file", "-", *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=told_to_people,
            )
        )
        stack.callback(seats.kill)
        assert seats.stdin is not None
        seats.stdin.write(" ".join(county.credentials[name] for name in ROOMS[:SEATS]).encode())
        seats.stdin.close()
        until(lambda: measured(admin, lesson_id)[1] > PACKETS / 2)
        before, _, _ = measured(admin, lesson_id)

        second.write(tmp_path, "live")
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
        until(lambda: shown(server) == fingerprint(second))

        until(lambda: measured(admin, lesson_id)[1] > sum(before.values()) + PACKETS)
        after, packets, lost = measured(admin, lesson_id)
        # Every stream went on, as the same one.
        assert {name for name, count in before.items() if after.get(name, 0) <= count} == set()
        assert lost <= packets * MOST_LOST
        seats.send_signal(signal.SIGTERM)
        assert seats.stdout is not None
        told = json.loads(seats.stdout.read().splitlines()[-1])
        assert [seat["joins"] for seat in told["seats"]] == [1] * SEATS
        assert "another certificate is served" in server.log.read_text()
