"""A live lesson's added delay while something else is at work on the machine, and before it."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from typing import TypeVar

from benchmarks.cases import classroom
from benchmarks.load_client import LoadClient
from benchmarks.running import Load, Scene, measure
from benchmarks.servers.tongke import Tongke

Done = TypeVar("Done")

# So long that a percentile of it is one of many thousand packets.
WINDOW_S = 2.0
WINDOWS_BEFORE = 5
SETTLE_S = 8.0


def beside_a_live_lesson(work: Callable[[], Done]) -> tuple[Done, dict[str, float]]:
    """What `work` returns, and the 99th percentiles of the delay before it and meanwhile, in ms.

    Each is the median of windows of two seconds, of a lesson of four seats.
    """
    return asyncio.run(_beside(work))


async def _beside(work: Callable[[], Done]) -> tuple[Done, dict[str, float]]:
    server, client = Tongke(), LoadClient(profile=Load().profile)
    try:
        await server.start()
        client.start(real_time=True)
        scene = Scene(server, client, classroom(4), Load(), seed=1)
        await scene.build()
        await scene.warm_up(least_s=SETTLE_S)
        before = [await _p99(server, scene) for _ in range(WINDOWS_BEFORE)]
        working = asyncio.create_task(asyncio.to_thread(work))
        meanwhile: list[float] = []
        while not working.done() or not meanwhile:
            meanwhile.append(await _p99(server, scene))
        done = await working
    finally:
        try:
            await client.close()
        finally:
            await server.stop()
    quiet, busy = statistics.median(before), statistics.median(meanwhile)
    return done, {
        "live_delay_p99_ms_before": round(quiet, 3),
        "live_delay_p99_ms_meanwhile": round(busy, 3),
        "live_delay_p99_times": round(busy / quiet, 3),
    }


async def _p99(server: Tongke, scene: Scene) -> float:
    return (await measure(server, [scene], WINDOW_S)).delay_ms_p99
