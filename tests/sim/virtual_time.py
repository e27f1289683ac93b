"""An event loop whose time jumps: coroutines that sleep for minutes are done in milliseconds.

`virtually(main)` runs `main()` in it. When nothing is ready the loop's clock goes to the next timer
instead of waiting for it. A loop with nothing ready and no timer would wait for ever: it raises.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits: says how long it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.jumped_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing is ready and no timer is set: the test would hang")
            self.jumped_s += max(0.0, timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that lives in its own time, from 0."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.jumped_s


def virtually(main: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run a coroutine function in virtual time; its result. Tasks it leaves behind fail it."""

    async def guarded() -> T:
        result = await main()
        await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not [task for task in left if not task.done()], f"tasks left behind: {left}"
        return result

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(guarded())
