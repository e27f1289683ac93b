"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): standard encoders and players in a lesson.

`POST /whip/{source}` makes an encoder a device of its token's seat and its picture that source (its
sound is the room's, if no other device of the seat carries it). In place of a token it may bear its
room's source key, which does not run out. `POST /whep?seat=&source=` gives a player one seat's
picture and sound, `POST /whep?source=program` the lesson's own. All answer 201 with the session's
address, where `PATCH` trickles candidates or restarts ICE and `DELETE` ends it. The lesson's rules
apply as over the WebSocket; refusals have the same codes.

The server is ICE-lite: the answer has all its candidates and it needs none of the client's, so
trickled candidates are accepted and not used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from signaling.driver import LessonService
from signaling.errors import LessonRefusal
from signaling.http_session import HttpSession, has_sound, name_sources
from signaling.ports import SourceKeys
from signaling.protocol.messages import IceServer, LessonSource, Source
from signaling.protocol.refusals import REFUSALS
from signaling.sdp_fragment import MEDIA_TYPE, credentials_of, fragment_of, with_credentials

_log = structlog.get_logger(__name__)

# Encoders and players run on pages of other sites and send no cookies: any origin may ask.
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Expose-Headers": "Location, Link, ETag, Accept-Patch, Retry-After",
    "Access-Control-Max-Age": "600",
}
# What each address does (RFC 9725 §4.1, §4.2); all else is answered 405 with this as `Allow`.
_ENDPOINT_METHODS = ("OPTIONS", "POST")
_SESSION_METHODS = ("DELETE", "OPTIONS", "PATCH")
_METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))
_ENTITY_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_RETRY_AFTER_S = {409: 2.0, 503: 5.0}


class HttpSessions:
    """The WHIP and WHEP sessions of a service, by their unguessable ids."""

    def __init__(self, service: LessonService, source_keys: SourceKeys | None) -> None:
        self.service = service
        self.source_keys = source_keys
        self._sessions: dict[str, HttpSession] = {}

    def begin(self) -> HttpSession:
        """A session that has joined nothing yet."""
        session = HttpSession(self.service, self.service.connect())
        self._sessions[session.session_id] = session
        session.start(self._forget)
        return session

    def is_source_key(self, token: str) -> bool:
        """Whether a bearer token is an encoder's long-lived key."""
        return self.source_keys is not None and self.source_keys.is_key(token)

    async def token_for(self, key: str, source: Source) -> str:
        """The join token that a source key stands for now; raises `LessonRefusal`."""
        assert self.source_keys is not None  # the caller asked `is_source_key`
        try:
            return await self.source_keys.token_for(key, source)
        except LessonRefusal:
            raise
        except Exception as error:  # the store's fault: one call is refused
            _log.exception("source keys failed")
            raise LessonRefusal("server-failed") from error

    def find(self, session_id: str) -> HttpSession:
        """A session; raises `LessonRefusal("no-such-session")`."""
        try:
            return self._sessions[session_id]
        except KeyError:
            raise LessonRefusal("no-such-session") from None

    def _forget(self, session: HttpSession) -> None:
        self._sessions.pop(session.session_id, None)


