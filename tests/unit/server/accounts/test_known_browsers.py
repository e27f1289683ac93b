"""The cookie that says where a browser has signed in before."""

from __future__ import annotations

import base64

import pytest

from server.accounts.known_browsers import LIFE_S, MOST_NAMES, KnownBrowsers

NOW = 1_800_000_000.0
KNOWN = KnownBrowsers(b"secret")


def test_a_browser_is_known_for_the_names_that_signed_in_there() -> None:
    cookie = KNOWN.remember("", "li", NOW)
    cookie = KNOWN.remember(cookie, "王", NOW)
    names = {name: KNOWN.find(cookie, name, NOW) for name in ("li", "王", "zhao", "")}
    assert names["li"] and names["王"] and names["li"] != names["王"]
    assert names["zhao"] is names[""] is None


def test_each_sign_in_names_it_anew() -> None:
    first = KNOWN.remember("", "li", NOW)
    second = KNOWN.remember(first, "li", NOW)
    assert len(second) == len(first)
    assert KNOWN.find(first, "li", NOW) != KNOWN.find(second, "li", NOW)


def test_it_is_forgotten_in_time() -> None:
    cookie = KNOWN.remember("", "li", NOW)
    assert KNOWN.find(cookie, "li", NOW + LIFE_S)
    assert KNOWN.find(cookie, "li", NOW + LIFE_S + 1) is None
    assert KNOWN.find(cookie, "li", NOW - 1) is None  # from the future


def test_a_staff_rooms_pc_keeps_the_latest() -> None:
    cookie = ""
    for number in range(MOST_NAMES + 4):
        cookie = KNOWN.remember(cookie, f"n{number}", NOW)
    known = [n for n in range(MOST_NAMES + 4) if KNOWN.find(cookie, f"n{n}", NOW)]
    assert known == list(range(4, MOST_NAMES + 4))
    assert len(cookie) < 800


def test_nobody_else_makes_one_and_no_name_can_be_read() -> None:
    cookie = KNOWN.remember("", "li", NOW)
    assert KnownBrowsers(b"another").find(cookie, "li", NOW) is None
    raw = bytearray(base64.urlsafe_b64decode(cookie))
    assert b"li" not in raw
    for place in range(len(raw)):
        forged = raw.copy()
        forged[place] ^= 1
        assert KNOWN.find(base64.urlsafe_b64encode(forged).decode(), "li", NOW) is None


@pytest.mark.parametrize(
    "cookie",
    ["", ".", "...." * 300, "x" * 44, "=" * 44, "é" * 44, "A" * 44, "\u4e2d" * 44, "A" * 4096],
)
def test_a_cookie_of_anybodys_making_is_none(cookie: str) -> None:
    assert KNOWN.find(cookie, "li", NOW) is None
    assert KNOWN.find(KNOWN.remember(cookie, "li", NOW), "li", NOW)
