"""The player beside what the class saw, and every page before axe-core.

One server for both: a county, a lesson that goes on, and a recording of two films, one dark, one
bright, and of its program, which is between them and was made for a part of the lesson. What is
large is read from the pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, ViewportSize, expect
from playwright.sync_api import TimeoutError as NotInTime

from tests.browser.contact_sheet import TOO_WIDE
from tests.browser.county import ADMINISTRATOR, ROOMS, TEACHER, County
from tests.browser.every_state import ADMIN
from tests.browser.filed_recording import Film, file_recording
from tests.browser.screens import CHROMIUM, FLAGS, WAIT_S
from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

DARK, BRIGHT, PROGRAM = 40, 200, 120
LASTS_S = 60
MADE_S = 40  # the program, from the beginning on
FITS_WITHIN_MS = 20_000  # a busy machine draws late
LAPTOP: ViewportSize = {"width": 1366, "height": 768}
PHONE: ViewportSize = {"width": 390, "height": 844}
AXE = Path(__file__).parents[2] / "web_client" / "node_modules" / "axe-core" / "axe.min.js"
DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
# The grey of the large picture, and its share of the window's height.
LARGE = """() => {
  const within = (root, selector) => root?.querySelector(selector)?.shadowRoot;
  const player = within(within(document, "tk-app"), "tk-player");
  const part = within(within(player, "tk-pictures"), '[data-place="large"] tk-part');
  const video = part?.querySelector("video");
  if (!video || video.readyState < 2 || video.seeking) return null;
  const pen = new OffscreenCanvas(1, 1).getContext("2d");
  pen.drawImage(video, 0, 0, 1, 1);
  return {
    grey: pen.getImageData(0, 0, 1, 1).data[0],
    share: video.getBoundingClientRect().height / innerHeight,
    screen: document.fullscreenElement !== null,
  };
}"""
VIOLATIONS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) =>
      `${id}: ${target.flat(9).join(" ")}: ${failureSummary.split("\\n")[1]?.trim()}`));
}"""


@dataclass
class School:
    """What both tests look at."""

    server: ServerProcess
    county: County
    lesson_id: str
    browser: Browser

    def visit(self, who: dict[str, str] | None = None, script: str = "") -> BrowserContext:
        """A browser's window, with somebody signed in."""
        context = self.browser.new_context(
            ignore_https_errors=True, locale="en-US", viewport=LAPTOP
        )
        context.set_default_timeout(WAIT_S * 1000)
        if script:
            context.add_init_script(script)
        if who is not None:
            answer = context.request.post(
                f"{self.server.origin}/api/session",
                data=who,
                headers={"origin": self.server.origin},
            )
            assert answer.ok, answer.text()
        return context


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, playwright: Playwright) -> Iterator[School]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("school")
        server = ServerProcess(folder / "data", settings={"TONGKE_HOST": "127.0.0.1"})
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_now(mode="blended")
        films = [
            Film("lead", "teacher", grey=DARK, seconds=LASTS_S),
            Film("room", "students", grey=BRIGHT, seconds=LASTS_S),
            Film("program", "program", grey=PROGRAM, seconds=MADE_S),
        ]
        events = [
            (0.0, "seat_joined", {"seat_id": "room", "role": "room", "name": "Room", "school": ""}),
            (20.0, "floor_given", {"seat_id": "room", "by": "lead"}),
            (30.0, "floor_taken", {"seat_id": "room", "by": "lead"}),
        ]
        file_recording(server, lesson_id, "rec1", films, events)
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *DEVICES])
        stack.callback(browser.close)
        yield School(server, county, lesson_id, browser)


def shows(page: Page, grey: int, *, screen: bool = False) -> None:
    """Waits until the large picture has this grey, and the whole screen or not."""
    page.wait_for_function(
        f"([grey, screen]) => {{ const at = ({LARGE})();"
        " return at && Math.abs(at.grey - grey) < 25 && at.screen === screen"
        " && (!screen || at.share > 0.98); }",
        arg=[grey, screen],
    )


def test_the_player_shows_what_the_class_saw_until_the_viewer_chooses(school: School) -> None:
    origin = school.server.origin
    with school.visit(TEACHER) as context:
        page = context.new_page()
        page.goto(f"{origin}/library/rec1?t=12")
        shows(page, DARK)
        page.goto(f"{origin}/library/rec1?t=21s")
        shows(page, BRIGHT)
        expect(page.get_by_test_id("time")).to_contain_text("0:21")
        page.locator(".swap").click()
        shows(page, DARK)
        page.get_by_test_id("as-seen").click()
        shows(page, BRIGHT)
        picture = page.locator('[data-place="large"] tk-part')
        picture.click()
        expect(page.get_by_test_id("time")).to_contain_text("0:22")
        picture.click()
        expect(page.get_by_test_id("play")).to_contain_text("Play")
        picture.dblclick()
        shows(page, BRIGHT, screen=True)
        page.keyboard.press("f")
        shows(page, BRIGHT)
        page.get_by_test_id("seek").focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        shows(page, DARK)  # the floor was taken back
        page.goto(f"{origin}/library")
        page.goto(f"{origin}/library/rec1")
        expect(page.get_by_test_id("time")).to_contain_text("0:3")  # where it was left


