"""The simulator's tables are in the language of the terminal, and whole on one of 80 columns."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from server.simulate.figures import Figures
from server.simulate.tables import what_was_carried, what_was_seen

TOTAL = Figures(seconds=25, sent_packets=1313, sent_bytes=500_000, delay_ms=4)
SEEN = SimpleNamespace(
    seat_id="lead",
    source="teacher",
    frames=7,
    unreadable=0,
    missed=0,
    width=640,
    height=360,
    age_ms=120.0,
    tones={400},
)
SEATS = cast(
    "Any",
    [SimpleNamespace(name="1.1", figures=SimpleNamespace(total=TOTAL), seen={"p": SEEN})],
)


def shown(monkeypatch: pytest.MonkeyPatch, language: str, *, encoding: str = "utf-8") -> str:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", language)
    console = Console(file=io.StringIO(), width=80)
    console.print(what_was_carried(SEATS, encoding=encoding))
    console.print(what_was_seen(SEATS, encoding=encoding))
    return cast("io.StringIO", console.file).getvalue()


def test_a_chinese_terminal_reads_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, "zh_CN.UTF-8")
    assert re.findall("[a-z]{3,}", text) == ["lead", "teacher"]  # a seat and a source by name
    for word in ("各台设备", "设备", "收到的内容", "读不出", "1313", "160", "640×360"):
        assert word in text
    assert "…" not in text  # nothing is cut


def test_others_read_english(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (
        shown(monkeypatch, "en_GB.UTF-8"),
        shown(monkeypatch, "zh_CN.UTF-8", encoding="ascii"),
    ):
        assert "seat" in text and "received" in text
        assert not re.search("[一-鿿]", text)
