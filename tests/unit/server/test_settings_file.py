"""What `tongke.toml` may hold and how a wrong one is told: one sentence in each language, with the
line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server.config import load_settings
from server.errors import StartRefused, Text

FIRST = "# 设置\nport = 7900\n"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings from the surroundings of the tests."""
    for name in list(os.environ):
        if name.upper().startswith("TONGKE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def told(content: bytes) -> Text:
    Path("tongke.toml").write_bytes(content)
    with pytest.raises(StartRefused) as refused:
        load_settings()
    text = refused.value.text
    assert "\n" not in text.en + text.zh
    assert "tongke.toml" in text.en
    assert "tongke.toml" in text.zh
    return text


@pytest.mark.parametrize(
    "content",
    [
        FIRST.encode(),
        FIRST.encode("utf-8-sig"),  # Notepad's
        FIRST.replace("\n", "\r\n").encode("utf-8-sig"),
    ],
    ids=["plain", "byte order mark", "line ends of Windows"],
)
def test_what_editors_write_is_read(content: bytes) -> None:
    Path("tongke.toml").write_bytes(content)
    assert load_settings().port == 7900


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("port = 7900\n# 设置\n".encode("gbk"), 2, "looks like GBK"),
        (b"port = 7900\n# \xff\xff\n", 2, "not UTF-8"),
        (FIRST.encode("utf-16"), 1, "UTF-16"),
        (FIRST.encode("utf-16-le"), 1, "UTF-16"),
        (f"{FIRST}public_url = \"https://a".encode(), 3, "not valid TOML"),
        (f"{FIRST}advertised = [\"10.0.0.5\",\n".encode(), 3, "not valid TOML"),
        (f"{FIRST}host = 127.0.0.1  # this\n".encode(), 3, 'host = "127.0.0.1"'),
        (f"{FIRST}log_level = debug\n".encode(), 3, 'log_level = "debug"'),
        (f"{FIRST}port = 7901\n".encode(), 3, "a second time"),
        (f"{FIRST}media_port: 7881\n".encode(), 3, "port = 7880"),
        (f"{FIRST}media_port = \"many\"\n".encode(), 3, "media_port (in tongke.toml, line 3)"),
        (f"{FIRST}media_port = true\n".encode(), 3, "must be a number"),
        (f"{FIRST}media_port = [7881]\n".encode(), 3, "whole number"),
        (f"{FIRST}advertised = 5\n".encode(), 3, "a list of texts"),
        (f"{FIRST}advertised = [\n5]\n".encode(), 3, "must be a text"),
        (f"{FIRST}data_folder = 2026-11-29\n".encode(), 3, "must be a path"),
        (f"{FIRST}plain_http = \"perhaps\"\n".encode(), 3, "true or false"),
        (f"{FIRST}[media]\nport = 1\n".encode(), 3, "stand in no table"),
        (f"{FIRST}MEDIA_PORT = 1\n".encode(), 3, "Did you mean media_port?"),
        (f"{FIRST}TONGKE_MEDIA_PORT = 1\n".encode(), 3, "Did you mean media_port?"),
        (f"{FIRST}media-port = 1\n".encode(), 3, "Did you mean media_port?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(content: bytes, line: int, words: str) -> None:
    text = told(content)
    assert words in text.en
    assert f"line {line}" in text.en
    assert f"第 {line} 行" in text.zh


def test_chinese_quotation_marks_are_not_told_back() -> None:
    """What was to be copied from the sentence was wrong again, and looked right."""
    text = told("public_url = “https://tongke.example.cn”\n".encode())
    assert 'public_url = "https://tongke.example.cn"' in text.zh
    assert "“" not in text.zh + text.en


def test_a_name_in_capital_letters_beside_the_right_one_is_told() -> None:
    """It was passed over, and the other one counted."""
    assert "line 3" in told(f"{FIRST}PORT = 7901\n".encode()).en


def test_brackets_without_end_are_told() -> None:
    told(b"advertised = " + b"[" * 100_000)


def test_a_folder_in_its_place_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("tongke.toml").mkdir()
    with pytest.raises(StartRefused, match=r"tongke\.toml cannot be read"):
        load_settings()
    monkeypatch.setenv("TONGKE_CONFIG", "tongke.toml")
    with pytest.raises(StartRefused, match=r"does not exist, or is no file"):
        load_settings()


def test_an_empty_variable_names_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGKE_CONFIG", "")
    assert load_settings().port == 7880