def test_a_recording_is_one_picture_or_separate_ones(school: School) -> None:
    with school.visit(TEACHER) as context:
        page = context.new_page()
        page.goto(f"{school.server.origin}/library/rec1?t=21")
        shows(page, BRIGHT)
        in_one, separate = page.get_by_test_id("in-one"), page.get_by_test_id("separate")
        expect(separate).to_have_attribute("aria-pressed", "true")
        in_one.click()
        shows(page, PROGRAM)
        expect(in_one).to_have_attribute("aria-pressed", "true")
        expect(page.locator("tk-part")).to_have_count(1)
        # It plays on as one picture, and in step: the moment is the lesson's.
        page.get_by_test_id("play").click()
        expect(page.get_by_test_id("time")).to_contain_text("0:23")
        page.get_by_test_id("play").click()
        shows(page, PROGRAM)
        # Where none was made there are the separate ones, and it is back where it was.
        page.get_by_test_id("seek").focus()
        for _ in range(4):  # five seconds each
            page.keyboard.press("ArrowUp")
        shows(page, DARK)
        for _ in range(4):
            page.keyboard.press("ArrowDown")
        shows(page, PROGRAM)
        separate.click()
        shows(page, BRIGHT)
        expect(page.locator("tk-part")).to_have_count(2)


def clean(page: Page, what: str, found: dict[str, list[str]]) -> None:
    """Has axe-core look at a page that has come to rest, and a phone show all of its width."""
    page.wait_for_function(
        """() => { const all = function* (root) {
             for (const one of root.querySelectorAll("*")) {
               yield one; if (one.shadowRoot) yield* all(one.shadowRoot); } };
           return document.querySelector("tk-app") &&
             ![...all(document)].some(one => /^tk-(skeleton|opening)$/.test(one.localName)); }"""
    )
    violations = page.evaluate(VIOLATIONS)
    page.set_viewport_size(PHONE)
    try:
        page.wait_for_function(f"() => ({TOO_WIDE})() <= 1", timeout=FITS_WITHIN_MS)
    except NotInTime:
        violations.append(f"{page.evaluate(TOO_WIDE)} pixels stand beyond a phone's edge")
    page.set_viewport_size(LAPTOP)
    if violations:
        found[what] = violations


def test_axe_finds_nothing_on_any_page_and_each_fits_a_phone(school: School) -> None:
    origin, axe = school.server.origin, AXE.read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    with ExitStack() as stack:
        nobody = stack.enter_context(school.visit(script=axe)).new_page()
        for path in ("/sign-in", "/trust", "/room", "/nowhere"):
            nobody.goto(f"{origin}{path}")
            clean(nobody, path, found)
        admin = stack.enter_context(school.visit(ADMINISTRATOR, axe)).new_page()
        for section in ADMIN:
            admin.goto(f"{origin}/admin/{section}")
            clean(admin, section, found)
        admin.goto(f"{origin}/admin/classrooms")
        admin.locator("[data-testid^=credentials-]").first.click()
        clean(admin, "credentials", found)
        admin.locator("td.actions .delete").last.click()
        clean(admin, "deletion asked", found)
        teacher = stack.enter_context(school.visit(TEACHER, axe)).new_page()
        for path in ("/library", "/library/rec1?t=21", "/account", "/"):
            teacher.goto(f"{origin}{path}")
            clean(teacher, path, found)
        teacher.get_by_test_id("more").click()
        clean(teacher, "start form", found)

        room = stack.enter_context(school.visit(script=axe)).new_page()
        room.goto(f"{origin}/room#{school.county.credentials[ROOMS[0]]}")
        expect(room.get_by_test_id("caption")).to_be_visible()
        clean(room, "room waiting", found)
        teacher.goto(f"{origin}/teach/{school.lesson_id}")
        expect(teacher.get_by_test_id("device-start")).to_be_visible()
        clean(teacher, "teach check", found)
        teacher.get_by_test_id("device-start").click()
        teacher.locator("[data-testid^=give-floor-]").first.click()
        teacher.get_by_test_id("chat").click()
        clean(teacher, "teach lesson", found)
        expect(room.get_by_test_id("caption")).to_have_class("caption good")
        clean(room, "room with the floor", found)
        admin.goto(f"{origin}/observe/{school.lesson_id}")
        expect(admin.get_by_test_id("chat")).to_be_visible()
        clean(admin, "observe", found)
    told = [f"{what}: {one}" for what, violations in found.items() for one in violations]
    assert not told, "\n".join(told)
