"""`tongke doctor` beside a real server and real cameras: what is well, what not, and who is told.

The server, the cameras and the command are processes of their own; media's ways are really asked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.browser.county import ROOMS, County
from tests.browser.server_process import ServerProcess
from tests.network_camera import CameraModel, NetworkCamera, need_cameras
from tests.ports import free_port
from tests.room_machine import PROFILE_NAME, keep_profile, room_options
from tests.unit.hardware_profiles.doctor.room_sounds import heard_in_a_room

PASSWORD = "s3cret-geheim"
TONGKE = str(Path(sys.executable).parent / "tongke")
PROFILE = """
inherits = "standard"
without = ["sources.screen"]
title_zh = "山河"
title_en = "Shanhe"
[sources.teacher]
width = 320
height = 240
layers = [
  {{ rid = "q", scale_down_by = 2, max_bitrate_bps = 200_000, max_frame_rate = 15 }},
  {{ rid = "f", scale_down_by = 1, max_bitrate_bps = 600_000, max_frame_rate = 15 }},
]
[sources.teacher.camera]
user = "admin"
password = "front"
streams = [{{ rid = "q", url = "{wrong_size}" }}, {{ rid = "f", url = "{right}" }}]
[sources.students]
width = 640
height = 360
layers = [{{ rid = "f", scale_down_by = 1, max_bitrate_bps = 600_000, max_frame_rate = 15 }}]
[sources.students.camera]
kind = "pattern"
streams = [{{ rid = "f" }}]
"""
DEVICES = """\
pcm.room_in { type file slave.pcm { type null } file "/dev/null" infile "%s/heard.raw" format raw }
pcm.room_out { type file slave.pcm { type null } file "%s/played.raw" format raw }
"""


@pytest.fixture
def cameras() -> Iterator[tuple[str, str]]:
    """One of the profile's size, and one that says it is a quarter and is not."""
    need_cameras()
    model = CameraModel(password=PASSWORD)
    right, wrong_size = NetworkCamera(9, model), NetworkCamera(10, replace(model, width=176))
    for each in (right, wrong_size):
        each.start()
    yield right.url, wrong_size.url
    for each in (right, wrong_size):
        each.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def room(
    tmp_path: Path, cameras: tuple[str, str], server: ServerProcess
) -> Iterator[tuple[County, list[str]]]:
    """The county, and the options of its first room's commands."""
    profile = PROFILE.format(right=cameras[0], wrong_size=cameras[1])
    profiles = keep_profile(server.data_folder, profile)
    county = County.founded(server.origin, server.setup_key, PROFILE_NAME)
    credential = county.credentials[ROOMS[0]]
    yield (
        county,
        room_options(
            tmp_path, profiles, server=server.origin, credential=credential, password=PASSWORD
        ),
    )
    county.teacher.close()


def with_sound(folder: Path) -> dict[str, str]:
    """The room's microphone hears its loudspeaker."""
    heard = heard_in_a_room(spoken_s=0.5)
    (heard * 32_767).astype(np.int16).tofile(folder / "heard.raw")
    settings = folder / "asound.conf"
    settings.write_text(DEVICES % (folder, folder))
    return {**os.environ, "ALSA_CONFIG_PATH": str(settings)}


