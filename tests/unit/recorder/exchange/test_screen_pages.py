"""Pages of a shared screen among the chapters: where the lesson stayed, and no noise."""

from __future__ import annotations

from typing import Any

import pytest

from recorder.exchange.screen_pages import MOST_PAGES, STAYED_S
from recorder.exchange.timeline import chapters_of, chapters_vtt
from recorder.manifest import Manifest

BEGAN = 1000.0


def page(at: float, number: object, *, seat: str = "lead", stood: object = 1.5) -> dict[str, Any]:
    """Told at `at`, when it had stood for `stood`."""
    since = BEGAN + at - stood if isinstance(stood, int | float) else stood
    members = {"seat_id": seat, "page": number, "since": since}
    return {"at": BEGAN + at, "type": "screen_page", **members}


def source(at: float, what: str) -> dict[str, Any]:
    return {"at": BEGAN + at, "type": f"source_{what}", "seat_id": "lead", "source": "screen"}


def recorded(*events: dict[str, Any], lasts: float = 3000.0) -> Manifest:
    return Manifest.model_validate(
        {
            "recording_id": "r",
            "lesson_id": "l",
            "started_at": BEGAN,
            "duration_s": lasts,
            "parts": [],
            "events": list(events),
        }
    )


def pages(manifest: Manifest) -> list[tuple[float, str]]:
    return [(one.at_s, one.name) for one in chapters_of(manifest) if one.kind == "page"]


def test_a_page_begins_where_it_came_and_not_when_that_was_told() -> None:
    manifest = recorded(source(10, "added"), page(31.5, 2), page(61.5, 3))
    assert pages(manifest) == [(30, "2"), (60, "3")]
    said = [chapters_vtt(manifest, chinese=zh).decode() for zh in (False, True)]
    assert "00:01:00.000 --> 00:50:00.000\nPage 3 of the shared screen\n" in said[0]
    assert "00:01:00.000 --> 00:50:00.000\n共享屏幕第 3 页\n" in said[1]


def test_what_is_leafed_over_is_no_chapter_but_where_they_stop() -> None:
    leafed = [page(100 + 6 * number, number) for number in range(2, 9)]
    assert pages(recorded(*leafed)) == [(146.5, "8")]
    assert pages(recorded(page(50, 2), source(55, "removed"))) == [], "nor before the sharing ends"
    assert pages(recorded(page(50, 2), page(52, 2, seat="room-1"))) == [(48.5, "2"), (50.5, "2")]


def test_of_very_many_those_are_chapters_that_stood_the_longest() -> None:
    at = 0.0
    events: list[dict[str, Any]] = [{"at": BEGAN + 500, "type": "chapter_marked", "by": "lead"}]
    for number in range(2, 2 * MOST_PAGES + 2):
        at += STAYED_S + 1 if number % 2 else STAYED_S + 15
        events.append(page(at, number))
    found = pages(recorded(*sorted(events, key=lambda one: one["at"]), lasts=at + STAYED_S))
    # Even pages came late, so each odd one stood long.
    assert [int(name) for _, name in found] == list(range(3, 2 * MOST_PAGES + 2, 2))
    assert any(one.kind == "mark" for one in chapters_of(recorded(*events)))


@pytest.mark.parametrize(
    "strange",
    [
        page(50, "2"), page(50, -1), page(50, None), page(50, 2.5), page(50, True), page(50, 10**9),
        {"at": BEGAN + 50, "type": "screen_page"},
    ],
)  # fmt: skip
def test_what_says_no_page_is_none(strange: dict[str, Any]) -> None:
    assert pages(recorded(strange)) == []


@pytest.mark.parametrize(
    ("since", "begins"), [("soon", 50), (None, 50), (BEGAN + 900, 50), (-1e12, 40), (1e300, 50)]
)
def test_a_strange_since_moves_no_page_far(since: object, begins: float) -> None:
    strange = {**page(50, 2), "since": since}
    assert pages(recorded(strange)) == [(begins, "2")]
