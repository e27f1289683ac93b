"""`python -m benchmarks.room`: what it costs to carry a network camera's picture, and how long it
takes: Tongke's room agent beside FFmpeg's whip muxer and GStreamer's webrtcbin.

One 1080p30 camera by RTSP, passed on as it is through SRTP to the same media core, each contender a
process of its own, in interleaved rounds; then eight cameras through the agent, what a camera costs
that has to be converted, what the room's sound costs, and the agent that waits for a lesson. The
last line is JSON for programs; what the figures mean is told in `docs/benchmarks.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.processes import cpu_seconds, machine, software
from benchmarks.rooms.camera import make_film
from benchmarks.rooms.contenders import OURS, Contender, contenders
from benchmarks.rooms.converting import CAMERAS, core_of
from benchmarks.rooms.glass import FRAMES_PER_S as GLASS_PER_S
from benchmarks.rooms.glass import MOST_P50_MS as MOST_GLASS_P50_MS
from benchmarks.rooms.glass import MOST_P95_MS as MOST_GLASS_P95_MS
from benchmarks.rooms.glass import glass_to_glass
from benchmarks.rooms.sounding import SOUNDS
from benchmarks.rooms.sounding import core_of as core_of_sound
from benchmarks.servers.bound import bound
from benchmarks.summary import columns
from tests.ports import free_port

FRAMES_PER_S = 30
EIGHT = 8
FIRST_PICTURES_S = 20.0
# Longer than a group: whoever begins in its middle has caught up.
SETTLE_S = 3.0
# What is asked: cores, and milliseconds from the camera's last byte to the server's.
MOST_CORES, MOST_CORES_EIGHT, MOST_P50_MS, MOST_P99_MS = 0.05, 0.35, 15.0, 50.0
MOST_IDLE_MB, MOST_IDLE_CORES = 80.0, 0.01
PROFILE = """inherits = "recording-room"
[sources.teacher.camera]
streams = [{ rid = "f", url = "rtsp://127.0.0.1:1/main" }]
"""


@dataclass(frozen=True, slots=True)
class Carried:
    """What one run measured."""

    cores: float
    memory_mb: float
    delays_ms: tuple[float, ...]  # sorted
    pictures_per_s: float

    def delay(self, share: float) -> float:
        """The delay that so many did not exceed; infinite when none came."""
        at = min(len(self.delays_ms) - 1, int(share * len(self.delays_ms)))
        return self.delays_ms[at] if self.delays_ms else float("inf")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=10.0, help="of measuring per run")
    parser.add_argument("--runs", type=int, default=3, help="per contender, interleaved")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--glass-only", action="store_true", help="the delay to a page alone")
    return parser.parse_args()


@contextmanager
def listening(module: str, *more: str) -> Iterator[int]:
    """The camera or the sink, listening; gives its port."""
    port = free_port()
    command = bound([sys.executable, "-m", module, str(port), *more])
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        if process.stdout is None or process.stdout.readline().strip() != b"ready":
            raise RuntimeError(f"{module} does not start")
        yield port
    finally:
        process.kill()
        process.wait()


def taken(sink: int) -> list[float]:
    """The delays since the last call."""
    with urllib.request.urlopen(f"http://127.0.0.1:{sink}/delays", timeout=10) as answer:
        return [float(one) for one in json.loads(answer.read())["delays_ms"]]


def memory_mb(pid: int) -> float:
    """Resident memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(contender: Contender, film: Path, seconds: float, cameras: int = 1) -> Carried:
    """One run with a sink of its own. Raises `TimeoutError` when no picture comes."""
    filming = listening("benchmarks.rooms.camera", str(film))
    with filming as camera, listening("benchmarks.rooms.sink") as sink:
        more = [str(cameras)] if contender.name == OURS else []
        url, whip = f"rtsp://127.0.0.1:{camera}/main", f"http://127.0.0.1:{sink}/whip"
        process = contender.start(url, whip, *more)
        try:
            until = time.monotonic() + FIRST_PICTURES_S
            while len(taken(sink)) < cameras:
                if time.monotonic() > until or process.poll() is not None:
                    raise TimeoutError(f"{contender.name} brought no picture")
                time.sleep(0.3)
            time.sleep(SETTLE_S)
            taken(sink)
            began, spent = time.monotonic(), cpu_seconds([process.pid])
            time.sleep(seconds)
            delays = sorted(taken(sink))
            took = time.monotonic() - began
            cores = (cpu_seconds([process.pid]) - spent) / took
            return Carried(cores, memory_mb(process.pid), tuple(delays), len(delays) / took)
        finally:
            process.kill()
            process.wait()


