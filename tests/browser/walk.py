"""A demonstration to walk through, and people's browsers in both languages."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.contact_sheet import LANGUAGES, Album

PATIENCE_MS = 30_000
LOADED_MS = 1_500
ANY_PORTS = ("--port", "0", "--media-port", "0")

Pages = dict[str, Page]


@contextmanager
def demonstration() -> Iterator[tuple[dict[str, Any], int]]:
    """A running one: its addresses, and its process's id."""
    with tempfile.TemporaryDirectory(prefix="tongke-screens-") as folder:
        tongke = Path(sys.executable).parent / "tongke"
        process = subprocess.Popen(
            [tongke, "demo", "--data-folder", folder, *ANY_PORTS, "--print-json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise SystemExit("The demonstration does not start; see `make run`.")
            yield json.loads(line), process.pid
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(60)
            process.stdout.close()


class Walk:
    """People's browsers, each in both languages."""

    def __init__(self, browser: Browser, county: dict[str, Any], album: Album) -> None:
        self.browser = browser
        self.county = county
        self.album = album
        self.origin: str = county["origin"]
        self.teacher = self.people("teacher")
        self.administrator = self.people("administrator")
        self.nobody = self.people(None)

    def people(self, who: str | None) -> dict[str, BrowserContext]:
        """A browser in each language, signed in."""
        made = {}
        for language in LANGUAGES:
            context = self.browser.new_context(locale=language)
            context.set_default_timeout(PATIENCE_MS)
            if who is not None:
                answer = context.request.post(
                    f"{self.origin}/api/session",
                    data={"username": self.county[who], "password": self.county["password"]},
                    headers={"origin": self.origin},
                )
                assert answer.ok, answer.text()
            made[language] = context
        return made

    def open(
        self,
        who: dict[str, BrowserContext],
        path: str,
        before: Callable[[Page], object] | None = None,
    ) -> Pages:
        pages = {}
        for language, context in who.items():
            page = context.new_page()
            if before is not None:
                before(page)
            page.goto(f"{self.origin}{path}")
            pages[language] = page
        next(iter(pages.values())).wait_for_timeout(LOADED_MS)
        return pages

    def show(
        self,
        state: str,
        who: dict[str, BrowserContext],
        path: str,
        before: Callable[[Page], object] | None = None,
        then: Callable[[Page], object] | None = None,
    ) -> None:
        """One state that stands for itself: opened, shown, closed."""
        pages = self.open(who, path, before)
        for page in pages.values():
            if then is not None:
                self.doing(state, partial(then, page))
                page.wait_for_timeout(LOADED_MS / 2)
        self.album.take(state, pages)
        for page in pages.values():
            page.close()

    def doing(self, state: str, what: Callable[[], object]) -> None:
        """A step on the way; what cannot be done is told, and the walk goes on."""
        try:
            what()
        except Exception as error:
            self.album.fault(state, error)
