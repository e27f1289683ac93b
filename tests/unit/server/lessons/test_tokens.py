"""Join tokens: what they prove, and what proves nothing."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from server.lessons.tokens import JoinTokens
from signaling.errors import TokenRefused
from signaling.ports import Bearer, Identity
from signaling.protocol.messages import Role

KEY, NOW = b"k" * 32, 1_800_000_000.0
PC = Bearer("device:c1", "墙上的电脑", room_device=True)
IDENTITY = Identity("lesson1", "room-1", Role.ROOM, "一年级 <b>", PC)
CLAIMS = {
    "iss": "tongke",
    "aud": "lesson",
    "exp": int(NOW) + 600,
    "lesson": "lesson1",
    "seat": "room-1",
    "role": "room",
    "name": "一年级",
    "sub": "device:c1",
    "bearer": "墙上的电脑",
    "device": True,
}


@pytest.fixture
def tokens() -> JoinTokens:
    return JoinTokens(KEY, life_s=600)


def signed(claims: dict[str, Any], key: bytes = KEY, algorithm: str = "HS256") -> str:
    return jwt.encode({"alg": algorithm}, claims, OctKey.import_key(key), algorithms=[algorithm])


def test_a_token_proves_who_it_was_made_for(tokens: JoinTokens) -> None:
    issued = tokens.issue(IDENTITY, NOW)
    assert issued.expires_at == NOW + 600
    assert len(issued.token) < 1000
    assert tokens.verify(issued.token, NOW) == IDENTITY
    assert tokens.verify(issued.token, NOW + 600) == IDENTITY


def test_an_old_token_says_that_it_is_old(tokens: JoinTokens) -> None:
    token = tokens.issue(IDENTITY, NOW).token
    with pytest.raises(TokenRefused) as refused:
        tokens.verify(token, NOW + 606)
    assert refused.value.code == "token-expired"


def test_every_token_is_its_own(tokens: JoinTokens) -> None:
    assert tokens.issue(IDENTITY, NOW).token != tokens.issue(IDENTITY, NOW).token


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in CLAIMS.items() if key != name}


def unsigned(claims: dict[str, Any]) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


def with_key_id(key_id: object) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": key_id}).encode()).decode()
    return f"{head.rstrip('=')}.{signed(CLAIMS).partition('.')[2]}"


FORGED = {
    "empty": "",
    "text": "not a token",
    "dots": "..",
    "null bytes": "\x00.\x00.\x00",
    "not ASCII": "课.课.课",
    "too long": "a" * 5000,
    "no signature": unsigned(CLAIMS),
    "another algorithm": signed(CLAIMS, KEY * 2, "HS512"),
    "another issuer": signed({**CLAIMS, "iss": "someone"}),
    "for another door": signed({**CLAIMS, "aud": "admin"}),
    "no end": signed(without("exp")),
    "end is text": signed({**CLAIMS, "exp": "never"}),
    "end is true": signed({**CLAIMS, "exp": True}),
    "no seat": signed(without("seat")),
    "seat is a list": signed({**CLAIMS, "seat": ["lead"]}),
    "empty lesson": signed({**CLAIMS, "lesson": ""}),
    "given to nobody": signed(without("sub")),
    "of an earlier version": signed(without("device")),
    "a device in words": signed({**CLAIMS, "device": "yes"}),
    "unknown role": signed({**CLAIMS, "role": "king"}),
    "key id is an object": with_key_id({}),
    "key id is a list": with_key_id([]),
    "key id is a number": with_key_id(7),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_what_proves_nothing_is_refused(tokens: JoinTokens, token: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        tokens.verify(token, NOW)
    assert refused.value.code == "token-invalid"


def test_another_servers_token_says_so(tokens: JoinTokens) -> None:
    other = JoinTokens(b"x" * 32, life_s=600)
    with pytest.raises(TokenRefused) as refused:
        tokens.verify(other.issue(IDENTITY, NOW).token, NOW)
    assert refused.value.code == "token-foreign"


def test_a_changed_token_is_refused(tokens: JoinTokens) -> None:
    header, body, signature = tokens.issue(IDENTITY, NOW).token.split(".")
    padded = body + "=" * (-len(body) % 4)
    claims = json.loads(base64.urlsafe_b64decode(padded))
    claims["role"] = "lead"
    other = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    for token in (f"{header}.{other}.{signature}", f"{header}.{body}.{signature[:-4]}AAAA"):
        with pytest.raises(TokenRefused):
            tokens.verify(token, NOW)
