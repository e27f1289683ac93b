"""What the benchmarks' tests share."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def watched_children() -> Iterator[None]:
    """Waits for asyncio's threads that waited for child processes: they end just after these."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("asyncio-waitpid"):
            thread.join(timeout=5)
