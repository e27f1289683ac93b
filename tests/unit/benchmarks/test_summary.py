"""The benchmark's arithmetic: cases, medians, ratios, and the line of JSON that programs read."""

from __future__ import annotations

import json
import os

import pytest

from benchmarks.cases import CASES, classroom, one_to
from benchmarks.processes import cpu_seconds, machine, resident_mb
from benchmarks.running import Figures
from benchmarks.summary import as_json, table


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
    }
    assert "\n" not in as_json(RUNS)


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
