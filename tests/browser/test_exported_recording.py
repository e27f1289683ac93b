"""An exported recording, opened from the disk: no server, no flag that opens files to each other.

A stock Chromium and a stock Firefox show `file:`. Every picture carries its number: what is read
from the screen says where each view stands, after a seek and while it plays.
"""

from __future__ import annotations

import json
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import pytest
from playwright.sync_api import Playwright

from tests.browser.firefox import firefox, has_firefox
from tests.browser.media_page import CHROMIUM
from tests.browser.screens import WAIT_S
from tests.recorded_media import FRAME_RATE, read_counter
from tests.unit.recorder.exchange.exported import FACTS, exported, fragment, record

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SECONDS = 12.0
ROOM_FIRST = 1000  # the room's pictures count from here
WIDTH, HEIGHT = 1366, 768
STEP_S = 0.1  # two pictures and what a screenshot takes of the moment: it shows no two moments
SHOWN = """() => [...document.querySelectorAll('.view')].filter(view => !view.hidden).map(view => {
  const media = view.querySelector('video'), box = media?.getBoundingClientRect();
  return media && {file: media.dataset.part, x: box.x, y: box.y, width: box.width,
    height: box.height, ratio: media.videoWidth / media.videoHeight, seat: view.parentElement.id};
}).filter(Boolean)"""
QUIET = """() => [...document.querySelectorAll('video')].every(
  media => media.error === null && !media.seeking && media.readyState >= 2)"""


class Page(Protocol):
    """One of the two browsers."""

    def goto(self, address: str) -> object: ...
    def evaluate(self, function: str, argument: Any = None) -> Any: ...
    def screenshot(self) -> bytes: ...


@contextmanager
def chromium_page(playwright: Playwright) -> Iterator[Page]:
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=["--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio"],
    )
    try:
        context = browser.new_context(
            locale="zh-CN", viewport={"width": WIDTH, "height": HEIGHT}, offline=True
        )
        yield context.new_page()
    finally:
        browser.close()


