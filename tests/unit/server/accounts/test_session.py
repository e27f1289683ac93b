"""Setting up, signing in and out, guessing."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from server.accounts.first_start import (
    ADDRESS_FILE,
    goes_to_the_journal,
    keep_address,
    setup_address,
    sign_in_address,
)
from server.accounts.sign_ins import COOKIE
from tests.unit.server.world import ORIGIN, PASSWORD, World, running_world


def setup_body(key: str, **changes: str) -> dict[str, str]:
    return {
        "key": key,
        "username": "admin",
        "display_name": "管理员",
        "password": PASSWORD,
        **changes,
    }


async def new_key(world: World) -> str:
    address = await setup_address(world.services.database, world.settings, world.clock())
    assert address is not None
    page, _, key = address.partition("#key=")
    assert page == f"{ORIGIN}/setup"
    return key


async def test_setup_makes_the_administrator_once_and_signs_in(world: World) -> None:
    browser = await world.browser()
    assert (await browser.get("/api/setup")).json() == {"needed": True}
    key = await new_key(world)
    answer = await browser.post("/api/setup", json=setup_body(key))
    assert answer.status_code == 200
    assert answer.json()["user"]["role"] == "administrator"
    assert (await browser.get("/api/session")).json()["user"]["username"] == "admin"
    assert (await browser.get("/api/setup")).json() == {"needed": False}
    again = await browser.post("/api/setup", json=setup_body(key))
    assert (again.status_code, again.json()["code"]) == (409, "already-set-up")
    assert await setup_address(world.services.database, world.settings, world.clock()) is None


async def test_the_kept_address_goes_when_it_opens_nothing_any_more(world: World) -> None:
    key = await new_key(world)
    file = keep_address(world.settings.data_folder, f"{ORIGIN}/setup#key={key}")
    assert (file.name, file.stat().st_mode & 0o777) == (ADDRESS_FILE, 0o600)
    assert file.read_text() == f"{ORIGIN}/setup#key={key}\n"
    browser = await world.browser()
    assert (await browser.post("/api/setup", json=setup_body("tkk_other"))).status_code == 403
    assert file.exists()
    assert (await browser.post("/api/setup", json=setup_body(key))).status_code == 200
    assert not file.exists()


def test_the_journal_is_known_by_systemds_own_sign(tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as stream:
        found = os.fstat(stream.fileno())
        sign = f"{found.st_dev}:{found.st_ino}"
        assert goes_to_the_journal(stream.fileno(), {"JOURNAL_STREAM": sign})
        # Of a service whose output somebody has sent elsewhere; of no service.
        assert not goes_to_the_journal(stream.fileno(), {"JOURNAL_STREAM": "8:1"})
        assert not goes_to_the_journal(stream.fileno(), {})


async def test_a_server_that_comes_back_waits_for_no_writer(tmp_path: Path) -> None:
    async with running_world(tmp_path, database_wait_s=0.05) as world:
        await world.administrator()
        database = world.services.database
        async with database.write():
            assert await setup_address(database, world.settings, world.clock()) is None


async def test_setup_refuses_wrong_old_and_replaced_keys(world: World) -> None:
    browser = await world.browser()
    replaced = await new_key(world)
    current = await new_key(world)
    for key in ("tkk_nonsense", replaced):
        answer = await browser.post("/api/setup", json=setup_body(key))
        assert (answer.status_code, answer.json()["code"]) == (403, "key-refused")
    world.clock.pass_s(world.settings.one_time_key_s)
    answer = await browser.post("/api/setup", json=setup_body(current))
    assert answer.json()["code"] == "key-refused"
    assert (await browser.get("/api/setup")).json() == {"needed": True}


async def test_setup_names_each_wrong_field_in_both_languages(world: World) -> None:
    browser = await world.browser()
    body = setup_body("k", username="a b", display_name="  ", password="short")
    answer = await browser.post("/api/setup", json=body)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "invalid")
    assert set(told["fields"]) == {"username", "display_name", "password"}
    assert all(text["zh"] and text["en"] for text in told["fields"].values())
    assert told["fields"]["password"]["en"] == "At least 8 characters."


async def test_cookie_is_closed_to_scripts_and_other_sites(
    world: World, admin: httpx.AsyncClient
) -> None:
    answer = await admin.post("/api/session", json={"username": "ADMIN", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert "secure" not in cookie  # plain HTTP on loopback


async def test_cookie_is_secure_where_pages_are(tmp_path: Path) -> None:
    async with running_world(tmp_path, public_url="https://tongke.example.cn") as world:
        await world.administrator()
        browser = await world.browser()
        answer = await browser.post(
            "/api/session", json={"username": "admin", "password": PASSWORD}
        )
        assert "secure" in answer.headers["set-cookie"].lower()


async def test_sign_out_ends_the_session_everywhere_the_cookie_went(
    world: World, admin: httpx.AsyncClient
) -> None:
    token = admin.cookies[COOKIE]
    assert (await admin.delete("/api/session")).status_code == 204
    thief = await world.browser()
    thief.cookies.set(COOKIE, token)
    assert (await thief.get("/api/session")).json()["user"] is None
    assert (await thief.get("/api/schools")).status_code == 401


@pytest.mark.parametrize(
    ("username", "password"), [("admin", "wrong password"), ("nobody", PASSWORD)]
)
async def test_wrong_name_and_wrong_password_are_told_alike(
    world: World, admin: httpx.AsyncClient, username: str, password: str
) -> None:
    browser = await world.browser()
    answer = await browser.post("/api/session", json={"username": username, "password": password})
    assert (answer.status_code, answer.json()["code"]) == (401, "sign-in-refused")


async def test_a_guesser_waits_and_others_do_not(world: World, admin: httpx.AsyncClient) -> None:
    guesser = await world.browser("10.9.9.9")
    wrong = {"username": "admin", "password": "wrong password"}
    right = {"username": "admin", "password": PASSWORD}
    codes = [(await guesser.post("/api/session", json=wrong)).status_code for _ in range(7)]
    assert codes == [401] * 5 + [429] * 2
    blocked = await guesser.post("/api/session", json=right)
    assert blocked.status_code == 429
    assert int(blocked.headers["retry-after"]) >= 1
    other = await world.browser("10.0.0.2")
    assert (await other.post("/api/session", json=right)).status_code == 200
    world.clock.pass_s(10)
    assert (await guesser.post("/api/session", json=right)).status_code == 200


@pytest.mark.parametrize("set_by_s", [-3600.0, 3600.0])
async def test_a_clock_that_is_set_makes_no_wait_longer_or_shorter(
    world: World, admin: httpx.AsyncClient, set_by_s: float
) -> None:
    guesser = await world.browser("10.9.9.9")
    person = {"username": "admin", "password": "wrong password"}
    wrong = {"authorization": "Bearer tkd_wrong"}

    async def tries() -> list[int]:
        return [
            (await guesser.post("/api/session", json=person)).status_code,
            (await guesser.post("/api/session/key", json={"key": "tkk_wrong"})).status_code,
            (await guesser.get("/api/room", headers=wrong)).status_code,
        ]

    for _ in range(5):
        assert await tries() == [401, 403, 401]
    assert await tries() == [429] * 3
    world.clock.set_on(set_by_s)
    assert await tries() == [429] * 3
    world.clock.pass_s(10)
    assert await tries() == [401, 403, 401]


async def test_a_guesser_with_an_ipv6_network_is_one_guesser(
    world: World, admin: httpx.AsyncClient
) -> None:
    wrong = {"username": "admin", "password": "wrong password"}
    codes = []
    for number in range(6):
        browser = await world.browser(f"2001:db8:1:2::{number}")
        codes.append((await browser.post("/api/session", json=wrong)).status_code)
    assert codes == [401] * 5 + [429]
    other = await world.browser("2001:db8:1:3::1")
    assert (await other.post("/api/session", json=wrong)).status_code == 401


async def test_ipv4_addresses_are_many_guessers_however_a_socket_shows_them(
    world: World, admin: httpx.AsyncClient
) -> None:
    wrong = {"username": "admin", "password": "wrong password"}
    for host in ("::ffff:10.9.9.9", "10.9.9.9"):  # one guesser
        guesser = await world.browser(host)
        codes = [(await guesser.post("/api/session", json=wrong)).status_code for _ in range(6)]
    assert codes == [429] * 6
    other = await world.browser("::ffff:10.0.0.2")
    right = {"username": "admin", "password": PASSWORD}
    assert (await other.post("/api/session", json=right)).status_code == 200


async def test_idle_and_old_sessions_end(world: World, admin: httpx.AsyncClient) -> None:
    idle_s, most_s = world.settings.session_idle_s, world.settings.session_max_s
    world.clock.pass_s(idle_s - 1)
    assert (await admin.get("/api/session")).json()["user"] is not None  # and it is fresh again
    world.clock.pass_s(idle_s - 1)
    assert (await admin.get("/api/session")).json()["user"] is not None
    world.clock.pass_s(idle_s + 1)
    assert (await admin.get("/api/session")).json()["user"] is None
    browser = await world.signed_in("admin")
    for _ in range(int(most_s // idle_s) + 1):
        world.clock.pass_s(idle_s - 1)
        await browser.get("/api/session")
    assert (await browser.get("/api/session")).json()["user"] is None


async def test_a_write_from_another_site_is_refused(world: World, admin: httpx.AsyncClient) -> None:
    body = {"name": "山村小学", "kind": "rural"}
    for origin in ("https://evil.example", "null", "http://127.0.0.1:7881", "http://[::1"):
        answer = await admin.post("/api/schools", json=body, headers={"origin": origin})
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign-origin")
    assert (
        await admin.get("/api/schools", headers={"origin": "https://evil.example"})
    ).json() == []
    answer = await admin.post("/api/schools", json=body, headers={"origin": ORIGIN})
    assert answer.status_code == 201


async def test_sign_in_by_key_works_once(world: World, admin: httpx.AsyncClient) -> None:
    name, address = await sign_in_address(world.services.database, world.settings, world.clock())
    assert (name, address.partition("#")[0]) == ("admin", f"{ORIGIN}/key")
    key = address.partition("#key=")[2]
    browser = await world.browser()
    answer = await browser.post("/api/session/key", json={"key": key})
    assert answer.json()["user"]["username"] == "admin"
    assert (await browser.get("/api/users")).status_code == 200
    again = await (await world.browser()).post("/api/session/key", json={"key": key})
    assert (again.status_code, again.json()["code"]) == (403, "key-refused")


async def test_own_password_changes_with_the_current_one(
    world: World, admin: httpx.AsyncClient
) -> None:
    elsewhere = await world.signed_in("admin")
    body = {"current_password": "not this", "password": "a new password"}
    answer = await admin.post("/api/session/password", json=body)
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {"current_password"})
    body["current_password"] = PASSWORD
    assert (await admin.post("/api/session/password", json=body)).status_code == 204
    assert (await admin.get("/api/session")).json()["user"] is not None
    assert (await elsewhere.get("/api/session")).json()["user"] is None
    await world.signed_in("admin", "a new password")
