"""Is this machine's clock right, as far as it can be known without asking another one.

A clock that was never set (a machine without a battery begins in 1970) makes every certificate not
yet valid and every sign-in run out. One that nothing keeps right drifts: two minutes a month are
usual, and lessons of a timetable open when nobody comes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

#: Nothing that is checked by its date works.
NOT_SET = "not set"
UNKEPT = "unsynchronised"

# 2025-01-01, with which the certificates of our own authority begin (`server.door.authority`).
_EARLIEST_S = 1_735_689_600.0
# adjtimex(2): the kernel has heard from nobody how late it is. The structure is of 208 bytes.
_TIME_ERROR = 5
_TIMEX_BYTES = 512


def is_kept() -> bool:
    """Whether something (chrony, systemd-timesyncd, ntpd) keeps the clock right; true where the
    kernel does not say."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (AttributeError, OSError):
        return True
    return bool(state != _TIME_ERROR)


def clock_fault(now: float, *, kept: Callable[[], bool] = is_kept) -> str:
    """`ok`, or what is wrong with the clock that shows `now` (seconds since 1970)."""
    if now < _EARLIEST_S:
        return NOT_SET
    return "ok" if kept() else UNKEPT
