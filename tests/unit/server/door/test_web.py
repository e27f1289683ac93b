"""The pages' files: found, compressed, cached; nothing else is ever given out."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.server.world import World, running_world

SCRIPT = b"export const page = 1;\n" * 50


@pytest.fixture
async def built(tmp_path: Path) -> AsyncIterator[World]:
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<!doctype html><title>Tongke</title>" + " " * 200)
    (web / "assets" / "main-1a2b3c.js").write_bytes(SCRIPT)
    (web / "assets" / "dot.png").write_bytes(b"\x89PNG")
    (web / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    (web / "link.txt").symlink_to(tmp_path / "secret.txt")
    async with running_world(tmp_path, web_folder=web) as world:
        yield world


@pytest.mark.parametrize("path", ["/", "/teach/abc", "/room", "/library/r1", "/admin/users"])
async def test_every_page_is_the_clients(built: World, path: str) -> None:
    answer = await (await built.browser()).get(path)
    assert answer.status_code == 200
    assert "Tongke" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


async def test_hashed_files_are_kept_for_a_year(built: World) -> None:
    answer = await (await built.browser()).get("/assets/main-1a2b3c.js")
    assert answer.content == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]


async def test_text_is_compressed_for_who_takes_it(built: World) -> None:
    browser = await built.browser()
    path = "/assets/main-1a2b3c.js"
    async with browser.stream("GET", path, headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == (
        "gzip",
        "accept-encoding",
    )
    assert len(raw) < len(SCRIPT)
    assert gzip.decompress(raw) == SCRIPT
    plain = await browser.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    picture = await browser.get("/assets/dot.png", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in picture.headers


async def test_what_has_not_changed_is_not_sent_again(built: World) -> None:
    browser = await built.browser()
    first = await browser.get("/")
    again = await browser.get("/", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    (built.settings.web_folder or Path()).joinpath("index.html").write_text("<title>新</title>")
    new = await browser.get("/", headers={"if-none-match": first.headers["etag"]})
    assert (new.status_code, "新" in new.text) == (200, True)


async def test_head_has_no_body(built: World) -> None:
    answer = await (await built.browser()).head("/")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/old-9z.js",
        "/missing.png",
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/link.txt",
        "//etc/passwd.txt",
        "/a%00b.txt",
        "/api/unknown",
        "/media/unknown",
        "/" + "x" * 5000 + ".js",
    ],
)
async def test_what_is_no_file_is_not_found(built: World, path: str) -> None:
    answer = await (await built.browser()).get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


async def test_unbuilt_pages_say_what_to_do(world: World) -> None:
    ((world.settings.web_folder or Path()) / "index.html").unlink()
    answer = await (await world.browser()).get("/")
    assert answer.status_code == 503
    assert "make setup" in answer.text
    assert "网页尚未构建" in answer.text
    ready = await (await world.browser()).get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["pages"]) == (503, "not built")


async def test_other_methods_are_refused_in_our_words(built: World) -> None:
    answer = await (await built.browser()).delete("/room")
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")


@pytest.mark.parametrize("path", ["/whip/board", "/whep", "/whip/sessions/x", "/whep/sessions/x"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_encoders_ask_is_no_page(built: World, path: str, method: str) -> None:
    """RFC 9725 §4.1: 405, not the 404 of a page that is not there."""
    answer = await (await built.browser()).request(method, path)
    assert answer.status_code == 405
    assert "OPTIONS" in answer.headers["allow"]
