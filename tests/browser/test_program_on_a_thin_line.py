"""A room on a thin line that takes the program alone: one picture of all, one sound of all.

Over 300 kb/s it moves; over 100 kb/s every voice is still heard, whatever becomes of the picture,
and the page says what becomes of it. Read from pixels and samples.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from mixer.composite.layouts import ProgramLayout
from server.simulate.voice import LOOP_S
from tests.browser.program_probe import PROBE, PROFILE, at_places, camera
from tests.browser.weak_lesson import LEAD, OTHER, WeakLesson, weak_lesson
from tests.network_relay import LinkConditions

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(900)]

DELAY_S = 0.03
NARROW = LinkConditions(rate_bps=300_000, delay_s=DELAY_S)
THIN = LinkConditions(rate_bps=100_000, delay_s=DELAY_S)
# All voices are heard in so many looks in a row, each once through their pauses.
LOOKS = 3

HEARS = """async ([wanted, seconds, looks]) => {
  for (let look = 0; look < looks; look++) {
    PageProbe.hear(["program"], seconds);
    const [tones] = await PageProbe.heard(["program"]);
    if (JSON.stringify(tones) !== JSON.stringify(wanted)) return false;
  }
  return true;
}"""


def test_a_thin_line_carries_the_program(tmp_path: Path, playwright: Playwright) -> None:
    profiles = tmp_path / "profiles"
    (profiles / "rooms").mkdir(parents=True)
    (profiles / "rooms" / "shows-program.toml").write_text(PROFILE, encoding="utf-8")
    settings = {"TONGKE_PROGRAMS": "1", "TONGKE_PROFILES_FOLDER": str(profiles)}
    with weak_lesson(
        playwright, tmp_path, profile="shows-program", camera=camera, settings=settings
    ) as lesson:
        lesson.weak.page.evaluate(PROBE)
        # One picture fills the frame: its mark is read in the smallest layer, too.
        lesson.teacher.page.get_by_test_id("layout-spotlight").click()
        it_moves(lesson)
        lesson.line.shape(down=NARROW)
        it_moves(lesson)
        all_are_heard(lesson)
        lesson.line.shape(down=THIN)
        all_are_heard(lesson)
        it_moves_or_is_said_to_wait(lesson)
        lesson.line.shape()
        it_moves(lesson)


def it_moves(lesson: WeakLesson) -> None:
    """The teacher's picture fills the program, with nothing beside it on the page."""
    page = lesson.weak.page
    lesson.weak.wait("() => Program.stands()")
    seats = {seat: identity for identity, seat in lesson.seats.items()}
    page.evaluate("Program.restart()")
    tiles = at_places(ProgramLayout.SPOTLIGHT, seats, LEAD)
    lesson.weak.wait("tiles => Program.allMove(tiles)", tiles)
    assert page.evaluate("PageProbe.all('audio').length") == 1


def all_are_heard(lesson: WeakLesson) -> None:
    """By one sound, which goes on."""
    wanted = [LEAD, OTHER]
    lesson.weak.wait(HEARS, [wanted, LOOP_S, LOOKS])


def it_moves_or_is_said_to_wait(lesson: WeakLesson) -> None:
    state = lesson.weak.page.locator("tk-program").get_attribute("data-state")
    assert state in ("moving", "paused")
    if state == "paused":
        caption = lesson.weak.page.get_by_test_id("caption").inner_text()
        assert "sound goes on" in caption
