"""`python -m benchmarks.first_paint`: how soon a first visit to each page paints, and is there.

Painted is the frame, with what goes on in words; there is the page's own content.

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

# Milliseconds until the page's own content stands: its heading, and nothing left that only holds
# its place. Looked for at every frame; the floor has no heading, and its one line is all there is.
THERE = """
globalThis.there = new Promise((resolve) => {
  const whole = (root) => [...root.querySelectorAll("*")].flatMap((one) =>
    one.shadowRoot ? [one, ...whole(one.shadowRoot)] : [one]);
  const look = () => {
    const names = new Set(whole(document).map((one) => one.localName));
    const own = names.has("h1") && !names.has("tk-opening") && !names.has("tk-skeleton");
    if (own || names.has("pre")) resolve(performance.now());
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""


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


def first_visit(
    browser: Browser, county: County, path: str, line: dict[str, float]
) -> tuple[float, float]:
    """Milliseconds to the first paint of one first visit, and to the page's own content."""
    with first_visitor(browser, county) as context:
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        page.add_init_script(THERE)
        devtools.send("Network.enable")
        devtools.send("Network.emulateNetworkConditions", {"offline": False, **line})
        page.goto(county.origin + path)
        painted = float(page.evaluate(PAINTED))
        return painted, float(page.evaluate("globalThis.there"))


def measured(
    playwright: Playwright, folder: Path, rounds: int, line: dict[str, float]
) -> dict[str, tuple[float, float]]:
    """The medians of each page, the pages in turn so that all meet the same moments."""
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
        first_visit(browser, county, pages[FLOOR], line)  # the browser's own beginnings
        seen: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
        for _ in range(rounds):
            for name, path in pages.items():
                seen[name].append(first_visit(browser, county, path, line))
    return {
        name: (
            statistics.median(painted for painted, _ in each),
            statistics.median(there for _, there in each),
        )
        for name, each in seen.items()
    }


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
    floor_ms = found[FLOOR][0]
    print("page        first paint   above the floor   its content")
    for name, (painted_ms, there_ms) in found.items():
        above_ms = painted_ms - floor_ms
        print(f"{name:<10} {painted_ms:>9.0f} ms {above_ms:>12.0f} ms {there_ms:>10.0f} ms")
    painted = {name: round(painted_ms) for name, (painted_ms, _) in found.items()}
    there = {name: round(there_ms) for name, (_, there_ms) in found.items()}
    print(json.dumps({"first_paint_ms": painted, "content_ms": there}))


if __name__ == "__main__":
    main()
