"""A directory asked over HTTPS: what answers without measure, wrongly, late or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.door.acme.failures import AcmeFailed, Trouble
from server.door.acme.https import MOST_BYTES, asked
from server.door.acme.steps import Ask, DirectoryAnswer
from tests.conftest import open_sockets
from tests.ports import free_port
from tests.unit.server.door.certificate_files import made

LONG_AGO, LATE = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2025, 2045))
ROOT = made("Root", begins=LONG_AGO, ends=LATE)
OK = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def saying(folder: Path, answer: bytes, *, then_silent: bool = False) -> AsyncIterator[int]:
    """A server that answers everything so; gives its port."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            said.append(await reader.read(65_536))
            writer.write(answer)
            await writer.drain()
            if then_silent:
                await reader.read()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    said: list[bytes] = []
    made("x", "127.0.0.1", by=ROOT, begins=LONG_AGO, ends=LATE).write(folder, "x")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "x.crt", folder / "x.key")
    before = open_sockets()
    server = await asyncio.start_server(say, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
    async with asyncio.timeout(20):
        while open_sockets() - before:  # noqa: ASYNC110 - a handshake that failed ends by itself
            await asyncio.sleep(0.01)


def trusting(folder: Path) -> ssl.SSLContext:
    ROOT.write(folder, "root")
    context = ssl.create_default_context()
    context.load_verify_locations(folder / "root.crt")
    return context


async def test_a_request_and_its_answer(tmp_path: Path) -> None:
    answer = OK + b"Replay-Nonce: abc\r\nContent-Length: 2\r\n\r\n{}"
    async with saying(tmp_path, answer) as port:
        request = Ask("POST", f"https://127.0.0.1:{port}/a?b=c", b"{}")
        found = await asked(request, context=trusting(tmp_path))
    assert found == DirectoryAnswer(200, {"replay-nonce": "abc", "content-length": "2"}, b"{}")


@pytest.mark.parametrize(
    ("answer", "silent", "trouble"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", False, Trouble.NOT_ACME),
        (OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n", False, Trouble.NOT_ACME),
        (OK + b"Content-Length: 999999999\r\n\r\n" + bytes(MOST_BYTES + 1), True, Trouble.NOT_ACME),
        (OK + b"Content-Length: 10\r\n\r\nhalf", False, Trouble.NOT_ACME),
        (b"", False, Trouble.NOT_ACME),
        (b"", True, Trouble.UNREACHABLE),
        (OK + b"Content-Length: 10\r\n\r\nhalf", True, Trouble.UNREACHABLE),
    ],
)
async def test_what_is_no_answer(
    tmp_path: Path, answer: bytes, silent: bool, trouble: Trouble
) -> None:
    late = 0.2 if trouble is Trouble.UNREACHABLE else 30.0
    async with saying(tmp_path, answer, then_silent=silent) as port:
        with pytest.raises(AcmeFailed) as failed:
            await asked(
                Ask("GET", f"https://127.0.0.1:{port}/"),
                context=trusting(tmp_path),
                timeout_s=late,
            )
        assert failed.value.trouble is trouble, failed.value.detail


async def test_whom_nobody_vouches_for_is_not_asked(tmp_path: Path) -> None:
    async with saying(tmp_path, OK) as port:
        for host, context in (
            ("127.0.0.1", ssl.create_default_context()),
            ("localhost", trusting(tmp_path)),  # it is another's certificate
        ):
            with pytest.raises(AcmeFailed) as failed:
                await asked(Ask("GET", f"https://{host}:{port}/"), context=context)
            assert failed.value.trouble is Trouble.UNTRUSTED


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("http://127.0.0.1/", Trouble.NOT_ACME),
        ("https:///path", Trouble.NOT_ACME),
        ("https://me@127.0.0.1/", Trouble.NOT_ACME),
        ("https://127.0.0.1:99999/", Trouble.NOT_ACME),
        ("https://127.0.0.1/a\r\nHost: evil", Trouble.NOT_ACME),
        ("https://127.0.0.1:{}/", Trouble.UNREACHABLE),
    ],
)
async def test_where_nobody_is_asked(url: str, trouble: Trouble) -> None:
    with pytest.raises(AcmeFailed) as failed:
        await asked(Ask("GET", url.format(free_port())), context=ssl.create_default_context())
    assert failed.value.trouble is trouble
