"""Connections by source: what counts as one visitor, and when a place is free again."""

from __future__ import annotations

import asyncio
import resource

import pytest

from server.door.visitors import Visitors, allow_many_open_files


class Line(asyncio.BaseTransport):
    """A transport that is open until it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def is_closing(self) -> bool:
        return self.closed


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("10.0.0.1", "10.0.0.1", False),  # a proxy speaks for many
        ("testclient", "testclient", False),
    ],
)
def test_who_is_one_visitor(first: str, second: str, is_one: bool) -> None:
    visitors, lines = Visitors(most=1, unbounded=["10.0.0.0/8"]), [Line(), Line()]
    assert visitors.admits(first, lines[0])
    assert visitors.admits(second, lines[1]) is not is_one


@pytest.mark.parametrize("how", ["closed", "forgotten"])
def test_a_place_is_free_when_its_connection_is_gone(how: str) -> None:
    visitors, line = Visitors(most=1), Line()
    assert visitors.admits("192.0.2.1", line)
    assert not visitors.admits("192.0.2.1", Line())
    if how == "closed":
        line.closed = True
    else:
        del line
    assert visitors.admits("192.0.2.1", Line())
    assert visitors.refused == 1


def test_memory_follows_who_is_there() -> None:
    visitors = Visitors()
    for number in range(20_000):
        assert visitors.admits(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", Line())
    assert len(visitors._open) <= 4097


def test_open_files_are_as_many_as_may_be() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[0]), before[1]))
        assert allow_many_open_files() == min(65_536, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
