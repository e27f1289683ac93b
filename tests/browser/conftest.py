"""What tests with browsers share: the driver, and its patience.

What a test waits for may take its time: only what never comes fails.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, expect, sync_playwright

from tests.browser.screens import WAIT_S

expect.set_options(timeout=WAIT_S * 1000)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running
