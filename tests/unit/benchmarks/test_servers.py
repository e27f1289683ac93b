"""Servers that do not do what they should: told at once or in time, and ended."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest

from benchmarks.servers import ServerFailedError, child
from benchmarks.servers.child import ChildServer
from benchmarks.servers.janus import Janus
from benchmarks.servers.janus_api import JanusApi, JanusError

# Children: what they say when they start, and whether they answer.
SILENT = "import sys; sys.stdin.read()"
GONE = "print('{\"ready\": true}', flush=True)"
REFUSING = 'print(\'{"error": "no port"}\', flush=True)'
DEAF = GONE + "; import sys; sys.stdin.read()"


class Child(ChildServer):
    name = "child"

    def __init__(self, program: str) -> None:
        super().__init__("-")
        self._command = (self._command[0], "-c", program)


@pytest.mark.parametrize(
    ("program", "told"),
    [(SILENT, "said nothing"), (REFUSING, "no port"), ("", "has ended")],
)
async def test_a_child_that_does_not_start_is_told_and_ended(
    program: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Child(program)
    if program == SILENT:
        monkeypatch.setattr(child, "START_TIMEOUT_S", 0.05)
    with pytest.raises(ServerFailedError, match=told):
        await server.start()
    await server.stop()
    assert not server.running
    await server.stop()


@pytest.mark.parametrize(("program", "told"), [(DEAF, "no answer to open"), (GONE, "has ended")])
async def test_a_child_that_does_not_answer_is_not_waited_for(
    program: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Child(program)
    await server.start()
    if program == DEAF:
        monkeypatch.setattr(child, "CALL_TIMEOUT_S", 0.05)
    with pytest.raises(ServerFailedError, match=told):
        await server.open_session()
    await server.stop()


async def test_a_janus_that_ends_leaves_no_request_waiting(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    path = str(tmp_path / "api")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(path)
        listening.listen()
        listening.setblocking(False)

        async def janus() -> None:
            accepted, _ = await loop.sock_accept(listening)
            with accepted:
                asked = json.loads(await loop.sock_recv(accepted, 65_536))
                answer = {"janus": "success", "data": {"id": 5}}
                answer["transaction"] = asked["transaction"]
                await loop.sock_sendall(accepted, json.dumps(answer).encode())
                await loop.sock_recv(accepted, 65_536)

        served = asyncio.create_task(janus())
        api = JanusApi()
        await api.connect(path)
        with pytest.raises(JanusError, match=r"ended|gone"):
            await api.attach()
        await served
        with pytest.raises(JanusError, match=r"ended|gone"):
            await asyncio.wait_for(api.attach(), 5)
        await api.close()
        await api.close()


async def test_a_janus_that_is_not_there_can_be_waited_for(tmp_path: Path) -> None:
    api = JanusApi()
    with pytest.raises(FileNotFoundError):
        await api.connect(str(tmp_path / "api"))
    with pytest.raises(JanusError, match="not running"):
        await api.attach()
    await api.close()


async def test_rooms_that_are_opened_at_once_are_different_ones() -> None:
    class Api:
        async def attach(self) -> int:
            await asyncio.sleep(0)
            return 1

        async def message(self, handle: int, body: dict[str, object]) -> dict[str, object]:
            created.append(body["room"])
            return {}

    created: list[object] = []
    server = Janus("192.0.2.1")
    server._api = Api()  # type: ignore[assignment]  # duck-typed
    opened = await asyncio.gather(*(server.open_session() for _ in range(4)))
    assert sorted(opened) == ["1", "2", "3", "4"]
    assert sorted(map(str, created)) == sorted(opened)
