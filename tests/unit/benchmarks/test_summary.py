"""The benchmark's arithmetic: cases, medians, ratios, and the line of JSON that programs read."""

from __future__ import annotations

import json
import os

import pytest

from benchmarks.cases import CASES, classroom, one_to
from benchmarks.measures import Measure
from benchmarks.processes import cpu_seconds, machine, resident_mb
from benchmarks.running import Figures
from benchmarks.summary import as_data, as_json, growth_table, measures_table, table
from tests.unit.benchmarks.test_growth import held


def figures(cost: float, *, out: int = 900) -> Figures:
    return Figures(
        packets_in=300,
        packets_out=out,
        expected_out=900,
        cpu_us_per_packet=cost,
        delay_ms_p50=0.1,
        delay_ms_p99=1.25,
        rss_mb=70.04,
        seconds=2.0,
        client_trouble={},
    )


RUNS = {
    "1-to-3": {
        "tongke": [figures(20.0), figures(30.0), figures(10.0, out=890)],
        "other": [figures(80.0)],
    }
}


def test_json_has_the_agreed_shape() -> None:
    told = json.loads(as_json(RUNS))
    assert told == {
        "cases": {
            "1-to-3": {
                "tongke": {
                    "cpu_us_per_packet": 20.0,
                    "added_delay_ms_p50": 0.1,
                    "added_delay_ms_p99": 1.25,
                    "loss": 0.0,
                    "rss_mb": 70.0,
                },
                "other": {
                    "cpu_us_per_packet": 80.0,
                    "added_delay_ms_p50": 0.1,
                    "added_delay_ms_p99": 1.25,
                    "loss": 0.0,
                    "rss_mb": 70.0,
                },
            }
        },
        "ratios": {"1-to-3": {"other": 0.25}},
        "lessons_held": {},
        "growth": {},
    }
    assert "\n" not in as_json(RUNS)


def test_lessons_held_and_their_growth_have_their_keys() -> None:
    told = json.loads(as_json({}, {"tongke": held({1: 10.0, 2: 20.0})}))
    assert told["lessons_held"] == {"tongke": 2}
    assert told["growth"]["tongke"]["cpu_ms_per_lesson"] == [10.0, 10.0]


def test_what_is_kept_has_every_run() -> None:
    runs = as_data(RUNS, raw=True)["runs"]["1-to-3"]
    assert [run["cpu_us_per_packet"] for run in runs["tongke"]] == [20.0, 30.0, 10.0]
    json.dumps(runs)


def test_tables_of_nothing_and_of_something() -> None:
    assert len(growth_table({}).splitlines()) == 2
    lines = growth_table({"janus": held({1: 10.0, 2: 30.0})}).splitlines()
    assert lines[2].split()[:4] == ["1", "janus", "10.0", "–"]
    assert lines[3].split()[:4] == ["2", "janus", "15.0", "20.0"]
    told = measures_table([Measure("cost", "≤ 1", "2", met=False)])
    assert "not met" in told


def test_without_us_there_are_no_ratios() -> None:
    told = json.loads(as_json({"1-to-3": {"other": [figures(1.0)]}}))
    assert told["ratios"] == {"1-to-3": {}}


def test_table_has_medians_and_ranges() -> None:
    lines = table(RUNS).splitlines()
    assert len(lines) == 4
    assert "20.00" in lines[2]
    assert "10.00–30.00" in lines[2]
    assert "450" in lines[2]  # packets out per second


def test_loss_counts_what_should_have_come() -> None:
    assert figures(1.0, out=855).loss == pytest.approx(0.05)
    assert Figures(0, 0, 0, 0, 0, 0, 0, 1, {}).loss == 0


def test_cases() -> None:
    assert list(CASES) == ["1-to-3", "1-to-10", "1-to-30", "4-seats"]
    assert one_to(30).streams_out == 30
    lesson = classroom(4)
    assert lesson.streams_out == 12
    assert lesson.wanted_by(2) == (0, 1, 3)


def test_processes_are_counted() -> None:
    before = cpu_seconds([os.getpid()])
    sum(range(2_000_000))
    assert cpu_seconds([os.getpid()]) > before
    assert 1 < resident_mb([os.getpid()]) < 100_000
    assert "Linux" in machine()
