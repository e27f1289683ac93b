"""Who asks, and whether they may: FastAPI dependencies for the routes.

People are known by their session cookie, room devices by their bearer credential. A write that a
foreign page makes a browser send is refused by its `Origin` (beside the cookie's SameSite=Lax).
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from mixer.sources import network_of
from server.accounts.permissions import Right, refuse_without
from server.accounts.sign_ins import COOKIE, SignedIn
from server.database.models import User
from server.door.addresses import Address
from server.errors import Refusal, Text
from server.lessons.rooms import RoomDevice
from server.services import Services
from signaling.origin import same_origin

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_SECRET = 256


def services(request: Request) -> Services:
    """The running server's parts."""
    found: Services = request.app.state.services
    return found


ServicesOf = Annotated[Services, Depends(services)]


def client_address(request: Request) -> str:
    """Whom to count a guess against: the network (behind a trusted proxy: what the proxy says)."""
    return network_of(request.client.host if request.client else "unknown")


def address_for(request: Request, services: Services) -> Address:
    """The server's address as whoever sent this request may hand it on."""
    return services.addresses.for_visitor(
        request.headers.get("host", ""),
        client=request.client.host if request.client else "",
        secure=request.url.scheme == "https",
    )


def refuse_foreign_pages(request: Request, services: ServicesOf) -> None:
    """Refuses (403) a write that another site's page sent. Programs send no `Origin`."""
    origin = request.headers.get("origin")
    if request.method in _SAFE_METHODS or origin is None:
        return
    public = urlsplit(services.settings.public_url).netloc
    if not same_origin(origin, request.headers.get("host", ""), public):
        raise Refusal(
            403,
            "foreign-origin",
            Text(
                "请求来自别的网站，已拒绝。请从本服务器的页面操作。",
                "This request came from another site's page and was refused.",
            ),
        )


async def maybe_signed_in(request: Request, services: ServicesOf) -> SignedIn | None:
    """Who is signed in at this browser; None if nobody."""
    token = request.cookies.get(COOKIE, "")
    if not token or len(token) > _LONGEST_SECRET:
        return None
    return await services.sign_ins.find(token, services.clock())


MaybeSignedIn = Annotated[SignedIn | None, Depends(maybe_signed_in)]


async def signed_in(found: MaybeSignedIn) -> SignedIn:
    """Who is signed in; refuses (401) if nobody is."""
    if found is None:
        raise Refusal(401, "not-signed-in", Text("请先登录。", "Sign in first."))
    return found


SignedInPerson = Annotated[SignedIn, Depends(signed_in)]


async def person(found: SignedInPerson) -> User:
    """The user who is signed in."""
    return found.user


Person = Annotated[User, Depends(person)]


async def administrator(who: Person) -> None:
    """Refuses (403) who is no administrator."""
    refuse_without(Right.ADMINISTER, who)


def bearer_secret(request: Request) -> str:
    """The secret that a room's page sends; refuses (401) where there is none."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret or len(secret) > _LONGEST_SECRET:
        raise Refusal(
            401,
            "credential-missing",
            Text(
                "缺少设备凭证。请打开管理员给出的教室地址。",
                "The device credential is missing. Open the room address the administrator gave.",
            ),
        )
    return secret.strip()


async def room_device(request: Request, services: ServicesOf) -> RoomDevice:
    """The room device that asks; refuses (401) without a credential in force."""
    return await services.rooms.recognise(bearer_secret(request), client_address(request))


Room = Annotated[RoomDevice, Depends(room_device)]
