"""What the settings make of the media core and of the relays."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware_profiles import list_server_profiles, load_server_profile
from server.config import load_settings
from server.errors import StartRefused
from server.node.media import node_settings
from server.signaling_settings import turn_servers

URL = "turn:turn.example.cn:3478"


@pytest.mark.parametrize(
    ("given", "tcp_port"),
    [({}, 0), ({"media_tcp_port": 443}, 443), ({"media_tcp": False}, None)],
)
def test_the_tcp_port(given: dict[str, object], tcp_port: int | None) -> None:
    hardware = load_server_profile(list_server_profiles()[0].name)
    assert node_settings(load_settings(**given), hardware).tcp_port == tcp_port


@pytest.mark.parametrize("given", [{"media_port": 65_535}, {"media_tcp_port": 65_535}])
def test_a_pump_beyond_the_last_port_is_told(given: dict[str, object]) -> None:
    hardware = load_server_profile(list_server_profiles()[0].name)
    with pytest.raises(StartRefused, match=r"the last would be 65536: .* media_pumps"):
        node_settings(load_settings(media_pumps=2, **given), hardware)
    assert node_settings(load_settings(media_pumps=1, **given), hardware).pumps == 1


def test_the_relays_secret_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("north\n")
    servers = turn_servers(load_settings(turn_urls=(URL,), turn_secret_file=path))
    assert servers is not None
    assert (servers.urls, servers.secret) == ((URL,), b"north")
    assert turn_servers(load_settings()) is None


@pytest.mark.parametrize(("content", "words"), [(None, "cannot be read"), ("\n", "is empty")])
def test_a_secret_that_cannot_be_had_is_told(
    tmp_path: Path, content: str | None, words: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_text(content)
    with pytest.raises(StartRefused, match=words):
        turn_servers(load_settings(turn_urls=(URL,), turn_secret_file=path))
