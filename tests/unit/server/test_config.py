"""Settings: where they come from, what is refused and how, and that all are documented."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from server.config import Settings, load_settings
from server.errors import StartRefused

DOCS = Path(__file__).parents[3] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings from the surroundings of the tests."""
    for name in list(os.environ):
        if name.startswith("TONGKE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def documented() -> dict[str, str]:
    rows = re.findall(r"^\| `([a-z_]+)` \| ?(?:`([^`]*)` )?\|", DOCS.read_text(), re.MULTILINE)
    return dict(rows)


def shown(value: object) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) and value < 1e5 else f"{value}".split(".")[0]


def test_every_setting_is_documented_with_its_default() -> None:
    defaults = {name: shown(field.default) for name, field in Settings.model_fields.items()}
    assert documented() == defaults


def test_defaults_need_nothing() -> None:
    settings = load_settings()
    assert settings.port == 7880
    assert settings.database == "sqlite+aiosqlite:///var/tongke.db"
    assert settings.address == "https://localhost:7880"
    assert settings.secure


def test_command_line_over_environment_over_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path("tongke.toml").write_text('port = 1\nmedia_port = 2\nadvertised = ["10.0.0.5"]\n')
    monkeypatch.setenv("TONGKE_PORT", "3")
    settings = load_settings(port=None)
    assert (settings.port, settings.media_port, settings.advertised) == (3, 2, ("10.0.0.5",))
    assert load_settings(port=4).port == 4
    other = tmp_path / "other.toml"
    other.write_text("media_port = 5\n")
    monkeypatch.setenv("TONGKE_CONFIG", str(other))
    assert load_settings().media_port == 5


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGKE_ADVERTISED", "203.0.113.7, 2001:db8::7")
    assert load_settings().advertised == ("203.0.113.7", "2001:db8::7")
    monkeypatch.setenv("TONGKE_ADVERTISED", "::ffff:203.0.113.7")
    assert load_settings().advertised == ("203.0.113.7",)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"port": 70_000}, ["port", "--port", "65535"]),
        ({"port": "http"}, ["port", "--port"]),
        ({"advertised": "my-server"}, ["advertised", "'my-server' is not an IP address"]),
        ({"advertised": "::ffff:0.0.0.0"}, ["advertised", "leads no room"]),
        ({"advertised": "0.1.2.3"}, ["advertised", "leads no room"]),
        ({"advertised": "240.0.0.1"}, ["advertised", "leads no room"]),
        ({"advertised": "255.255.255.255"}, ["advertised", "leads no room"]),
        ({"host": "0.0.0.0.0"}, ["host", "nor an IP address"]),
        ({"public_url": "https://192.168.1.999"}, ["public_url", "nor an IP address"]),
        ({"public_url": "https://10.0.0.0x5:7880"}, ["public_url", "nor an IP address"]),
        ({"public_url": "https://x.cn:0"}, ["public_url", "https://10.0.0.5"]),
        ({"tls_names": "10.0.0"}, ["tls_names", "nor an IP address"]),
        ({"turn_urls": "turn:a.cn:99999", "turn_secret_file": "s"}, ["turn_urls", "turn:HOST"]),
        ({"turn_urls": "turn:a.cn:0", "turn_secret_file": "s"}, ["turn_urls", "turn:HOST"]),
        ({"turn_urls": "turn.example:3478", "turn_secret_file": "s"}, ["turn_urls", "turn:HOST"]),
        ({"turn_urls": "turn:a.example"}, ["turn_secret_file", "belong together"]),
        ({"turn_secret_file": "s"}, ["turn_urls", "belong together"]),
        ({"public_url": "tongke.example.cn"}, ["public_url", "https://"]),
        ({"public_url": "https://example.cn/tongke"}, ["public_url", "no path"]),
        ({"public_url": "https://0.0.0.0:7880"}, ["public_url", "no other machine"]),
        ({"public_url": "https://[::]"}, ["public_url", "no other machine"]),
        ({"public_url": "https://169.254.1.1"}, ["public_url", "no other machine"]),
        ({"public_url": "https://exa mple.cn"}, ["public_url", "https://10.0.0.5"]),
        ({"public_url": "https://x.cn:99999"}, ["public_url", "https://10.0.0.5"]),
        ({"public_url": "https://x.cn:port"}, ["public_url", "https://10.0.0.5"]),
        ({"public_url": "https://" + "a" * 64 + ".cn"}, ["public_url", "neither a host name"]),
        ({"public_url": "https://*.x.cn"}, ["public_url", "https://10.0.0.5"]),
        ({"host": "*"}, ["host", "star"]),
        ({"public_url": "https://[::1"}, ["public_url", "https://10.0.0.5"]),
        ({"public_url": "https://me:secret@x.cn"}, ["public_url", "password"]),
        ({"plain_http": True}, ["plain_http", "127.0.0.1", "trusted_proxies"]),
        ({"plain_http": True, "host": "10.0.0.5"}, ["plain_http", "cameras"]),
        ({"tls_cert": "a.pem"}, ["tls_cert and tls_key"]),
        ({"session_idle_s": 10, "session_max_s": 5}, ["session_idle_s"]),
        ({"max_partners": 0}, ["max_partners"]),
        ({"join_token_s": float("nan")}, ["join_token_s"]),
        ({"public_url": "http://t.example.cn"}, ["public_url", "https://"]),
        ({"trusted_proxies": "0.0.0.0/0"}, ["trusted_proxies", "everybody"]),
        ({"trusted_proxies": "::/0"}, ["trusted_proxies", "everybody"]),
        ({"trusted_proxies": "proxy"}, ["trusted_proxies", "network"]),
        ({"acme": "me"}, ["acme", "no mail address"]),
        ({"acme": "a@b.cn, c@d.cn"}, ["acme", "no mail address"]),
        ({"acme": "a@b.cn"}, ["public_url", "domain's name"]),
        ({"acme": "a@b.cn", "public_url": "https://10.0.0.5"}, ["public_url", "domain's name"]),
        ({"acme": "a@b.cn", "public_url": "https://x.cn:7880"}, ["public_url", "no port"]),
        (
            {"acme": "a@b.cn", "public_url": "https://x.cn", "tls_cert": "a", "tls_key": "b"},
            ["acme", "tls_cert"],
        ),
        (
            {"acme": "a@b.cn", "public_url": "https://x.cn", "plain_http": True},
            ["acme", "plain_http"],
        ),
        ({"acme_directory": "http://ca.cn/dir"}, ["acme_directory", "https://acme-v02"]),
        ({"acme_directory": "https://[::1/dir"}, ["acme_directory", "https://acme-v02"]),
    ],
)
def test_wrong_settings_are_told_in_one_paragraph(given: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(StartRefused) as refused:
        load_settings(**given)
    text = str(refused.value)
    assert "\n" not in text
    for word in words:
        assert word in text


def test_the_place_of_a_wrong_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGKE_PORT", "many")
    with pytest.raises(StartRefused, match="environment variable TONGKE_PORT"):
        load_settings()
    monkeypatch.delenv("TONGKE_PORT")
    Path("tongke.toml").write_text('port = "many"\n')
    with pytest.raises(StartRefused, match=r"in tongke\.toml"):
        load_settings()


def test_misspelt_settings_are_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("tongke.toml").write_text("prot = 80\n")
    with pytest.raises(StartRefused, match=r"no setting prot .*Did you mean port"):
        load_settings()
    Path("tongke.toml").unlink()
    monkeypatch.setenv("TONGKE_MEDIAPORT", "1")
    with pytest.raises(StartRefused, match="Did you mean TONGKE_MEDIA_PORT"):
        load_settings()
    monkeypatch.delenv("TONGKE_MEDIAPORT")
    monkeypatch.setenv("TONGKE_SANITIZE", "1")  # of the build, none of ours
    load_settings()


def test_a_broken_or_missing_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("tongke.toml").write_text("port = = 1\n")
    with pytest.raises(StartRefused, match="not valid TOML"):
        load_settings()
    monkeypatch.setenv("TONGKE_CONFIG", "nowhere.toml")
    with pytest.raises(StartRefused, match=r"nowhere\.toml .*does not exist"):
        load_settings()


@pytest.mark.parametrize(
    ("given", "address", "secure"),
    [
        ({}, "https://localhost:7880", True),
        ({"host": "::1", "plain_http": True}, "http://[::1]:7880", False),
        ({"host": "10.0.0.5", "port": 443}, "https://10.0.0.5:443", True),
        ({"public_url": "https://t.example.cn/"}, "https://t.example.cn", True),
        ({"public_url": "https://T.Example.CN.:8443"}, "https://t.example.cn:8443", True),
        ({"public_url": "https://[2001:db8::5]:7880"}, "https://[2001:db8::5]:7880", True),
        ({"plain_http": True, "trusted_proxies": "10.0.0.1"}, "http://localhost:7880", True),
        (
            {
                "plain_http": True,
                "trusted_proxies": "10.0.0.0/8",
                "public_url": "https://t.example.cn",
            },
            "https://t.example.cn",
            True,
        ),
    ],
)
def test_the_address_that_people_open(given: dict[str, Any], address: str, secure: bool) -> None:
    settings = load_settings(**given)
    assert (settings.address, settings.secure) == (address, secure)


def test_turn_servers_with_names_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = (
        "turn:turn.example.cn",
        "turn:203.0.113.7:3478?transport=udp",
        "turn:[2001:db8::7]:3478?transport=tcp",
        "turns:turn.example.cn:443?transport=tcp",
    )
    monkeypatch.setenv("TONGKE_TURN_URLS", ", ".join(urls))
    monkeypatch.setenv("TONGKE_TURN_SECRET_FILE", "secret")
    assert load_settings().turn_urls == urls


def test_hardware_profiles_are_looked_for_in_the_data_folder(tmp_path: Path) -> None:
    usual = tmp_path / "hardware_profiles"
    assert Settings(data_folder=tmp_path).profile_folders == (usual,)
    named = Settings(data_folder=tmp_path, profiles_folder=tmp_path)
    assert named.profile_folders == (tmp_path, usual)
