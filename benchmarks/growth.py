"""What a lesson costs among many: CPU and memory per lesson from one lesson to the limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.lessons import Held, Step
from benchmarks.running import Figures


@dataclass(frozen=True, slots=True)
class Point:
    """One step that held."""

    lessons: int
    cpu_ms_per_lesson: float  # a second
    cpu_us_per_packet: float
    rss_mb: float
    delay_ms_p99: float


@dataclass(frozen=True, slots=True)
class Growth:
    """From few lessons to many; `points` have at least one."""

    points: tuple[Point, ...]

    @property
    def max_over_min(self) -> float:
        """Of the CPU per lesson."""
        costs = [point.cpu_ms_per_lesson for point in self.points]
        return max(costs) / max(min(costs), 1e-9)

    @property
    def further_cpu_ms(self) -> tuple[float | None, ...]:
        """By point: what each lesson more than at the point before cost a second; None at first."""
        return (
            None,
            *(
                (more.lessons * more.cpu_ms_per_lesson - few.lessons * few.cpu_ms_per_lesson)
                / (more.lessons - few.lessons)
                for few, more in pairwise(self.points)
            ),
        )

    @property
    def rss_mb_per_lesson(self) -> float:
        """What each lesson after the first added; 0 when only one was tried."""
        first, last = self.points[0], self.points[-1]
        more = last.lessons - first.lessons
        return (last.rss_mb - first.rss_mb) / more if more else 0.0

    def in_words(self) -> str:
        """One line for people."""
        first, last = self.points[0], self.points[-1]
        if last.lessons == first.lessons:
            return f"CPU per lesson {first.cpu_ms_per_lesson:.1f} ms/s, with one lesson only"
        change = last.cpu_ms_per_lesson / max(first.cpu_ms_per_lesson, 1e-9) - 1
        return (
            f"CPU per lesson within {self.max_over_min - 1:.0%} from {first.lessons} to "
            f"{last.lessons} lessons ({first.cpu_ms_per_lesson:.1f} ms/s with {first.lessons}, "
            f"{last.cpu_ms_per_lesson:.1f} with {last.lessons}: {change:+.0%}); "
            f"{self.rss_mb_per_lesson:.1f} MB of memory per lesson"
        )


def growth(held: Held) -> Growth | None:
    """The powers of two and the limit itself, as far as they held; None when nothing did."""
    found: dict[int, Figures] = {
        step.lessons: step.figures for step in held.steps if step.held and step.figures is not None
    }
    wanted = [n for n in sorted(found) if n & (n - 1) == 0 or n == held.lessons]
    if not wanted:
        return None
    return Growth(tuple(_point(n, found[n]) for n in wanted))


def as_data(held: Held) -> dict[str, object]:
    """For the line of JSON."""
    found = growth(held)
    points: Sequence[Point] = found.points if found else ()
    return {
        "lessons": [point.lessons for point in points],
        "cpu_ms_per_lesson": [round(point.cpu_ms_per_lesson, 2) for point in points],
        "cpu_ms_per_further_lesson": [
            None if cost is None else round(cost, 2)
            for cost in (found.further_cpu_ms if found else ())
        ],
        "cpu_us_per_packet": [round(point.cpu_us_per_packet, 3) for point in points],
        "added_delay_ms_p99": [round(point.delay_ms_p99, 3) for point in points],
        "rss_mb": [round(point.rss_mb, 1) for point in points],
        "max_over_min": round(found.max_over_min, 3) if found else None,
        "rss_mb_per_lesson": round(found.rss_mb_per_lesson, 2) if found else None,
        "at_least": held.at_least,
    }


def held_in_words(held: Mapping[str, Held]) -> list[str]:
    """One line a server."""
    lines = []
    for server, one in held.items():
        found = growth(one)
        at_least = f"at least {one.lessons} ({one.at_least})" if one.at_least else str(one.lessons)
        parts = [f"{server}: {at_least}"]
        parts += [failing_in_words(one.failing)] if one.failing else []
        parts += [found.in_words()] if found else []
        lines.append("; ".join(parts))
    return lines


def failing_in_words(step: Step) -> str:
    """How it was where it did not hold: who had which cores, and what came of it."""
    figures = step.figures
    if figures is None:
        return f"not {step.lessons}: {step.why_not}"
    return (
        f"not {step.lessons}: {figures.loss:.2%} lost, p99 {figures.delay_ms_p99:.1f} ms, with "
        f"{figures.server_cores:.1f} cores of the server's and {figures.client_cores:.1f} of the "
        "client's"
    )


def _point(lessons: int, figures: Figures) -> Point:
    return Point(
        lessons,
        1e3 * figures.server_cores / lessons,
        figures.cpu_us_per_packet,
        figures.rss_mb,
        figures.delay_ms_p99,
    )
