"""The acceptance test's report on a phone, a tablet, a PC and paper: its sentences have room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Playwright

from hardware_profiles.doctor.findings import Both, Checked, CheckReport, Grade
from hardware_profiles.doctor.page import page as printed
from tests.browser.media_page import CHROMIUM

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

REPORT = CheckReport(
    side="room",
    made_at=1.8e9,
    place="青山小学 · 1号教室",
    machine="Intel(R) Core(TM) i3-6100U CPU @ 2.30GHz",
    findings=(
        Checked(
            check="camera.students.f",
            name=Both(zh="学生摄像机（大画面）", en="The students' camera (large picture)"),
            verdict=Grade.BAD,
            words=Both(zh="摄像机拒绝了用户名或密码。", en="The camera refused the password."),
            todo=Both(zh="请把正确的密码写入密码文件。", en="Write the right one to the file."),
            figures={"encode_pixels_per_s": 211_487_907},
        ),
    ),
)
BOXES = """() => [...document.querySelectorAll('.findings td')].map(cell => {
  const {x, y, width} = cell.getBoundingClientRect(); return {x, y, width};
})"""
PAPER = 688  # A4 without the sheet's margins, in CSS pixels


@pytest.fixture
def report(playwright: Playwright) -> Iterator[Page]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    try:
        shown = browser.new_page()
        shown.set_content(printed(REPORT))
        yield shown
    finally:
        browser.close()


@pytest.mark.parametrize(
    ("medium", "width", "words_width", "is_table"),
    [
        ("screen", 390, 340, False),
        ("screen", 768, 400, True),
        ("screen", 1366, 400, True),
        ("print", PAPER, 400, True),
    ],
)
def test_its_words_have_room(
    report: Page, medium: str, width: int, words_width: int, is_table: bool
) -> None:
    report.set_viewport_size({"width": width, "height": 844})
    report.emulate_media(media="print" if medium == "print" else "screen")
    result, what, words = report.evaluate(BOXES)
    assert words["width"] >= words_width
    assert result["y"] == what["y"]
    assert (words["x"] > what["x"]) is is_table and (words["y"] > what["y"]) is not is_table
    assert report.evaluate("document.documentElement.scrollWidth") <= width
    assert report.get_by_role("table").last.get_by_role("cell").count() == 3
