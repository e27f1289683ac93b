"""Setting up, signing in and out: `/api/setup`, `/api/session`."""

from __future__ import annotations

import asyncio

from fastapi import Request, Response

from server.accounts import known_browsers
from server.accounts.first_start import forget_address
from server.accounts.one_time_keys import Purpose, WrongKey, check_key, use_key
from server.accounts.password_door import too_many_attempts
from server.accounts.people import add_user, administrators, change_user, get_user
from server.accounts.permissions import Right, rights_by, standings_of
from server.accounts.sign_ins import COOKIE
from server.accounts.weak_passwords import refuse_weak
from server.api.access import (
    MaybeSignedIn,
    ServicesOf,
    SignedInPerson,
    client_address,
)
from server.api.areas import area
from server.api.fields import AnyPassword, Body, Name, Password, Secret, Username, View
from server.api.users import UserView, school_name, user_view
from server.database.models import User, UserRole
from server.errors import Refusal, Text, field_refused
from server.names import look_of
from server.services import Services

router = area("session")


class SetupState(View):
    needed: bool


class SetupBody(Body):
    key: Secret
    username: Username
    display_name: Name
    password: Password


class SignInBody(Body):
    username: AnyPassword
    password: AnyPassword


class KeyBody(Body):
    key: Secret


class NewPasswordBody(Body):
    """Who has none yet, having come by a one-time address, gives no `current_password`."""

    current_password: AnyPassword | None = None
    password: Password


class SessionView(View):
    user: UserView | None
    may: list[Right]
    server_time: float


def _session_view(user: User | None, now: float) -> SessionView:
    """Who is signed in, and what they may do besides what lessons and recordings tell of."""
    may = {Right.ADMINISTER} & rights_by(standings_of(user)) if user else set()
    return SessionView(user=user_view(user) if user else None, may=sorted(may), server_time=now)


@router.get("/api/setup")
async def setup_state(services: ServicesOf) -> SetupState:
    """Whether the server still waits for its first administrator."""
    async with services.database.read() as session:
        return SetupState(needed=await administrators(session) == 0)


@router.post("/api/setup")
async def set_up(
    body: SetupBody, request: Request, response: Response, services: ServicesOf
) -> SessionView:
    """Make the first administrator, with the key of the address printed at the first start."""
    now = services.clock()
    async with services.database.read() as session:
        if await administrators(session):
            raise Refusal(
                409,
                "already-set-up",
                Text("服务器已设置好，请登录。", "The server is set up already. Sign in."),
            )
    await _look_up(services, request, body.key, Purpose.SETUP)
    refuse_weak(body.password, body.username, body.display_name)
    password_hash = await services.passwords.hash(body.password)
    async with services.database.write() as session:
        await use_key(session, body.key, Purpose.SETUP, now=now)
        user = await add_user(
            session,
            username=body.username,
            display_name=body.display_name,
            role=UserRole.ADMINISTRATOR,
            school_id=None,
            password_hash=password_hash,
            now=now,
        )
        token = await services.sign_ins.begin(session, user.id, now)
    await asyncio.to_thread(forget_address, services.settings.data_folder)
    _set_cookies(services, request, response, user, token)
    return _session_view(user, now)


@router.get("/api/session")
async def session_state(found: MaybeSignedIn, services: ServicesOf) -> SessionView:
    """Who is signed in at this browser."""
    return _session_view(found.user if found else None, services.clock())


@router.post("/api/session")
async def sign_in(
    body: SignInBody, request: Request, response: Response, services: ServicesOf
) -> SessionView:
    """Sign in by user name and password."""
    now = services.clock()
    cookie = request.cookies.get(known_browsers.COOKIE, "")
    user = await services.password_door.sign_in(
        body.username,
        body.password,
        address=client_address(request),
        browser=services.known_browsers.find(cookie, look_of(body.username), now),
    )
    async with services.database.write() as session:
        token = await services.sign_ins.begin(session, user.id, now)
    _set_cookies(services, request, response, user, token)
    return _session_view(user, now)


@router.post("/api/session/key")
async def sign_in_by_key(
    body: KeyBody, request: Request, response: Response, services: ServicesOf
) -> SessionView:
    """Sign in by a one-time key."""
    now = services.clock()
    await _look_up(services, request, body.key, Purpose.SIGN_IN)
    async with services.database.write() as session:
        user_id = await use_key(session, body.key, Purpose.SIGN_IN, now=now)
        user = await get_user(session, user_id or "")
        token = await services.sign_ins.begin(session, user.id, now)
    _set_cookies(services, request, response, user, token)
    return _session_view(user, now)


@router.post("/api/session/password", status_code=204)
async def change_own_password(
    body: NewPasswordBody, found: SignedInPerson, services: ServicesOf
) -> None:
    """Change one's own password, or choose the first; one's other browsers are signed out."""
    if found.user.password_hash is not None:
        if body.current_password is None:
            raise field_refused("current_password", "请填写此项。", "This is needed.")
        await services.password_door.confirm(
            found.user, body.current_password, sign_in=found.token_hash
        )
    async with services.database.read() as session:
        school = await school_name(session, found.user.school_id)
    refuse_weak(body.password, found.user.username, found.user.display_name, school)
    password_hash = await services.passwords.hash(body.password)
    async with services.database.write() as session:
        user = await get_user(session, found.user.id)
        if found.user.password_hash is None and user.password_hash is not None:
            raise field_refused("current_password", "请填写此项。", "This is needed.")
        await change_user(session, user, password_hash=password_hash, keep_sign_in=found.token_hash)


@router.delete("/api/session", status_code=204)
async def sign_out(request: Request, response: Response, services: ServicesOf) -> None:
    """Sign out. Nobody signed in is fine too."""
    if token := request.cookies.get(COOKIE):
        await services.sign_ins.end(token)
    response.delete_cookie(
        COOKIE, path="/", httponly=True, samesite="lax", secure=services.settings.secure
    )


def _set_cookies(
    services: Services, request: Request, response: Response, user: User, token: str
) -> None:
    """This browser is signed in, and known for this name from now on."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(services.sign_ins.longest_s),
        path="/",
        httponly=True,
        samesite="lax",
        secure=services.settings.secure,
    )
    response.set_cookie(
        known_browsers.COOKIE,
        services.known_browsers.remember(
            request.cookies.get(known_browsers.COOKIE, ""), look_of(user.username), services.clock()
        ),
        max_age=int(known_browsers.LIFE_S),
        path=known_browsers.PATH,
        httponly=True,
        samesite="strict",
        secure=services.settings.secure,
    )


async def _look_up(services: Services, request: Request, key: str, purpose: Purpose) -> None:
    """Refuses a key that opens nothing (403), and who goes on showing such keys (429).

    Looked up before anything is counted, and beside the writers: no crowd of wrong ones keeps a
    right one out.
    """
    now = services.clock()
    try:
        async with services.database.read() as session:
            await check_key(session, key, purpose, now=now)
    except WrongKey:
        if wait_s := services.wrong_keys.wait_s(client_address(request), services.steady()):
            raise too_many_attempts(wait_s) from None
        raise