def whip_router(
    service: LessonService,
    source_keys: SourceKeys | None = None,
    *,
    responses: dict[int | str, dict[str, Any]] | None = None,
) -> APIRouter:
    """The routes of WHIP and WHEP; `responses` as FastAPI has them."""
    router = APIRouter(tags=["whip"], responses=responses)
    sessions = HttpSessions(service, source_keys)

    @router.post("/whip/{source}", status_code=201, response_class=Response)
    async def publish(source: str, request: Request) -> Response:
        """Publish as the token's seat (RFC 9725)."""
        return await _answering(lambda: _publish(sessions, source, request))

    @router.post("/whep", status_code=201, response_class=Response)
    async def play(
        request: Request, seat: str | None = None, source: str | None = None
    ) -> Response:
        """Play one seat's picture and sound, or the lesson's own (draft-ietf-wish-whep)."""
        return await _answering(lambda: _play(sessions, seat, source, request))

    @router.patch("/whip/sessions/{session_id}", response_class=Response)
    @router.patch("/whep/sessions/{session_id}", response_class=Response)
    async def patch(session_id: str, request: Request) -> Response:
        """Trickle candidates or restart ICE."""
        return await _answering(lambda: _patch(sessions, session_id, request))

    @router.delete("/whip/sessions/{session_id}", response_class=Response)
    @router.delete("/whep/sessions/{session_id}", response_class=Response)
    async def delete(session_id: str) -> Response:
        """End the session."""
        return await _answering(lambda: _delete(sessions, session_id))

    @router.options("/whip/{source}", response_class=Response)
    @router.options("/whep", response_class=Response)
    @router.options("/whip/sessions/{session_id}", response_class=Response)
    @router.options("/whep/sessions/{session_id}", response_class=Response)
    async def options() -> Response:
        """What is possible here (CORS preflight; RFC 9725 §4.2)."""
        return Response(
            status_code=204,
            headers={
                **_CORS,
                "Accept-Post": "application/sdp",
                "Accept-Patch": MEDIA_TYPE,
            },
        )

    for allowed, paths in (
        (_ENDPOINT_METHODS, ("/whip/{source}", "/whep")),
        (_SESSION_METHODS, ("/whip/sessions/{session_id}", "/whep/sessions/{session_id}")),
    ):
        _refuse_other_methods(router, allowed, paths)
    return router


def _refuse_other_methods(
    router: APIRouter, allowed: tuple[str, ...], paths: tuple[str, ...]
) -> None:
    """Say 405 to what these addresses do not do; left alone, GET and HEAD are the web pages'."""

    async def refuse() -> Response:
        response = _refusal_response(LessonRefusal("method-not-allowed"))
        response.headers["Allow"] = ", ".join(allowed)
        return response

    for path in paths:
        router.add_api_route(
            path,
            refuse,
            methods=sorted(_METHODS.difference(allowed)),
            response_class=Response,
            include_in_schema=False,
        )


async def _publish(sessions: HttpSessions, source: str, request: Request) -> Response:
    if source not in list(Source):
        raise LessonRefusal("unknown-path")
    token = _token_of(request)
    offer = await _body_of(request, "application/sdp", sessions.service)
    name_sources(offer, Source(source), with_sound=True)
    if sessions.is_source_key(token):
        token = await sessions.token_for(token, Source(source))
    session = sessions.begin()
    try:
        welcome = await session.join(token, player=False, offers_sound=has_sound(offer))
        session.sources = name_sources(offer, Source(source), with_sound=welcome.carries_sound)
        await session.negotiate(offer)
    except BaseException:
        await _give_up(session)
        raise
    return _created("whip", session)


async def _play(
    sessions: HttpSessions, seat: str | None, source: str | None, request: Request
) -> Response:
    wanted = _played_source(seat, source)
    token = _token_of(request)
    if sessions.is_source_key(token):
        raise LessonRefusal("source-key-sends-only")
    offer = await _body_of(request, "application/sdp", sessions.service)
    session = sessions.begin()
    session.seat_id, session.source = seat, wanted
    try:
        await session.join(token, player=True, offers_sound=False)
        await session.negotiate(offer)
    except BaseException:
        await _give_up(session)
        raise
    return _created("whep", session)


def _played_source(seat: str | None, source: str | None) -> Source | LessonSource | None:
    """What of a seat a player wants, or of the lesson itself, which is no seat's."""
    if source is None:
        return None
    if source in list(LessonSource) and seat is None:
        return LessonSource(source)
    if source in list(Source):
        return Source(source)
    raise LessonRefusal("unknown-path")


async def _give_up(session: HttpSession) -> None:
    """A session that did not come to be leaves its lesson."""
    if session.connection.runner is not None:
        await session.leave()
    await session.stop()


