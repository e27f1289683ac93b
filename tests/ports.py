"""Ports that were free a moment ago, for servers that are processes of their own."""

from __future__ import annotations

import itertools
import os
import random
import socket
from contextlib import ExitStack

SLICES, SLICE = 8, 1_500  # of the ports from 20000 on, one for each process that runs tests
SINGLE = 500  # of them for `free_port`, the last ones
MOST_PUMPS = 4  # a server on this machine's own profile takes a port for each of its pumps

# Tests that run at the same time look in different places; who runs alone has the last.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", f"gw{SLICES - 1}")[2:])
_LOWEST = 20_000 + SLICE * (_WORKER % SLICES)
_turns = itertools.count(random.randrange(SINGLE))


def free_port() -> int:
    """A port that is free for TCP and UDP, another each time.

    Outside the range the system gives to clients: a connection elsewhere cannot take it meanwhile.
    """
    for turn in itertools.islice(_turns, SINGLE):
        number = _LOWEST + SLICE - SINGLE + turn % SINGLE
        if _is_free(number):
            return number
    raise AssertionError(f"no free port in the {SINGLE} below {_LOWEST + SLICE}")


def free_media_port() -> int:
    """A port that is free for UDP and TCP alike, as are those after it that more pumps take."""
    for _ in range(100):
        first = random.randrange(_LOWEST, _LOWEST + SLICE - SINGLE - MOST_PUMPS)
        if all(_is_free(number) for number in range(first, first + MOST_PUMPS)):
            return first
    raise AssertionError(f"no free ports from {_LOWEST} on")


def _is_free(number: int) -> bool:
    try:
        with ExitStack() as stack:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                probe = stack.enter_context(socket.socket(socket.AF_INET, kind))
                probe.bind(("", number))
    except OSError:
        return False
    return True
