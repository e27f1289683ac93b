"""Listening sockets: the ports asked for, or a sentence that says what to do."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack

import pytest

from server.door.listening import listen
from server.errors import StartPutOff


def connects(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(2)
        try:
            client.connect((address, port))
        except OSError:
            return False
        return True


@pytest.mark.parametrize(
    ("host", "reached", "closed"),
    [
        ("", ["127.0.0.1", "::1"], []),
        ("127.0.0.1", ["127.0.0.1"], ["::1"]),
        ("::1", ["::1"], ["127.0.0.1"]),
    ],
)
def test_it_listens_where_asked(host: str, reached: list[str], closed: list[str]) -> None:
    with ExitStack() as stack:
        sockets = [stack.enter_context(each) for each in listen(host, 0)]
        port = sockets[0].getsockname()[1]
        assert {each.getsockname()[1] for each in sockets} == {port}
        assert [connects(address, port) for address in reached] == [True] * len(reached)
        assert [connects(address, port) for address in closed] == [False] * len(closed)


def test_an_ipv4_client_is_told_as_such() -> None:
    with ExitStack() as stack:
        sockets = [stack.enter_context(each) for each in listen("", 0)]
        port = sockets[0].getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=10):
            accepted, address = sockets[0].accept()
            accepted.close()
        assert address[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_what_is_written_to_a_peer_is_sent_at_once(host: str) -> None:
    """And not held back until the peer has acknowledged what was written before."""
    at_once: asyncio.Queue[int] = asyncio.Queue()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        at_once.put_nowait(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    (listening,) = listen(host, 0)
    async with await asyncio.start_server(accept, sock=listening):
        _, writer = await asyncio.open_connection(*listening.getsockname()[:2])
        async with asyncio.timeout(10):
            assert await at_once.get() == 1
        writer.close()


def test_a_busy_port_is_told() -> None:
    with ExitStack() as stack:
        (first,) = [stack.enter_context(each) for each in listen("127.0.0.1", 0)]
        port = first.getsockname()[1]
        with pytest.raises(StartPutOff, match=rf"port {port} .*in use.*--port"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.77", "no.such.host.invalid"])
def test_a_foreign_address_is_told(host: str) -> None:
    with pytest.raises(StartPutOff, match="host must be"):
        listen(host, 0)
