"""The application's clocks. Tests give their own.

One tells when: seconds since 1970 (UTC), and is set forward and back. The other, which nobody sets,
tells how long somebody must wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]

wall_clock: Clock = time.time
steady_clock: Clock = time.monotonic
