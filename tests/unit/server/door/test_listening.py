"""Listening sockets: the ports asked for, or a sentence that says what to do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import pytest

from server.door import listening
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


# More than both kernels' buffers hold for a reader that takes nothing.
UNREAD = b"x" * (16 << 20)
PIECE = 64 << 10


async def lost_after(
    monkeypatch: pytest.MonkeyPatch,
    unread_s: float,
    read: Callable[[asyncio.StreamReader], Awaitable[None]],
) -> BaseException | None:
    """How a connection ends on which all of `UNREAD` is sent and which is closed behind it."""
    monkeypatch.setattr(listening, "UNREAD_S", unread_s)
    (bound,) = listen("127.0.0.1", 0)
    lost: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    class Answer(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            transport.write(UNREAD)
            transport.close()

        def connection_lost(self, exc: Exception | None) -> None:
            lost.set_result(exc)

    server = await asyncio.get_running_loop().create_server(Answer, sock=bound)
    async with server, asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(*bound.getsockname(), limit=PIECE)
        try:
            await read(reader)
            return await lost
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def test_who_asks_and_never_reads_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the answer is finished and the connection closed, as far as we can."""

    async def never(_: asyncio.StreamReader) -> None:
        pass

    assert isinstance(await lost_after(monkeypatch, 0.5, never), TimeoutError)


@pytest.mark.thorough
async def test_who_reads_slowly_has_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer than who reads nothing is waited for."""

    async def slowly(reader: asyncio.StreamReader) -> None:
        began, taken = asyncio.get_running_loop().time(), 0
        while data := await reader.read(PIECE):
            taken += len(data)
            if asyncio.get_running_loop().time() - began < 5.0:
                await asyncio.sleep(0.05)  # the line is slow
        assert taken == len(UNREAD)

    assert await lost_after(monkeypatch, 2.0, slowly) is None


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
