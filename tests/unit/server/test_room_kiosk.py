"""Whether the room's page is opened, by what the machine has, and who runs the agent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hardware_profiles.room_agent.browsers import START_PAGE
from hardware_profiles.room_agent.kiosk import KioskState
from server import room_kiosk as page
from signaling.client.address import ServerAddress

SERVER = ServerAddress.parse("https://tongke.example")


@pytest.mark.parametrize(
    ("user", "as_root", "browser", "screen", "state"),
    [
        (1000, False, "/usr/bin/chromium", ":0", KioskState.OPEN),
        (0, False, "/usr/bin/chromium", ":0", KioskState.AS_ROOT),
        (0, True, "/usr/bin/chromium", ":0", KioskState.OPEN),
        (1000, False, None, ":0", KioskState.NO_BROWSER),
        (1000, False, "/usr/bin/chromium", "", KioskState.NO_SCREEN),
    ],
)
def test_it_is_opened_or_it_is_said_why_not(
    user: int,
    as_root: bool,
    browser: str | None,
    screen: str,
    state: KioskState,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(page, "find_browser", lambda _: browser)
    monkeypatch.setenv("DISPLAY", screen)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    made = page.room_kiosk(
        SERVER, "tkr_secret", tmp_path, insecure=False, as_root=as_root, say=print
    )
    assert made.state is state
    assert (tmp_path / START_PAGE).exists() is (state is KioskState.OPEN)
    assert ("--no-sandbox" in made._command) is (user == 0 and state is KioskState.OPEN)


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(page, "find_browser", lambda _: "/usr/bin/chromium")
    monkeypatch.setenv("DISPLAY", ":0")
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "state"
    made = page.room_kiosk(SERVER, "s", folder, insecure=False, as_root=False, say=print)
    assert made.state is KioskState.NO_FOLDER
