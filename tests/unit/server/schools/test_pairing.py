"""A room's screen without a credential: it shows figures, and an administrator says where it is."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from unittest import mock

import httpx
import pytest

from server.errors import Refusal
from server.ids import secret_hash
from server.schools.pairing import LIFE_S, PairingDesk, check_figure
from tests.unit.server.world import World, lesson_body, post

Ids = dict[str, str]
LABEL = {"label": "墙上的电脑"}


def desk(seed: int = 1) -> PairingDesk:
    return PairingDesk(randbelow=random.Random(seed).randrange)


def refusal(call: Callable[..., object], *args: object, **named: object) -> Refusal:
    with pytest.raises(Refusal) as refused:
        call(*args, **named)
    return refused.value


# --- the desk, in virtual time --------------------------------------------------------------------


def test_figures_are_eight_and_by_chance() -> None:
    waiting = desk()
    codes = {waiting.begin(f"10.0.{n}", 0.0)[0].code for n in range(200)}
    assert len(codes) == 200
    assert all(len(code) == 8 and code.isdecimal() for code in codes)
    assert all({code[place] for code in codes} == set("0123456789") for place in range(8))


def test_one_wrong_figure_or_two_that_changed_places_name_no_screen() -> None:
    digits = "4827190"
    code = digits + str(check_figure(digits))
    assert check_figure(code) == 0
    for place, digit in itertools.product(range(8), "0123456789"):
        wrong = code[:place] + digit + code[place + 1 :]
        assert (check_figure(wrong) == 0) is (wrong == code)
    for place in range(7):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert (check_figure(swapped) == 0) is (swapped == code)


def test_figures_work_once() -> None:
    waiting = desk()
    screen, secret = waiting.begin("10.0.0.1", 0.0)
    assert waiting.find(secret_hash(secret), 1.0) is screen
    assert waiting.take(screen.code, 2.0, by="10.9.9.9") is screen
    assert waiting.find(secret_hash(secret), 3.0) is None
    assert refusal(waiting.take, screen.code, 3.0, by="10.9.9.9").code == "no-such-screen"
    waiting.put_back(screen)
    assert waiting.take(screen.code, 4.0, by="10.9.9.9") is screen


@pytest.mark.parametrize(
    ("asks_every_s", "until_s", "waits"),
    [(3.0, LIFE_S - 3, True), (3.0, LIFE_S, False), (29.0, 300.0, True), (31.0, 31.0, False)],
)
def test_a_screen_waits_a_quarter_of_an_hour_while_it_asks(
    asks_every_s: float, until_s: float, waits: bool
) -> None:
    waiting = desk()
    screen, _ = waiting.begin("10.0.0.1", 0.0)
    now = 0.0
    while now + asks_every_s < until_s:
        now += asks_every_s
        waiting.find(screen.hashed, now)
    assert (waiting.find(screen.hashed, until_s) is screen) is waits


def test_a_network_has_sixty_screens_and_all_have_a_thousand() -> None:
    waiting = desk()
    for _ in range(60):
        waiting.begin("10.0.0.1", 0.0)
    assert refusal(waiting.begin, "10.0.0.1", 0.0).status == 429
    for n in range(940):
        waiting.begin(f"10.1.{n}", 0.0)
    told = refusal(waiting.begin, "10.2.0.1", 0.0)
    assert (told.status, told.retry_after_s) == (503, 30.0)
    waiting.begin("10.2.0.1", 31.0)  # none of them has asked since


def test_wrong_figures_are_answered_ever_more_slowly() -> None:
    waiting = desk()
    for _ in range(5):
        assert refusal(waiting.take, "00000000", 0.0, by="10.0.0.1").status == 404
    told = refusal(waiting.take, "00000000", 0.0, by="10.0.0.1")
    assert (told.status, told.retry_after_s) == (429, 5.0)
    screen, _ = waiting.begin("10.0.0.2", 0.0)
    assert waiting.take(screen.code, 0.0, by="10.0.0.1") is screen  # right ones open


# --- over HTTP ------------------------------------------------------------------------------------


async def shown(world: World, address: str = "10.0.0.7") -> tuple[httpx.AsyncClient, str]:
    """A screen that waits, and what it shows."""
    screen = await world.browser(address)
    told = (await post(screen, "/api/pairing", {})) | {}
    screen.headers["authorization"] = f"Bearer {told['secret']}"
    return screen, told["code"]


async def state(screen: httpx.AsyncClient) -> tuple[int, bool | None]:
    answer = await screen.get("/api/pairing")
    return answer.status_code, answer.json().get("paired")


async def test_a_paired_screen_goes_into_its_rooms_lesson(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    screen, code = await shown(world)
    assert await state(screen) == (200, False)
    assert (await screen.get("/api/room")).status_code == 401
    path = f"/api/classrooms/{community['room_1']}"
    made = await post(admin, f"{path}/pair", {"code": code, **LABEL})
    assert (made["label"], "secret" in made) == ("墙上的电脑", False)
    assert await state(screen) == (200, True)
    await post(await world.signed_in("li"), "/api/lessons", lesson_body(community))
    answer = (await screen.get("/api/room")).json()
    assert answer["classroom"]["id"] == community["room_1"]
    assert world.services.tokens.verify(answer["token"], world.clock()).seat_id == "room-1"
    # It is a credential like others: listed, and revoked.
    assert [one["id"] for one in (await admin.get(f"{path}/credentials")).json()] == [made["id"]]
    await admin.delete(f"/api/credentials/{made['id']}")
    assert (await screen.get("/api/room")).status_code == 401
    assert await state(screen) == (404, None)
    again = await admin.post(f"{path}/pair", json={"code": code, **LABEL})
    assert (again.status_code, again.json()["code"]) == (404, "no-such-screen")
    assert again.json()["fields"]["code"]["zh"]


async def test_a_screens_secret_is_nowhere_kept(world: World) -> None:
    screen, _ = await shown(world)
    secret = screen.headers["authorization"].removeprefix("Bearer ")
    kept = repr(vars(world.services.pairing))
    assert secret not in kept
    assert secret_hash(secret) in kept


@pytest.mark.parametrize(
    "code", ["", "1234567", "123456789", "1234 5678", "１２３４５６７８", "abc"]
)
async def test_what_are_no_figures_is_refused_by_name(
    admin: httpx.AsyncClient, community: Ids, code: str
) -> None:
    path = f"/api/classrooms/{community['room_1']}/pair"
    answer = await admin.post(path, json={"code": code, **LABEL})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["code"])


async def test_a_screen_waits_on_where_its_classroom_could_not_be_written(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    screen, code = await shown(world)
    nowhere = await admin.post("/api/classrooms/nowhere/pair", json={"code": code, **LABEL})
    assert nowhere.json()["code"] == "not-found"
    path = f"/api/classrooms/{community['room_1']}/pair"
    with mock.patch("server.api.pairing.take_in", side_effect=RuntimeError("disk")):
        assert (await admin.post(path, json={"code": code, **LABEL})).status_code == 500
    assert await state(screen) == (200, False)
    await post(admin, path, {"code": code, **LABEL})
    assert await state(screen) == (200, True)


async def test_only_an_administrator_says_where_a_screen_stands(
    world: World, community: Ids
) -> None:
    _, code = await shown(world)
    path = f"/api/classrooms/{community['room_1']}/pair"
    for who in (await world.browser(), await world.signed_in("li")):
        answer = await who.post(path, json={"code": code, **LABEL})
        assert answer.status_code in {401, 403}


async def test_a_page_of_another_site_makes_no_screen_wait(world: World) -> None:
    stranger = await world.browser()
    answer = await stranger.post("/api/pairing", headers={"origin": "https://evil.example"})
    assert answer.json()["code"] == "foreign-origin"
