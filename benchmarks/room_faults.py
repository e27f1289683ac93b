"""`python -m benchmarks.room_faults`: how soon a room agent is back, whatever happens to it.

A lesson whose room has two network cameras; then, at random, the agent is killed, a camera
unplugged and plugged in again, the server killed and started again, or the network cut for ten
seconds. Read are decoded pictures: it is back when each camera's counter shows a picture that was
taken after the cause had gone. Printed are a line for each fault, a table, and one last line of
JSON. It needs root (network namespaces), GStreamer's RTSP server (`scripts/need-cameras.sh`), about
ten seconds for each fault, and stops by itself; 1 when one of them took longer than four seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from random import Random
from statistics import median

from benchmarks.processes import machine
from benchmarks.summary import columns
from tests.faults.room_scene import Fault, Return, room_scene

MOST_S = 4.0  # asked of each
_BETWEEN_S = (0.2, 2.0)  # the next fault may come before everything has settled


async def suffered(times: int, seed: int, folder: Path) -> list[Return]:
    """So many faults in one lesson, of random kinds at random moments."""
    rng = Random(seed)
    returns: list[Return] = []
    async with room_scene(folder) as scene:
        for number in range(1, times + 1):
            await asyncio.sleep(rng.uniform(*_BETWEEN_S))
            one = await scene.suffer(rng.choice(list(Fault)), rng)
            returns.append(one)
            took = "not back" if one.back_s is None else f"{one.back_s:.2f} s"
            print(f"{number:4}  {one.fault.value}: {took}", flush=True)
            if one.back_s is None:
                await scene.in_lesson()
    return returns


def table(returns: Iterable[Return]) -> dict[str, dict[str, float]]:
    """Of each kind: how often, how often in time, and how long it took."""
    kinds: dict[str, dict[str, float]] = {}
    for fault in Fault:
        took = [one.back_s for one in returns if one.fault is fault]
        back = sorted(one for one in took if one is not None)
        if took:
            kinds[fault.name.lower()] = {
                "times": len(took),
                "in_time": sum(one <= MOST_S for one in back),
                "median_s": round(median(back), 2) if back else -1.0,
                "longest_s": round(back[-1], 2) if len(back) == len(took) else -1.0,
            }
    return kinds


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--times", type=int, default=20, help="how many faults")
    parser.add_argument("--seed", type=int, default=1, help="another order of them")
    chosen = parser.parse_args()
    print(f"Machine: {machine()}; load average before {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="tongke-benchmark-") as place:
        kinds = table(asyncio.run(suffered(chosen.times, chosen.seed, Path(place))))
    rows = [("fault", "times", f"within {MOST_S:g} s", "median s", "longest s")]
    for name, one in kinds.items():
        times, in_time, middle, longest = (f"{value:g}" for value in one.values())
        rows.append((name, times, in_time, middle, longest))
    print(f"\n{columns(rows, left=1)}")
    print(json.dumps({"seed": chosen.seed, "faults": kinds}))
    return 0 if all(one["times"] == one["in_time"] for one in kinds.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
