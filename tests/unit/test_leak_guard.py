"""The guard in `tests/conftest.py` itself: it must be able to fail."""

from __future__ import annotations

import socket
import threading

from tests.conftest import open_sockets, threads


def test_an_open_socket_is_seen() -> None:
    before = open_sockets()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM):
        assert len(open_sockets() - before) == 1
    assert open_sockets() == before


def test_a_running_thread_is_seen() -> None:
    before = threads()
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait, name="left-behind")
    thread.start()
    assert len(threads() - before) == 1
    gate.set()
    thread.join()
    assert threads() == before
