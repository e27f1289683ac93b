"""`tongke doctor` and `tongke profile fit`: exit codes, words, files; none is written unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hardware_profiles import RoomProfile, find_problems
from hardware_profiles.doctor.findings import CheckReport, Grade
from hardware_profiles.doctor.speed import Speed
from hardware_profiles.loader import read_profile
from server.cli import app

SILENT_ROOM = 'inherits = "audio-only"\ntitle_zh = "静"\ntitle_en = "Quiet"\n'
FROZEN_ROOM = """
inherits = "standard"
without = ["sources.students"]
title_zh = "山河"
title_en = "Shanhe"
[sources.teacher.camera]
user = "admin"
password = "front"
streams = [{ rid = "f", url = "rtsp://127.0.0.1:9/main" }]
"""
SECRET = "s3cret-geheim"


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("TONGKE_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")

    async def quick(cores: int) -> Speed:
        return Speed(4e8, 9e8, cores)

    for place in ("hardware_profiles.doctor.room", "server.doctor.fitting"):
        monkeypatch.setattr(f"{place}.measure_speed", quick)
    monkeypatch.setattr("server.doctor.server_check.measure_speed", quick)
    rooms = tmp_path / "rooms"
    rooms.mkdir()
    (rooms / "quiet.toml").write_text(SILENT_ROOM, encoding="utf-8")
    (rooms / "shanhe.toml").write_text(FROZEN_ROOM, encoding="utf-8")
    passwords = tmp_path / "passwords.toml"
    passwords.write_text(f'front = "{SECRET}"\n')
    passwords.chmod(0o600)
    return CliRunner()


def ask(runner: CliRunner, *words: str) -> Result:
    return runner.invoke(app, [*words])


def doctor(runner: CliRunner, tmp_path: Path, profile: str, *more: str) -> Result:
    given = ("--profile", profile, "--profiles-folder", str(tmp_path), "--silent")
    return ask(runner, "doctor", *given, "--passwords", str(tmp_path / "passwords.toml"), *more)


def test_a_room_in_which_all_is_well(runner: CliRunner, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = doctor(runner, tmp_path, "quiet", "--json", "--page", str(page))
    report = CheckReport.model_validate_json(done.stdout)
    verdicts = {finding.check: finding.verdict for finding in report.findings}
    assert verdicts["encode"] is Grade.GOOD and verdicts["microphone"] is Grade.UNTRIED
    assert done.exit_code in (0, 1, 3)  # this machine's own disk and memory
    assert done.exit_code == {"good": 0, "bad": 1, "weak": 3}[report.verdict.value]
    assert "教室设备检查" in page.read_text() and "Check of a room" in page.read_text()


def test_a_camera_that_does_not_answer_is_a_fault_without_its_password(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware_profiles.doctor.look.FIRST_PICTURE_S", 2.0)
    done = doctor(runner, tmp_path, "shanhe")
    assert done.exit_code == 1
    assert "Teacher's camera (large picture)  No picture." in done.output and "→" in done.output
    for told in (done.output, doctor(runner, tmp_path, "shanhe", "--json").stdout):
        assert SECRET not in told and "rtsp://" not in told and "admin" not in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--profile", "shanheh"), "Did you mean"),
        (("--profile", "shanhe"), "passwords' file has no 'front'"),
        (("--server", "https://x.example"), "credential is missing"),
        (("--server", "ftp://x", "--credential-file", "/none"), "ftp://x is no address"),
        (("--server", "https://x", "--credential-file", "/none"), "/none cannot be read: No such"),
        (("--profile", "quiet", "--profiles-folder", "/none"), "There is no /none/rooms"),
        (("--profile", "quiet", "--silent", "--page", "/none/report.html"), "/none/report.html"),
    ],
)
def test_what_cannot_be_tried_is_exit_code_2(
    runner: CliRunner, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = ask(runner, "doctor", "--profiles-folder", str(tmp_path), *words)
    assert done.exit_code == 2
    assert said in done.output


def test_the_servers_machine_before_its_first_start(runner: CliRunner) -> None:
    done = ask(runner, "doctor", "--json")
    report = CheckReport.model_validate_json(done.stdout)
    found = {finding.check: finding for finding in report.findings}
    assert report.side == "server"
    assert found["server.capacity"].verdict is Grade.GOOD
    assert found["server.database"].verdict is Grade.UNTRIED
    assert found["server.certificate"].verdict is Grade.UNTRIED
    assert {"server.port.pages", "server.port.media", "server.disk.data", "clock"} <= set(found)


def test_a_profile_is_written_when_somebody_agrees(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "hardware_profiles" / "rooms" / "ours.toml"
    refused = runner.invoke(app, ["profile", "fit", "--write", str(file)], input="\n")
    assert (refused.exit_code, file.exists()) == (1, False)
    agreed = runner.invoke(app, ["profile", "fit", "--write", str(file)], input="y\n")
    assert agreed.exit_code == 0
    assert read_profile(RoomProfile, file).title_en == "This room"
    assert find_problems([tmp_path / "hardware_profiles"]) == []
    again = ask(runner, "profile", "fit", "--write", str(file), "--yes")
    assert again.exit_code == 2 and "there already" in again.output


@pytest.mark.parametrize(
    ("name", "says"), [("高山.toml", "small letters"), ("ours.txt", "ends in .toml")]
)
def test_a_profile_that_nobody_would_read_is_not_written(
    runner: CliRunner, tmp_path: Path, name: str, says: str
) -> None:
    """Told of the file that was named, not of the one it was tried in."""
    file = tmp_path / "hardware_profiles" / "rooms" / name
    refused = runner.invoke(app, ["profile", "fit", "--write", str(file), "--yes"])
    assert (refused.exit_code, file.exists()) == (2, False)
    assert str(file) in refused.output and says in refused.output


def test_where_to_write_is_told(runner: CliRunner, tmp_path: Path) -> None:
    told = ask(runner, "profile", "fit").output
    assert f"--write {tmp_path}/data/hardware_profiles/rooms/NAME.toml" in told


def test_what_was_found_is_told_to_programs(runner: CliRunner) -> None:
    told = json.loads(ask(runner, "profile", "fit", "--json").stdout)
    assert told["pc"] == "workstation" and told["found"]["speed"]["decode_pixels_per_s"] == 9e8
    assert told["profile"].startswith("# 由 tongke profile fit 提出")
