"""Every way out: signals, the last resort, servers that end with the benchmark."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from benchmarks.ending import SIGNALS, InterruptedBySignalError, expect_nothing, interruptible
from benchmarks.servers.bound import bound

SAY_LIMIT = (
    "import resource, sys; print(resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True);"
    "sys.stdin.read()"
)
# A parent that starts a bound child, tells its number and the core limit, and waits to be killed.
PARENT = """
import subprocess, sys
from benchmarks.servers.bound import bound
child = subprocess.Popen(bound([sys.executable, "-c", sys.argv[1]]), stdin=subprocess.PIPE)
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_cancels_the_work_and_waits_for_its_goodbyes(number: signal.Signals) -> None:
    said = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            said.append("goodbye")

    with pytest.raises(InterruptedBySignalError, match=number.name) as raised:
        await interruptible(work())
    assert said == ["goodbye"]
    assert raised.value.code == 128 + number
    expect_nothing()


async def test_work_that_ends_by_itself_is_let_be() -> None:
    async def work() -> int:
        return 7

    assert await interruptible(work()) == 7


async def test_a_cancelled_benchmark_is_no_signal() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await interruptible(work())


def test_a_server_ends_with_the_benchmark_and_leaves_no_core_file() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, SAY_LIMIT], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        int(parent.stdout.readline())  # the child's number; it runs
        assert parent.stdout.readline().strip() == "0"
        parent.kill()
        parent.wait()
        # The pipe's end is reached only when the child, who has it too, has ended.
        assert parent.stdout.read() == ""


def test_a_command_that_is_not_there_is_told() -> None:
    result = subprocess.run(
        bound(["/nonexistent/janus"]), check=False, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "cannot start /nonexistent/janus" in result.stderr


def test_what_hangs_for_good_is_ended_with_its_stack() -> None:
    program = (
        "import threading; from benchmarks.ending import expect_within;"
        "expect_within(0.05); threading.Event().wait()"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "Timeout" in result.stderr
    assert "wait" in result.stderr


def test_nobody_reads_on() -> None:
    program = """
import sys
from benchmarks.ending import run
async def work():
    sys.stdin.read()
    print("figures", flush=True)
    return 0
sys.exit(run(work()))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, told = process.communicate()
    assert process.returncode == 128 + signal.SIGPIPE
    assert told == ""
