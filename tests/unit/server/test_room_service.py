"""The room agent's unit: on the page, by the command, and what systemd's own tools say of it."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from server.errors import StartRefused
from server.room_cli import room_commands
from server.service import placing
from server.service.room_unit import UNIT, room_command, room_unit_text
from signaling.client.errors import SeatRefused, ServerLost
from signaling.client.token_providers import RoomTokens
from tests.unit.server.units import analyzed, exposure, needs_root, needs_systemd, printed

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "docs" / name for name in ("room_agent.md", "zh/room_agent.md")]
SERVER = "https://tongke.example"
CAMERA = """
inherits = "recording-room"
[sources.teacher.camera]
user = "admin"
password = "front"
streams = [{ rid = "f", url = "rtsp://10.0.0.5/main" }]
"""
COMMAND = room_command("/opt/tongke/.venv/bin/tongke", SERVER, "shanhe", insecure=False)
GIVEN = ("--server", SERVER, "--profile", "shanhe")


@pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])
def test_the_page_prints_it(page: Path) -> None:
    assert printed(page) == [room_unit_text(COMMAND)]


# With a program and a user that this machine has.
RUNNABLE = room_unit_text(["/bin/true", *COMMAND[1:]], user="root")


@needs_systemd
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    file = tmp_path / UNIT
    assert analyzed(file, RUNNABLE, "verify") == ""
    wrong = {"DevicePolicy": "closed\nDevicepolicy=x"}
    assert "Devicepolicy" in analyzed(file, RUNNABLE, "verify", **wrong)


@needs_systemd
def test_little_is_left_to_it(tmp_path: Path) -> None:
    """With the room's cameras and sound cards open to it."""
    file = tmp_path / UNIT
    assert exposure(file, RUNNABLE) <= 3
    assert exposure(file, RUNNABLE, ProtectSystem="", SystemCallFilter="") > 3


def test_it_may_use_cameras_and_sound_and_is_started_again_for_ever() -> None:
    text = room_unit_text(COMMAND)
    assert "\nSupplementaryGroups=video audio\n" in text
    assert "\nDeviceAllow=char-video4linux rw\n" in text and "char-alsa rw" in text
    assert "\nRestart=always\n" in text
    (never,) = re.findall(r"^RestartPreventExitStatus=(.*)$", text, re.M)
    assert never == str(StartRefused.exit_code)
    assert "StartLimitIntervalSec=0" in text.partition("[Service]")[0]


@pytest.mark.parametrize("profile", ["shan he", "50%", "$HOME", 'a"b', "a\\b"])
def test_words_stay_words(profile: str, tmp_path: Path) -> None:
    """As systemd reads them again: quotes and its own signs are no commands."""
    (line,) = re.findall(
        "^ExecStart=(.*)$",
        room_unit_text(room_command("/t", SERVER, profile, insecure=False)),
        re.M,
    )
    words = shlex.split(line.replace("%%", "%").replace("$$", "$"))
    assert profile in words
    with pytest.raises(ValueError, match="control"):
        room_unit_text(["/t", "a\nExecStartPre=/bin/true"])


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(room_commands, arguments)
    return result.exit_code, result.output


def test_print_only_shows_it() -> None:
    code, text = run("install", *GIVEN, "--print")
    command = room_command(str(placing.own_program()), SERVER, "shanhe", insecure=False)
    assert code == 0 and text == room_unit_text(command)


def shanhe(folder: Path) -> tuple[str, ...]:
    """The room's own profile, with a camera whose password is `front`, as options."""
    (folder / "rooms").mkdir(parents=True)
    (folder / "rooms" / "shanhe.toml").write_text(CAMERA, encoding="utf-8")
    passwords = folder / "passwords.toml"
    passwords.touch(0o600)
    passwords.write_text('front = "s3cret"\n')
    return ("--profiles-folder", str(folder), "--passwords", str(passwords))


