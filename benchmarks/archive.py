"""`python -m benchmarks.archive`: what recording costs, how soon it is ready, what a kill costs.

Real recorder processes fed as the media core feeds them, real finishing processes, files on the
disk that `--folder` names. What was asked stands beside each figure; the last line is JSON for
programs, and says how busy others kept the machine. `docs/benchmarks.md` tells what it means.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.archive_kills import KILLED, finish_by_itself, measure_kills, table
from benchmarks.archived_lesson import (
    FRAMES_PER_S,
    SOUND_S,
    LessonShape,
    loop_of_pictures,
    loop_of_sound,
    write_lesson,
)
from benchmarks.live_beside import beside_a_live_lesson
from benchmarks.processes import cpu_seconds, machine, machine_busy_seconds, software
from benchmarks.recorder_load import FedRecorder
from recorder.finishing import FinishingQueue
from recorder.recording_folder import MANIFEST

CASES = ("recorder", "further", "finishing", "forty", "six", "kills")
LESSON = LessonShape(seconds=600)  # 5 pictures and 4 sounds: 8.5 Mb/s
WARM_UP_S = 3.0
FURTHER = 3
LEAST_SENT = 0.98  # else it was not those lessons that were recorded
MOST_LOST_S = 1.0
POLL_S = 0.05

ASKED = {
    "recorder_core_share": ("≤", 0.05),
    "further_core_share": ("≤", 0.03),
    "finishing_times_real_time": ("≥", 300.0),
    "forty_minutes_ready_s": ("≤", 10.0),
    "six_ready_p95_s": ("≤", 45.0),
    "live_delay_p99_times": ("≤", 1.10),
    "kill_lost_most_s": ("≤", MOST_LOST_S),
    "kills_not_whole": ("≤", 0),
}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--cases", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--seconds", type=float, default=20.0, help="of recording measured")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--peer-every", type=int, default=5, help="kills, one of FFmpeg's")
    parser.add_argument("--runs", type=int, default=3, help="of finishing; the best counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to write; by default a temporary one")
    return parser.parse_args()


def measure_recorder(folder: Path, seconds: float) -> dict[str, float]:
    """CPU of a recorder of one lesson, in cores, after it has warmed up."""
    return {"recorder_core_share": round(recorder_share(folder, seconds, lessons=1), 4)}


def measure_further(folder: Path, seconds: float) -> dict[str, float]:
    """What each further lesson costs the same recorder, of three beside one."""
    first = recorder_share(folder, seconds, lessons=1)
    all_four = recorder_share(folder, seconds, lessons=1 + FURTHER)
    return {"further_core_share": round((all_four - first) / FURTHER, 4)}


def recorder_share(folder: Path, seconds: float, *, lessons: int) -> float:
    """CPU of a recorder of so many lessons, in cores."""
    places = [folder / f"of-{lessons}-{number}" for number in range(lessons)]
    recorder = FedRecorder(folder, places[0], LESSON, *places[1:])
    recorder.play(WARM_UP_S)
    before, began = cpu_seconds([recorder.process.pid]), time.monotonic()
    sent = sum(recorder.sent().values())
    recorder.play(seconds)
    used = cpu_seconds([recorder.process.pid]) - before
    took = time.monotonic() - began
    units = sum(recorder.sent().values()) - sent
    recorder.close()
    asked = lessons * seconds * (LESSON.pictures * FRAMES_PER_S + LESSON.sounds / SOUND_S)
    if units < LEAST_SENT * asked:
        raise RuntimeError(f"the machine could not send {lessons} lessons: {units} of {asked:.0f}")
    return used / took


def measure_finishing(folder: Path, runs: int) -> dict[str, float]:
    """Ten minutes made playable by a process of its own: wall clock, and CPU of all it starts."""
    recording = folder / "rec"
    write_lesson(recording, LESSON)
    best, cpu = float("inf"), 0.0
    for _ in range(runs):
        (recording / MANIFEST).unlink(missing_ok=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = finish_by_itself(recording, "--keep-tracks")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if took < best:
            best = took
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "finishing_times_real_time": round(LESSON.seconds / best, 1),
        "finishing_times_real_time_of_cpu": round(LESSON.seconds / cpu, 1),
    }


def measure_forty(folder: Path) -> dict[str, float]:
    """Forty minutes, from its end to its manifest."""
    recording = folder / "rec"
    write_lesson(recording, LessonShape(seconds=2400))
    return {"forty_minutes_ready_s": round(finish_by_itself(recording), 2)}


def measure_six(folder: Path) -> dict[str, float]:
    """Six lessons of ten minutes that end together, and what a live lesson feels of it."""
    folders = [folder / f"rec{number}" for number in range(6)]
    for recording in folders:
        write_lesson(recording, LESSON)
    ready_s, delays = beside_a_live_lesson(lambda: ready_after(folders))
    return {"six_ready_p95_s": round(ready_s, 2), **delays}  # of six the last


def ready_after(folders: list[Path]) -> float:
    """Seconds until the last of these is finished, as the recorder finishes them."""
    queue = FinishingQueue()
    began = time.monotonic()
    for recording in folders:
        queue.add(recording.name, recording)
    ready: list[float] = []
    while len(ready) < len(folders):
        for _, refusal in queue.poll(time.monotonic()):
            if refusal is not None:
                raise RuntimeError(refusal[1])
            ready.append(time.monotonic() - began)
        time.sleep(POLL_S)
    return ready[-1]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Every case, in a folder that is gone afterwards."""
    loop_of_pictures(LESSON.picture_bps, LESSON.keyframe_every_s)
    loop_of_pictures(KILLED.picture_bps, KILLED.keyframe_every_s)
    loop_of_sound()
    cases: dict[str, Callable[[Path], dict[str, Any]]] = {
        "recorder": lambda at: measure_recorder(at, options.seconds),
        "further": lambda at: measure_further(at, options.seconds),
        "finishing": lambda at: measure_finishing(at, options.runs),
        "forty": measure_forty,
        "six": measure_six,
        "kills": lambda at: measure_kills(
            at, options.kills, options.seed, peer_every=options.peer_every
        ),
    }
    data: dict[str, Any] = {"machine": machine(), "software": software(), "busy_cores": {}}
    for name in options.cases:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            idle = busy_cores()
            data |= cases[name](Path(folder))
            data["busy_cores"][name] = idle
    return data


def busy_cores(for_s: float = 1.0) -> float:
    """How many cores others use, while nothing of ours runs."""
    before = machine_busy_seconds()
    time.sleep(for_s)
    return round((machine_busy_seconds() - before) / for_s, 2)


def judged(data: dict[str, Any]) -> list[str]:
    """A line for each figure that was asked for and measured."""
    lines = []
    for name, (sign, bound) in ASKED.items():
        if name not in data:
            continue
        met = data[name] <= bound if sign == "≤" else data[name] >= bound
        lines.append(f"{name:28} {data[name]:>10}  {sign} {bound:<7} {'met' if met else 'MISSED'}")
    return lines


def main() -> None:
    """Measure, tell people, tell programs."""
    data = run(arguments())
    if "kills_by_victim" in data:
        print(*table(data["kills_by_victim"]), "", sep="\n")
    print(*judged(data), sep="\n")
    print(json.dumps(data, ensure_ascii=False))


if __name__ == "__main__":
    main()
