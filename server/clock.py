"""The application's one clock: seconds since 1970 (UTC). Tests give their own."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]

wall_clock: Clock = time.time
