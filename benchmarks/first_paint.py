"""`python -m benchmarks.first_paint`: how soon a first visit to each page paints something.

A fresh Chromium profile for each visit, so nothing is cached; the line is a thin one (Chromium's
own emulation). The floor in the same rounds is the server's plainest answer, one line of text: what
is above it is the pages' own. Printed are a table of medians and one last line of JSON. It needs
Debian's `chromium` and a minute, on a machine that does nothing else; it stops by itself.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from tests.browser.county import ROOMS, TEACHER, County
from tests.browser.screens import CHROMIUM
from tests.browser.server_process import ServerProcess

FLOOR = "the floor"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
# First contentful paint, milliseconds since the address was opened (W3C Paint Timing).
PAINTED = """() => new Promise((resolve) =>
  new PerformanceObserver((seen) => {
    const [first] = seen.getEntriesByName("first-contentful-paint");
    if (first) resolve(first.startTime);
  }).observe({ type: "paint", buffered: true }))"""


def addresses(county: County, lesson: str) -> dict[str, str]:
    """The pages of a lesson's day, and the floor."""
    return {
        FLOOR: "/healthz",
        "sign in": "/sign-in",
        "today": "/",
        "teach": f"/teach/{lesson}",
        "room": f"/room#{county.credentials[ROOMS[0]]}",
        "observe": f"/observe/{lesson}",
        "library": "/library",
    }


@contextmanager
def first_visitor(browser: Browser, county: County) -> Iterator[BrowserContext]:
    """Somebody signed in, who has been at no page yet."""
    with browser.new_context(ignore_https_errors=True, locale="zh-CN") as context:
        answer = context.request.post(
            f"{county.origin}/api/session", data=TEACHER, headers={"Origin": county.origin}
        )
        assert answer.ok, answer.text()
        yield context


def first_paint(browser: Browser, county: County, path: str, line: dict[str, float]) -> float:
    """Milliseconds to the first paint of one first visit."""
    with first_visitor(browser, county) as context:
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("Network.enable")
        devtools.send("Network.emulateNetworkConditions", {"offline": False, **line})
        page.goto(county.origin + path)
        return float(page.evaluate(PAINTED))


def measured(
    playwright: Playwright, folder: Path, rounds: int, line: dict[str, float]
) -> dict[str, float]:
    """The median of each page, the pages in turn so that all meet the same moments."""
    with ExitStack() as stack:
        server = ServerProcess(folder / "data")
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        pages = addresses(county, county.lesson_now())
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        stack.callback(browser.close)
        first_paint(browser, county, pages[FLOOR], line)  # the browser's own beginnings
        seen: dict[str, list[float]] = {name: [] for name in pages}
        for _ in range(rounds):
            for name, path in pages.items():
                seen[name].append(first_paint(browser, county, path, line))
    return {name: statistics.median(each) for name, each in seen.items()}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_paint", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kilobits", type=int, default=2000, help="the line, a second")
    parser.add_argument("--delay-ms", type=float, default=60, help="there and back")
    options = parser.parse_args()
    rate = options.kilobits * 1000 / 8
    line = {"latency": options.delay_ms, "downloadThroughput": rate, "uploadThroughput": rate}
    with (
        tempfile.TemporaryDirectory(prefix="tongke-paint-") as folder,
        sync_playwright() as playwright,
    ):
        found = measured(playwright, Path(folder), options.rounds, line)
    print("page        first paint   above the floor")
    for name, after_ms in found.items():
        print(f"{name:<10} {after_ms:>9.0f} ms {after_ms - found[FLOOR]:>12.0f} ms")
    print(json.dumps({"first_paint_ms": {name: round(each) for name, each in found.items()}}))


if __name__ == "__main__":
    main()
