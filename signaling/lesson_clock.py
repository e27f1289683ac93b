"""A lesson's own time: Unix time that never jumps while the lesson runs.

A machine's clock is set by hours now and then: it had no battery, kept local time, or somebody's
hand slipped. Whoever waits in a lesson (a lost connection's grace, who is heard) waits for seconds,
and a lesson that began an hour ago is not a day old. Recorder and compositor keep time so, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class LessonClock:
    """Call it for the time. It is made inside the event loop."""

    def __init__(self, wall: Callable[[], float]) -> None:
        """`wall` is asked once: how late it is now, in Unix time."""
        self._steady = asyncio.get_running_loop().time
        self._offset_s = wall() - self._steady()

    def __call__(self) -> float:
        """Unix time, as it was when this began and the seconds since."""
        return self._offset_s + self._steady()
