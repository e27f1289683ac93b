"""What a child of the agent, or of the check, takes from itself before it reads its first byte.

What it decodes was made by somebody else's device: a decoder that goes wild ends in this child,
with no memory left of the machine's and no file of what it held.
"""

from __future__ import annotations

import os
from contextlib import suppress


def bound_itself(memory_bytes: int, *, nicer: int = 0) -> None:
    """At most so much memory, no core file, so much nicer than its parent (less: a right that few
    have). Where the system refuses or knows none of it, the child works without.
    """
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - Windows has none

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.nice(nicer)


def write_whole(data: bytes) -> None:
    """To its parent. Raises BrokenPipeError: the parent has ended."""
    while data:
        data = data[os.write(1, data) :]
