"""`python -m benchmarks.program`: what making one picture of four costs, and how long it takes.

Tongke's compositor beside ffmpeg's `xstack`, GStreamer's `compositor` and the floor, which is the
libraries' calls and nothing between them: the same four sources, the same 720p30 program by RTP out
of the same x264 settings, each in a process of its own, in interleaved rounds. Then the compositor
by itself: with mixes, at 1080p, when nothing moves, and how many programs this machine holds; the
sound beside Janus' AudioBridge; and how good both are. The last line is JSON for programs; what the
figures mean, and what they do not, is told in `docs/benchmarks.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.compositors import (
    FRAMES_PER_S,
    HEIGHT,
    SOURCES,
    WIDTH,
    Contender,
    Made,
)
from benchmarks.compositors.alone import CASES, Alone, measure_alone, programs_held
from benchmarks.compositors.asked import FIVE, PROGRAM, asked
from benchmarks.compositors.classroom import Clip, clip
from benchmarks.compositors.quality import measure_program, measure_tiles
from benchmarks.compositors.run_ffmpeg import Xstack
from benchmarks.compositors.run_floor import Floor
from benchmarks.compositors.run_gst import Gstreamer
from benchmarks.compositors.run_tongke import Tongke
from benchmarks.compositors.sending import Sending
from benchmarks.compositors.sound_alone import CASES as SOUND_CASES
from benchmarks.compositors.sound_alone import THEIRS as AUDIOBRIDGE
from benchmarks.compositors.sound_alone import Mixed, measure_sound
from benchmarks.compositors.sound_quality import added_delay_ms, repaired_db
from benchmarks.processes import cpu_seconds, machine, software
from benchmarks.summary import columns

OURS, FLOOR = "tongke", "floor"
# Sources of the size of their tiles, as the compositor asks for them; and twice as wide and high,
# as whoever knows nothing of layers gets them: its peers are measured with these alone, the floor
# with both.
NEAREST, FULL = "nearest", "full"
SOURCE_SIZES = {
    NEAREST: (WIDTH // 2, HEIGHT // 2, 700_000),
    FULL: (WIDTH, HEIGHT, 2_000_000),
}
FIRST_PICTURES_S = 30.0
# Longer than a source's loop: whoever lost something while it started has had a keyframe since.
SETTLE_S = 6.0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--cases", nargs="*", choices=SOURCE_SIZES, default=list(SOURCE_SIZES))
    parser.add_argument("--alone", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--seconds", type=float, default=5.0, help="of measuring per run")
    parser.add_argument("--runs", type=int, default=3, help="per case and server, interleaved")
    parser.add_argument("--sound", nargs="*", choices=SOUND_CASES, default=list(SOUND_CASES))
    parser.add_argument("--quality", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--programs", type=int, default=6, help="the most to hold at once; 0: none")
    return parser.parse_args()


def contenders(folder: Path) -> dict[str, Callable[[], Contender]]:
    """Everybody, by name."""
    return {
        OURS: Tongke,
        FLOOR: lambda: Floor(folder),
        "xstack": lambda: Xstack(folder, tuned=False),
        "xstack-tuned": lambda: Xstack(folder, tuned=True),
        "gstreamer": Gstreamer,
    }


def run(contender: Contender, clips: Sequence[Clip], seconds: float) -> Made:
    """One run: start it, wait for its pictures, measure. Raises `TimeoutError` without any."""
    targets = contender.start(clips)
    sending = Sending(clips[: len(targets)], targets)
    sending.start()
    try:
        until = time.monotonic() + FIRST_PICTURES_S
        while contender.arriving.frames < FRAMES_PER_S:
            if time.monotonic() > until:
                raise TimeoutError(f"{contender.name} made no picture")
            time.sleep(0.1)
        time.sleep(SETTLE_S)
        arriving = contender.arriving
        began, cpu = time.monotonic(), cpu_seconds([contender.pid])
        frames, octets = arriving.frames, arriving.octets
        time.sleep(seconds)
        return Made(
            arriving.frames - frames,
            arriving.octets - octets,
            cpu_seconds([contender.pid]) - cpu,
            time.monotonic() - began,
        )
    finally:
        sending.stop()
        contender.stop()


def compare(chosen: argparse.Namespace) -> dict[str, dict[str, list[Made]]]:
    """Every case and contender, in interleaved rounds."""
    made: dict[str, dict[str, list[Made]]] = {case: {} for case in chosen.cases}
    with tempfile.TemporaryDirectory(prefix="tongke-benchmark-") as folder:
        makers = contenders(Path(folder))
        for name, maker in list(makers.items()):
            if packages := maker().missing:
                print(f"{name} is left out: it needs {packages}", file=sys.stderr)
                del makers[name]
        clips = {case: _clips(case) for case in chosen.cases}
        for _ in range(max(1, chosen.runs)):
            for case in chosen.cases:
                for name, maker in makers.items():
                    if case == NEAREST and name not in (OURS, FLOOR):
                        continue
                    try:
                        one = run(maker(), clips[case], chosen.seconds)
                    except (OSError, RuntimeError, TimeoutError) as error:
                        print(f"{case}, {name}: {error}", file=sys.stderr)
                        continue
                    made[case].setdefault(name, []).append(one)
    return made


def _clips(case: str) -> list[Clip]:
    width, height, bitrate_bps = SOURCE_SIZES[case]
    return [clip(width, height, seed=seed, bitrate_bps=bitrate_bps) for seed in range(SOURCES)]


def compared_table(made: dict[str, dict[str, list[Made]]]) -> str:
    """For people."""
    rows = [("case", "server", "ms/frame", "frames/s", "kb/s", "cores")]
    for case, servers in made.items():
        for name, runs in servers.items():
            rows.append(
                (
                    case,
                    name,
                    f"{median(one.cpu_ms_per_frame for one in runs):.2f}",
                    f"{median(one.frames / one.seconds for one in runs):.1f}",
                    f"{median(one.kbit_per_s for one in runs):.0f}",
                    f"{median(one.cores for one in runs):.2f}",
                )
            )
    return columns(rows, left=2)


def alone_table(found: dict[str, Alone]) -> str:
    """For people."""
    rows = [
        ("program", "cores", "delay p50 ms", "p99 ms", "late", "kb/s", "encode ms", "composing")
    ]
    for name, one in found.items():
        rows.append(
            (
                name,
                f"{one.cores:.3f}",
                f"{one.delay_ms_p50:.1f}",
                f"{one.delay_ms_p99:.1f}",
                f"{one.late_share:.2%}",
                f"{one.kbit_per_s:.0f}",
                f"{one.encode_ms:.2f}",
                f"{one.composing_share:.0%}",
            )
        )
    return columns(rows, left=1)


def sound_table(mixed: dict[str, dict[str, Mixed]]) -> str:
    """For people."""
    rows = [("participants", "server", "cores/1000 each", "packets/s each")]
    rows += [
        (case, name, f"{one.milli_cores:.1f}", f"{one.packets_per_s:.0f}")
        for case, servers in mixed.items()
        for name, one in servers.items()
    ]
    return columns(rows, left=2)


def quality_table(found: dict[str, dict[str, float]]) -> str:
    """For people."""
    rows = [("SSIM in dB against the ideal", *next(iter(found.values())))]
    rows += [(case, *(f"{one:.2f}" for one in ways.values())) for case, ways in found.items()]
    return columns(rows, left=1)


def as_data(
    made: dict[str, dict[str, list[Made]]],
    alone: dict[str, Alone],
    held: tuple[int, list[Alone]] | None,
    sound: dict[str, Any],
    quality: dict[str, dict[str, float]],
) -> dict[str, Any]:
    """The last line."""
    costs = {
        case: {
            name: round(median(one.cpu_ms_per_frame for one in runs), 3)
            for name, runs in servers.items()
        }
        for case, servers in made.items()
    }
    delays = {
        name: {"p50": round(one.delay_ms_p50, 1), "p99": round(one.delay_ms_p99, 1)}
        for name, one in alone.items()
    }
    if held is not None and held[1]:
        delays[FIVE] = {
            "p50": round(max(one.delay_ms_p50 for one in held[1]), 1),
            "p99": round(max(one.delay_ms_p99 for one in held[1]), 1),
        }
    return {
        "cpu_ms_per_frame": costs,
        "ratios": {
            case: {
                name: round(servers[OURS] / cost, 3)
                for name, cost in (costs.get(FULL, {}) | servers).items()
                if name != OURS and OURS in servers
            }
            for case, servers in costs.items()
        },
        "core": {name: round(one.cores, 3) for name, one in alone.items()},
        "delay_ms": delays,
        "programs_held": None if held is None else held[0],
        "sound": sound,
        "late": {name: round(one.late_share, 4) for name, one in alone.items()},
        "kbit_per_s": {name: round(one.kbit_per_s) for name, one in alone.items()},
        "composing_share": {name: round(one.composing_share, 3) for name, one in alone.items()},
        "ssim_db": {
            case: {name: round(one, 2) for name, one in ways.items()}
            for case, ways in quality.items()
        },
    }


def sound_data(mixed: dict[str, dict[str, Mixed]]) -> dict[str, Any]:
    """CPU beside the AudioBridge's, repair in dB and added delay."""
    cores = {
        case: {name: round(one.milli_cores, 2) for name, one in servers.items()}
        for case, servers in mixed.items()
    }
    return {
        "milli_cores_per_participant": cores,
        "ratios": {
            case: round(servers[OURS] / servers[AUDIOBRIDGE], 3)
            for case, servers in cores.items()
            if {OURS, AUDIOBRIDGE} <= servers.keys()
        },
        "signal_to_noise_db": {name: round(one, 1) for name, one in repaired_db().items()},
        "added_delay_ms": {name: round(one) for name, one in added_delay_ms().items()},
    }


