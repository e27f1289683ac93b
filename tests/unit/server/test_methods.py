"""405 with all that an address does, where it does not do what is asked; 404 where nothing is."""

from __future__ import annotations

import re

import pytest

from tests.unit.server.world import World

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
# What there is beside the description: where files are, HEAD; of encoders, what is possible.
BESIDE = {"/healthz": {"HEAD"}, "/readyz": {"HEAD"}, "/media/": {"HEAD"}}


async def test_every_address_of_the_interface_with_every_method(world: World) -> None:
    browser = await world.browser()
    paths = world.app.openapi()["paths"]
    refused = 0
    for path in paths:
        asked = re.sub(r"\{[^}]+\}", "x", path)
        # `/api/lessons/series` is the address of a lesson of that name too.
        forms = {each: re.sub(r"\{[^}]+\}", "[^/]+", each) for each in paths}
        there = {
            method.upper()
            for each, form in forms.items()
            if re.fullmatch(form, asked)
            for method in paths[each]
        }
        there |= next((more for begins, more in BESIDE.items() if path.startswith(begins)), set())
        for method in set(METHODS) - there:
            answer = await browser.request(method, asked)
            assert answer.status_code == 405, (method, asked)
            assert set(answer.headers["allow"].split(", ")) == there, (method, asked)
            if method != "HEAD":
                assert answer.json()["code"] == "method-not-allowed"
            refused += 1
    assert refused > 400


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/api/nothing", "/api/lessons/x/y/z", "/media/nothing"])
async def test_what_is_not_there_is_not_found_whatever_is_asked(
    world: World, path: str, method: str
) -> None:
    answer = await (await world.browser()).request(method, path)
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/", "/room", "/assets/x.js"])
async def test_a_page_is_only_looked_at(world: World, path: str) -> None:
    answer = await (await world.browser()).post(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_watchers_may_ask_with_head(world: World, path: str) -> None:
    assert (await (await world.browser()).head(path)).status_code == 200
