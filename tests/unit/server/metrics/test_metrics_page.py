"""`/metrics`: who may read it, that all of it is documented, and what HTTP requests add to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mixer.model import NodeSettings
from mixer.node import MediaNode
from server.config import Settings, load_settings
from server.errors import StartRefused
from server.metrics import families
from server.metrics.media import MediaCollector
from server.metrics.sheet import Family, MetricKind, Sheet, cumulative
from tests.unit.server.world import World, running_world

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "metrics.md"
PAGES = ROOT / "web_client" / "src" / "i18n"
TOKEN = "a-token-of-twenty-signs-or-more"


async def get_from(
    world: World, address: str, headers: Mapping[str, str] | None = None, host: str = "127.0.0.1"
) -> httpx.Response:
    transport = httpx.ASGITransport(app=world.app, client=(address, 5000))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}:7880") as browser:
        return await browser.get("/metrics", headers=headers)


@pytest.mark.parametrize(
    ("address", "headers", "host", "status"),
    [
        ("127.0.0.1", {}, "127.0.0.1", 200),
        ("127.0.0.1", {}, "localhost", 200),
        ("::1", {}, "[::1]", 200),
        ("::ffff:127.0.0.1", {}, "localhost", 200),
        ("10.0.0.1", {}, "127.0.0.1", 401),
        ("testclient", {}, "localhost", 401),
        ("127.0.0.1", {}, "rebound.example", 401),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, "localhost", 401),
        ("127.0.0.1", {"forwarded": "for=203.0.113.9"}, "localhost", 401),
        ("10.0.0.1", {"authorization": "Bearer "}, "localhost", 401),
        ("10.0.0.1", {"authorization": f"Bearer {TOKEN}"}, "localhost", 401),  # none is set
    ],
)
async def test_who_may_read(
    world: World, address: str, headers: dict[str, str], host: str, status: int
) -> None:
    answer = await get_from(world, address, headers, host)
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["code"] == "metrics-closed"
        assert "tongke_" not in answer.text.replace("metrics_token", "")
    else:
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (f"Basic {TOKEN}", 401),
        ("Bearer 令牌", 401),
        ("", 401),
    ],
)
async def test_the_token_opens_from_anywhere(tmp_path: Path, given: str, status: int) -> None:
    async with running_world(tmp_path, metrics_token=TOKEN) as world:
        answer = await get_from(world, "203.0.113.9", {"authorization": given.encode()}, "any.name")  # type: ignore[dict-item]  # no str has such bytes
        assert answer.status_code == status
        assert (await get_from(world, "127.0.0.1")).status_code == 200


@pytest.mark.parametrize(
    "settings",
    [{"trusted_proxies": "127.0.0.1"}, {"public_url": "https://tongke.example.cn"}],
)
async def test_behind_a_proxy_nobody_is_local(tmp_path: Path, settings: dict[str, Any]) -> None:
    async with running_world(tmp_path, metrics_token=TOKEN, **settings) as world:
        assert (await get_from(world, "127.0.0.1")).status_code == 401
        headers = {"authorization": f"Bearer {TOKEN}"}
        assert (await get_from(world, "127.0.0.1", headers)).status_code == 200


def test_a_short_token_is_refused_and_none_is_ever_shown() -> None:
    with pytest.raises(StartRefused, match=r"metrics_token.*at least 20 characters") as refused:
        load_settings(metrics_token="guess-me")
    assert "guess-me" not in str(refused.value)
    assert TOKEN not in repr(Settings(metrics_token=TOKEN))


async def test_openmetrics_for_who_asks(world: World) -> None:
    answer = await get_from(world, "127.0.0.1", {"accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


# --- the documentation ------------------------------------------------------------------------


def documented() -> dict[str, tuple[str, tuple[str, ...], str]]:
    """Name → (kind, labels, meaning) as the page has them."""
    rows = re.findall(r"^\| `(tongke_\w+)` \| (\w+) \|([^|]*)\| (.*) \|$", PAGE.read_text(), re.M)
    assert len(rows) == len({row[0] for row in rows}), "a metric is listed twice"
    return {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)), meaning)
        for name, kind, labels, meaning in rows
    }


def test_every_metric_is_documented() -> None:
    assert documented() == {
        family.name: (family.kind.value, family.labels, family.meaning) for family in families.ALL
    }


async def test_every_drop_of_a_real_node_is_documented() -> None:
    page = PAGE.read_text()
    node = MediaNode(NodeSettings(host="127.0.0.1", port=0))
    await node.start()
    try:
        (port,) = node.node_stats()["ports"]
    finally:
        await node.close()
    reasons = {name.removeprefix("drop_") for name in port["pump"] if name.startswith("drop_")}
    table = page[page.index("Why packets are dropped") : page.index("## Lessons")]
    assert set(re.findall(r"^\| `(\w+)` \| ", table, re.M)) == reasons
    for name in [*port["drops"], *port["ice"]]:
        assert f"`{name}`" in page
    # the administrator's page says each in words
    for language in ("en", "zh"):
        words = (PAGES / language / "measures.ts").read_text()
        assert reasons <= set(re.findall(r"^      (\w+): ", words, re.M)), language


async def test_the_page_has_nothing_else(world: World) -> None:
    await get_from(world, "127.0.0.1")
    text = (await get_from(world, "127.0.0.1")).text
    shown = {family.name for family in text_string_to_metric_families(text)}
    ours = {name.removesuffix("_total") for name in documented()}
    assert {name for name in shown if name.startswith("tongke_")} == ours
    processes = {
        name.removesuffix("_total") for name in re.findall(r"`(process_\w+)`", PAGE.read_text())
    }
    assert shown - ours == processes


def test_names_tell_kind_and_unit() -> None:
    for family in families.ALL:
        assert family.name.endswith("_total") == (family.kind is MetricKind.COUNTER), family.name
        assert not {"name", "person", "school", "address"} & set(family.labels), family.name
        assert family.meaning.endswith(".")


# --- sheets -----------------------------------------------------------------------------------


def test_buckets_are_cumulative() -> None:
    assert cumulative([0.001, 2], [3, 4, 5]) == [("0.001", 3.0), ("2", 7.0), ("+Inf", 12.0)]
    with pytest.raises(ValueError, match="zip"):
        cumulative([1, 2], [3, 4])


def test_a_label_set_stands_on_a_sheet_once() -> None:
    sheet = Sheet([Family("a", MetricKind.GAUGE, "A.", ("x",))])
    sheet.put("a", 1, "one")
    sheet.put("a", 2, "one")
    sheet.put("a", 3, "two")
    (metric,) = sheet.metrics()
    assert [(sample.labels["x"], sample.value) for sample in metric.samples] == [
        ("one", 1),
        ("two", 3),
    ]
    with pytest.raises(KeyError):
        sheet.put("b", 1)


async def test_every_counter_of_a_real_node_has_a_metric() -> None:
    class Nobody:
        def seats_of(self, _lesson_id: str) -> dict[str, str]:
            return {}

        def summary(self, _lesson_id: str) -> None:
            return None

    node = MediaNode(NodeSettings(host="127.0.0.1", port=0, pumps=2))
    await node.start()
    try:
        await node.open_lesson("lesson", lambda _event: None)
        found = {metric.name: metric for metric in MediaCollector(node, Nobody()).collect()}
    finally:
        await node.close()
    assert len(found["tongke_pump_forwarded_packets"].samples) == 2  # ports
    assert [s.value for s in found["tongke_lesson_producers"].samples] == [0]
    assert found["tongke_lesson_seats_present"].samples == []


# --- HTTP -------------------------------------------------------------------------------------


async def http_counts(world: World) -> dict[tuple[str, str, str], float]:
    text = (await get_from(world, "127.0.0.1")).text
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "tongke_http_request_seconds_count"
    }


async def test_requests_are_timed_by_route_not_by_address(
    world: World, admin: httpx.AsyncClient
) -> None:
    for lesson in ("one", "two", "three"):
        assert (await admin.get(f"/api/lessons/{lesson}")).status_code == 404
    await admin.get("/healthz")
    await admin.post("/api/session", content=b"x" * (world.settings.max_body_bytes + 1))
    await admin.request("BREW", "/healthz")
    counts = await http_counts(world)
    assert counts["GET", "/api/lessons/{lesson_id}", "404"] == 3
    assert counts["GET", "/healthz", "200"] == 1
    assert counts["POST", "none", "413"] == 1
    assert not [key for key in counts if "one" in key[1].split("/") or key[0] == "BREW"]
    assert [count for key, count in counts.items() if key[0] == "other"] == [1]
    assert (await http_counts(world))["GET", "/metrics", "200"] == 1
