"""The unit as printed: on the page, by the command, and what systemd's own tools say of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.errors import StartPutOff, StartRefused
from server.service import placing
from server.service.cli import service
from server.service.unit import MADE_BY, UNIT, unit_text
from tests.unit.server.units import analyzed, exposure, needs_root, needs_systemd, printed

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "docs" / name for name in ("running.md", "zh/running.md")]
PROGRAM = "/opt/tongke/.venv/bin/tongke"


@pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])
def test_the_page_prints_it(page: Path) -> None:
    assert printed(page) == [unit_text(PROGRAM)]


# With a program and a user that this machine has.
RUNNABLE = unit_text("/bin/true", user="root")


@needs_systemd
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    file = tmp_path / UNIT
    assert analyzed(file, RUNNABLE, "verify") == ""
    wrong = {"ProtectSystem": "yes\nProtectsystem=yes"}
    assert "Protectsystem" in analyzed(file, RUNNABLE, "verify", **wrong)


@needs_systemd
def test_little_is_left_to_it(tmp_path: Path) -> None:
    file = tmp_path / UNIT
    assert exposure(file, RUNNABLE) <= 3
    assert exposure(file, RUNNABLE, ProtectSystem="", SystemCallFilter="") > 3


def test_it_is_tried_again_for_ever_where_that_helps() -> None:
    """Wrong settings stay wrong; a database that is away at boot comes."""
    text = unit_text(PROGRAM)
    (never,) = re.findall(r"^RestartPreventExitStatus=(.*)$", text, re.M)
    assert never == str(StartRefused.exit_code) != str(StartPutOff.exit_code)
    assert "\nRestart=always\n" in text
    # Without it systemd gives up after five starts within ten seconds.
    assert "StartLimitIntervalSec=0" in text.partition("[Service]")[0]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(service, arguments)
    return result.exit_code, result.output


def test_print_only_shows_it() -> None:
    code, text = run("install", "--print")
    assert code == 0 and text == unit_text(str(placing.own_program()))


@needs_root
def test_it_writes_says_so_and_takes_it_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "hidden_folder", lambda program: None)
    unit = tmp_path / "etc/systemd/system" / UNIT
    code, said = run("install", "--root", str(tmp_path))
    assert code == 0 and str(unit) in said
    assert unit.read_text() == unit_text(str(placing.own_program()))
    assert unit.stat().st_mode & 0o777 == 0o644
    command = tmp_path / "usr/local/bin/tongke"  # as the operator's book calls it
    assert command.readlink() == placing.own_program() and str(command) in said
    assert run("install", "--root", str(tmp_path))[0] == 0  # again: an upgrade

    code, said = run("remove", "--root", str(tmp_path))
    assert code == 0 and str(unit) in said and not unit.exists()
    assert not os.path.lexists(command)
    assert run("remove", "--root", str(tmp_path))[0] == 2


@needs_root
def test_what_somebody_else_wrote_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "hidden_folder", lambda program: None)
    unit = tmp_path / "etc/systemd/system" / UNIT
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\n")
    for command in ("install", "remove"):
        code, said = run(command, "--root", str(tmp_path))
        assert code == 2 and "left alone" in said
    assert unit.read_text() == "[Service]\n"


@needs_root
def test_another_program_of_the_name_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "hidden_folder", lambda program: None)
    other = tmp_path / "usr/local/bin/tongke"
    other.parent.mkdir(parents=True)
    other.write_text("#!/bin/sh\n")
    code, said = run("install", "--root", str(tmp_path))
    assert code == 0 and "another program" in said
    assert run("remove", "--root", str(tmp_path))[0] == 0
    assert other.read_text() == "#!/bin/sh\n"


@needs_root
def test_a_program_that_the_services_user_cannot_read_is_refused(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert placing.hidden_folder(closed / "bin" / "tongke") is not None
    assert MADE_BY in unit_text(PROGRAM)


def test_only_root_may(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    code, said = run("install", "--root", str(tmp_path))
    assert code == 2 and "sudo" in said and not list(tmp_path.iterdir())
