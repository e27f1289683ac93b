"""Setting up, signing in and out: `/api/setup`, `/api/session`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from server.accounts.access import (
    MaybeSignedIn,
    ServicesOf,
    SignedInPerson,
    client_address,
)
from server.accounts.one_time_keys import Purpose, WrongKey, check_key, use_key
from server.accounts.people import add_user, administrators, change_user, find_user, get_user
from server.accounts.sign_ins import COOKIE
from server.api.fields import AnyPassword, Body, Name, Password, Secret, Username, View
from server.api.users import UserView, user_view
from server.database.models import UserRole
from server.errors import Refusal, Text, field_refused
from server.names import look_of
from server.services import Services

router = APIRouter(tags=["session"])


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
    current_password: AnyPassword
    password: Password


class SessionView(View):
    user: UserView | None
    server_time: float


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
    address, now = client_address(request), services.clock()
    _refuse_guessing(services, address, "", now)
    async with services.database.read() as session:
        if await administrators(session):
            raise Refusal(
                409,
                "already-set-up",
                Text("服务器已设置好，请登录。", "The server is set up already. Sign in."),
            )
        try:
            await check_key(session, body.key, Purpose.SETUP, now=now)
        except WrongKey:
            services.sign_in_guard.failed(address, "", now)
            raise
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
    _set_cookie(services, response, token)
    return SessionView(user=user_view(user), server_time=now)


@router.get("/api/session")
async def session_state(found: MaybeSignedIn, services: ServicesOf) -> SessionView:
    """Who is signed in at this browser."""
    return SessionView(user=user_view(found.user) if found else None, server_time=services.clock())


@router.post("/api/session")
async def sign_in(
    body: SignInBody, request: Request, response: Response, services: ServicesOf
) -> SessionView:
    """Sign in by user name and password."""
    address, name, now = client_address(request), look_of(body.username), services.clock()
    _refuse_guessing(services, address, name, now)
    async with services.database.read() as session:
        user = await find_user(session, body.username)
    if not await services.passwords.verify(body.password, user.password_hash if user else None):
        services.sign_in_guard.failed(address, name, now)
        raise Refusal(
            401,
            "sign-in-refused",
            Text(
                "用户名或密码不对。忘记密码请联系管理员。",
                "The user name or the password is wrong. If you forgot it, ask the administrator.",
            ),
        )
    assert user is not None  # noqa: S101 - without a user no password is right
    services.sign_in_guard.succeeded(address, name)
    async with services.database.write() as session:
        token = await services.sign_ins.begin(session, user.id, now)
    _set_cookie(services, response, token)
    return SessionView(user=user_view(user), server_time=now)


@router.post("/api/session/key")
async def sign_in_by_key(
    body: KeyBody, request: Request, response: Response, services: ServicesOf
) -> SessionView:
    """Sign in by a one-time key."""
    address, now = client_address(request), services.clock()
    _refuse_guessing(services, address, "", now)
    try:
        async with services.database.write() as session:
            user_id = await use_key(session, body.key, Purpose.SIGN_IN, now=now)
            user = await get_user(session, user_id or "")
            token = await services.sign_ins.begin(session, user.id, now)
    except WrongKey:
        services.sign_in_guard.failed(address, "", now)
        raise
    _set_cookie(services, response, token)
    return SessionView(user=user_view(user), server_time=now)


@router.post("/api/session/password", status_code=204)
async def change_own_password(
    body: NewPasswordBody, found: SignedInPerson, request: Request, services: ServicesOf
) -> None:
    """Change one's own password; one's other browsers are signed out."""
    address, name, now = client_address(request), found.user.username_key, services.clock()
    _refuse_guessing(services, address, name, now)
    if not await services.passwords.verify(body.current_password, found.user.password_hash):
        services.sign_in_guard.failed(address, name, now)
        raise field_refused(
            "current_password", "现在的密码不对。", "The current password is wrong."
        )
    password_hash = await services.passwords.hash(body.password)
    async with services.database.write() as session:
        user = await get_user(session, found.user.id)
        await change_user(session, user, password_hash=password_hash, keep_sign_in=found.token_hash)


@router.delete("/api/session", status_code=204)
async def sign_out(request: Request, response: Response, services: ServicesOf) -> None:
    """Sign out. Nobody signed in is fine too."""
    if token := request.cookies.get(COOKIE):
        await services.sign_ins.end(token)
    response.delete_cookie(
        COOKIE, path="/", httponly=True, samesite="lax", secure=services.settings.secure
    )


def _set_cookie(services: Services, response: Response, token: str) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(services.sign_ins.longest_s),
        path="/",
        httponly=True,
        samesite="lax",
        secure=services.settings.secure,
    )


def _refuse_guessing(services: Services, address: str, name: str, now: float) -> None:
    if wait_s := services.sign_in_guard.wait_s(address, name, now):
        raise Refusal(
            429,
            "too-many-attempts",
            Text(
                f"尝试次数过多，请在 {wait_s:.0f} 秒后再试。",
                f"Too many attempts. Try again in {wait_s:.0f} seconds.",
            ),
            retry_after_s=wait_s,
        )
