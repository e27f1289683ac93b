"""What was asked of the compositor is judged by its figures, and by none that are not there."""

from __future__ import annotations

from typing import Any

from benchmarks.compositors import Made
from benchmarks.compositors.asked import FIVE, LATE, PROGRAM, asked


def data(**given: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        name: {}
        for name in (
            *("ratios", "core", "delay_ms", "late", "kbit_per_s"),
            *("composing_share", "ssim_db", "sound"),
        )
    }
    return {**empty, "programs_held": None, **given}


def test_nothing_measured_is_nothing_judged() -> None:
    assert not list(asked(data()))


def test_each_measure_is_met_up_to_its_bound_and_not_beyond() -> None:
    found = data(
        ratios={"nearest": {"xstack": 0.5, "gstreamer": 0.46}, "full": {"xstack": 0.74}},
        core={"720p30-mixes": 0.41, "still": 0.08},
        delay_ms={"720p30-mixes": {"p50": 28.0, "p99": 45.1}},
        kbit_per_s={"still": 250},
        programs_held=4,
    )
    assert [verdict for *_, verdict in asked(found)] == [
        *("met", "not met", "met"),
        *("not met", "met"),
        *("met", "not met"),
        "met",
        "not met",
    ]


def test_the_sound_is_judged_by_the_cpu_its_repair_and_its_delay() -> None:
    found = data(
        sound={
            "ratios": {"4-who-all-talk": 0.61, "16-of-whom-3-talk": 0.3},
            "signal_to_noise_db": {"concealed": 10.0, "fec": 13.9},
            "added_delay_ms": {"clean": 80, "after_a_stall": 81},
        }
    )
    verdicts = [verdict for *_, verdict in asked(found)]
    assert verdicts == ["not met", "met", "not met", "met", "not met"]


def test_a_tile_is_to_be_as_good_and_the_program_within_a_tenth_of_a_decibel() -> None:
    ways = {"tongke": 16.9, "xstack": 16.95, "xstack-tuned": 14.0}
    found = data(ssim_db={"1280x720 to 640x360": ways, PROGRAM: ways}, delay_ms={FIVE: {"p99": 60}})
    assert [verdict for *_, verdict in asked(found)] == ["met", "not met", "met"]


def test_what_came_late_is_not_judged_by_its_cost() -> None:
    found = data(core={"1080p30-mixes": 0.35, "still": 0.05}, late={"1080p30-mixes": 0.62})
    assert [verdict for *_, verdict in asked(found)] == [LATE, "met"]


def test_a_cost_is_of_the_pictures_that_arrived() -> None:
    made = Made(frames=150, octets=1_000_000, cpu_s=1.2, seconds=5.0)
    assert made.cpu_ms_per_frame == 8.0
    assert made.cores == 0.24
    assert made.kbit_per_s == 1600
