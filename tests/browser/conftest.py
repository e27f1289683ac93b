"""What a test with a browser waits for may take its time: only what never comes fails."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.screens import WAIT_S

expect.set_options(timeout=WAIT_S * 1000)
