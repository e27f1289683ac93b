"""What a command beside the server learns of it: how it listens, where its things are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server.config import Settings
from server.database.data_folder import DataFolder
from server.door import last_start
from server.door.last_start import (
    as_it_started,
    of_the_running_server,
    remember_start,
    with_its_places,
)
from server.errors import StartRefused


def server(folder: Path, **settings: Any) -> DataFolder:
    """A data folder as a running server has it."""
    lock = DataFolder(folder)
    (folder / "tongke.db").touch()
    remember_start(Settings(data_folder=folder, **settings))
    return lock


def test_a_command_without_the_servers_settings_finds_what_lies_elsewhere(tmp_path: Path) -> None:
    lock = server(
        tmp_path / "data",
        recordings_folder=tmp_path / "disk",
        port=443,
        public_url="https://a.cn",
        media_port=7900,
    )
    found = with_its_places(Settings(data_folder=tmp_path / "data"))
    assert found.recordings == tmp_path / "disk"
    said = with_its_places(Settings(data_folder=tmp_path / "data", recordings_folder=tmp_path))
    assert said.recordings == tmp_path
    started = as_it_started(found)
    assert started is not None and (started.port, started.public_url) == (443, "https://a.cn")
    assert started.media_port == 7900  # or the doctor would try a port that is no server's
    lock.close()


def test_a_start_of_an_earlier_version_is_understood(tmp_path: Path) -> None:
    names = ("host", "port", "public_url", "plain_http", "trusted_proxies", "tls_names")
    plain = Settings(data_folder=tmp_path, port=9443)
    told = {name: getattr(plain, name) for name in (*names, "advertised")}
    (tmp_path / "listening.json").write_text(json.dumps(told))
    started = as_it_started(Settings(data_folder=tmp_path))
    assert started is not None and started.port == 9443
    assert started.media_port == plain.media_port  # it told none: the usual one


def test_the_server_that_runs_is_found_by_the_lock_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = server(tmp_path / "one")
    assert tmp_path / "one" in set(last_start._running())
    # Others of this machine are not this test's.
    seen = last_start._running
    monkeypatch.setattr(
        last_start, "_running", lambda: (each for each in seen() if each.parent == tmp_path)
    )
    monkeypatch.chdir(tmp_path)
    nowhere = Settings()  # `var`, which is not here
    assert of_the_running_server(nowhere).data_folder == tmp_path / "one"
    named = Settings(data_folder=tmp_path / "named")
    assert of_the_running_server(named) is named, "not there, and no other is meant"

    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "tongke.db").touch()
    assert of_the_running_server(nowhere) is nowhere, "here is one of its own"
    (tmp_path / "var" / "tongke.db").unlink()

    two = server(tmp_path / "two")
    with pytest.raises(StartRefused, match="--data-folder") as refused:
        of_the_running_server(nowhere)
    assert str(tmp_path / "one") in str(refused.value) and "two" in str(refused.value)
    two.close()
    one.close()
    assert of_the_running_server(nowhere) is nowhere
    # A service that is stopped has its folder where the unit puts it.
    monkeypatch.setattr(last_start, "_SERVICES", tmp_path / "two")
    assert of_the_running_server(nowhere).data_folder == tmp_path / "two"
