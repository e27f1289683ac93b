"""A flood of guesses at a real server's door: who guesses waits, everybody else signs in.

Over HTTP into the whole application, with its own clock; a hash costs nothing here. What it costs
in time is `tests/faults/test_sign_in_flood.py`'s.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest

from server.accounts.first_start import sign_in_address
from server.accounts.known_browsers import COOKIE
from server.accounts.password_door import PasswordDoor
from tests.unit.server.world import PASSWORD, World

SCHOOL = "10.0.0.1"
WRONG = "wrong password"


async def guess(browser: httpx.AsyncClient, username: str = "li", password: str = WRONG) -> int:
    answer = await browser.post("/api/session", json={"username": username, "password": password})
    return answer.status_code


class Hashes:
    """Counts what is hashed for signing in."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        verify = world.services.passwords.verify

        async def counted(
            password: str, kept: str | None, *, rank: tuple[int, int] | None = None
        ) -> bool:
            self.count += 1
            return await verify(password, kept, rank=rank)

        monkeypatch.setattr(world.services.passwords, "verify", counted)


@pytest.fixture
def hashes(world: World, community: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Hashes:
    """The community is there, and nobody has signed in since."""
    return Hashes(world, monkeypatch)


class Pauses:
    """Answers held back: how long, without waiting for it."""

    def __init__(self, door: PasswordDoor, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds: list[float] = []
        monkeypatch.setattr(door, "_sleep", self._pause)

    async def _pause(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def pauses(world: World, monkeypatch: pytest.MonkeyPatch) -> Pauses:
    return Pauses(world.services.password_door, monkeypatch)


async def test_guesses_at_once_are_counted_before_any_is_hashed(
    world: World, hashes: Hashes
) -> None:
    guesser = await world.browser("203.0.113.9")
    codes = Counter(await asyncio.gather(*(guess(guesser) for _ in range(150))))
    assert codes == {401: 5, 429: 145}
    assert hashes.count == 5


async def test_one_machine_shuts_nobody_out_elsewhere(world: World, hashes: Hashes) -> None:
    guesser = await world.browser("203.0.113.9")
    for _ in range(3):
        await asyncio.gather(*(guess(guesser) for _ in range(150)))
        world.clock.pass_s(600)
    assert await guess(await world.browser(SCHOOL), password=PASSWORD) == 200


async def test_a_browser_that_signed_in_before_is_let_in_beside_the_guesser(
    world: World, hashes: Hashes
) -> None:
    known = await world.browser(SCHOOL)
    assert await guess(known, password=PASSWORD) == 200
    await known.delete("/api/session")
    assert known.cookies.get(COOKIE)  # signing out leaves it
    guesser = await world.browser(SCHOOL)
    await asyncio.gather(*(guess(guesser) for _ in range(150)))
    for number in range(60):
        await guess(await world.browser(f"198.51.100.{number}"))
    assert await guess(guesser, password=PASSWORD) == 429
    assert await guess(known, password=PASSWORD) == 200


async def test_the_cookie_is_for_signing_in_alone(world: World, community: dict[str, str]) -> None:
    browser = await world.browser()
    answer = await browser.post("/api/session", json={"username": "li", "password": PASSWORD})
    cookie = next(
        line for line in answer.headers.get_list("set-cookie") if line.startswith(COOKIE)
    ).lower()
    for word in ("httponly", "samesite=strict", "path=/api/session;", "max-age=15552000"):
        assert word in cookie + ";"
    thief = await world.browser()
    thief.cookies.set(COOKIE, browser.cookies[COOKIE])
    assert (await thief.get("/api/session")).json()["user"] is None


async def test_a_stolen_cookie_has_ten_guesses(world: World, hashes: Hashes) -> None:
    known = await world.browser(SCHOOL)
    assert await guess(known, password=PASSWORD) == 200
    thief = await world.browser("203.0.113.9")
    thief.cookies.set(COOKIE, known.cookies[COOKIE])
    codes = Counter([await guess(thief) for _ in range(40)])
    assert codes == {401: 15, 429: 25}  # its own ten, and a stranger's five
    again = await world.browser(SCHOOL)
    assert await guess(again, password=PASSWORD) == 200  # the network knows the name


async def test_many_wrong_names_make_a_school_slow_and_shut_nobody_out(
    world: World, admin: httpx.AsyncClient, hashes: Hashes, pauses: Pauses
) -> None:
    pupil = await world.browser(SCHOOL)
    codes = await asyncio.gather(*(guess(pupil, f"nobody-{n}") for n in range(200)))
    assert set(codes) == {401}
    assert hashes.count == 4
    assert len(pauses.seconds) == 196
    assert all(0 < seconds <= 4 for seconds in pauses.seconds)
    # The right password, at once, of a browser and a network nobody knows for this name.
    teacher = await world.browser(SCHOOL)
    assert await guess(teacher, "wang", PASSWORD) == 200
    assert len(pauses.seconds) == 196
    # A wrong password of somebody takes as long as a name that nobody has.
    assert await guess(teacher, "li") == 401
    assert len(pauses.seconds) == 197
    _, address = await sign_in_address(world.services.database, world.settings, world.clock())
    key = address.partition("#key=")[2]
    other = await world.browser(SCHOOL)
    assert (await other.post("/api/session/key", json={"key": key})).status_code == 200


async def test_a_name_is_slowed_alike_whether_somebody_has_it(world: World, hashes: Hashes) -> None:
    codes = {}
    for name in ("li", "nobody"):
        guesser = await world.browser("203.0.113.9")
        codes[name] = [await guess(guesser, name) for _ in range(8)]
    assert codes["li"] == codes["nobody"] == [401] * 5 + [429] * 3


async def test_too_many_held_back_answers_are_given_at_once(
    world: World, hashes: Hashes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.accounts.password_door.MOST_SLOW_ANSWERS", 3)
    full, release, held_back = asyncio.Event(), asyncio.Event(), 0

    async def held(_seconds: float) -> None:
        nonlocal held_back
        held_back += 1
        if held_back == 3:
            full.set()
        await release.wait()

    monkeypatch.setattr(world.services.password_door, "_sleep", held)
    pupil = await world.browser(SCHOOL)
    for number in range(4):
        await guess(pupil, f"first-{number}")
    waiting = [asyncio.create_task(guess(pupil, f"more-{number}")) for number in range(3)]
    await full.wait()
    assert await guess(pupil, "one-too-many") == 429
    release.set()
    assert await asyncio.gather(*waiting) == [401] * 3


async def test_a_crowd_is_told_to_come_back_and_nothing_is_counted(
    world: World, hashes: Hashes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.accounts.hash_turns.MOST_WAITING", 0)
    teacher = await world.browser("203.0.113.9")
    answer = await teacher.post("/api/session", json={"username": "li", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (503, "sign-in-busy")
    assert int(answer.headers["retry-after"]) >= 1
    assert {await guess(teacher) for _ in range(10)} == {503}
    monkeypatch.undo()
    assert await guess(teacher, password=PASSWORD) == 200


async def test_one_time_keys_stand_apart(world: World, admin: httpx.AsyncClient) -> None:
    guesser = await world.browser(SCHOOL)
    codes = [
        (await guesser.post("/api/session/key", json={"key": f"tkk_{n}"})).status_code
        for n in range(60)
    ]
    assert Counter(codes) == {403: 5, 429: 55}
    assert await guess(await world.browser(SCHOOL), "admin", PASSWORD) == 200
    await asyncio.gather(*(guess(guesser, "admin") for _ in range(60)))
    _, address = await sign_in_address(world.services.database, world.settings, world.clock())
    key = address.partition("#key=")[2]
    answer = await guesser.post("/api/session/key", json={"key": key})
    assert answer.status_code == 200
    # and whoever signed in so is known for the name
    await guesser.delete("/api/session")
    assert await guess(guesser, "admin", PASSWORD) == 200


async def test_guesses_of_strangers_do_not_keep_anybody_from_a_new_password(
    world: World, admin: httpx.AsyncClient
) -> None:
    guesser = await world.browser(SCHOOL)
    await asyncio.gather(*(guess(guesser, "admin") for _ in range(60)))
    body = {"current_password": WRONG, "password": "a new password"}
    answers = [await admin.post("/api/session/password", json=body) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429] * 2
    world.clock.pass_s(5)
    body["current_password"] = PASSWORD
    assert (await admin.post("/api/session/password", json=body)).status_code == 204