def main() -> int:
    """Run everything and print; 1 when nothing of ours was measured."""
    chosen = arguments()
    before = os.getloadavg()[0]
    print(f"Machine: {machine()}; load average before {before:.1f}\nSoftware: {software()}")
    made = compare(chosen)
    alone = {name: measure_alone(name, chosen.seconds) for name in chosen.alone}
    held = programs_held(chosen.programs, chosen.seconds) if chosen.programs else None
    mixed = measure_sound(chosen.sound, chosen.runs, chosen.seconds)
    quality = {**measure_tiles(), PROGRAM: measure_program()} if chosen.quality else {}
    data = as_data(made, alone, held, sound_data(mixed) if chosen.sound else {}, quality)
    if any(made.values()):
        print(f"\nFour sources to {WIDTH}×{HEIGHT} at {FRAMES_PER_S}/s\n\n{compared_table(made)}")
    if alone:
        print(f"\nThe compositor alone\n\n{alone_table(alone)}")
    if held is not None:
        print(f"\nPrograms held, at most {chosen.programs} tried: {held[0]}")
    if mixed:
        print(f"\nThe sound\n\n{sound_table(mixed)}")
    if quality:
        print(f"\nThe picture\n\n{quality_table(quality)}")
    rows = [("asked", "", "measured", ""), *asked(data)]
    print(f"\nWhat was asked\n\n{columns(rows, left=2)}")
    print(f"\nLoad average at the end {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")
    print(json.dumps(data))
    ours = alone or mixed or quality or any(OURS in servers for servers in made.values())
    return 0 if ours else 1


if __name__ == "__main__":
    sys.exit(main())