def idle(seconds: float) -> Carried:
    """The real `tongke room`, whose server is away and whose cameras rest."""
    with tempfile.TemporaryDirectory(prefix="tongke-benchmark-") as place:
        folder = Path(place)
        (folder / "rooms").mkdir()
        (folder / "rooms" / "room.toml").write_text(PROFILE, encoding="utf-8")
        (folder / "credential").write_text("none")
        command = [str(Path(sys.executable).parent / "tongke"), "room", "--profile", "room"]
        command += ["--server", f"https://127.0.0.1:{free_port()}", "--status-port", "0"]
        command += ["--credential-file", str(folder / "credential")]
        command += ["--profiles-folder", str(folder), "--state-folder", str(folder / "state")]
        process = subprocess.Popen(bound(command), stderr=subprocess.DEVNULL)
        try:
            time.sleep(SETTLE_S + 2.0)
            began, spent = time.monotonic(), cpu_seconds([process.pid])
            time.sleep(seconds)
            cores = (cpu_seconds([process.pid]) - spent) / (time.monotonic() - began)
            return Carried(cores, memory_mb(process.pid), (), 0.0)
        finally:
            process.kill()
            process.wait()


def glass(seconds: float) -> dict[str, float]:
    """Camera to page, beside what was asked."""
    ages = tuple(glass_to_glass(seconds))
    told = Carried(0, 0, ages, len(ages) / seconds)
    p50, p95 = told.delay(0.5), told.delay(0.95)
    print(f"\nGlass to glass, 720p at {GLASS_PER_S}/s: {len(ages)} pictures")
    for share, most, measured in (("p50", MOST_GLASS_P50_MS, p50), ("p95", MOST_GLASS_P95_MS, p95)):
        verdict = "met" if measured <= most else "not met"
        print(f"{share} ≤ {most:g} ms: {measured:.0f} ms, {verdict}")
    return {"p50": round(p50, 1), "p95": round(p95, 1), "pictures_per_s": told.pictures_per_s}


def compare(chosen: argparse.Namespace, film: Path) -> dict[str, list[Carried]]:
    """One camera, every contender, in interleaved rounds."""
    carried: dict[str, list[Carried]] = {}
    for _ in range(max(1, chosen.runs)):
        for contender in contenders():
            if contender.missing or (chosen.no_peers and contender.name != OURS):
                continue
            try:
                one = run(contender, film, chosen.seconds)
                carried.setdefault(contender.name, []).append(one)
            except (OSError, RuntimeError, TimeoutError, urllib.error.URLError) as error:
                print(f"{contender.name}: {error}", file=sys.stderr)
    return carried


def middle(runs: list[Carried]) -> dict[str, float]:
    """The figures of some runs: medians, the delay's over all their pictures."""
    every = tuple(sorted(delay for one in runs for delay in one.delays_ms))
    together = Carried(0, 0, every, 0)
    return {
        "cores": round(median(one.cores for one in runs), 4),
        "memory_mb": round(median(one.memory_mb for one in runs), 1),
        "p50_ms": round(together.delay(0.5), 2),
        "p99_ms": round(together.delay(0.99), 2),
        "pictures_per_s": round(median(one.pictures_per_s for one in runs), 2),
    }


