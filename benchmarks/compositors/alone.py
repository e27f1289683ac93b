"""The compositor by itself: what a program costs with its mixes, and how many a machine holds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median

from benchmarks.compositors import FRAMES_PER_S, HEIGHT, SOURCES, WIDTH
from benchmarks.compositors.classroom import Clip, clip
from benchmarks.compositors.run_tongke import FULL_HD, LARGE, SMALL, Tongke
from benchmarks.compositors.sending import Sending
from benchmarks.compositors.speaking import Speaking
from benchmarks.processes import cpu_seconds
from mixer.composite.process.messages import Counters, Layer

SETTLE_S = 4.0  # the first keyframes, and x264's rate finding its place
MOST_LATE = 0.001
PROGRAMS_ASKED = 5


@dataclass(frozen=True, slots=True)
class Case:
    """A program: its layers, whether rooms speak, whether anything moves."""

    layers: tuple[Layer, ...]
    mixes: bool = True
    still: bool = False


CASES = {
    "720p30": Case((LARGE,), mixes=False),
    "720p30-mixes": Case((LARGE,)),
    "720p30-and-360p-mixes": Case((SMALL, LARGE)),
    "1080p30-mixes": Case((FULL_HD,)),
    "still": Case((LARGE,), mixes=False, still=True),
}


@dataclass(frozen=True, slots=True)
class Alone:
    """What one program did. Delays: the median over seconds of each second's percentile."""

    cores: float
    delay_ms_p50: float
    delay_ms_p99: float
    late_share: float
    kbit_per_s: float
    encode_ms: float
    composing_share: float  # of all its CPU


@cache
def _clips(width: int, height: int, *, still: bool) -> list[Clip]:
    return [
        clip(width, height, seed=seed, bitrate_bps=700_000 * width // 640, still=still)
        for seed in range(SOURCES)
    ]


def measure_alone(name: str, seconds: float) -> Alone:
    """One program of this case."""
    (found,) = measure_together([CASES[name]], seconds)
    return found


def programs_held(most: int, seconds: float) -> tuple[int, list[Alone]]:
    """How many 720p30 programs with their mixes run at once without being late; and the five."""
    asked_for: list[Alone] = []
    for count in range(1, most + 1):
        found = measure_together([CASES["720p30-mixes"]] * count, seconds)
        late = sum(one.late_share for one in found) / count
        p99 = max(one.delay_ms_p99 for one in found)
        print(f"{count} programs: {late:.2%} late, delay p99 {p99:.0f} ms", flush=True)
        asked_for = found if count == PROGRAMS_ASKED else asked_for
        if late > MOST_LATE:
            return count - 1, asked_for
    return most, asked_for


def measure_together(cases: Sequence[Case], seconds: float) -> list[Alone]:
    """So many programs at once."""
    programs = [Tongke(case.layers, mixes=case.mixes) for case in cases]
    with contextlib.ExitStack() as ending:
        for case, program in zip(cases, programs, strict=True):
            scale = case.layers[-1].height / HEIGHT
            size = round(WIDTH // 2 * scale), round(HEIGHT // 2 * scale)
            clips = _clips(*size, still=case.still)
            ending.callback(program.stop)
            sending = Sending(clips, program.start(clips))
            sending.start()
            ending.callback(sending.stop)
            if case.mixes:
                speaking = Speaking(program.sound_targets)
                speaking.start()
                ending.callback(speaking.stop)
        _wait(programs, SETTLE_S)
        for program in programs:
            program.counters = program.counters[-1:]
        began = time.monotonic()
        cpu = [cpu_seconds([program.pid]) for program in programs]
        octets = [program.arriving.octets for program in programs]
        _wait(programs, seconds)
        took_s = time.monotonic() - began
        return [
            _alone(
                program.counters,
                cores=(cpu_seconds([program.pid]) - cpu_before) / took_s,
                kbit_per_s=8 * (program.arriving.octets - octets_before) / took_s / 1000,
            )
            for program, cpu_before, octets_before in zip(programs, cpu, octets, strict=True)
        ]


def _wait(programs: Sequence[Tongke], seconds: float) -> None:
    """Let them run, and take what they say."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.2)
        for program in programs:
            program.read_counters()


def _alone(counters: Sequence[Counters], *, cores: float, kbit_per_s: float) -> Alone:
    first, *rest = counters
    last = rest[-1] if rest else first
    seconds = max(1, len(rest))  # they are said once in a second
    ticks = FRAMES_PER_S * seconds
    return Alone(
        cores=cores,
        delay_ms_p50=median(one.delay_ms_p50 for one in rest or [first]),
        delay_ms_p99=median(one.delay_ms_p99 for one in rest or [first]),
        late_share=(last.late_ticks - first.late_ticks) / ticks,
        kbit_per_s=kbit_per_s,
        encode_ms=median(one.encode_ms for one in rest or [first]),
        composing_share=(last.compose_s - first.compose_s) / seconds / cores,
    )
