"""What was asked of the compositor, beside what was measured: met or not, plainly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# Of the CPU per frame, ours over theirs, in one run.
RATIO_MOST = {
    "nearest": {"xstack": 0.5, "xstack-tuned": 0.65, "gstreamer": 0.45},
    "full": {"xstack": 0.75, "gstreamer": 0.65},
}
CORES_MOST = {"720p30-mixes": 0.40, "1080p30-mixes": 0.70, "still": 0.08}
DELAYED, P50_MOST_MS, P99_MOST_MS = "720p30-mixes", 28.0, 45.0
STILL_MOST_KBIT_PER_S = 250
PROGRAMS_LEAST = 5
LATE = "not known: the machine had no time for it"

# A program that came late more often did not do what is judged: its cost and delay say nothing.
LATE_MOST = 0.01

Row = tuple[str, str, str, str]


def asked(data: Mapping[str, Any]) -> Iterator[Row]:
    """Every measure that these figures can answer: what, how much, measured, the verdict."""
    for case, peers in RATIO_MOST.items():
        for peer, most in peers.items():
            ratio = data["ratios"].get(case, {}).get(peer)
            if ratio is not None:
                what = f"CPU per frame, {case}, of {peer}'s"
                yield what, f"≤ {most}", f"{ratio:.2f}", _verdict(met=ratio <= most)
    for name, most in CORES_MOST.items():
        cores = data["core"].get(name)
        if cores is not None:
            verdict = _verdict(met=cores <= most) if _in_time(data, name) else LATE
            yield f"cores, {name}", f"≤ {most:.2f}", f"{cores:.2f}", verdict
    delay = data["delay_ms"].get(DELAYED)
    if delay is not None:
        for name, most_ms in (("p50", P50_MOST_MS), ("p99", P99_MOST_MS)):
            met = delay[name] <= most_ms
            yield (
                f"added delay {name}, {DELAYED}",
                f"≤ {most_ms:.0f} ms",
                f"{delay[name]:.0f} ms",
                _verdict(met=met),
            )
    still = data["kbit_per_s"].get("still")
    if still is not None:
        met = still <= STILL_MOST_KBIT_PER_S
        yield "nothing moves", f"≤ {STILL_MOST_KBIT_PER_S} kb/s", f"{still} kb/s", _verdict(met=met)
    held = data["programs_held"]
    if held is not None:
        met = held >= PROGRAMS_LEAST
        yield "programs held", f"≥ {PROGRAMS_LEAST}", str(held), _verdict(met=met)


def _in_time(data: Mapping[str, Any], name: str) -> bool:
    return bool(data["late"].get(name, 0.0) <= LATE_MOST)


def _verdict(*, met: bool) -> str:
    return "met" if met else "not met"
