"""What was asked, beside what was measured."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.measures import measures


def data(**changed: Any) -> dict[str, Any]:
    grown = {"lessons": [1, 2, 4], "cpu_ms_per_lesson": [40.0, 38.0, 36.0], "max_over_min": 1.11}
    return {
        "cases": {
            "4-seats": {
                "tongke": {"added_delay_ms_p99": 1.2},
                "janus": {"added_delay_ms_p99": 1.0},
            }
        },
        "ratios": {"4-seats": {"janus": 0.25, "janus-2-loops": 0.36, "floor": 1.4, "aiortc": 9.0}},
        "lessons_held": {"tongke": 40, "janus": 20},
        "growth": {"tongke": {**grown, "at_least": ""}, "janus": {"at_least": ""}},
        **changed,
    }


def test_each_measure_says_plainly_whether_it_is_met() -> None:
    assert [(one.what, one.asked, one.verdict) for one in measures(data())] == [
        ("CPU per packet, 4-seats", "≤ 0.25 × janus", "met"),
        ("CPU per packet, 4-seats", "≤ 0.35 × janus-2-loops", "not met"),
        ("CPU per packet, 4-seats", "≤ 1.5 × floor", "met"),
        ("added delay p99, 4-seats", "≤ janus's 1.00 ms", "not met"),
        ("added delay p99, 4-seats", "≤ 2 ms", "met"),
        ("lessons held", "≥ 2 × janus's 20", "met"),
        ("CPU per lesson, from 1 to 4 lessons", "constant within 20%", "met"),
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "more_ours", "more_theirs", "verdict"),
    [
        (40, 20, "", "", "met"),
        (39, 20, "", "", "not met"),
        (40, 20, "time", "", "met"),
        (39, 20, "time", "", "not known"),
        (40, 20, "", "time", "not known"),
        (39, 20, "", "time", "not met"),
    ],
)
def test_at_least_is_not_taken_for_a_limit(
    ours: int, theirs: int, more_ours: str, more_theirs: str, verdict: str
) -> None:
    changed = data(
        cases={},
        ratios={},
        lessons_held={"tongke": ours, "janus": theirs},
        growth={
            "tongke": {"lessons": [1], "at_least": more_ours},
            "janus": {"at_least": more_theirs},
        },
    )
    (only,) = measures(changed)
    assert only.verdict == verdict


def test_what_was_not_measured_is_not_judged() -> None:
    nothing: dict[str, Any] = {"cases": {}, "ratios": {}, "lessons_held": {}, "growth": {}}
    assert measures(nothing) == []
    assert measures({**nothing, "cases": {"4-seats": {"janus": {"added_delay_ms_p99": 1}}}}) == []
    assert measures({**nothing, "lessons_held": {"tongke": 3, "janus": 0}}) == []
