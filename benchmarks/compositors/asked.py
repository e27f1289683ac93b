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
FIVE, FIVE_P99_MOST_MS = "five-programs", 60.0
COMPOSING, COMPOSING_MOST = "720p30", 0.10
# The program as it is received, from full-size sources; and its tiles, before they are encoded.
PROGRAM, PROGRAM_BELOW_MOST_DB = "the program, encoded", 0.1
# Of a participant's CPU, ours over the AudioBridge's: all four talk, or one of them as in lessons.
SOUND_MOST = {"4-of-whom-1-talks": 0.6, "4-who-all-talk": 0.6, "16-of-whom-3-talk": 0.3}
FEC_LEAST_DB = 4.0
SOUND_DELAY_MOST_MS = 80
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

    p99 = data["delay_ms"].get(FIVE, {}).get("p99")
    if p99 is not None:
        met = p99 <= FIVE_P99_MOST_MS
        yield (
            "added delay p99, five",
            f"≤ {FIVE_P99_MOST_MS:.0f} ms",
            f"{p99} ms",
            _verdict(met=met),
        )
    share = data["composing_share"].get(COMPOSING)
    if share is not None:
        met = share <= COMPOSING_MOST
        yield "composing alone", f"≤ {COMPOSING_MOST:.0%}", f"{share:.0%}", _verdict(met=met)
    yield from _quality(data["ssim_db"])
    yield from _sound(data["sound"])


def _quality(ssim_db: Mapping[str, Any]) -> Iterator[Row]:
    for case, ways in ssim_db.items():
        above = ways["tongke"] - ways["xstack"]
        least = -PROGRAM_BELOW_MOST_DB if case == PROGRAM else 0.0
        yield (
            f"SSIM over stock ffmpeg's, {case}",
            f"≥ {least} dB",
            f"{above:.2f} dB",
            _verdict(met=above >= least),
        )


def _sound(sound: Mapping[str, Any]) -> Iterator[Row]:
    for case, most in SOUND_MOST.items():
        ratio = sound.get("ratios", {}).get(case)
        if ratio is not None:
            what = f"CPU per participant, {case}, of AudioBridge's"
            yield what, f"≤ {most}", f"{ratio:.2f}", _verdict(met=ratio <= most)
    db = sound.get("signal_to_noise_db")
    if db is not None:
        above = db["fec"] - db["concealed"]
        met = above >= FEC_LEAST_DB
        yield (
            "FEC over concealment",
            f"≥ {FEC_LEAST_DB:.0f} dB",
            f"{above:.1f} dB",
            _verdict(met=met),
        )
    for name, delay_ms in sound.get("added_delay_ms", {}).items():
        met = delay_ms <= SOUND_DELAY_MOST_MS
        asked_for = f"≤ {SOUND_DELAY_MOST_MS} ms"
        yield f"sound's added delay, {name}", asked_for, f"{delay_ms} ms", _verdict(met=met)


def _in_time(data: Mapping[str, Any], name: str) -> bool:
    return bool(data["late"].get(name, 0.0) <= LATE_MOST)


def _verdict(*, met: bool) -> str:
    return "met" if met else "not met"