@contextmanager
def firefox_page(folder: Path) -> Iterator[Page]:
    with firefox(folder) as page:
        page.size(WIDTH, HEIGHT)
        yield page


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export that went through a ZIP, to a place whose name needs care."""
    root = tmp_path_factory.mktemp("export")
    record(root / "rec1", seconds=SECONDS, codec="VP8")
    fragment(root / "rec1")  # the harder kind: its pieces cannot be fetched here
    exported(root / "rec1", root / "out.zip", as_zip=True)
    place = root / "U 盘 #1 100%"
    with zipfile.ZipFile(root / "out.zip") as read:
        read.extractall(place)
    return place


@pytest.fixture(params=["chromium", "firefox"])
def page(request: pytest.FixtureRequest, tmp_path: Path, playwright: Playwright) -> Iterator[Page]:
    with ExitStack() as stack:
        if request.param == "firefox":
            if not has_firefox():
                pytest.skip("needs Debian's firefox-esr")
            yield stack.enter_context(firefox_page(tmp_path))
        else:
            yield stack.enter_context(chromium_page(playwright))


def until(asked: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not asked():
        assert time.monotonic() < deadline, f"{what} did not come true"
        time.sleep(0.05)


def numbers(page: Page) -> dict[str, tuple[int, str]]:
    """By seat (of the file's number): the picture's number on the screen, and where it stands."""
    views = page.evaluate(SHOWN)
    data = np.frombuffer(page.screenshot(), np.uint8)
    screen = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert screen is not None
    found: dict[str, tuple[int, str]] = {}
    for view in views:
        height = min(view["height"], view["width"] / view["ratio"])
        width = height * view["ratio"]
        left = round(view["x"] + (view["width"] - width) / 2)
        top = round(view["y"] + (view["height"] - height) / 2)
        cut = screen[top : top + round(height), left : left + round(width)]
        # As large as it was made: blocks of the screen's pixels would not be whole ones.
        picture = cv2.resize(cut, (320, 240), interpolation=cv2.INTER_LINEAR)
        found[view["file"]] = (read_counter(picture), view["seat"])
    return found


def stands_at(page: Page, at_s: float) -> None:
    """Both views show the moment, each by its own number."""
    page.evaluate("at => tongkePlayer.seek(at)", at_s)
    until(lambda: page.evaluate(QUIET), "all pictures are there")
    shown: dict[str, tuple[int, str]] = {}

    def both() -> bool:
        nonlocal shown
        shown = numbers(page)
        wanted = (at_s * FRAME_RATE, ROOM_FIRST + at_s * FRAME_RATE)
        return len(shown) == 2 and all(
            any(abs(number - one) <= 1.5 for number, _ in shown.values()) for one in wanted
        )

    until(both, f"both pictures of {at_s} s, not {shown}")


def test_it_plays_from_the_disk_with_every_view_at_its_moment(place: Path, page: Page) -> None:
    page.goto((place / "index.html").as_uri())
    for at_s in (7.4, 1.2, 10.0):
        stands_at(page, at_s)
    page.evaluate("() => tongkePlayer.seek(2)")
    page.evaluate("() => document.getElementById('play').click()")
    until(lambda: page.evaluate("() => tongkePlayer.now()") > 5, "it plays")
    while_playing = numbers(page)
    position = page.evaluate("() => tongkePlayer.now()")
    lead, room = sorted(number for number, _ in while_playing.values())
    assert room - ROOM_FIRST == pytest.approx(lead, abs=STEP_S * FRAME_RATE)
    assert lead / FRAME_RATE == pytest.approx(position, abs=1.0), "a screenshot takes its time"
    assert page.evaluate("() => tongkePlayer.playing()") is True
    page.evaluate("() => document.getElementById('play').click()")
    assert page.evaluate("() => document.getElementById('notice').hidden") is True


def test_what_strangers_wrote_is_text_and_both_languages_are_there(place: Path, page: Page) -> None:
    page.goto((place / "index.html").as_uri())
    text = page.evaluate("() => document.body.innerText")
    assert FACTS.title in text
    assert '</script><b>李老师 & "co" ]]>: 1 < 2 --> &' in text
    assert page.evaluate("() => document.querySelectorAll('b, i, img').length") == 0
    chinese = page.evaluate("() => document.documentElement.lang") == "zh-CN"
    assert ("播放" in text, "Play" in text) == (chinese, not chinese)
    page.evaluate("() => document.getElementById('language').click()")
    text = page.evaluate("() => document.body.innerText")
    assert ("Play" in text, "播放" in text) == (chinese, not chinese)


def test_a_small_picture_is_made_large_by_its_button_and_by_its_digit(
    place: Path, page: Page
) -> None:
    page.goto((place / "index.html").as_uri())
    stands_at(page, 4.0)
    before = {seat: number for number, seat in numbers(page).values()}
    page.evaluate("() => document.querySelector('#small .view:not([hidden])').click()")
    stands_at(page, 4.0)
    after = {seat: number for number, seat in numbers(page).values()}
    assert (after["large"], after["small"]) == (before["small"], before["large"])
    key = "() => document.dispatchEvent(new KeyboardEvent('keydown', {key: '1'}))"
    page.evaluate(key)
    stands_at(page, 4.0)
    assert {seat: number for number, seat in numbers(page).values()} == before


def test_who_leads_is_large_as_soon_as_there_is_a_picture_of_theirs(
    place: Path, page: Page, tmp_path: Path
) -> None:
    """Also where a room's camera was there first; what somebody chose stays."""
    copy = shutil.copytree(place, tmp_path / "copy")
    data = copy / "player" / "recording.js"
    name, told = data.read_text().rstrip(";\n").split(" = ", 1)
    recording = json.loads(told)
    room, lead = (part for part in recording["parts"] if part["has_video"])
    room["source"], lead["source"] = "students", "teacher"
    lead["start_s"] += 2.0
    data.write_text(f"{name} = {json.dumps(recording)};\n")

    def large(at_s: float) -> str:
        page.evaluate("at => tongkePlayer.seek(at)", at_s)
        shown = "() => document.querySelector('#large .view:not([hidden]) video')?.dataset.part"
        return str(page.evaluate(shown))

    page.goto((copy / "index.html").as_uri())
    assert [large(1.0), large(4.0)] == [room["file"], lead["file"]]
    page.evaluate("() => document.querySelector('#small .view:not([hidden])').click()")
    assert [large(1.0), large(4.0)] == [room["file"], room["file"]]


def test_a_file_that_was_not_copied_is_told(place: Path, page: Page, tmp_path: Path) -> None:
    for path in place.rglob("*"):
        if path.is_file() and not path.name.startswith("part-0001"):
            copy = tmp_path / "copy" / path.relative_to(place)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    page.goto((tmp_path / "copy" / "index.html").as_uri())
    until(
        lambda: "part-0001" in page.evaluate("() => document.getElementById('notice').innerText"),
        "what is lacking is told",
    )
