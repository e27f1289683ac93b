"""What settings name that is not there, and the commands that tell what is in force."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from server import config_cli
from server.cli import app
from server.config import load_settings
from server.errors import StartRefused
from server.service.unit import (
    CONFIGURATION_FOLDER,
    STATE_FOLDER,
    UNIT,
    UNIT_FOLDER,
    unit_text,
)
from server.settings_check import refuse_what_is_not_there
from tests.unit.server.door.certificate_files import made


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings from the surroundings of the tests."""
    for name in list(os.environ):
        if name.upper().startswith("TONGKE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"profiles_folder": "nowhere"}, ["nowhere", "profiles_folder", "does not exist"]),
        ({"profiles_folder": "empty"}, ["empty", "profiles_folder", "no rooms or servers"]),
        ({"profiles_folder": "file"}, ["file", "is no folder"]),
        ({"data_folder": "file"}, ["file (setting data_folder)", "is no folder"]),
        ({"recordings_folder": "file"}, ["file (setting recordings_folder)", "is no folder"]),
        ({"data_folder": "file/a/b"}, ["file/a/b (setting data_folder)", "file is no folder"]),
        ({"web_folder": "nowhere"}, ["nowhere", "web_folder", "does not exist"]),
        ({"web_folder": "empty"}, ["empty", "web_folder", "no index.html"]),
        ({"web_folder": "pages", "data_folder": "pages/data"}, ["web_folder", "whoever asks"]),
        ({"web_folder": "pages", "recordings_folder": "pages"}, ["recordings_folder", "keys"]),
        ({"recordings_folder": "var"}, ["recordings_folder", "must not be the data folder"]),
        ({"recordings_folder": "."}, ["recordings_folder", "one around it"]),
        ({"data_folder": "odd"}, ["odd/hardware_profiles", "is no folder"]),
        ({"port": 7881}, ["7881", "given twice", "media_tcp_port"]),
        ({"port": 444, "media_tcp_port": 443, "media_pumps": 2}, ["444", "given twice"]),
        ({"database_url": "tongke"}, ["database_url", "no database's address"]),
        ({"database_url": "postgresql://x:secret@y/z"}, ["postgresql+asyncpg://"]),
        ({"database_url": "mysql+aiomysql://x:secret@y/z"}, ["mysql+aiomysql://"]),
    ],
)
def test_what_is_not_there_is_told(given: dict[str, Any], words: list[str]) -> None:
    Path("empty").mkdir()
    Path("file").touch()
    Path("pages").mkdir()
    Path("pages/index.html").touch()
    Path("odd").mkdir()
    Path("odd/hardware_profiles").touch()
    with pytest.raises(StartRefused) as refused:
        refuse_what_is_not_there(load_settings(**given))
    text = refused.value.text
    for word in words:
        assert word in text.en
    assert "secret" not in text.en + text.zh
    assert re.search("[\u4e00-\u9fff]", text.zh)


def test_a_folder_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("locked").mkdir()
    # Whoever runs the tests as root may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "locked")
    with pytest.raises(StartRefused, match=r"locked/data \(setting data_folder\).*not write in"):
        refuse_what_is_not_there(load_settings(data_folder="locked/data"))


def test_what_is_there_is_no_matter() -> None:
    Path("p/rooms").mkdir(parents=True)
    Path("w").mkdir()
    Path("w/index.html").touch()
    refuse_what_is_not_there(load_settings(profiles_folder="p", web_folder="w"))
    refuse_what_is_not_there(load_settings(port=7881, media_tcp=False))


def test_a_missing_driver_is_told_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(database_url="postgresql+asyncpg://tongke:secret@db/tongke")
    find = importlib.util.find_spec
    refuse_what_is_not_there(settings)
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == "asyncpg" else find(n))
    with pytest.raises(StartRefused, match=r"/bin/pip install asyncpg$") as refused:
        refuse_what_is_not_there(settings)
    assert sys.prefix in refused.value.text.zh, "beside Tongke, not beside the system's Python"
    assert "secret" not in str(refused.value)


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output


