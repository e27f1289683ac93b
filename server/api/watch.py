"""A lesson's program for players: where it is, and low-latency HLS as they ask for it.

An address of a playlist is all that a player is given; it proves who may watch
(`server.broadcasts.watch_keys`). So what it answers may lie in caches and be read by a page of
another site: whoever knows the address may see it anyhow.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Query, Response
from starlette.requests import Request
from starlette.responses import StreamingResponse

from mixer.outputs.playlist import INDEX, MEDIA
from server.api.access import Person, ServicesOf, address_for
from server.api.areas import area
from server.api.fields import Id, View
from server.broadcasts.hls import Addressed, HlsLate, HlsUnknown, LessonHls
from server.broadcasts.service import lesson_not_open
from server.broadcasts.watch_keys import Watcher
from server.errors import Refusal, Text, not_found
from server.lessons.admission import admit
from server.lessons.timetable import get_visible_lesson
from server.services import Services
from signaling.protocol.messages import Role

router = area("watching")

# A playlist that was waited for never changes, as it names the part it was asked for; another is
# old as soon as there is another part.
_PLAYLIST = {"cache-control": "no-cache"}
_PLAYLIST_OF_PART = {"cache-control": "public, max-age=6"}
_PIECE_S = 3600  # what it names never changes, and is gone from the playlist long before

_PLAYLIST_TYPE = "application/vnd.apple.mpegurl"


class WatchView(View):
    """Where players find a lesson's program, and how far back they may go."""

    hls: str
    window_s: float


@router.post("/api/lessons/{lesson_id}/watch")
async def watch(lesson_id: Id, person: Person, services: ServicesOf, request: Request) -> WatchView:
    """An address of the lesson's program for a player, as long as the lesson is live.

    It is for whoever asked; who may observe the lesson may have one.
    """
    if services.broadcasts is None or not services.broadcasts.window_s:
        raise Refusal(
            409,
            "no-program",
            Text(
                "本服务器不合成节目，或没有开启 HLS。请联系管理员。",
                "This server makes no programs, or puts out no HLS. Ask an administrator.",
            ),
        )
    async with services.database.read() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
        identity = await admit(session, person, lesson, Role.OBSERVER, None)
    watcher = Watcher(lesson.id, identity.bearer.bearer_id)
    if _is_barred(services, watcher):
        raise _not_valid()
    key = services.broadcasts.keys.issue(watcher)
    return WatchView(
        hls=f"{address_for(request, services).url}/hls/{key}/{INDEX}",
        window_s=services.broadcasts.window_s,
    )


@router.get("/hls/{key}/{name}", response_class=Response)
async def hls(
    key: str,
    name: str,
    services: ServicesOf,
    number: Annotated[int | None, Query(alias="_HLS_msn", ge=0, lt=1 << 31)] = None,
    part: Annotated[int | None, Query(alias="_HLS_part", ge=0, lt=10_000)] = None,
) -> Response:
    """A playlist or a piece of a lesson's program (RFC 8216bis); the next part is waited for."""
    found = await _hls_of(services, key)
    try:
        if name == INDEX:
            return Response(await found.index(), media_type=_PLAYLIST_TYPE, headers=_PLAYLIST)
        if name == MEDIA:
            text = await found.playlist(number, part)
            headers = _PLAYLIST if number is None else _PLAYLIST_OF_PART
            return Response(text, media_type=_PLAYLIST_TYPE, headers=headers)
        piece = await found.piece(name)
    except HlsUnknown:
        raise not_found("片段", "piece of this lesson") from None
    except HlsLate:
        raise Refusal(
            503,
            "program-late",
            Text(
                "这节课的节目还没有开始，或刚刚中断。请稍后重试。",
                "This lesson's program has not begun yet, or is interrupted. Try again shortly.",
            ),
            retry_after_s=2,
        ) from None
    cached = {"cache-control": f"public, max-age={_PIECE_S}, immutable"}
    return _in_pieces(piece, cached)


def _in_pieces(piece: Addressed, headers: dict[str, str]) -> Response:
    """The next goes out when the one before it has been taken: a player that asks for a segment
    and never reads keeps a part of it waiting, not all."""
    if len(piece.pieces) == 1:
        return Response(piece.pieces[0], media_type=piece.media_type, headers=headers)
    length = sum(map(len, piece.pieces))

    async def taken_one_by_one() -> AsyncIterator[bytes]:
        for data in piece.pieces:
            yield data

    return StreamingResponse(
        taken_one_by_one(),
        media_type=piece.media_type,
        headers={**headers, "content-length": str(length)},
    )


async def _hls_of(services: Services, key: str) -> LessonHls:
    broadcasts = services.broadcasts
    watcher = broadcasts.keys.read(key) if broadcasts is not None else None
    if broadcasts is None or watcher is None or _is_barred(services, watcher):
        raise _not_valid()
    if not broadcasts.is_open(watcher.lesson_id):
        raise lesson_not_open()
    if not await broadcasts.rights.hold(watcher, services.database):
        raise _not_valid()
    found = broadcasts.hls_of(watcher.lesson_id)
    if found is None:
        raise lesson_not_open()  # it has ended while we asked
    return found


def _is_barred(services: Services, watcher: Watcher) -> bool:
    bars = services.lessons.live.bars_of(watcher.lesson_id)
    return bars is not None and watcher.bearer_id in bars


def _not_valid() -> Refusal:
    return Refusal(
        403,
        "watch-address-invalid",
        Text(
            "这个观看地址无效。请重新获取。",
            "This address opens no lesson. Ask for another.",
        ),
    )