@pytest.fixture
def installing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Into `tmp_path / "root"`; what the server answers, one after the other."""
    answers: list[Any] = []

    def ask(tokens: RoomTokens, path: str = "/api/room") -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(placing, "hidden_folder", lambda program: None)
    monkeypatch.setattr(RoomTokens, "ask", ask)
    return answers


@needs_root
def test_what_is_not_right_is_told_and_nothing_installed(
    tmp_path: Path, installing: list[Any]
) -> None:
    root = tmp_path / "root"
    asked = ("install", *GIVEN, "--root", str(root))
    code, said = run(*asked)
    assert code == 2 and "shanhe" in said and str(root / "etc/tongke-room/rooms") in said
    own = shanhe(tmp_path / "own")
    code, said = run(*asked, *own[:2])  # without its password
    assert code == 2 and "front" in said
    credential = tmp_path / "given"
    credential.write_text("tkr_secret")
    given = ("--credential-file", str(credential), *own)
    installing += [SeatRefused("401", "not valid", "无效"), {"hello": "world"}]
    code, said = run(*asked, *given)
    assert code == 2 and "not valid" in said and "无效" in said
    code, said = run(*asked, *given)
    assert code == 2 and "no Tongke server" in said
    code, said = run("install", "--server", "tongke.example", *GIVEN[2:], *own, *asked[-2:])
    assert code == 2 and "no address" in said
    assert not root.exists()


@needs_root
def test_it_says_which_room_it_is_and_what_differs_on_the_server(
    tmp_path: Path, installing: list[Any]
) -> None:
    own, credential = shanhe(tmp_path / "own"), tmp_path / "given"
    credential.write_text("tkr_secret")
    asked = ("install", *GIVEN, *own, "--credential-file", str(credential))
    asked = (*asked, "--root", str(tmp_path / "root"))
    room = {"school": "河湾小学", "name": "一年级教室", "profile": "shanhe"}
    installing += [{"classroom": room}, {"classroom": room | {"profile": "standard"}}]
    installing.append(ServerLost("no answer", "没有应答"))
    code, said = run(*asked)
    assert code == 0 and "河湾小学的一年级教室" in said and "Mind" not in said
    folder = tmp_path / "root/etc/tongke-room"
    assert (folder / "rooms/shanhe.toml").read_text(encoding="utf-8") == CAMERA
    assert "s3cret" in (folder / "passwords.toml").read_text()
    assert (folder / "passwords.toml").stat().st_mode & 0o077 == 0
    code, said = run(*asked)
    assert code == 0 and "has the profile standard, here shanhe" in said
    code, said = run(*asked)
    assert code == 0 and "cannot be asked now: no answer" in said and "照常安装" in said


@needs_root
def test_it_writes_says_so_and_takes_it_away(tmp_path: Path, installing: list[Any]) -> None:
    shanhe(tmp_path / "etc/tongke-room")
    installing += [{"classroom": {"school": "s", "name": "n", "profile": "shanhe"}}] * 2
    root, unit = ("--root", str(tmp_path)), tmp_path / "etc/systemd/system" / UNIT
    code, said = run("install", *GIVEN, *root)
    assert code == 0 and str(unit) in said and "credential is still missing" in said
    assert unit.stat().st_mode & 0o777 == 0o644
    credential = tmp_path / "given"
    credential.write_text("tkr_secret\nand more")
    code, said = run("install", *GIVEN, "--credential-file", str(credential), *root)
    assert code == 2 and "no device credential" in said and "tkr_secret" not in said
    credential.write_text("tkr_secret")
    code, said = run("install", *GIVEN, "--credential-file", str(credential), *root)
    folder = tmp_path / "etc/tongke-room"
    assert code == 0 and "still missing" not in said and "tkr_secret" not in said
    assert (folder / "credential").read_text() == "tkr_secret"
    kept = [folder, folder / "credential", folder / "passwords.toml"]
    assert [one.stat().st_mode & 0o077 for one in kept] == [0, 0, 0]
    (folder / "passwords.toml").write_text('front = "kept"\n')
    assert run("install", *GIVEN, *root)[0] == 0  # again: an upgrade
    assert "kept" in (folder / "passwords.toml").read_text()

    code, said = run("remove", *root)
    assert code == 0 and str(unit) in said and not unit.exists()
    assert (folder / "credential").exists()
    assert run("remove", *root)[0] == 2


@needs_root
def test_what_somebody_else_wrote_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "hidden_folder", lambda program: None)
    unit = tmp_path / "etc/systemd/system" / UNIT
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\n")
    for command in (["install", *GIVEN], ["remove"]):
        code, said = run(*command, "--root", str(tmp_path))
        assert code == 2 and "written by somebody else" in said
    assert unit.read_text() == "[Service]\n"


def test_only_root_may(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    code, said = run("install", *GIVEN, "--root", str(tmp_path))
    assert code == 2 and "sudo" in said and not list(tmp_path.iterdir())
