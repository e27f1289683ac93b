"""One room's line turns weak in a lesson of real browsers: what its people see and hear.

Read from pixels and samples: the counter in the picture, the tone in the sound. Behaviour is held
here, not speed; `benchmarks/weak_line.py` measures. One test, because it is one lesson.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect, sync_playwright

from tests.browser.weak_lesson import LEAD, OTHER, WEAK, Seen, WeakLesson, weak_lesson
from tests.network_relay import LinkConditions

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LARGE = 640  # the lead's camera
LOOK_S = 5
DELAY_S = 0.03
NARROW = LinkConditions(rate_bps=300_000, delay_s=DELAY_S)
THIN = LinkConditions(rate_bps=100_000, delay_s=DELAY_S)
LOSSY = LinkConditions(loss=0.3, delay_s=DELAY_S)
# Of the time in which a voice is heard on a good line, so much must be heard on a weak one.
SPEECH_GOES_ON = 0.8


@pytest.fixture
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


def test_a_weak_line_keeps_speech_and_costs_nobody_else(
    tmp_path: Path, playwright: Playwright
) -> None:
    with weak_lesson(playwright, tmp_path, profile="standard") as lesson:
        for screen in (lesson.weak, lesson.other):
            lesson.watch(screen, LEAD)
            lesson.wait_for_width(screen, LEAD, LARGE)
        lesson.watch(lesson.weak, OTHER)
        lesson.watch(lesson.teacher, WEAK)
        on_300_kilobits_the_picture_is_small_and_moves(lesson)
        on_100_kilobits_the_room_hears_on_and_is_told_why_it_sees_nothing(lesson)
        all_comes_back_by_itself(lesson)
        through_30_percent_loss_they_hear_each_other(lesson)
        a_rebinding_nat_changes_nothing(lesson)


def look(lesson: WeakLesson) -> tuple[Seen, Seen]:
    """The lead as seen in the weak room and in the other one, over the same seconds."""
    weak, other = lesson.now(lesson.weak), lesson.now(lesson.other)
    lesson.weak.page.wait_for_timeout(LOOK_S * 1000)  # a rate needs a time
    seen = lesson.seen(lesson.weak, LEAD, weak), lesson.seen(lesson.other, LEAD, other)
    assert seen[1].least_width == LARGE, "the other room paid for the weak one"
    assert seen[1].longest_still_s < LOOK_S / 2
    return seen


def on_300_kilobits_the_picture_is_small_and_moves(lesson: WeakLesson) -> None:
    lesson.line.shape(down=NARROW)
    lesson.wait_for_width(lesson.weak, LEAD, 1, LARGE - 1)
    weak, other = look(lesson)
    assert weak.rate > 0.2 * other.rate
    assert weak.width < LARGE
    assert weak.heard > SPEECH_GOES_ON * other.heard


def on_100_kilobits_the_room_hears_on_and_is_told_why_it_sees_nothing(lesson: WeakLesson) -> None:
    lesson.line.shape(down=THIN)
    caption = lesson.weak.page.get_by_test_id("caption")
    expect(caption).to_contain_text("sound goes on", timeout=20_000)
    weak, other = look(lesson)
    assert weak.heard > SPEECH_GOES_ON * other.heard
    expect(caption).to_contain_text("sound goes on")


def all_comes_back_by_itself(lesson: WeakLesson) -> None:
    lesson.line.shape()
    lesson.wait_for_width(lesson.weak, LEAD, LARGE, timeout_s=20)
    expect(lesson.weak.page.get_by_test_id("caption")).not_to_contain_text("line is weak")


def through_30_percent_loss_they_hear_each_other(lesson: WeakLesson) -> None:
    lesson.line.shape(down=LOSSY, up=LOSSY)
    lesson.wait_for_width(lesson.weak, LEAD, 1)
    weak, other = look(lesson)
    assert weak.heard > SPEECH_GOES_ON * other.heard
    since = lesson.now(lesson.teacher)
    lesson.teacher.page.wait_for_timeout(LOOK_S * 1000)
    assert lesson.seen(lesson.teacher, WEAK, since).heard > SPEECH_GOES_ON * other.heard
    lesson.wait_for_width(lesson.weak, LEAD, 1)
    lesson.line.shape()


def a_rebinding_nat_changes_nothing(lesson: WeakLesson) -> None:
    lesson.line.rebind()
    lesson.weak.page.wait_for_timeout(1500)  # what was under way before must not count
    lesson.wait_for_width(lesson.weak, LEAD, 1)
    lesson.wait_for_width(lesson.teacher, WEAK, 1)
    weak, other = look(lesson)
    assert weak.heard > SPEECH_GOES_ON * other.heard
