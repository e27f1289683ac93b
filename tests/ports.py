"""Ports that were free a moment ago, for servers that are processes of their own."""

from __future__ import annotations

import os
import random
import socket
from contextlib import ExitStack

SLICES, SLICE = 8, 1_500  # of the ports from 20000 on, one for each process that runs tests
MOST_PUMPS = 4  # a server on this machine's own profile takes a port for each of its pumps


def free_port() -> int:
    """A free TCP port of the system's choice."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def free_media_port() -> int:
    """A port that is free for UDP and TCP alike, as are those after it that more pumps take.

    Outside the range the system gives to clients: a connection elsewhere cannot take it meanwhile.
    Tests that run at the same time look in different places.
    """
    lowest = 20_000 + SLICE * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % SLICES)
    for _ in range(100):
        first = random.randrange(lowest, lowest + SLICE - MOST_PUMPS)
        if all(_is_free(number) for number in range(first, first + MOST_PUMPS)):
            return first
    raise AssertionError(f"no free ports from {lowest} on")


def _is_free(number: int) -> bool:
    try:
        with ExitStack() as stack:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                probe = stack.enter_context(socket.socket(socket.AF_INET, kind))
                probe.bind(("", number))
    except OSError:
        return False
    return True
