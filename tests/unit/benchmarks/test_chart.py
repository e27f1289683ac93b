"""The chart and the kept page: whole, and with what was measured in them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import chart, namespace
from benchmarks.kept import keep
from benchmarks.lessons import holds
from benchmarks.running import Figures

GROUPS = {"1-to-3": {"tongke": 5.25, "a & b": 104.0}, "4-seats": {"tongke": 0.0}}
SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_has_a_bar_for_every_value_on_one_scale() -> None:
    document = ET.fromstring(chart.bars("cost <of> a packet", "µs", GROUPS))  # noqa: S314  # ours
    bars = [bar for bar in document.iter(f"{SVG}rect") if bar.get("y") != "38"][1:]
    heights = [float(bar.get("height", "")) for bar in bars]
    assert heights == pytest.approx([5.25 / 104 * max(heights), max(heights), 0.0], abs=0.1)
    written = [text.text for text in document.iter(f"{SVG}text")]
    assert {"cost <of> a packet", "a & b", "5.2", "104", "0.0", "4-seats"} <= set(written)


def test_a_chart_of_nothing_is_still_a_chart() -> None:
    ET.fromstring(chart.bars("nothing", "µs", {}))  # noqa: S314  # ours


def test_what_is_kept_can_be_read_by_people_and_programs(tmp_path: Path) -> None:
    data = {
        "cases": {"1-to-3": {"tongke": {"cpu_us_per_packet": 5.0}}},
        "ratios": {"1-to-3": {"janus": 0.25}, "4-seats": {}},
        "lessons_held": {"tongke": 20},
    }
    page = keep(
        "gcm",
        told=["Machine: small"],
        table="case  server",
        lessons=["Lessons held, tongke: 20"],
        data=data,
        folder=tmp_path / "results",
    )
    text = page.read_text()
    assert "| 1-to-3 | 0.25 |" in text
    assert "| 4-seats | – |" in text
    assert "Lessons held, tongke: 20" in text
    assert json.loads((page.parent / "gcm.json").read_text()) == data
    assert sorted(path.name for path in page.parent.iterdir()) == ["gcm.json", "gcm.md", "gcm.svg"]


@pytest.mark.parametrize(
    ("out", "p99", "held"), [(10_000, 20.0, True), (9_989, 1.0, False), (10_000, 20.5, False)]
)
def test_a_lesson_holds_by_loss_and_delay(out: int, p99: float, held: bool) -> None:
    figures = Figures(5_000, out, 10_000, 5.0, 0.1, p99, 70.0, 3.0, {})
    assert holds(figures) is held


def test_without_its_tools_the_network_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("os.defpath", "/nonexistent")
    monkeypatch.setattr("shutil.which", lambda *args, **kwargs: None)
    with pytest.raises(SystemExit, match="iproute2"):
        namespace.enter("benchmarks.forward")
