"""Damaged join tokens. The invariant: a text proves what was issued, with head and claims letter
for letter as signed, or `TokenRefused` comes out and nothing else.
"""

from __future__ import annotations

import base64
import json
import random
import string

import pytest

from server.lessons.tokens import JoinTokens
from signaling.errors import TokenRefused
from signaling.ports import Bearer, Identity
from signaling.protocol.messages import Role
from tests.fuzz.rounds import SEED, rounds

NOW = 1_800_000_000.0
LETTERS = string.ascii_letters + string.digits + "-_.= \0é"
HEADERS: list[object] = [
    {"alg": "none"}, {"alg": "HS256"}, {"alg": "HS512"}, {"alg": "RS256"}, {"alg": None}, [], None,
    {"alg": "HS256", "kid": "x" * 2000}, {"alg": "HS256", "b64": False, "crit": ["b64"]},
    {"alg": "HS256", "crit": 7}, {"alg": "HS256", "kid": {}}, {"alg": "dir", "enc": "A128GCM"},
]  # fmt: skip


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def damaged(rng: random.Random, token: str) -> str:
    match rng.randrange(5):
        case 0:  # another head on the same body
            return f"{part(rng.choice(HEADERS))}.{token.partition('.')[2]}"
        case 1:
            return token[: rng.randrange(len(token))]
        case 2:
            return ".".join(rng.choice([*token.split("."), "", "e30"]) for _ in range(3))
        case _:
            letters = list(token)
            for _ in range(rng.randint(1, 4)):
                letters[rng.randrange(len(letters))] = rng.choice(LETTERS)
            return "".join(letters)


@pytest.mark.timeout(3600)
def test_only_what_was_issued_proves_anything() -> None:
    rng = random.Random(SEED)
    tokens, other = JoinTokens(b"k" * 32, life_s=600), JoinTokens(b"o" * 32, life_s=600)
    identity = Identity("lesson1", "room-1", Role.ROOM, "一年级", Bearer("person:u", "李"))
    issued, foreign = tokens.issue(identity, NOW).token, other.issue(identity, NOW).token
    assert tokens.verify(issued, NOW) == identity
    for _ in range(rounds(3000)):
        text = damaged(rng, rng.choice([issued, foreign]))
        try:
            assert tokens.verify(text, NOW) == identity
        except TokenRefused:
            continue
        # base64 leaves bits of the signature's last letter open: another letter, the same bytes.
        assert text[:-1] == issued[:-1], text
