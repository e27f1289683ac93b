"""What is guessed first is refused when it is chosen; long words of one's own are not."""

from __future__ import annotations

import httpx
import pytest

from server.accounts.first_start import setup_address
from server.accounts.weak_passwords import weakness
from tests.unit.server.world import PASSWORD, World, make_community

WEAK = [
    "12345678",
    "87654321",
    "123456789",
    "1234567890",
    "11111111",
    "88888888",
    "66668888",
    "00000000",
    "12341234",
    "123123123",
    "abcabcab",
    "abcd1234",
    "qwertyui",
    "asdfghjkl",
    "1qaz2wsx",
    "1q2w3e4r",
    "qwer1234",
    "asdf1234",
    "password",
    "Password1",
    "P@ssw0rd",
    "passw0rd!",
    "password2026",
    "password123456",
    "admin123",
    "admin888",
    "administrator",
    "adminadmin",
    "iloveyou",
    "woaini520",
    "woaini1314",
    "5201314520",
    "147258369",
    "teacher1",
    "laoshi123",
    "同课123456",
    "tongke2026",
    "tongketongke",
    "１２３４５６７８",
]
OWN = ["li.wei", "李伟", "青山小学", None, ""]
NAMED = ["li.wei123", "Li.Wei2026", "李伟123456", "青山小学", "青山小学2026", "li.weili.wei"]
FINE = [
    "correct horse",
    "a long enough password",
    "another one",
    "teacher of mathematics",
    "19851231-Xiaohe",
    "床前明月光疑是",
    "kx9#Tq2v",
    "liweihua-garden",
    "passwordless river",
    "admin847205913",
]


@pytest.mark.parametrize("password", WEAK)
def test_what_is_guessed_first_is_weak(password: str) -> None:
    assert weakness(password) is not None


@pytest.mark.parametrize("password", NAMED)
def test_the_names_beside_it_are_weak(password: str) -> None:
    assert weakness(password, *OWN) is not None
    assert weakness(password, "zhao") is None


@pytest.mark.parametrize("password", FINE)
def test_what_a_person_makes_up_is_not(password: str) -> None:
    assert weakness(password, *OWN) is None


async def test_a_weak_password_is_taken_nowhere(world: World) -> None:
    """Neither at the first start, nor by the administrator, nor as one's own new one."""
    browser = await world.browser()
    address = await setup_address(world.services.database, world.settings, world.clock())
    key = str(address).partition("#key=")[2]
    first = {"key": key, "username": "admin", "display_name": "管理员", "password": "12345678"}
    person = {"username": "zhao", "display_name": "赵老师", "role": "teacher"}

    def refused(answer: httpx.Response) -> bool:
        told = answer.json()
        field = told["fields"]["password"]
        assert field["zh"] and field["en"]
        return (answer.status_code, told["code"]) == (422, "password-weak")

    assert refused(await browser.post("/api/setup", json=first))
    strong = {**first, "password": PASSWORD}
    assert (await browser.post("/api/setup", json=strong)).status_code == 200
    ids = await make_community(browser)
    person["school_id"] = ids["rural_1"]
    for weak in ("password1", "zhao2026", "青山小学2026"):
        assert refused(await browser.post("/api/users", json={**person, "password": weak}))
    for weak in ("password1", "wang2026", "青山小学2026"):
        assert refused(await browser.patch(f"/api/users/{ids['wang']}", json={"password": weak}))
    wang = await world.signed_in("wang")
    own = {"current_password": PASSWORD, "password": "Wang2026"}
    assert refused(await wang.post("/api/session/password", json=own))
