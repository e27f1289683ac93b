"""Every setting of `docs/settings.md`: a right value is taken, a wrong one and a misspelt name are
told, wherever they stand; and the page's limits are the fields'."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from server.config import Settings, load_settings
from server.errors import StartRefused
from tests.unit.server.setting_limits import limits

DOCS = Path(__file__).parents[3] / "docs" / "settings.md"
ACME = {"public_url": "https://tongke.example.cn"}
TURN = {"turn_secret_file": "secret"}
TLS = {"tls_cert": "a.crt", "tls_key": "a.key"}

# name: a right value, what is made of it, a wrong one and a word of what is told; what it needs.
VALUES: dict[str, tuple[str, Any, str, str, dict[str, str]]] = {
    "data_folder": ("/srv/tongke", Path("/srv/tongke"), "", "must not be empty", {}),
    "database_url": ("postgresql+asyncpg://x/y", "postgresql+asyncpg://x/y", "a\tb", "seen", {}),
    "recordings_folder": ("~/rec", Path.home() / "rec", "$DISK/rec", "'$DISK/rec'", {}),
    "further_recordings_folders": ("/d2, /d3", ("/d2", "/d3"), "$DISK/r", "'$DISK/r'", {}),
    "store_bucket": ("lessons/a", "lessons/a", "a\tb", "seen", {"store_keys_file": "k"}),
    "store_endpoint": ("http://10.0.0.9:9000", "http://10.0.0.9:9000", "s3.cn", "like https", {}),
    "store_region": ("cn-north-1", "cn-north-1", "a\x7fb", "cannot be seen", {}),
    "store_keys_file": ("k", Path("k"), "$K", "'$K'", {"store_bucket": "lessons"}),
    "store_spool_gb": ("0.5", 0.5, "0", "more than 0", {}),
    "profiles_folder": ("p", Path("p"), "$HOME/p", "'$HOME/p'", {}),
    "web_folder": ("w", Path("w"), "${W}", "'${W}'", {}),
    "host": ("127.0.0.1", "127.0.0.1", "https://127.0.0.1", "neither a host name", {}),
    "port": (" 443\r", 443, "70000", "not be more than 65535", {}),
    "public_url": ("https://A.cn/", "https://a.cn", "a.cn", "https://10.0.0.5:7880", {}),
    "plain_http": ("true", True, "maybe", "true or false", {"host": "127.0.0.1"}),
    "trusted_proxies": (
        "10.0.0.1, 10.1.0.0/16",
        ("10.0.0.1", "10.1.0.0/16"),
        "nginx",
        "'nginx'",
        {},
    ),
    "tls_cert": ("a.crt", Path("a.crt"), "~nobody-of-this-name/a", "home folder", TLS),
    "tls_key": ("a.key", Path("a.key"), "$KEY", "'$KEY'", TLS),
    "tls_names": ("*.a.cn,::1", ("*.a.cn", "::1"), "https://a.cn", "'https://a.cn'", {}),
    "acme": ("it@a.cn", "it@a.cn", "it", "no mail address", ACME),
    "acme_directory": ("https://ca.cn/dir", "https://ca.cn/dir", "ca.cn", "ACME directory", {}),
    "media_host": ("0.0.0.0", "0.0.0.0", "eth0", "'eth0' is not an IP address", {}),
    "media_port": ("7900", 7900, "-1", "not be less than 0", {}),
    "media_pumps": ("64", 64, "65", "not be more than 64", {}),
    "media_tcp": ("no", False, "2", "true or false", {}),
    "media_tcp_port": ("443", 443, "443/tcp", "whole number", {}),
    "advertised": ("203.0.113.7", ("203.0.113.7",), "0.0.0.0", "'0.0.0.0' leads no room", {}),
    "turn_urls": ("turn:t.cn:3478", ("turn:t.cn:3478",), "t.cn:3478", "turn:HOST:PORT", TURN),
    "turn_secret_file": ("s", Path("s"), "$S", "'$S'", {"turn_urls": "turn:t.cn"}),
    "server_profile": ("school", "school", "sch\x7fool", "cannot be seen", {}),
    "rtmp_port": ("1935", 1935, "-1", "not be less than 0", {}),
    "rtmps_port": ("1936", 1936, "65536", "not be more than 65535", {}),
    "srt_port": ("7900", 7900, "65505", "not be more than 65504", {}),
    "programs": ("0", 0, "1001", "not be more than 1000", {}),
    "push_hosts": ("live.a.cn,10.0.0.9", ("live.a.cn", "10.0.0.9"), "rtmp://a.cn", "host name", {}),
    "hls_window_s": ("0", 0, "601", "not be more than 600", {}),
    "max_partners": ("32", 32, "33", "not be more than 32", {}),
    "join_token_s": ("0.5", 0.5, "0", "more than 0", {}),
    "doors_open_s": ("0", 0, "3601", "not be more than 3600", {}),
    "empty_lesson_s": ("60", 60, "1e300", "not be more than 315360000", {}),
    "lead_absent_s": ("60", 60, "nan", "number", {}),
    "longest_lesson_s": ("60", 60, "inf", "number", {}),
    "lesson_warned_s": ("3600", 3600, "-1", "not be less than 0", {}),
    "away_grace_s": ("60", 60, "a minute", "must be a number", {}),
    "silent_socket_s": ("60", 60, "0", "more than 0", {}),
    "join_timeout_s": ("60", 60, "1:00", "must be a number", {}),
    "devices_per_seat": ("64", 64, "0", "not be less than 1", {}),
    "guests_per_lesson": ("1000", 1000, "1001", "not be more than 1000", {}),
    "room_checks_devices": ("false", False, "", "true or false", {}),
    "room_poll_s": ("0.2", 0.2, "0.1", "not be less than 0.2", {}),
    "session_idle_s": ("60", 60, "7 days", "must be a number", {}),
    "session_max_s": ("700000", 700_000, "-1", "more than 0", {}),
    "one_time_key_s": ("60", 60, "0", "more than 0", {}),
    "deleted_kept_days": ("3650", 3650, "3651", "not be more than 3650", {}),
    "max_body_bytes": ("4096", 4096, "4095", "not be less than 4096", {}),
    "max_message_bytes": ("4096", 4096, "64 KiB", "whole number", {}),
    "stop_grace_s": ("3", 3, "0", "more than 0", {}),
    "metrics_token": ("x" * 20, SecretStr("x" * 20), "x" * 19, "20 characters", {}),
    "log_level": ("debug", "debug", "trace", "'debug', 'info'", {}),
    "log_format": ("json", "json", "xml", "'console' or 'json'", {}),
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings from the surroundings of the tests."""
    for name in list(os.environ):
        if name.upper().startswith("TONGKE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def variable(name: str) -> str:
    return f"TONGKE_{name.upper()}"


def told() -> tuple[str, str]:
    """What a start says, in English and in Chinese: a paragraph each."""
    with pytest.raises(StartRefused) as refused:
        load_settings()
    text = refused.value.text
    assert "\n" not in text.en + text.zh
    assert re.search("[\u4e00-\u9fff]", text.zh)
    return text.en, text.zh


def misspelt(name: str) -> str:
    """With its last sign but one left out, as a hand slips; no other setting's name."""
    return name[:-2] + name[-1]


def test_the_table_has_every_setting_of_the_page() -> None:
    assert set(VALUES) == set(Settings.model_fields)


@pytest.mark.parametrize("name", VALUES)
def test_a_right_value_is_taken(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    right, made, _, _, needs = VALUES[name]
    for other, value in {**needs, name: right}.items():
        monkeypatch.setenv(variable(other), value)
    assert getattr(load_settings(), name) == made


@pytest.mark.parametrize("name", VALUES)
def test_a_wrong_value_is_told_with_its_place(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    _, _, wrong, words, needs = VALUES[name]
    for other, value in {**needs, name: wrong}.items():
        monkeypatch.setenv(variable(other), value)
    en, zh = told()
    assert words in en
    for text in (en, zh):
        assert f"{name} (" in text or f"{name}（" in text
        assert variable(name) in text


@pytest.mark.parametrize("name", VALUES)
def test_a_misspelt_name_is_told_with_the_right_one(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    slip = misspelt(name)
    monkeypatch.setenv(variable(slip), "1")
    for text in told():
        assert variable(slip) in text
        assert re.search(rf"{variable(name)}\b", text, re.ASCII)
    monkeypatch.delenv(variable(slip))
    Path("tongke.toml").write_text(f"# 设置\n\n{slip} = 1\n")
    en, zh = told()
    assert f"no setting {slip} (in tongke.toml, line 3). Did you mean {name}?" in en
    assert f"没有名为 {slip} 的设置（tongke.toml 第 3 行）。您是指 {name} 吗？" in zh


@pytest.mark.parametrize("name", VALUES)
def test_the_page_tells_what_it_takes(name: str) -> None:
    found = re.search(rf"^\| `{name}` \|[^|]*\| ([^|]*) \|", DOCS.read_text(), re.MULTILINE)
    assert found is not None
    assert found[1] == limits(name)