async def _patch(sessions: HttpSessions, session_id: str, request: Request) -> Response:
    session = sessions.find(session_id)
    fragment = await _body_of(request, MEDIA_TYPE, sessions.service)
    conditions = request.headers.getlist("if-match")
    if not conditions:
        raise LessonRefusal("no-precondition")
    if not _matches(", ".join(conditions), session.etag):
        raise LessonRefusal("stale-session")
    fresh = credentials_of(fragment)
    if fresh is None or fresh == credentials_of(session.offer):
        return Response(status_code=204, headers=_CORS)
    answer = await session.negotiate(with_credentials(session.offer, fresh))
    return Response(
        fragment_of(answer),
        media_type=MEDIA_TYPE,
        headers={**_CORS, "ETag": f'"{session.etag}"'},
    )


def _matches(condition: str, etag: str) -> bool:
    """Whether an `If-Match` holds: `*`, or a list with this tag (RFC 9110 §13.1.1).

    The comparison is the strong one (§8.8.3.2): a weak tag is equal to none.
    """
    if condition.strip() == "*":
        return True
    return any(weak == "" and tag == etag for weak, tag in _ENTITY_TAG.findall(condition))


async def _delete(sessions: HttpSessions, session_id: str) -> Response:
    session = sessions.find(session_id)
    await session.leave()
    await session.stop()
    return Response(status_code=200, headers=_CORS)


def _created(kind: str, session: HttpSession) -> Response:
    response = Response(
        session.answer,
        status_code=201,
        media_type="application/sdp",
        headers={
            **_CORS,
            "Location": f"/{kind}/sessions/{session.session_id}",
            "ETag": f'"{session.etag}"',
            "Accept-Patch": MEDIA_TYPE,
        },
    )
    service = session.service
    servers = service.settings.ice_servers_for(session.session_id, service.clock())
    for link in _ice_links(servers):
        response.headers.append("Link", link)
    return response


def _ice_links(servers: tuple[IceServer, ...]) -> list[str]:
    """STUN and TURN servers as Link headers (RFC 9725 §4.6)."""
    links = []
    for server in servers:
        credential = (
            f'; username="{server.username}"; credential="{server.credential}"'
            '; credential-type="password"'
            if server.username
            else ""
        )
        links += [f'<{url}>; rel="ice-server"{credential}' for url in server.urls]
    return links


def _token_of(request: Request) -> str:
    """The bearer token (RFC 6750 §2.1)."""
    scheme, _space, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > 4096:
        raise LessonRefusal("token-invalid")
    return token


async def _body_of(request: Request, media_type: str, service: LessonService) -> str:
    """The body as text; never more is read than a message may have."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != media_type:
        raise LessonRefusal("wrong-content-type")
    # An SDP in a message is at most half of a message (`messages.Sdp`); HTTP is no wider.
    limit = service.settings.max_message_bytes // 2
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise LessonRefusal("too-large")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise LessonRefusal("bad-sdp") from None
    if not text:
        raise LessonRefusal("bad-sdp")
    return text


async def _answering(work: Callable[[], Awaitable[Response]]) -> Response:
    """Do the work; a refusal becomes its HTTP answer."""
    try:
        return await work()
    except LessonRefusal as refusal:
        return _refusal_response(refusal)


def _refusal_response(refusal: LessonRefusal) -> Response:
    text = REFUSALS[refusal.code]
    headers = dict(_CORS)
    if text.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    retry_after_s = refusal.retry_after_s or _RETRY_AFTER_S.get(text.status)
    if retry_after_s is not None:
        headers["Retry-After"] = str(math.ceil(retry_after_s))
    return JSONResponse(
        {
            "code": refusal.code,
            "message_zh": text.zh,
            "message_en": text.en,
            "fields": {},
        },
        status_code=text.status,
        headers=headers,
    )
