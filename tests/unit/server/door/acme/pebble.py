"""Pebble, Let's Encrypt's own test server, from Debian: a process of its own, on loopback alone.

It comes for the proof to a port that is given, finds every name at 127.0.0.1 (a few lines of DNS,
RFC 1035, here), and forgets all when it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tests.ports import free_port
from tests.unit.server.door.certificate_files import made

PROGRAM = shutil.which("pebble")
START_TIMEOUT_S = 60.0
# Its own clock is the machine's.
_BEGINS = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
_ENDS = datetime.datetime(2045, 1, 1, tzinfo=datetime.UTC)


class EveryNameIsHere(asyncio.DatagramProtocol):
    """A name server that knows one address, or none."""

    knows = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(b"\0", 12) + 5
        question, kind = data[12:end], data[end - 4 : end - 2]
        found = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01"
        answers = [found] if kind == b"\0\x01" and self.knows else []
        flags = b"\x81\x80" if self.knows else b"\x81\x83"
        head = data[:2] + flags + b"\0\x01" + len(answers).to_bytes(2) + b"\0\0\0\0"
        self._transport.sendto(head + question + b"".join(answers), addr)


@dataclass(frozen=True)
class Pebble:
    """`directory` is where it is asked, by who trusts as `context` does; `names` where it asks."""

    directory: str
    context: ssl.SSLContext
    names: EveryNameIsHere


@asynccontextmanager
async def pebble(folder: Path, *, tls_port: int) -> AsyncIterator[Pebble]:
    """A server until the end of the block."""
    assert PROGRAM is not None
    loop = asyncio.get_running_loop()
    names, known = await loop.create_datagram_endpoint(EveryNameIsHere, local_addr=("127.0.0.1", 0))
    root = made("Pebble's root", begins=_BEGINS, ends=_ENDS)
    root.write(folder, "root")
    made("pebble", "127.0.0.1", by=root, begins=_BEGINS, ends=_ENDS).write(folder, "pebble")
    port = free_port()
    config = folder / "pebble.json"
    config.write_text(
        json.dumps(
            {
                "pebble": {
                    "listenAddress": f"127.0.0.1:{port}",
                    "managementListenAddress": f"127.0.0.1:{free_port()}",
                    "certificate": str(folder / "pebble.crt"),
                    "privateKey": str(folder / "pebble.key"),
                    "httpPort": 1,
                    "tlsPort": tls_port,
                }
            }
        )
    )
    dns = "{}:{}".format(*names.get_extra_info("sockname"))
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *("-config", str(config), "-dnsserver", dns),
        env={"PEBBLE_VA_NOSLEEP": "1"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while not await _listens(port):
                assert process.returncode is None
                await asyncio.sleep(0.02)
        context = ssl.create_default_context()
        context.load_verify_locations(folder / "root.crt")
        yield Pebble(f"https://127.0.0.1:{port}/dir", context, known)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        names.close()
        await asyncio.sleep(0)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