def asked(data: dict[str, dict[str, float]]) -> Iterator[tuple[str, str, str, str]]:
    """What was asked of the agent, beside what was measured."""

    def row(what: str, most: float, measured: float, unit: str) -> tuple[str, str, str, str]:
        verdict = "met" if measured <= most else "not met"
        return what, f"≤ {most:g} {unit}", f"{measured:.3g} {unit}", verdict

    if ours := data.get(OURS):
        yield row("one camera", MOST_CORES, ours["cores"], "cores")
        yield row("added delay p50", MOST_P50_MS, ours["p50_ms"], "ms")
        yield row("added delay p99", MOST_P99_MS, ours["p99_ms"], "ms")
        peers = {name: one for name, one in data.items() if name in _PEERS}
        if peers:
            cheapest = min(one["cores"] for one in peers.values())
            yield row("no dearer than the cheapest peer", cheapest, ours["cores"], "cores")
            earliest = min(one["p50_ms"] for one in peers.values())
            yield row("earlier than every peer", earliest, ours["p50_ms"], "ms")
    if eight := data.get(f"{OURS}-{EIGHT}"):
        yield row("eight cameras", MOST_CORES_EIGHT, eight["cores"], "cores")
        yield row("eight cameras, delay p99", MOST_P99_MS, eight["p99_ms"], "ms")
    if waits := data.get(f"{OURS}-idle"):
        yield row("idle", MOST_IDLE_MB, waits["memory_mb"], "MB")
        yield row("idle", MOST_IDLE_CORES, waits["cores"], "cores")


def carried_table(data: dict[str, dict[str, float]]) -> str:
    """For people."""
    rows = [("who", "cores", "MB", "p50 ms", "p99 ms", "pictures/s")]
    for name, one in data.items():
        p50, p99 = (f"{one[key]:.1f}" if one[key] < 1e9 else "–" for key in ("p50_ms", "p99_ms"))
        cores, memory, rate = one["cores"], one["memory_mb"], one["pictures_per_s"]
        rows.append((name, f"{cores:.3f}", f"{memory:.0f}", p50, p99, f"{rate:.1f}"))
    return columns(rows, left=1)


_PEERS = tuple(one.name for one in contenders()[1:])


def main() -> int:
    """Run everything and print; 1 when nothing of ours was measured."""
    chosen = arguments()
    print(f"Machine: {machine()}; load average before {os.getloadavg()[0]:.1f}")
    print(f"Software: {software()}")
    for contender in contenders():
        if contender.missing:
            print(f"{contender.name} is left out: it needs {contender.missing}", file=sys.stderr)
    if chosen.glass_only:
        print(json.dumps({"glass_ms": glass(chosen.seconds)}))
        return 0
    ours = contenders()[0]
    with tempfile.TemporaryDirectory(prefix="tongke-benchmark-") as place:
        film = Path(place) / "film"
        make_film(film)
        data = {name: middle(runs) for name, runs in compare(chosen, film).items()}
        try:
            data[f"{OURS}-{EIGHT}"] = middle([run(ours, film, chosen.seconds, EIGHT)])
        except (OSError, TimeoutError) as error:
            print(f"eight cameras: {error}", file=sys.stderr)
    converted = {camera: round(core_of(camera), 3) for camera in CAMERAS}
    sounds = {sound: round(core_of_sound(sound), 4) for sound in SOUNDS}
    data[f"{OURS}-idle"] = middle([idle(chosen.seconds)])
    print(f"\nA camera of 1080p at {FRAMES_PER_S}/s, 4 Mb/s, passed on\n\n{carried_table(data)}")
    prices = [(name, f"{cores:.2f}") for name, cores in converted.items()]
    table = columns([("the camera sends", "cores"), *prices], left=1)
    print(f"\n1080p at 25/s that has to be converted\n\n{table}")
    prices = [(name, f"{cores:.3f}") for name, cores in sounds.items()]
    table = columns([("the sound comes from", "cores"), *prices], left=1)
    print(f"\nThe room's sound, to Opus\n\n{table}")
    print(f"\nWhat was asked\n\n{columns([('asked', '', 'measured', ''), *asked(data)], left=2)}")
    print(f"\nLoad average at the end {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")
    seen = glass(chosen.seconds)
    for one in data.values():  # no number of JSON
        one.update({key: -1.0 for key, value in one.items() if value == float("inf")})
    told = {"carried": data, "converted_cores": converted, "sound_cores": sounds, "glass_ms": seen}
    print(json.dumps(told))
    return 0 if OURS in data else 1


if __name__ == "__main__":
    sys.exit(main())