def by_check(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {finding["check"]: finding for finding in report["findings"]}


def test_a_room_with_one_camera_that_lies(
    tmp_path: Path, server: ServerProcess, room: tuple[County, list[str]]
) -> None:
    county, options = room
    command = [TONGKE, "doctor", *options, "--json", "--page", str(tmp_path / "report.html")]
    command += ["--microphone", "room_in", "--speaker", "room_out"]
    done = subprocess.run(
        command, env=with_sound(tmp_path), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in (1, 3), done.stderr
    found = by_check(json.loads(done.stdout))
    verdicts = {check: finding["verdict"] for check, finding in found.items()}
    assert verdicts["camera.teacher.f"] == "good"
    assert found["camera.teacher.f"]["figures"]["frame_rate"] == pytest.approx(15, abs=2.5)
    assert verdicts["camera.teacher.q"] == "weak"
    assert "160×120" in found["camera.teacher.q"]["todo"]["zh"]
    assert found["camera.teacher.q"]["figures"]["width"] == 176
    assert verdicts["camera.students.f"] == "good"
    assert (verdicts["speaker"], verdicts["loop"]) == ("good", "good")
    assert (verdicts["server"], verdicts["clock"]) == ("good", "good")
    assert (verdicts["line.udp"], verdicts["line.tcp"]) == ("good", "good")
    line = found["line"]["figures"]
    assert line["up_bps"] > 1e6 and line["down_bps"] > 1e6
    assert line["loss"] < 0.05 and line["round_trip_ms"] < 200

    whole = done.stdout + done.stderr + (tmp_path / "report.html").read_text()
    assert PASSWORD not in whole and "rtsp://" not in whole
    assert county.credentials[ROOMS[0]] not in whole

    kept = sorted((server.data_folder / "room_checks").glob("*/*.json"))
    assert len(kept) == 1 and PASSWORD not in kept[0].read_text()


def test_the_servers_own_machine_beside_the_server(server: ServerProcess) -> None:
    """It finds how that one listens, and writes where it writes, while it runs."""
    done = subprocess.run(
        [TONGKE, "doctor", "--data-folder", str(server.data_folder), "--json"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr
    found = by_check(json.loads(done.stdout))
    assert found["server.port.pages"]["verdict"] == "good"
    assert server.origin.rpartition(":")[2] in found["server.port.pages"]["words"]["en"]
    assert found["server.database"]["verdict"] == "good"
    assert found["server.certificate"]["verdict"] == (
        "good" if server.origin.startswith("https") else "untried"
    )


def test_a_server_that_is_gone_and_a_credential_that_is_none(
    tmp_path: Path, server: ServerProcess, room: tuple[County, list[str]]
) -> None:
    _, options = room
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms" / "quiet.toml").write_text(
        'inherits = "audio-only"\ntitle_zh = "静"\ntitle_en = "Quiet"\n', encoding="utf-8"
    )
    quiet = ["--profile", "quiet", "--profiles-folder", str(tmp_path), "--silent", "--json"]

    def told() -> dict[str, Any]:
        at = options[: options.index("--profile")]
        credential = options[options.index("--credential-file") :][:2]
        done = subprocess.run(
            [TONGKE, "doctor", *at, *credential, *quiet], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        return dict(by_check(json.loads(done.stdout))["server"])

    (tmp_path / "credential").write_text("nobody")
    assert "credential" in told()["todo"]["en"]
    server.kill()
    assert "cable" in told()["todo"]["en"]


def test_the_button_on_the_agents_own_page(
    tmp_path: Path, server: ServerProcess, room: tuple[County, list[str]]
) -> None:
    _, options = room
    port = free_port()
    with (tmp_path / "agent.log").open("wb") as out:
        agent = subprocess.Popen(
            [TONGKE, "room", *options, "--status-port", str(port)],
            env=with_sound(tmp_path), stdout=out, stderr=out,
        )  # fmt: skip
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=10)
        ) as page:
            began = page.get("/check").text
            assert "开始检查" in began and "Check now" in began
            foreign = page.post("/check", headers={"origin": "https://evil.example"})
            assert foreign.status_code == 403
            assert "<progress>" not in page.get("/check").text
            asked = page.post("/check", headers={"origin": f"http://127.0.0.1:{port}"})
            assert (asked.status_code, asked.headers["location"]) == (303, "/check")
            assert "<progress>" in page.get("/check").text
            ends_at = time.monotonic() + 100
            while "<progress>" in (told := page.get("/check").text):
                assert time.monotonic() < ends_at
                time.sleep(0.5)
        assert "教师摄像机（大画面）" in told and "已送到服务器" in told
        assert PASSWORD not in told
    finally:
        agent.terminate()
        assert agent.wait(20) == 0
    assert len(list((server.data_folder / "room_checks").glob("*/*.json"))) == 1
