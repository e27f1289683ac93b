"""A file that is kept elsewhere as an answer: whole, or one range of it (RFC 9110 §14).

Of several ranges the whole is answered, as §14.2 allows; players ask for one. The answer begins
when the store has given the first bytes: a store that is away is told, and not a torn answer.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping

import structlog
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from server.errors import Refusal, Text
from server.recordings.objects import ObjectMissing, ObjectsAway
from server.recordings.store import StoredFile

_log = structlog.get_logger("tongke.store")
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


async def stored_response(
    file: StoredFile, request: Request, *, media_type: str | None, headers: Mapping[str, str]
) -> Response:
    """200, 206, or 416. Refuses (503) while the store does not give it."""
    asked = _RANGE.fullmatch(request.headers.get("range", "").strip())
    told = {**headers, "accept-ranges": "bytes"}
    begin, end, status = 0, file.size, 200
    if asked is not None and asked.group() != "bytes=-":
        begin, end = _bounds(asked[1], asked[2], file.size)
        if begin >= end:
            return Response(
                status_code=416, headers=told | {"content-range": f"bytes */{file.size}"}
            )
        status = 206
        told["content-range"] = f"bytes {begin}-{end - 1}/{file.size}"
    told["content-length"] = str(end - begin)
    kind = media_type or "application/octet-stream"
    if request.method == "HEAD":
        return Response(status_code=status, headers=told, media_type=kind)
    data = _read(file, begin, end)
    try:
        first = await anext(data, b"")
    except (ObjectsAway, ObjectMissing):
        raise _away() from None
    return StreamingResponse(_behind(first, data), status, told, kind)


async def _behind(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for data in rest:
        yield data


async def _read(file: StoredFile, begin: int, end: int) -> AsyncIterator[bytes]:
    """What the store does not give ends the answer: a player asks for the rest again."""
    try:
        async for data in file.read(begin, end):
            yield data
    except (ObjectsAway, ObjectMissing) as error:
        _log.warning("a stored file cannot be read", why=str(error))
        raise


def _away() -> Refusal:
    return Refusal(
        503,
        "store-away",
        Text(
            "存放录像的对象存储没有应答，请稍后再试。",
            "The store that keeps this recording does not answer. Try again in a while.",
        ),
        retry_after_s=30.0,
    )


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:  # the last so many bytes
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1 if last else size)