def test_what_is_in_force_and_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("tongke.toml").write_text('# ours\nmedia_port = 7900\nmax_partners = 5\nhost = "::1"\n')
    monkeypatch.setenv("TONGKE_MAX_PARTNERS", "6")
    monkeypatch.setenv("TONGKE_METRICS_TOKEN", "hush" * 6)
    monkeypatch.setenv("TONGKE_DATABASE_URL", "postgresql+asyncpg://tongke:hush@db/tongke")
    status, said = run("config", "show", "--port", "443", "--plain-http")
    assert status == 0
    lines = said.splitlines()
    for line in (
        "port = 443  # option --port",
        "plain_http = true  # option --plain-http",
        "max_partners = 6  # environment variable TONGKE_MAX_PARTNERS",
        "media_port = 7900  # in tongke.toml, line 2",
        "join_token_s = 600  # default",
        "session_max_s = 2592000  # default",
    ):
        assert line in lines
    assert "hush" not in said
    assert "metrics_token = ••••••  # environment variable TONGKE_METRICS_TOKEN" in lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "option --port"),
        (["--prot", "80"], "--prot"),
        (["--tls-cert", "a", "--tls-key", "b"], "tls_cert"),
        (["--advertised", "::"], "'::' leads no room"),
        (["--media-port", "65536"], "65535"),
    ],
)
def test_a_start_that_would_fail_fails_the_check(arguments: list[str], words: str) -> None:
    status, said = run("config", "check", *arguments)
    assert status == 2
    assert words in said
    assert "Traceback" not in said


def test_the_service_is_asked_about_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked in root's home it said of settings that nobody had read that they can be used."""
    root, home = tmp_path / "root", tmp_path / "home"
    unit = root / UNIT_FOLDER.lstrip("/") / UNIT
    settings = root / CONFIGURATION_FOLDER.lstrip("/") / "tongke.toml"
    for each in (unit.parent, settings.parent, home):
        each.mkdir(parents=True)
    monkeypatch.chdir(home)
    ask = config_cli._ask_for_the_service
    monkeypatch.setattr(config_cli, "_ask_for_the_service", lambda: ask(root))
    monkeypatch.setattr(os, "environ", dict(os.environ))
    settings.write_text("port = 443\n")
    unit.write_text("[Service]\n")  # another's: what it reads is not known
    assert "port = 7880  # default" in run("config", "show")[1]
    unit.write_text(unit_text("/opt/tongke/.venv/bin/tongke"))
    lines = run("config", "show")[1].splitlines()
    assert lines[0].startswith(f"# the service tongke, settings file: {settings}; ")
    assert f"port = 443  # in {settings}, line 1" in lines
    assert f"data_folder = {STATE_FOLDER}  # environment variable TONGKE_DATA_FOLDER" in lines


def test_ports_beyond_the_last_one_fail_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGKE_MEDIA_PUMPS", "4")
    status, said = run("config", "check", "--media-port", "65535")
    assert status == 2 and "the last would be 65538" in said


def test_the_check_opens_and_makes_nothing(tmp_path: Path) -> None:
    made("t", "a.example.cn").write(tmp_path, "t")
    before = sorted(tmp_path.rglob("*"))
    given = ("--tls-cert", str(tmp_path / "t.crt"), "--tls-key", str(tmp_path / "t.key"))
    status, said = run("config", "check", *given)
    assert status == 0
    assert said.splitlines() == [
        "The settings can be used.",
        f"no settings file ({tmp_path / 'tongke.toml'})",
    ]
    assert sorted(tmp_path.rglob("*")) == before


def test_the_version() -> None:
    status, said = run("--version")
    assert status == 0
    assert re.fullmatch(r"tongke \d+\.\d+\.\d+\n", said)
