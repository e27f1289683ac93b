"""A keeper and its server as processes: killed, stopped, told to look again, and given up."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server import keeper

# A server that accepts on a socket its keeper holds, tells its pid, and does as it is told.
PROGRAM = """
import os, signal, socket, sys
from server.keeper import keep
from server.logs import set_up_logs
set_up_logs("info", "console")
door = socket.create_server(("127.0.0.1", 0))
print(door.getsockname()[1], flush=True)
keep()
signal.signal(signal.SIGHUP, lambda *_: print("again", flush=True))
print(os.getpid(), flush=True)
while True:
    word = door.accept()[0].makefile("r").readline().strip()
    if word == "fail":
        raise RuntimeError("a fault in the server")
    if word == "child":
        child = os.fork()
        if child == 0:
            signal.pause()
        print(child, flush=True)
        continue
    sys.exit(int(word))
"""


# What a program may do before it has a keeper, for some of the tests.
SUBREAPER = """
import ctypes
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: as the first process of a container
"""
STOPPED_BETWEEN = """
import os, signal, sys, time
from server import keeper
def clock():
    os.kill(os.getpid(), signal.SIGTERM)
    return time.monotonic()
keep_by = keeper.keep
keeper.keep = lambda: keep_by(clock=clock)
"""


class Kept:
    """The keeper's process, and what its servers say."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.port = int(self.says())

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, word: str) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as line:
            line.sendall(f"{word}\n".encode())

    def ends(self) -> tuple[int, str]:
        """The exit code, and what went to standard error."""
        return self.process.wait(), self.process.communicate()[1]


@contextmanager
def kept(before: str = "") -> Iterator[Kept]:
    with subprocess.Popen(
        [sys.executable, "-c", before + PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Kept(process)
        finally:
            process.kill()


def stop(pid: int) -> None:
    """Stopped when it returns: no longer on its way out of `accept` with somebody."""
    os.kill(pid, signal.SIGSTOP)
    stat = Path(f"/proc/{pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "T":
        os.sched_yield()


def test_a_killed_server_is_there_again_behind_the_same_door() -> None:
    with kept() as it:
        first = int(it.says())
        stop(first)  # whoever comes now waits in the queue
        with socket.create_connection(("127.0.0.1", it.port)) as waiting:
            waiting.sendall(b"7\n")
            os.kill(first, signal.SIGKILL)
            second = int(it.says())
            assert second not in {first, it.process.pid}
            code, told = it.ends()
    assert code == 7  # it was the second one that answered: nobody was sent away
    assert "the server was killed (SIGKILL): it is started again" in told


@pytest.mark.parametrize(
    ("word", "code", "told"), [("0", 0, ""), ("2", 2, ""), ("fail", 1, "a fault in the server")]
)
def test_a_server_that_ends_by_itself_ends_its_keeper(word: str, code: int, told: str) -> None:
    with kept() as it:
        it.says()
        it.ask(word)
        ended = it.ends()
    assert ended[0] == code
    assert told in ended[1]
    assert "started again" not in ended[1]


def test_signals_reach_the_server_and_one_that_stops_it_is_the_end() -> None:
    with kept() as it:
        it.says()
        it.process.send_signal(signal.SIGHUP)
        assert it.says() == "again"
        it.process.send_signal(signal.SIGTERM)
        code, told = it.ends()
    assert (code, told) == (128 + signal.SIGTERM, "")


def test_a_signal_between_two_servers_is_for_the_next() -> None:
    with kept(STOPPED_BETWEEN) as it:
        os.kill(int(it.says()), signal.SIGKILL)
        code, told = it.ends()
    assert code == 128 + signal.SIGTERM
    assert told.count("started again") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whoever_stops_it_before_it_listens_is_obeyed(number: signal.Signals) -> None:
    with kept() as it:
        it.says()
        it.process.send_signal(number)
        assert it.ends() == (128 + number, "")


def test_who_is_left_behind_by_a_killed_server_is_waited_for() -> None:
    with kept(SUBREAPER) as it:
        server = int(it.says())
        it.ask("child")
        left = Path(f"/proc/{it.says()}")
        os.kill(server, signal.SIGKILL)
        it.says()
        os.kill(int(left.name), signal.SIGKILL)
        while left.exists():
            os.sched_yield()
        it.ask("3")
        assert it.ends()[0] == 3


def test_a_signal_without_a_name_kills_like_any_other() -> None:
    with kept() as it:
        os.kill(int(it.says()), signal.SIGRTMIN + 6)
        it.says()
        it.ask("0")
        code, told = it.ends()
    assert code == 0
    assert f"was killed (signal {signal.SIGRTMIN + 6})" in told


def test_no_server_outlives_its_keeper() -> None:
    with kept() as it:
        server = os.pidfd_open(int(it.says()))
        try:
            it.process.kill()
            assert select.select([server], [], [], 60)[0]
        finally:
            os.close(server)


def test_one_that_is_killed_again_and_again_is_given_up() -> None:
    with kept() as it:
        for _ in range(keeper.MOST_KILLED):
            os.kill(int(it.says()), signal.SIGSEGV)
        code, told = it.ends()
    assert code == 1
    assert told.count("started again") == keeper.MOST_KILLED - 1
    assert "it is given up" in told
