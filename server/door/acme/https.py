"""One request to a directory over HTTPS, bounded in time and size. It follows nobody elsewhere.

A connection for each request: an order has a dozen, and none is kept open for months.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from importlib.metadata import version
from urllib.parse import urlsplit

import h11

from server.door.acme.conversation import checked_address
from server.door.acme.failures import AcmeFailed, Trouble
from server.door.acme.steps import Ask, DirectoryAnswer

TIMEOUT_S = 20.0
MOST_BYTES = 262_144  # a chain has 8 KB
_HEAD_BYTES = 32_768
_READ_BYTES = 16_384


async def asked(
    request: Ask, *, context: ssl.SSLContext, timeout_s: float = TIMEOUT_S
) -> DirectoryAnswer:
    """The answer to a request. Raises `AcmeFailed`."""
    parts = urlsplit(checked_address(request.url))
    host, port = parts.hostname or "", parts.port or 443
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(
                host, port, ssl=context, server_hostname=host
            )
            try:
                return await _exchange(request, reader, writer)
            finally:
                writer.transport.abort()  # nothing more is wanted, however much would come
                with contextlib.suppress(OSError, ssl.SSLError):
                    await writer.wait_closed()
    except ssl.SSLCertVerificationError as error:
        raise AcmeFailed(Trouble.UNTRUSTED, error.verify_message) from None
    except h11.RemoteProtocolError as error:
        raise AcmeFailed(Trouble.NOT_ACME, str(error)) from None
    except TimeoutError:
        raise AcmeFailed(Trouble.UNREACHABLE, f"no answer within {timeout_s:g} seconds") from None
    except (OSError, ssl.SSLError, UnicodeError) as error:
        raise AcmeFailed(Trouble.UNREACHABLE, str(error)) from None


async def _exchange(
    request: Ask, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> DirectoryAnswer:
    line = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
    parts = urlsplit(request.url)
    headers = [
        ("Host", parts.netloc),
        ("User-Agent", f"tongke/{version('tongke')}"),  # RFC 8555 §6.1
        ("Accept", request.accept),
        ("Accept-Language", "en"),
        ("Connection", "close"),
    ]
    if request.method == "POST":
        headers += [
            ("Content-Type", "application/jose+json"),  # §6.2
            ("Content-Length", str(len(request.body))),
        ]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = line.send(h11.Request(method=request.method, target=target, headers=headers)) or b""
    if request.body:
        sent += line.send(h11.Data(data=request.body)) or b""
    writer.write(sent + (line.send(h11.EndOfMessage()) or b""))
    await writer.drain()
    return await _answer(line, reader)


async def _answer(line: h11.Connection, reader: asyncio.StreamReader) -> DirectoryAnswer:
    head: h11.Response | None = None
    body = b""
    while True:
        event = line.next_event()
        if event is h11.NEED_DATA:
            line.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MOST_BYTES:
                raise AcmeFailed(Trouble.NOT_ACME, f"an answer of more than {MOST_BYTES} bytes")
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            named = {name.decode(): value.decode("latin-1") for name, value in head.headers}
            return DirectoryAnswer(head.status_code, named, body)
        elif isinstance(event, h11.ConnectionClosed):
            raise AcmeFailed(Trouble.NOT_ACME, "the connection ended before the answer")
