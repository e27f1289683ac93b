"""Real Chromiums as classrooms, and what can be read from their screens.

Each classroom is a browser process of its own, because a fake camera and microphone belong to the
process. What is read is what a person would see and hear: the pixels a `<video>` shows and the
samples its sound plays, not counters of the connection.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright
from playwright.sync_api import TimeoutError as NotInTime

from tests.browser.fake_devices import FakeDevice, make_fake_device

CHROMIUM = Path("/usr/bin/chromium")
# How long a state may take to come: never what is tested, and enough for a busy, slow machine.
WAIT_S = 120.0
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
        self.page.evaluate("PageProbe.restart()")
        self.wait(
            "([seat, who]) => PageProbe.moves(seat, who)", [seat, identity], timeout_s=timeout_s
        )

    def hears_only(self, seat: str, identity: int) -> None:
        """Waits until a seat's sound has its identity's tone and no other's.

        Two seconds at a time: no voice pauses so long, so sounds that are mixed up stay mixed up.
        """
        tones: list[int] = []
        for _ in range(round(WAIT_S / 2)):
            tones = self.page.evaluate("seat => PageProbe.tonesOf(seat, 2)", seat)
            if tones == [identity]:
                return
        raise AssertionError(f"{self.name} hears {tones} from {seat}, not {identity}")

    def largest(self) -> str | None:
        """The seat whose picture stands largest."""
        return self.page.evaluate("PageProbe.largest()")  # type: ignore[no-any-return]


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
    context = browser.new_context(
        ignore_https_errors=True, locale=language, viewport={"width": 1366, "height": 768}
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
    size: tuple[int, int] = (640, 360),
) -> Screen:
    """A seat's browser with a camera and a microphone of its own; it ends with the stack."""
    width, height = size
    device = make_fake_device(
        folder / "devices", identity=identity, name=name, width=width, height=height, seconds=8
    )
    screen = open_screen(
        playwright, name=name, identity=identity, device=device, evidence=folder, program=program
    )
    stack.callback(screen.browser.close)
    return screen
