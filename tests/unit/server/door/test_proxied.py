"""What a proxy leaves out is seen in what comes through it, and told once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.door.proxied import Lacks, ProxyHints, lacks
from tests.unit.server.world import World

PROXY = ("127.0.0.1", 40_000)
SOCKET = {"sec-websocket-version": "13", "sec-websocket-key": "a", "origin": "https://t.cn"}
PAGE = {"sec-fetch-mode": "cors", "sec-fetch-site": "same-origin", "host": "t.cn"}
POSTED = {**PAGE, "origin": "https://t.cn"}
FORWARDED = {"x-forwarded-for": "10.1.1.1"}
DOCUMENTS = [
    Path(__file__).parents[4] / "docs" / name for name in ("networks.md", "zh/networks.md")
]


def scope(headers: dict[str, str], path: str = "/", kind: str = "http") -> dict[str, Any]:
    return {
        "type": kind,
        "scheme": "http",
        "path": path,
        "client": PROXY,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


@pytest.mark.parametrize(
    ("asked", "trusted", "public", "lacking"),
    [
        # nginx with `proxy_pass` alone
        (scope({**SOCKET, "host": "127.0.0.1:7880"}, "/ws"), True, True, Lacks.UPGRADE),
        (scope({"host": "t.cn"}, "/ws"), True, True, None),  # somebody looks what is there
        (scope({**SOCKET, **FORWARDED, "host": "t.cn"}, "/ws", "websocket"), True, False, None),
        (scope(PAGE), True, True, Lacks.FORWARDED_FOR),
        (scope({**PAGE, "host": "localhost:7880"}), True, True, None),  # on the machine itself
        (scope({**PAGE, "host": "127.0.0.1:7880", "referer": "https://t.cn/"}), True, True,
         Lacks.FORWARDED_FOR),
        (scope({**PAGE, "host": "127.0.0.1:7880"}) | {"http_version": "1.0"}, True, True,
         Lacks.FORWARDED_FOR),
        (scope({"host": "t.cn"}), True, True, None),  # a program that looks whether it lives
        (scope({**POSTED, **FORWARDED}), True, False, None),
        (scope({**POSTED, **FORWARDED, "host": "127.0.0.1:7880"}), True, False, Lacks.HOST),
        (scope({**POSTED, **FORWARDED, "host": "127.0.0.1:7880"}), True, True, None),
        # another site's page is no proxy's fault
        (scope({**POSTED, **FORWARDED, "origin": "https://x.cn", "sec-fetch-site": "cross-site"}),
         True, False, None),
        (scope({**PAGE, **FORWARDED}), False, True, Lacks.TRUST),
        (scope({**PAGE, **FORWARDED}) | {"scheme": "https"}, False, True, None),
        (scope(PAGE), False, False, None),  # no proxy at all
    ],
)  # fmt: skip
def test_what_is_missing_is_seen(
    asked: dict[str, Any], trusted: bool, public: bool, lacking: Lacks | None
) -> None:
    assert lacks(asked, trusted=trusted, named=trusted, public=public) is lacking


async def test_it_is_told_once_an_hour() -> None:
    now = 0.0

    async def app(*_: Any) -> None: ...

    hints = ProxyHints(app, proxies=["127.0.0.0/8"], public=True, steady=lambda: now)

    async def told() -> list[Any]:
        with capture_logs() as lines:
            await hints(scope(PAGE), app, app)  # type: ignore[arg-type]  # nobody sends or receives
        return lines

    assert [line["proxy"] for line in await told()] == ["127.0.0.1"]
    assert await told() == []
    now = 3_600.0
    assert len(await told()) == 1


async def test_the_lessons_address_as_a_page_says_what_is_missing(world: World) -> None:
    answer = await (await world.browser()).get("/ws")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    told = answer.json()
    assert told["code"] == "no-upgrade"
    assert "Upgrade" in told["message_en"] and "Upgrade" in told["message_zh"]


@pytest.mark.parametrize("page", DOCUMENTS, ids=["en", "zh"])
def test_the_page_has_the_logs_own_words(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for each in Lacks:
        assert f"`{each.value}`" in text
