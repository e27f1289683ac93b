"""The charts and the kept page: whole, and with what was measured in them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import chart, line_chart, namespace
from benchmarks.kept import keep
from benchmarks.measures import Measure
from benchmarks.svg import PLOT_HEIGHT, TOP, colours_of

GROUPS = {"1-to-3": {"tongke": 5.25, "a & b": 10.0}, "4-seats": {"tongke": 0.0}}
SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: str) -> ET.Element:
    assert "prefers-color-scheme:dark" in svg
    return ET.fromstring(svg)  # noqa: S314  # ours


def heights(document: ET.Element) -> list[float]:
    bars = [bar for bar in document.iter(f"{SVG}rect") if bar.get("class") == "bar"]
    return [float(bar.get("height", "")) for bar in bars]


def words(document: ET.Element) -> set[str | None]:
    return {text.text for text in document.iter(f"{SVG}text")}


def test_a_chart_has_a_bar_for_every_value_on_one_scale() -> None:
    document = drawn(chart.bars("cost <of> a packet", "µs", GROUPS))
    found = heights(document)
    assert found == pytest.approx([5.25 / 10 * max(found), max(found), 0.0], abs=0.1)
    assert {"cost <of> a packet", "a & b", "5.2", "10.0", "0.0", "4-seats"} <= words(document)


def test_a_value_far_beyond_the_others_hides_none_of_them() -> None:
    document = drawn(chart.bars("cost", "µs", {"1": {"a": 5.0, "b": 10.0, "c": 1200.0}}))
    found = heights(document)
    assert found[1] == found[2] == 2 * found[0]
    assert "1200" in words(document)
    assert len([path for path in document.iter(f"{SVG}path") if path.get("class") == "page"]) == 1


def test_a_chart_of_nothing_is_still_a_chart() -> None:
    drawn(chart.bars("nothing", "µs", {}))
    drawn(line_chart.lines("nothing", "ms", "lessons", {"tongke": []}))


def test_a_line_goes_through_every_point_and_doublings_stand_side_by_side() -> None:
    series = {"tongke": [(1, 40.0), (2, 20.0), (4, 10.0)], "janus": [(1, 80.0)]}
    document = drawn(line_chart.lines("growth", "ms", "lessons", series))
    dots = [
        (float(dot.get("cx", "")), float(dot.get("cy", "")))
        for dot in document.iter()
        if dot.tag == f"{SVG}circle"
    ]
    assert dots[1][0] - dots[0][0] == pytest.approx(dots[2][0] - dots[1][0], abs=0.2)
    base = TOP + PLOT_HEIGHT
    above = [base - y for _, y in dots]
    assert above == pytest.approx([above[3] / 2, above[3] / 4, above[3] / 8, above[3]], abs=0.2)
    assert {"1", "2", "4", "lessons", "80.0"} <= words(document)


def test_a_server_has_one_colour_in_all_charts() -> None:
    assert colours_of(["new", "janus"])["janus"] == colours_of(["tongke", "janus"])["janus"]
    assert len(set(colours_of(["tongke", "floor", "janus", "janus-2-loops", "new"]).values())) == 5


def test_what_is_kept_can_be_read_by_people_and_programs(tmp_path: Path) -> None:
    data = {
        "cases": {"1-to-3": {"tongke": {"cpu_us_per_packet": 5.0}}},
        "ratios": {"1-to-3": {"janus": 0.25}, "4-seats": {}},
        "lessons_held": {"tongke": 2},
        "growth": {"tongke": {"lessons": [1, 2], "cpu_ms_per_lesson": [40.0, 30.0]}},
    }
    page = keep(
        "gcm",
        told=["Machine: small"],
        tables={"": "case  server", "Lessons held": "tongke: 2"},
        judged=[Measure("cost", "≤ 1", "2", met=False)],
        data=data,
        folder=tmp_path / "results",
    )
    text = page.read_text()
    assert "| 1-to-3 | 0.25 |" in text
    assert "| 4-seats | – |" in text
    assert "## Lessons held" in text
    assert "(gcm-lessons.svg)" in text
    kept = json.loads((page.parent / "gcm.json").read_text())
    assert {name: kept[name] for name in data} == data
    assert kept["told"] == ["Machine: small"]
    assert kept["measures"] == [{"measure": "cost", "asked": "≤ 1", "measured": "2", "met": False}]
    assert sorted(path.name for path in page.parent.iterdir()) == [
        "gcm-lessons.svg",
        "gcm.json",
        "gcm.md",
        "gcm.svg",
    ]


def test_without_its_tools_the_network_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("os.defpath", "/nonexistent")
    monkeypatch.setattr("shutil.which", lambda *args, **kwargs: None)
    with pytest.raises(SystemExit, match="iproute2"):
        namespace.enter("benchmarks.forward")
