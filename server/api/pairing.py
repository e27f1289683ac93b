"""A room's screen that has no credential comes to one: `/api/pairing`, decision 20."""

from __future__ import annotations

from typing import Annotated

from fastapi import Request
from pydantic import StringConstraints

from server.api.access import ServicesOf, bearer_secret, client_address
from server.api.areas import area
from server.api.fields import Body, Id, Name, View
from server.api.places import CredentialView, credential_view
from server.errors import not_found
from server.ids import secret_hash
from server.schools.pairing import ASK_AGAIN_S, DIGITS
from server.schools.places import get_classroom, is_in_force, take_in

router = area("pairing", prefix="/api")

Code = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=rf"^[0-9]{{{DIGITS}}}$", max_length=64)
]


class WaitingView(View):
    """`secret` is told this once."""

    code: str
    secret: str
    poll_after_s: float


class PairingView(View):
    """`code` is what the screen shows; once it is `paired` it shows none."""

    paired: bool
    code: str
    poll_after_s: float


class PairBody(Body):
    code: Code
    label: Name


@router.post("/pairing", status_code=201)
async def begin_pairing(request: Request, services: ServicesOf) -> WaitingView:
    """A screen begins to wait: `code` is to be shown, `secret` to be kept and sent as a bearer."""
    screen, secret = services.pairing.begin(client_address(request), services.steady())
    return WaitingView(code=screen.code, secret=secret, poll_after_s=ASK_AGAIN_S)


@router.get("/pairing")
async def pairing(request: Request, services: ServicesOf) -> PairingView:
    """Whether this screen's secret has become a credential; 404 if its time is over."""
    hashed = secret_hash(bearer_secret(request))
    screen = services.pairing.find(hashed, services.steady())
    if screen is not None:
        return PairingView(paired=False, code=screen.code, poll_after_s=ASK_AGAIN_S)
    async with services.database.read() as session:
        if await is_in_force(session, hashed):
            return PairingView(paired=True, code="", poll_after_s=ASK_AGAIN_S)
    raise not_found("等待配对的屏幕", "waiting screen")


@router.post("/classrooms/{classroom_id}/pair", status_code=201)
async def pair(
    classroom_id: Id, body: PairBody, request: Request, services: ServicesOf
) -> CredentialView:
    """The screen that shows these figures stands in this classroom: its secret is a credential."""
    async with services.database.read() as session:
        await get_classroom(session, classroom_id)
    screen = services.pairing.take(body.code, services.steady(), by=client_address(request))
    try:
        async with services.database.write() as session:
            classroom = await get_classroom(session, classroom_id)
            row = await take_in(
                session, classroom, label=body.label, hashed=screen.hashed, now=services.clock()
            )
    except BaseException:
        services.pairing.put_back(screen)
        raise
    return credential_view(row)
