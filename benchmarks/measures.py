"""What was asked of Tongke, beside what was measured: met or not, plainly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

OURS = "tongke"
# Of the CPU per forwarded packet, ours over theirs, in one run.
RATIO_MOST = {"janus": 0.25, "janus-2-loops": 0.35, "floor": 1.5}
CLASSROOM, DELAY_MS_P99_MOST = "4-seats", 2.0
LESSONS_TIMES_JANUS = 2.0
GROWTH_MOST = 1.20

Data = Mapping[str, Any]  # as `summary.as_data` makes it


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the page. `met` is None where a search ended before it could be told."""

    what: str
    asked: str
    measured: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """In words."""
        return {True: "met", False: "not met", None: "not known"}[self.met]


def measures(data: Data) -> list[Measure]:
    """Every measure that these figures can answer."""
    return [*_costs(data), *_delays(data), *_lessons(data), *_growth(data)]


def _costs(data: Data) -> Iterator[Measure]:
    for peer, most in RATIO_MOST.items():
        for case, ratios in data["ratios"].items():
            if peer in ratios:
                yield Measure(
                    f"CPU per packet, {case}",
                    f"≤ {most:g} × {peer}",
                    f"{ratios[peer]:.2f} ×",
                    ratios[peer] <= most,
                )


def _delays(data: Data) -> Iterator[Measure]:
    for case, servers in data["cases"].items():
        if OURS not in servers:
            continue
        ours = servers[OURS]["added_delay_ms_p99"]
        if "janus" in servers:
            theirs = servers["janus"]["added_delay_ms_p99"]
            asked = f"≤ janus's {theirs:.2f} ms"
            yield Measure(f"added delay p99, {case}", asked, f"{ours:.2f} ms", ours <= theirs)
        if case == CLASSROOM:
            asked = f"≤ {DELAY_MS_P99_MOST:g} ms"
            met = ours <= DELAY_MS_P99_MOST
            yield Measure(f"added delay p99, {case}", asked, f"{ours:.2f} ms", met)


def _lessons(data: Data) -> Iterator[Measure]:
    held, grown = data["lessons_held"], data.get("growth", {})
    if OURS not in held or not held.get("janus"):
        return
    ours, theirs = held[OURS], held["janus"]
    more_ours, more_theirs = (bool(grown.get(n, {}).get("at_least")) for n in (OURS, "janus"))
    met: bool | None = ours >= LESSONS_TIMES_JANUS * theirs
    if (met and more_theirs) or (not met and more_ours):
        met = None
    yield Measure(
        "lessons held",
        f"≥ {LESSONS_TIMES_JANUS:g} × janus's {'at least ' * more_theirs}{theirs}",
        f"{'at least ' * more_ours}{ours}",
        met,
    )


def _growth(data: Data) -> Iterator[Measure]:
    ours = data.get("growth", {}).get(OURS)
    if not ours or len(ours["lessons"]) < 2:
        return
    first, last = ours["cpu_ms_per_lesson"][0], ours["cpu_ms_per_lesson"][-1]
    spread = ours["max_over_min"]
    yield Measure(
        f"CPU per lesson, from {ours['lessons'][0]} to {ours['lessons'][-1]} lessons",
        f"constant within {GROWTH_MOST - 1:.0%}",
        f"within {spread - 1:.0%}; {last / first - 1:+.0%} from the first to the last",
        spread <= GROWTH_MOST,
    )
