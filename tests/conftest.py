"""What every test is held to: no task, thread or socket outlives it.

Python's own leaks (an unclosed file, a coroutine never awaited) are warnings, and warnings are
errors (`pyproject.toml`). Here stand the leaks that nobody warns of.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog

# As the server sets it up. The default tells all locals with each traceback: tens of seconds.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

PUMP_THREAD = "tongke-pump"
# A thread that was told to end may still be on its way out, on a busy machine for a while; so may a
# connection of a library with threads of its own.
LAST_STEPS_S = 30.0


ALONE_IN = ("faults", "browser")  # where `make test` looks for those that need the machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fails when a test would never be run, because nobody looks for it there."""
    tests = Path(__file__).parent
    for item in items:
        if (
            item.get_closest_marker("alone")
            and item.path.relative_to(tests).parts[0] not in ALONE_IN
        ):
            raise pytest.UsageError(f"{item.nodeid}: what is marked `alone` stands in {ALONE_IN}")


def pytest_collection_finish() -> None:
    """What has been read in by now stays: no collection has to look through it again."""
    gc.collect()
    gc.freeze()


def open_sockets() -> set[str]:
    """The sockets this process holds, by inode."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def threads() -> set[str]:
    """Python's threads, but for pools that live as long as the process, and native pump threads."""
    names = {
        f"{thread.name}:{thread.ident}"
        for thread in threading.enumerate()
        if not thread.name.startswith(("asyncio_", "ThreadPoolExecutor", "AnyIO"))
    }
    for task in Path("/proc/self/task").iterdir():
        try:
            comm = (task / "comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if comm.startswith(PUMP_THREAD):
            names.add(f"{comm}:{task.name}")
    return names


def lasting(what: Callable[[], set[str]], before: set[str]) -> set[str]:
    """What was not there before and does not end by itself."""
    deadline = time.monotonic() + LAST_STEPS_S
    while (leaked := what() - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    return leaked


@pytest_asyncio.fixture
async def no_leaked_task() -> AsyncIterator[None]:
    """Fails when a task is still pending after the test and all its fixtures are done."""
    yield
    await asyncio.sleep(0)  # what was cancelled just now gets its turn to end
    current = asyncio.current_task()
    pending = [task for task in asyncio.all_tasks() if task is not current and not task.done()]
    assert not pending, f"tasks outlive the test: {pending}"


@pytest.fixture(autouse=True)
def the_umask_stays() -> Iterator[None]:
    """Commands that are run in this process make files for their own user alone, from then on."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def no_leak(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails when the test leaves a task, a thread or a socket behind."""
    function = getattr(request.node, "function", None)
    if inspect.iscoroutinefunction(function):
        request.getfixturevalue("no_leaked_task")
    sockets_before, threads_before = open_sockets(), threads()
    yield
    if open_sockets() - sockets_before:
        gc.collect()
    leaked_sockets = lasting(open_sockets, sockets_before)
    leaked_threads = lasting(threads, threads_before)
    assert not leaked_sockets, f"sockets outlive the test: {sorted(leaked_sockets)}"
    assert not leaked_threads, f"threads outlive the test: {sorted(leaked_threads)}"
