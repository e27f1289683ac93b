"""Where a server's CPU goes: what is read from the kernel, and what is made of it."""

from __future__ import annotations

import os
import threading

import pytest

from benchmarks.profile import functions, table
from benchmarks.running import Figures
from benchmarks.threads import ThreadRate, ThreadUse, rates, threads_of


def test_every_thread_of_a_process_is_read() -> None:
    done = threading.Event()
    waiting = threading.Thread(target=done.wait)
    waiting.start()
    try:
        found = threads_of([os.getpid()])
    finally:
        done.set()
        waiting.join()
    assert found[os.getpid()].name == "Python"
    assert found[os.getpid()].cpu_ns > 0
    assert waiting.native_id in found


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (
            {1: ThreadUse("pump", 1_000_000, 10, 1, 5, 5)},
            {1: ThreadUse("pump", 9_000_000, 90, 3, 6, 8)},
            ThreadRate("pump", 4.0, 40.0, 1.0, 0.75),
        ),
        ({}, {2: ThreadUse("late", 2_000_000, 2, 0, 0, 0)}, ThreadRate("late", 1.0, 1.0, 0.0, 0.0)),
    ],
)
def test_a_rate_is_the_difference_over_the_time(
    before: dict[int, ThreadUse], after: dict[int, ThreadUse], wanted: ThreadRate
) -> None:
    assert rates(before, after, 2.0) == [wanted]


def test_the_busiest_thread_stands_first_and_all_are_summed() -> None:
    before = {number: ThreadUse(f"t{number}", 0, 0, 0, 0, 0) for number in (1, 2)}
    after = {1: ThreadUse("t1", 10**7, 5, 0, 1, 0), 2: ThreadUse("t2", 3 * 10**7, 5, 0, 1, 0)}
    rows = rates(before, after, 1.0)
    assert [row.name for row in rows] == ["t2", "t1"]
    text = table("tongke", rows, Figures(1000, 4000, 4000, 10.0, 0.1, 1.0, 70.0, 1.0, {}))
    assert [line.split()[:3] for line in text.splitlines()[3:]] == [
        ["t2", "30.00", "7.50"],
        ["t1", "10.00", "2.50"],
        ["all", "40.00", "10.00"],
    ]


def test_sampled_stacks_become_shares() -> None:
    text = functions(
        "main (a.py:1);work (b.py:2) 3\nmain (a.py:1) 1\nEpollSelector.select (s.py:4) 9\n"
    )
    assert "4 samples" in text
    assert "75.0%  work (b.py:2)" in text
    assert "100.0%  main (a.py:1)" in text
    assert "0 samples" in functions("")
