"""Real Chromiums as classrooms, and what can be read from their screens.

Each classroom is a browser process of its own, because a fake camera and microphone belong to the
process. What is read is what a person would see and hear: the pixels a `<video>` shows and the
samples its sound plays, not counters of the connection.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright
from playwright.sync_api import TimeoutError as NotInTime

from tests.browser.fake_devices import FakeDevice, seat_device

CHROMIUM = Path("/usr/bin/chromium")
# How long a state may take to come: never what is tested, and enough for a busy, slow machine.
WAIT_S = 120.0
LISTEN_S = 2
# The smallest picture that Chromium sends in two layers, as most rooms do; a software encoder,
# decoder and screen for each of four browsers are most of what these tests cost.
CAMERA = (480, 270)
WINDOW = (1024, 576)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--autoplay-policy=no-user-gesture-required",
)
_HERE = Path(__file__).parent
PROBES = "\n".join((_HERE / name).read_text() for name in ("identity.js", "page_probe.js"))
# A browser that does not tell when what was blocked is allowed: there only the button helps.
TELLS_NOTHING = (
    "Object.defineProperty(Navigator.prototype, 'permissions', { get: () => undefined })"
)


@dataclass
class Screen:
    """One classroom's page."""

    name: str
    identity: int
    page: Page
    browser: Browser
    evidence: Path
    complaints: list[str] = field(default_factory=list)

    def wait(self, expression: str, argument: Any = None, *, timeout_s: float = WAIT_S) -> None:
        """Waits until a JavaScript condition holds; if it does not, keeps what the screen shows."""
        try:
            self.page.wait_for_function(
                expression, arg=argument, timeout=timeout_s * 1000, polling=200
            )
        except NotInTime as error:
            picture = self.evidence / f"{self.name}.png"
            self.page.screenshot(path=picture)
            raise AssertionError(
                f"{self.name}: {expression} with {argument} did not come true; see {picture}; "
                f"the page complained: {self.complaints[-5:]}"
            ) from error

    def sees_moving(self, seat: str, identity: int, *, timeout_s: float = WAIT_S) -> None:
        """Waits until a seat's pixels show its identity and an advancing counter."""
        self.sees_all_moving({seat: identity}, timeout_s=timeout_s)

    def sees_all_moving(self, seats: dict[str, int], *, timeout_s: float = WAIT_S) -> None:
        """Waits until the pixels of each of these seats show its identity and advance."""
        self.page.evaluate("PageProbe.restart()")
        self.wait("others => PageProbe.allMove(others)", list(seats.items()), timeout_s=timeout_s)

    def hears_only(self, seat: str, identity: int) -> None:
        """Waits until a seat's sound has its identity's tone and no other's."""
        all_hear_only([(self, {seat: identity})])

    def largest(self) -> str | None:
        """The seat whose picture stands largest."""
        return self.page.evaluate("PageProbe.largest()")


def all_hear_only(ears: Sequence[tuple[Screen, dict[str, int]]]) -> None:
    """Waits until every screen hears from each of its seats that identity's tone and no other's.

    All listen at the same time, two seconds at a time: no voice pauses so long, so sounds that are
    mixed up stay mixed up.
    """
    deadline = time.monotonic() + WAIT_S
    while True:
        for screen, seats in ears:
            screen.page.evaluate(
                "([seats, seconds]) => PageProbe.hear(seats, seconds)", [list(seats), LISTEN_S]
            )
        wrong: list[str] = []
        for screen, seats in ears:
            heard = screen.page.evaluate("seats => PageProbe.heard(seats)", list(seats))
            for (seat, identity), tones in zip(seats.items(), heard, strict=True):
                if tones != [identity]:
                    wrong.append(f"{screen.name} hears {tones} from {seat}, not {identity}")
        if not wrong:
            return
        assert time.monotonic() < deadline, "; ".join(wrong)


def open_screen(
    playwright: Playwright,
    *,
    name: str,
    identity: int,
    device: FakeDevice,
    evidence: Path,
    program: Path = CHROMIUM,
    language: str = "en-US",
) -> Screen:
    """Starts a browser with the seat's camera and microphone and one empty page."""
    browser = playwright.chromium.launch(
        executable_path=str(program), args=[*FLAGS, *device.chromium_flags]
    )
    width, height = WINDOW
    context = browser.new_context(
        ignore_https_errors=True, locale=language, viewport={"width": width, "height": height}
    )
    context.set_default_timeout(WAIT_S * 1000)
    context.add_init_script(PROBES)
    screen = Screen(name, identity, context.new_page(), browser, evidence)

    def keep(message: ConsoleMessage) -> None:
        if message.type == "error":
            screen.complaints.append(message.text)

    screen.page.on("console", keep)
    screen.page.on("pageerror", lambda error: screen.complaints.append(str(error)))
    return screen


def open_seat(
    stack: ExitStack,
    playwright: Playwright,
    folder: Path,
    name: str,
    identity: int,
    *,
    program: Path = CHROMIUM,
    size: tuple[int, int] = CAMERA,
    device: FakeDevice | None = None,
) -> Screen:
    """A seat's browser with a camera and a microphone of its own; it ends with the stack."""
    screen = open_screen(
        playwright,
        name=name,
        identity=identity,
        device=device or seat_device(identity, name, size),
        evidence=folder,
        program=program,
    )
    stack.callback(screen.browser.close)
    return screen
