"""A log is safe to send to a stranger at every level: nothing in it opens anything.

A real server that logs all it can (`debug`), to which everything comes that has a secret: people
sign in, rooms come by credential, a screen is paired, an encoder sends by WHIP, a county is
imported, a lesson is recorded, watched and pushed elsewhere. Then the log is searched for each
secret there was, and for parts of it.
"""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.browser.county import ADMINISTRATOR, ROOMS, TEACHER, County, client, post
from tests.browser.encoders import whip_encoder
from tests.browser.server_process import ServerProcess
from tests.ports import free_port

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(300)]

METRICS_TOKEN = "metrics-token-of-the-county"
TURN_SECRET = "north-wind-and-snow-of-the-mountain"
PUSH_KEY = "push-key-of-the-platform"
COUNTY = "学校,类型,教室,设备,姓名,用户名,角色\n远山小学,乡村,一班,主机,周老师,zhou,教师\n"
SECRET = re.compile(r"\btk[a-z]_[A-Za-z0-9_-]{8,}|\beyJ[\w-]+\.[\w-]+\.[\w-]+")


class Heard:
    """All secrets of the answers, as they come."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()

    def listen(self, http: httpx.Client) -> None:
        def hear(answer: httpx.Response) -> None:
            answer.read()
            self.secrets |= set(SECRET.findall(answer.text))
            self.secrets |= {value for value in answer.cookies.values() if len(value) > 8}

        http.event_hooks = {"response": [hear]}


def imported(admin: httpx.Client) -> None:
    """A table of a school, whose people and devices get secrets of their own."""
    data = COUNTY.encode()
    looked = admin.post("/api/admin/import/preview", content=data)
    assert looked.is_success, looked.text
    plan: dict[str, Any] = looked.json()
    done = admin.post(f"/api/admin/import?digest={plan['digest']}", content=data)
    assert done.is_success, done.text


def paired(origin: str, admin: httpx.Client, classroom_id: str, heard: Heard) -> None:
    with client(origin) as screen:
        heard.listen(screen)
        waiting = post(screen, "/api/pairing")
        path = f"/api/classrooms/{classroom_id}/pair"
        post(admin, path, code=waiting["code"], label="screen")
        room = screen.get("/api/room", headers={"Authorization": f"Bearer {waiting['secret']}"})
        assert room.is_success


def in_the_lesson(origin: str, credential: str) -> None:
    """A room that sends picture and sound for some seconds."""
    options = ["--server", origin, "--duration", "4", "--height", "180"]
    done = subprocess.run(
        [sys.executable, "-m", "server", "simulate", "--credentials-file", "-", *options],
        input=credential.encode(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def put_out(teacher: httpx.Client, lesson_id: str, heard: Heard) -> None:
    """A player asks for the program; it is pushed to servers that are not there, twice each."""
    watched = post(teacher, f"/api/lessons/{lesson_id}/watch")["hls"]
    heard.secrets |= {watched.split("/")[-2], PUSH_KEY}
    assert teacher.get(watched).status_code in {200, 503}
    path = f"/api/lessons/{lesson_id}/pushes"
    port = free_port()
    for address in (
        f"rtmp://127.0.0.1:{port}/live/{PUSH_KEY}",
        f"srt://127.0.0.1:{port}?passphrase={PUSH_KEY}&streamid={PUSH_KEY}",
    ):
        told = post(teacher, path, address=address)
        assert PUSH_KEY not in str(told)
    deadline = time.monotonic() + 40
    while any(one["starts"] < 2 for one in teacher.get(path).json()):
        assert time.monotonic() < deadline, teacher.get(path).text
        time.sleep(0.5)


def kept(folder: Path) -> Iterator[str]:
    """What the data folder keeps to itself: hashes, keys."""
    with sqlite3.connect(folder / "tongke.db") as database:
        tables = [
            name
            for (name,) in database.execute("select name from sqlite_master where type = 'table'")
        ]
        for table in tables:
            if re.fullmatch(r"[a-z_]+", table) is None:
                continue
            rows = database.execute(f"select * from {table}")  # noqa: S608 - a name of ours
            columns = [column[0] for column in rows.description]
            for row in rows:
                for column, value in zip(columns, row, strict=True):
                    if "hash" in column and isinstance(value, str):
                        yield value
    database.close()
    key = (folder / "join_token.key").read_bytes()
    yield from (key.hex(), base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode())


def test_nothing_in_a_log_opens_anything(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "turn").write_text(TURN_SECRET)
    heard = Heard()
    with ExitStack() as stack:
        server = ServerProcess(
            tmp_path / "data",
            settings={
                "TONGKE_PLAIN_HTTP": "true",
                "TONGKE_HOST": "127.0.0.1",
                "TONGKE_LOG_LEVEL": "debug",
                "TONGKE_METRICS_TOKEN": METRICS_TOKEN,
                "TONGKE_PROGRAMS": "1",
                "TONGKE_PUSH_HOSTS": "127.0.0.1",
                "TONGKE_TURN_URLS": "turn:turn.example.cn:3478",
                "TONGKE_TURN_SECRET_FILE": str(tmp_path / "turn"),
            },
        )
        stack.callback(server.stop)
        server.start()
        origin = server.origin
        county = County.founded(origin, server.setup_key, profile="recording-room")
        stack.callback(county.teacher.close)
        heard.listen(county.teacher)
        heard.secrets |= {*county.credentials.values(), server.setup_key}
        heard.secrets |= set(county.teacher.cookies.values())
        admin = stack.enter_context(client(origin))
        heard.listen(admin)
        refused = admin.post("/api/session", json={**TEACHER, "password": "a wrong password"})
        assert refused.status_code in {401, 403}
        post(admin, "/api/session", **ADMINISTRATOR)
        admin.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
        twice = {"username": TEACHER["username"], "display_name": "B", "role": "teacher"}
        assert admin.post("/api/users", json={**twice, "password": TEACHER["password"]}).is_error
        imported(admin)
        paired(origin, admin, county.room_ids[ROOMS[2]], heard)
        lesson_id = county.lesson_now(mode="blended", record=True)
        post(county.teacher, f"/api/lessons/{lesson_id}/token", role="observer")
        path = f"/api/classrooms/{county.room_ids[ROOMS[1]]}/source_keys"
        key = post(admin, path, label="camera", source="board")
        with whip_encoder(key["address"], key["secret"], tmp_path):
            in_the_lesson(origin, county.credentials[ROOMS[0]])
            put_out(county.teacher, lesson_id, heard)
        nobodys = {"Authorization": "Bearer tkr_" + "n" * 43}
        assert admin.get("/api/room", headers=nobodys).status_code == 401
        post(county.teacher, f"/api/lessons/{lesson_id}/end")
        recordings = county.teacher.get("/api/recordings")
        assert recordings.is_success
        assert server.stop() == 0
        log = server.log.read_text()

    lines = [line for line in log.splitlines() if line.startswith("{")]
    assert {json.loads(line)["level"] for line in lines} >= {"debug", "info"}
    assert any("lesson" in line for line in lines)
    told = "\n".join(line for line in log.splitlines() if "/setup#key=" not in line)  # to the admin
    hashes = set(kept(tmp_path / "data"))
    assert any(one.startswith("$argon2") for one in hashes)
    assert len(heard.secrets) > 8
    typed = {ADMINISTRATOR["password"], TEACHER["password"], "a wrong password"}
    secrets = heard.secrets | hashes | typed | {METRICS_TOKEN, TURN_SECRET}
    secrets.add("n" * 43)
    found = {secret for secret in secrets if secret in told or secret[4:20] in told}
    assert found == set()
    assert re.search(r"\$argon2|PRIVATE KEY|ice-pwd|(?i:cookie: )|Bearer [A-Za-z]", told) is None
