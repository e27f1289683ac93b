"""Hostile requests to every call: each is answered or refused in our words, none is a bug of ours.

The invariant: whatever is sent, by an administrator or by nobody, the answer is a success or a
refusal with a code and both languages, never a 5xx; and the server answers as before.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.server.world import World, lesson_body, post, running_world

REQUESTS = 200  # of each of three seeds: every call comes several times
NO_BUGS = {"server-full", "media-failed"}  # here are no media to open a lesson with
HOSTILE: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    10**30,
    "",
    " ",
    "\x00",
    "\ud800",
    "a" * 5000,
    "课" * 200,
    "' OR 1=1 --",
    "<img src=x onerror=alert(1)>",
    "../../../etc/passwd",
    "%s%n{0}{}",
    "\u202e\u0000\uffff",
    [],
    {},
    [[[[]]]],
    {"$ne": None},
    ["x"] * 100,
]


@pytest.fixture
async def busy(tmp_path: Path) -> AsyncIterator[tuple[World, dict[str, str]]]:
    """A server with a community and a live lesson, so that hostile ids can also be right."""
    async with running_world(tmp_path) as world:
        ids = await world.community(await world.administrator())
        lesson = await post(await world.signed_in("li"), "/api/lessons", lesson_body(ids))
        yield world, {**ids, "lesson": lesson["id"]}


class Attacker:
    """Makes requests from the interface's own description, with wrong things in right places."""

    def __init__(self, rng: random.Random, described: dict[str, Any], known: list[str]) -> None:
        self._rng = rng
        self._schemas = described["components"]["schemas"]
        self._known = known
        self._calls = [
            (path, method, call)
            for path, calls in described["paths"].items()
            for method, call in calls.items()
            # signing out would make the rest of the run an outsider's
            if (path, method) != ("/api/session", "delete")
        ]

    def request(self) -> tuple[str, str, bytes, dict[str, str]]:
        path, method, call = self._rng.choice(self._calls)
        for part in [part for part in path.split("/") if part.startswith("{")]:
            path = path.replace(part, self._path_word())
        if self._rng.random() < 0.3:
            path += "?" + "&".join(
                f"{name}={self._path_word()}"
                for name in self._rng.sample(["from", "to", "state", "text", "seat", "x"], 2)
            )
        body = b""
        if reference := call.get("requestBody"):
            schema = reference["content"].get("application/json", {}).get("schema", {})
            body = self._body(schema)
        return method.upper(), path, body, {"content-type": "application/json"}

    def _path_word(self) -> str:
        word = self._rng.choice(
            [
                *self._known,
                "none",
                "%00",
                "..%2f..",
                "%ff%fe",
                "-1",
                "1e999",
                "nan",
                "".join(self._rng.choices(string.ascii_letters, k=self._rng.randint(1, 80))),
            ]
        )
        return word or "x"

    def _body(self, schema: dict[str, Any]) -> bytes:
        if self._rng.random() < 0.1:
            return self._rng.choice([b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"{}" * 1000])
        body = self._value(schema, 0)
        text = json.dumps(body)
        if self._rng.random() < 0.1:
            cut = self._rng.randrange(len(text) + 1)
            text = text[:cut]
        return text.encode()

    def _value(self, schema: dict[str, Any], depth: int) -> Any:
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        if depth and self._rng.random() < 0.25:
            return self._rng.choice(HOSTILE)
        if "enum" in schema:
            return self._rng.choice(schema["enum"])
        if kinds := schema.get("anyOf"):
            return self._value(self._rng.choice(kinds), depth)
        return self._plain(schema, depth)

    def _plain(self, schema: dict[str, Any], depth: int) -> Any:
        made = {
            "object": lambda: {
                name: self._value(kind, depth + 1)
                for name, kind in schema.get("properties", {}).items()
                if self._rng.random() < 0.9
            },
            "array": lambda: [self._value(schema["items"], depth + 1) for _ in range(2)],
            "string": lambda: self._rng.choice([*self._known, "好", "a valid word"]),
            "number": lambda: self._rng.choice([0, 1.5, 1_800_000_000]),
            "boolean": lambda: self._rng.random() < 0.5,
        }.get(schema.get("type", ""))
        return made() if made is not None else None


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("who", ["administrator", "nobody"])
async def test_no_request_is_a_bug_of_ours(
    busy: tuple[World, dict[str, str]], who: str, seed: int
) -> None:
    world, ids = busy
    browser = await (world.signed_in("admin") if who == "administrator" else world.browser())
    described = (await browser.get("/api/openapi.json")).json()
    attacker = Attacker(random.Random(seed), described, list(ids.values()))
    for _ in range(REQUESTS):
        method, path, body, headers = attacker.request()
        try:
            answer = await browser.request(method, path, content=body, headers=headers)
        except httpx.InvalidURL:  # the client itself will not send it
            continue
        told = f"{method} {path} {body!r} -> {answer.status_code} {answer.text[:300]}"
        assert answer.status_code < 500 or answer.json()["code"] in NO_BUGS, told
        if answer.status_code >= 400:
            refusal = answer.json()
            assert refusal["code"], told
            assert refusal["message_zh"], told
            assert refusal["message_en"], told
    assert (await browser.get("/readyz")).json()["ready"] is True
