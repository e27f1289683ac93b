"""`tongke profile`: what it lists, what it finds wrong, what it shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from server.cli import app

# server.cli leaves the other commands out when it is read in for `serve`; here it is not.


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("TONGKE_DATA_FOLDER", str(tmp_path))
    (tmp_path / "hardware_profiles" / "rooms").mkdir(parents=True)
    return CliRunner()


def ask(runner: CliRunner, *words: str) -> Result:
    return runner.invoke(app, ["profile", *words])


def test_all_that_is_shipped_is_listed_and_right(asked: CliRunner) -> None:
    listed = ask(asked, "list").output
    assert all(f"  {name} " in listed for name in ("standard", "satellite", "tiny"))
    assert ask(asked, "check").exit_code == 0


def test_the_check_says_which_folder_it_looked_into(asked: CliRunner, tmp_path: Path) -> None:
    """One that looked elsewhere finds everything right, and the room still has another profile."""
    folder = tmp_path / "hardware_profiles"
    assert f"ours, and 0 in {folder}" in ask(asked, "check").output
    (folder / "rooms" / "village.toml").write_text('inherits = "standard"\n')
    (folder / "rooms" / "standard.toml").write_text('inherits = "standard"\n')
    assert f"ours, and 2 in {folder}" in ask(asked, "check").output


def test_a_wrong_file_is_told_with_its_line(asked: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "hardware_profiles" / "rooms" / "village.toml"
    file.write_text('inherits = "standard"\nlight = 3\n')
    done = ask(asked, "check")
    assert (done.exit_code, f"{file}:2: light: unknown key" in done.output) == (1, True)
    assert f"{file}:2: light: unknown key" in ask(asked, "list").output


def test_a_profile_is_shown_with_all_it_inherits(asked: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "hardware_profiles" / "rooms" / "village.toml"
    file.write_text('inherits = "old-pc"\ntitle_en = "Village"\n')
    shown = json.loads(ask(asked, "show", "village").output)
    assert (shown["name"], shown["title_en"]) == ("village", "Village")
    assert shown["sources"]["students"]["width"] == 640
    assert json.loads(ask(asked, "show", "satellite").output)["line"]["delay_ms"] == 300
    unknown = ask(asked, "show", "vilage")
    assert unknown.exit_code == 2
    assert "Did you mean 'village'?" in unknown.output
